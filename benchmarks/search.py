"""Questions: how long the grammar takes, how many are right by execution, and what logs by meaning cost.

    python -m benchmarks.search --data ../shared/data    the public questions, over stretches of the demo's telemetry

The applications run in this process over the engine of the unit tests, asked through ASGI: no network and no Ray. The
names of each day are read before the clock starts; what reading them takes is printed beside it.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from airis_ray.settings import RetentionSettings, Settings
from airis_ray.store.migrate import migrate
from benchmarks.report import machine
from tests.support.demo_store import ends_of, fill
from tests.support.local_store import LocalStore
from tests.support.nl_search import Question, Scorer, held_out, load, windows
from tests.unit.search.app import Applications

TENANT = "benchmark"
P95_MS, RIGHT = 50.0, 0.95
TEXTS = (
    "결제 실패",
    "payment declined",
    "디스크 꽉 참",
    "out of memory",
    "교착 상태",
    "name resolution failure",
)


def memory_mb() -> float:
    """This process's resident memory."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096 / 1e6


class Run:
    """One run: the telemetry written, the questions asked several times, each answer scored."""

    def __init__(self, questions: list[Question], runs: int) -> None:
        self.questions, self.runs = questions, runs
        self.asked: list[float] = []
        self.first: list[float] = []
        self.similar: list[float] = []
        self.right: Counter[str] = Counter()
        self.wrong: dict[str, str] = {}

    async def __call__(self, store: LocalStore) -> None:
        rows = await fill(store, TENANT, ends_of(windows(self.questions)), rate=0.1)
        print(f"telemetry: {sum(rows.values()):,} rows")
        last = max(question.now_ns for question in self.questions)
        self.applications = Applications(store, lambda: last)
        scorer = Scorer(self._send)
        for question in self.questions:
            self.first.append(await self._timed(scorer, question))
        for _ in range(self.runs):
            for question in self.questions:
                self.asked.append(await self._timed(scorer, question))
        for question in self.questions:
            reason = await scorer.wrong(question, await scorer.ask(question))
            self.right[question.language] += not reason
            if reason:
                self.wrong[question.id] = reason
                print(f"  {question.id} {question.question}: {reason[:200]}")

    async def _timed(self, scorer: Scorer, question: Question) -> float:
        start = time.perf_counter()
        await scorer.ask(question)
        return (time.perf_counter() - start) * 1e3

    async def _send(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        return await self.applications.send(method, path, body, TENANT)

    async def meanings(self, store: LocalStore) -> None:
        """Logs by meaning, with the model."""
        from airis_ray.search.embedding import E5

        day = max(question.now_ns for question in self.questions)
        applications = Applications(store, lambda: day, E5())
        for text in ("warm", *TEXTS):
            start = time.perf_counter()
            body = {"text": text, "from": "now-1d", "limit": 3}
            _, answer = await applications.send("POST", "/api/search/similar-logs", body, TENANT)
            self.similar.append((time.perf_counter() - start) * 1e3)
            best = answer["patterns"][0]["template"][:70] if answer["patterns"] else "nothing"
            print(f"  {text}: {best} ({self.similar[-1]:.0f} ms, {answer['templates']} templates)")


async def _measure(questions: list[Question], runs: int) -> Run:
    run = Run(questions, runs)
    with tempfile.TemporaryDirectory(prefix="airis-search-") as folder:
        store = LocalStore(folder)
        keep = RetentionSettings(logs=0, traces=0, metrics=0, sessions=0)
        await migrate(store, settings=Settings(retention=keep))
        await run(store)
        before = memory_mb()
        await run.meanings(store)
        print(f"memory of the model and its vectors: {memory_mb() - before:.0f} MB")
        await store.close()
    return run


def p95(values: list[float]) -> float:
    """The 95th percentile."""
    return sorted(values)[int(0.95 * (len(values) - 1))]


def main() -> int:
    """Print the figures; 1 where an aim is missed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data", type=Path, default=Path("../shared/data"), help="folder of nl_search_dev.jsonl"
    )
    parser.add_argument("--runs", type=int, default=5, help="times that each question is asked")
    args = parser.parse_args()
    path = args.data / "nl_search_dev.jsonl"
    if not path.is_file():
        print(f"there is no {path}: name the folder with --data")
        return 2
    print(machine())
    questions = load(path)
    run = asyncio.run(_measure(questions, args.runs))
    kept = {question.id for question in held_out(questions)}
    return _told(run, questions, kept)


def _told(run: Run, questions: list[Question], kept: set[str]) -> int:
    share = sum(run.right.values()) / len(questions)
    middle = statistics.median(run.asked)
    print(f"ask, without execute: p50 {middle:.1f} ms, p95 {p95(run.asked):.1f} ms (aim {P95_MS:.0f})")
    print(f"the first question of a day (its names are read): at most {max(run.first):.0f} ms")
    print(
        f"right by execution: {sum(run.right.values())} of {len(questions)} (aim {RIGHT:.0%}); {dict(run.right)}"
    )
    print(f"of the third held out at first: {len(kept - run.wrong.keys())} of {len(kept)}")
    print(
        f"logs by meaning: first {run.similar[0]:.0f} ms, then median {statistics.median(run.similar[1:]):.0f} ms"
    )
    return 0 if p95(run.asked) < P95_MS and share >= RIGHT else 1


if __name__ == "__main__":
    sys.exit(main())
