"""Questions of our own in many wordings: each asks for what it says, by the body of the request."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pytest

from airis_ray.search.catalog import Catalog
from airis_ray.search.checking import check
from airis_ray.search.requests import Proposal
from airis_ray.search.understanding import Understanding, read_question
from tests.support.nl_search import Question, same_request
from tests.unit.search.paraphrases import load

QUESTIONS = load()


def read(question: Question, catalog: Catalog) -> Understanding:
    return read_question(question.question, datetime.fromisoformat(question.now), question.time_zone, catalog)


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.question)
def test_a_wording_asks_for_what_it_says(question: Question, catalog: Catalog) -> None:
    found = read(question, catalog)
    expected = question.accepted[0]
    if expected["endpoint"] is None:
        assert found.proposal is None, found.proposal
        assert any(expected["unresolved"][0].lower() in word.lower() for word in found.meaning.unresolved)
        return
    assert found.proposal is not None, found.meaning.unresolved
    check(found.proposal, question.now_ns)
    assert same_request(question, as_json(found.proposal), expected) == ""


def as_json(proposal: Proposal) -> Mapping[str, Any]:
    return {"endpoint": proposal.endpoint, "body": proposal.body}


def test_there_are_several_hundred() -> None:
    assert len(QUESTIONS) > 300
