"""A question read: its language, what it means, and the request that answers it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from airis_ray.search.catalog import Catalog
from airis_ray.search.grammar import understand
from airis_ray.search.instants import Times
from airis_ray.search.korean import is_korean
from airis_ray.search.meaning import Meaning
from airis_ray.search.periods import zone_of
from airis_ray.search.planner import propose
from airis_ray.search.requests import Proposal
from airis_ray.search.spelling import correct_times
from airis_ray.search.times import read_times
from airis_ray.search.units import units


@dataclass(frozen=True)
class Understanding:
    """What was understood. ``proposal`` is None where nothing answers the question."""

    language: str
    now: datetime
    times: Times
    meaning: Meaning
    proposal: Proposal | None


def read_question(question: str, now: datetime, time_zone: str | None, catalog: Catalog) -> Understanding:
    """Read a question asked at ``now`` (with its offset) in a time zone. Raises InvalidInput for an unknown zone."""
    zone = zone_of(time_zone)
    words = units(question, catalog.names)
    guesses = correct_times(words, catalog.names)
    compares = any(unit.has("signal", "compare") for unit in words) or any(
        unit.has("signal", "patterns") for unit in words
    )
    times = read_times(words, now, zone, compares=compares)
    meaning = understand(question, words, catalog, times)
    meaning.guesses[:0] = guesses
    local = now.astimezone(zone_of(times.zone) if times.zone else zone)
    proposal = None if meaning.blocked else propose(meaning, times, local, catalog)
    if proposal is None:
        meaning.guesses.clear()  # nothing was made of them
    if proposal is None and not meaning.unresolved:
        meaning.unresolved.append(question.strip())
    return Understanding("ko" if is_korean(question) else "en", local, times, meaning, proposal)
