"""Questions of our own in many wordings: each asks for what it says, by the body of the request."""

from __future__ import annotations

import re
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
    reasons = [wrong(question, found, accepted) for accepted in question.accepted]
    assert "" in reasons, reasons[0]


def wrong(question: Question, found: Understanding, accepted: Mapping[str, Any]) -> str:
    """Why an answer is not an accepted one; "" where it is."""
    if accepted["endpoint"] is None:
        told = any(accepted["unresolved"][0].lower() in word.lower() for word in found.meaning.unresolved)
        return "" if found.proposal is None and told else f"{found.proposal} {found.meaning.unresolved}"
    if found.proposal is None:
        return f"no request; unresolved {found.meaning.unresolved}"
    check(found.proposal, question.now_ns)
    request = as_json(found.proposal)
    if accepted["endpoint"].endswith("/sql") and request["endpoint"] == accepted["endpoint"]:
        return _sql_lacks(question, request["body"], accepted["body"])
    return same_request(question, request, accepted)


def _sql_lacks(question: Question, asked: Mapping[str, Any], body: Mapping[str, Any]) -> str:
    """Parts of a statement that are missing, with its parameters put in."""
    sql = asked["sql"]
    for name, value in asked["parameters"].items():
        sql = re.sub(rf"\{{{name}:\w+\}}", str(value), sql)
    times = [{name: each[name] for name in ("from", "to")} for each in (asked["parameters"], body)]
    lacking = [part for part in body["sql"] if part not in sql]
    ranges = same_request(question, *({"endpoint": "/", "body": each} for each in times))
    return ranges or (f"{lacking} not in {sql}" if lacking else "")


def as_json(proposal: Proposal) -> Mapping[str, Any]:
    return {"endpoint": proposal.endpoint, "body": proposal.body}


def test_there_are_several_hundred() -> None:
    assert len(QUESTIONS) > 300
