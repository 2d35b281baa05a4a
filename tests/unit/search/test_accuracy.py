"""The public questions, scored by execution over the shop's telemetry."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

from tests.support.demo_store import ends_of, fill
from tests.support.local_store import LocalStore
from tests.support.nl_search import Scorer, held_out, load, windows
from tests.unit.search.app import Applications

AT_LEAST = 0.95


@pytest.fixture
def questions_file() -> Path:
    folder = os.environ.get("AIRIS_TEST_DATA")
    path = Path(folder or ".") / "nl_search_dev.jsonl"
    if folder is None or not path.is_file():
        pytest.skip("AIRIS_TEST_DATA names no folder with nl_search_dev.jsonl")
    return path


async def test_questions_find_what_they_ask_for(
    migrated_store: LocalStore, tenant: str, questions_file: Path
) -> None:
    questions = load(questions_file)
    await fill(migrated_store, tenant, ends_of(windows(questions)), rate=0.1)
    applications = Applications(migrated_store, lambda: max(each.now_ns for each in questions))

    async def send(method: str, path: str, body: object) -> tuple[int, object]:
        return await applications.send(method, path, body, tenant)

    scorer = Scorer(send)
    wrong: dict[str, str] = {}
    right: Counter[str] = Counter()
    for question in questions:
        answer = await scorer.ask(question)
        reason = await scorer.wrong(question, answer)
        right[question.language] += not reason
        if reason:
            wrong[f"{question.id} {question.question}"] = reason
    kept = {f"{question.id} {question.question}" for question in held_out(questions)}
    print(f"{sum(right.values())} of {len(questions)}, held out {len(kept - wrong.keys())} of {len(kept)}")  # noqa: T201 - the figure is what one runs it for
    for language in ("ko", "en", "mixed"):
        of = sum(question.language == language for question in questions)
        assert right[language] >= AT_LEAST * of, wrong
