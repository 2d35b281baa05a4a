"""Two groups of rows that a question compares."""

from __future__ import annotations

from datetime import datetime

from airis_ray.search.instants import Times
from airis_ray.search.meaning import Clause, Meaning, merged
from airis_ray.search.requests import Proposal, Window, window


def compare(meaning: Meaning, times: Times, now: datetime, asked: Window) -> Proposal | None:
    """Two ranges of the same rows, or two kinds of rows in one range."""
    signal = meaning.signal if meaning.signal in ("logs", "traces", "sessions") else "traces"
    if len(times.ranges) > 1:
        query = meaning.query()
        sides = [{"query": query, **window(times, now, number).body()} for number in (0, 1)]
        # What is compared with is the earlier one, in whichever order they were said.
        sides.sort(key=lambda side: datetime.fromisoformat(side["from"].replace("Z", "+00:00")), reverse=True)
        return _delta(signal, sides[0], sides[1])
    split = _split(meaning)
    if split is None:
        return None
    target, baseline = split
    return _delta(signal, {"query": target, **asked.body()}, {"query": baseline, **asked.body()})


def _delta(signal: str, target: dict[str, str], baseline: dict[str, str]) -> Proposal:
    return Proposal("POST", "/api/delta/compare", {"signal": signal, "target": target, "baseline": baseline})


def _split(meaning: Meaning) -> tuple[str, str] | None:
    """The two queries of a comparison: two values of a field, or a condition and its opposite."""
    for number, clause in enumerate(meaning.clauses):
        other = next(
            (
                later
                for later in meaning.clauses[number + 1 :]
                if later.field == clause.field
                and (later.values != clause.values or later.negated != clause.negated)
            ),
            None,
        )
        if other is None or clause.field == "":
            continue
        rest = [each for each in meaning.clauses if each is not clause and each is not other]
        first, second = (other, clause) if clause.field == "status" and clause.negated else (clause, other)
        return _query([*rest, first]), _query([*rest, second])
    for clause in reversed(meaning.clauses):
        if clause.field in ("status", "duration", "level") or clause.field not in ("service", "SpanKind"):
            rest = [each for each in meaning.clauses if each is not clause]
            opposite = Clause(clause.field, clause.op, clause.values, not clause.negated, clause.at)
            return _query([*rest, clause]), _query([*rest, opposite])
    return None


def _query(clauses: list[Clause]) -> str:
    return " and ".join(clause.text() for clause in merged(clauses))
