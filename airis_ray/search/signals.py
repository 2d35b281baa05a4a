"""Which signal a question is about."""

from __future__ import annotations

import re

from airis_ray.search.meaning import Signal
from airis_ray.search.quantities import MONEY, ORDERS, STATUS_CODES, STATUS_WORDS
from airis_ray.search.reading import Reading
from airis_ray.search.tokens import Piece


def quoted(reading: Reading) -> bool:
    """Whether a phrase is quoted."""
    return any(unit.piece is Piece.QUOTED for unit in reading.units)


def has_metric(reading: Reading) -> bool:
    """Whether a metric is named, surer than anything else by the same word."""
    if metric_in_parts(reading) is not None:
        return True
    for place in range(len(reading.units)):
        name = reading.name(place, ("metric",)) if place not in reading.times.used else None
        if name is None:
            continue
        other = reading.name(place, ("service", "key", "value"))
        if other is None or other.weight < name.weight:
            return True
    return False


def signal_of(reading: Reading) -> Signal:
    """What the rows are that are asked for."""
    intent = reading.meaning.intent
    if intent == "sessions":
        return "sessions"
    if intent in ("patterns", "similar", "trace_logs") or reading.any("signal", "logs"):
        return "logs"
    if reading.any("signal", "spans") and not reading.meaning.trace:
        return "traces"
    narrow = reading.any("signal", "requests", "calls") or reading.any("duration") or reading.any("measure")
    if quoted(reading) and not narrow and not reading.any("kind") and intent == "":
        return "logs"
    if _of_metric(reading) and not _money(reading):
        return "metrics"
    if _of_requests(reading):
        return "traces"
    if reading.any("level") or quoted(reading):
        return "logs"
    if reading.any("status") or reading.any("order", "slowest", "fastest") or quantiles(reading):
        return "traces"
    if any(unit.unknown and reading.catalog.says(unit.text) for unit in reading.units):
        return "logs"
    return "traces" if intent in ("forecast", "compare") or reading.any("measure") else "logs"


def _of_metric(reading: Reading) -> bool:
    said = reading.any
    spoken = said("level", "error") and not (said("measure") or said("trend") or said("group"))
    if spoken and not _sure_metric(reading) and not said("signal", "metrics"):
        return False  # an out of memory error is no memory usage
    if has_metric(reading) and (_sure_metric(reading) or not said("signal", "requests")):
        return True
    return said("signal", "metrics") and reading.meaning.intent == ""


def _of_requests(reading: Reading) -> bool:
    """Whether what is said can only be said of requests and spans."""
    said = reading.any
    if said("signal", "requests") or said("duration") or said("kind"):
        return True
    if (said("signal", "calls") and said("measure")) or _money(reading) or _largest_order(reading):
        return True
    if said("measure", "error_rate", "uniq", "rate") or _status_code(reading) or _people(reading):
        return True
    if any(unit.piece in (Piece.CLASS, Piece.PATH) for unit in reading.units):
        return True
    if said("level", "trace", "debug", "info", "warn", "fatal"):
        return False
    return (said("level", "error") and _aggregated(reading)) or _traced(reading)


def _largest_order(reading: Reading) -> bool:
    places = [
        place for place, unit in enumerate(reading.units) if unit.has("order") and not unit.has("duration")
    ]
    return any(reading.unit(place + 1).key in ORDERS for place in places)


def _people(reading: Reading) -> bool:
    """Whether persons are counted: 몇 명."""
    return any(
        unit.key == "명" and reading.unit(place - 1).key in ("몇", "얼마")
        for place, unit in enumerate(reading.units)
    )


def _money(reading: Reading) -> bool:
    """Whether a sum of money is compared: only spans carry one."""
    return any(
        unit.piece is Piece.NUMBER
        and place not in reading.times.used
        and any(reading.unit(at).key in MONEY for at in range(place + 1, place + 4))
        for place, unit in enumerate(reading.units)
    )


def quantiles(reading: Reading) -> bool:
    """Whether a quantile is named: p95."""
    return any(_quantile_like(unit.key) for unit in reading.units)


def _status_code(reading: Reading) -> bool:
    """Whether a number is a status code: ``404 응답``, ``503 errors``."""
    shares = reading.any("measure", "share")
    return any(
        unit.piece is Piece.NUMBER
        and unit.key.isdigit()
        and 100 <= int(unit.key) <= 599
        and place not in reading.times.used
        and (
            any(reading.unit(place + step).key in STATUS_WORDS for step in (-2, -1, 1, 2))
            or (shares and int(unit.key) >= 400)
            or (int(unit.key) in STATUS_CODES and reading.any("signal", "requests"))
            or reading.unit(place + 1).has("status", "error")
            or reading.unit(place + 1).key == "번대"
        )
        for place, unit in enumerate(reading.units)
    )


def _aggregated(reading: Reading) -> bool:
    return any(reading.any(kind) for kind in ("measure", "group", "superlative", "trend")) or reading.any(
        "order", "most", "highest"
    )


def _sure_metric(reading: Reading) -> bool:
    return any(name.kind == "metric" and name.weight >= 0.8 for unit in reading.units for name in unit.names)


def _quantile_like(key: str) -> bool:
    return re.fullmatch(r"p\d{1,2}(\.\d+)?", key) is not None


def _traced(reading: Reading) -> bool:
    """Whether an attribute is named that spans alone carry."""
    for place in range(len(reading.units)):
        if place in reading.times.used:
            continue
        name = reading.name(place, ("key", "value"))
        if name is None or name.weight < 0.8 or reading.unit(place).has("filler"):
            continue
        if name.key == "error.type" and _told(reading, place, name.value):
            continue  # a deadlock is told by logs, too
        attribute = reading.catalog.attributes.get(name.key or name.value)
        if (
            attribute is not None
            and attribute.signals == {"traces"}
            and not (name.kind == "value" and reading.unit(place).has("level"))
        ):
            return True
    return False


def metric_in_parts(reading: Reading) -> str | None:
    """A metric all of whose parts are said: three or more wherever they stand, two beside each other."""
    said = {unit.key: place for place, unit in enumerate(reading.units) if place not in reading.times.used}
    for metric in sorted(reading.catalog.metrics):
        parts = set(metric.replace("_", ".").split("."))
        if parts <= said.keys() and (len(parts) > 2 or _beside(reading, [said[part] for part in parts])):
            return metric
    return None


def _beside(reading: Reading, places: list[int]) -> bool:
    """Whether two words have only little ones between them: ``orders were placed``."""
    first, last = min(places), max(places)
    return len(places) == 2 and all(reading.little(at) for at in range(first + 1, last))


def _told(reading: Reading, place: int, value: str) -> bool:
    """Whether logs tell of a kind of error in the words of the question (``connection refused``)."""
    return "_" not in reading.unit(place).key and reading.catalog.says(value.replace("_", " "))
