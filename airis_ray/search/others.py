"""Other readings of a question, for a reader to choose from."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from typing import Final

from airis_ray.search.catalog import Catalog
from airis_ray.search.meaning import Clause, Meaning, Measure
from airis_ray.search.planner import propose
from airis_ray.search.understanding import Understanding

_MOST: Final = 3


def others(found: Understanding, catalog: Catalog) -> list[Understanding]:
    """At most three readings that differ from the one chosen: the other signal, its count, its rows."""
    if found.meaning.blocked or found.proposal is None:
        return []
    readings: list[Understanding] = []
    for meaning in _meanings(found.meaning):
        proposal = propose(meaning, found.times, found.now, catalog)
        known = [found.proposal, *(each.proposal for each in readings)]
        if proposal is not None and all(
            other is None or (proposal.endpoint, proposal.body) != (other.endpoint, other.body)
            for other in known
        ):
            readings.append(replace(found, meaning=meaning, proposal=proposal))
    return readings[:_MOST]


def _meanings(chosen: Meaning) -> Iterator[Meaning]:
    if chosen.intent not in ("", "services"):
        return
    levels = [clause for clause in chosen.clauses if clause.field == "level"]
    failed = [clause for clause in chosen.clauses if clause.field == "status"]
    if chosen.signal == "logs" and any("error" in clause.values for clause in levels):
        other = _with(chosen, "traces", Clause("status", "=", ("error",)), drop=("level", ""))
        other.requests = True
        yield other
    if (
        chosen.signal == "traces"
        and failed
        and not any(clause.field.startswith(("app.", "http.", "db.")) for clause in chosen.clauses)
    ):
        yield _with(
            chosen, "logs", Clause("level", "=", ("error", "fatal")), drop=("status", "SpanKind", "duration")
        )
    if chosen.signal in ("logs", "traces") and not chosen.intent:
        other = deepcopy(chosen)
        other.order = None
        if other.measures or other.group:
            other.measures, other.group, other.limit, other.trend, other.table = [], [], None, False, False
        else:
            other.measures, other.limit = [Measure("count")], None
        yield other


def _with(chosen: Meaning, signal: str, clause: Clause, *, drop: tuple[str, ...]) -> Meaning:
    other = deepcopy(chosen)
    other.signal = "logs" if signal == "logs" else "traces"
    other.clauses = [*(each for each in other.clauses if each.field not in drop), clause]
    if other.order is not None and other.order[0] == "duration":
        other.order = None
    if signal == "logs":
        other.measures = [Measure("count")] if other.measures else []
    return other
