"""Which call a question is for, and which signal it is about."""

from __future__ import annotations

from typing import Final

from airis_ray.search.numerals import number_at
from airis_ray.search.quantities import RANKS
from airis_ray.search.reading import Reading
from airis_ray.search.signals import has_metric, quantiles, quoted
from airis_ray.search.tokens import Piece

_TABLE_OF_SERVICES: Final = frozenset({"count", "error_rate", "p50", "p95", "p99", "avg"})


_NAMED: Final = ("rules", "channels", "patterns", "anomalies", "incidents")
"""Calls that one word names, the surest first."""


def intent_of(reading: Reading) -> str:
    """The call, by the words that name one; "" where the rest of the question decides (rows, a series or a table)."""
    said = reading.any
    logs = said("signal", "logs")
    if reading.meaning.trace:
        return "trace_logs" if logs else "trace"
    if said("signal", "similar") and (logs or said("signal", "patterns") or quoted(reading)):
        return "similar"
    if said("signal", "forecast") or (reading.times.ahead is not None):
        return "forecast"
    if said("signal", "anomalies") and not (logs or _log_patterns(reading)):
        return "anomalies"
    named = next((name for name in _NAMED if said("signal", name)), None)
    if named is not None:
        return named
    if _cause(reading) and not logs:
        return "cause"
    if said("signal", "compare") and (said("measure") or quantiles(reading)) and _drawn(reading):
        return ""
    if (
        said("signal", "compare")
        and said("every")
        and said("signal", "services")
        and len(reading.times.ranges) < 2
    ):
        return "services"
    if said("signal", "compare") or reading.times.halved:
        return "compare"
    return _listing(reading)


def _cause(reading: Reading) -> bool:
    """Whether a cause is asked for; 거절 이유별 groups by one."""
    return any(
        not reading.unit(place + 1).has("group", "after") for place in reading.places("signal", "cause")
    )


def _drawn(reading: Reading) -> bool:
    """Whether what is compared is to be drawn over one range of time, a series beside the other."""
    return (reading.any("trend") or reading.times.step is not None) and len(reading.times.ranges) < 2


def _log_patterns(reading: Reading) -> bool:
    return any(
        unit.has("signal", "patterns") and ("log" in unit.key or "로그" in unit.key) for unit in reading.units
    )


def _listing(reading: Reading) -> str:
    """Calls that list what there is."""
    said = reading.any
    if said("signal", "map") or _calling(reading):
        return "map"
    if said("signal", "sessions"):
        return "sessions"
    if _values(reading) and _has_key(reading):
        return "values"
    if said("signal", "fields") and not _has_number(reading):
        return "fields"
    if said("signal", "metrics") and said("prefix"):
        return "metrics"
    asks = said("which") or said("filler") or said("every")
    if (
        said("signal", "metrics")
        and not has_metric(reading)
        and asks
        and not said("measure", "avg", "max", "min", "sum")
    ):
        return "metrics"
    if _services(reading):
        return "services"
    return ""


def _values(reading: Reading) -> bool:
    """Whether it is asked which values there are; 값 alone may be a part of a condition or of an aggregate."""
    places = [
        place
        for place in reading.places("signal", "values")
        if not reading.unit(place + 1).has("group", "after")  # 결제수단 종류별
    ]
    if any(reading.unit(place).key != "값" for place in places):
        return True
    if not places or reading.any("measure") or reading.any("compare"):
        return False
    near = {reading.unit(place + step).key[:1] for place in places for step in (-1, 1, 2, 3)}
    alone = not (_has_number(reading) or _has_value(reading) or reading.any("group"))
    return alone or bool(near & {"뭐", "무", "어"})


def _calling(reading: Reading) -> bool:
    """Who calls whom: 호출하는 서비스, services that call payment."""
    calls = reading.any("signal", "calls")
    verbs = any(
        unit.has("signal", "requests")
        and unit.key in ("calls", "call")
        and reading.unit(place - 1).has("signal", "services")
        for place, unit in enumerate(reading.units)
    ) or any(
        unit.key in ("call", "calls")
        and (
            reading.unit(place - 1).key in ("that", "services", "which")
            or reading.unit(place - 1).name("service")
            or reading.unit(place - 1).has("which")
        )
        for place, unit in enumerate(reading.units)
    )
    asks = reading.any("signal", "services") or reading.any("which")
    return (
        (calls or verbs) and asks and not reading.any("measure", "count", "rate") and not reading.any("order")
    )


def _services(reading: Reading) -> bool:
    """A table of all services, or their ranking without a number."""
    places = [
        place
        for place, unit in enumerate(reading.units)
        if unit.has("signal", "services") and place not in reading.times.used
    ]
    if not places:
        return False
    if any(
        name.kind == "service" and (name.weight >= 0.9 or place + 1 in places)
        for place, unit in enumerate(reading.units)
        for name in unit.names
    ):
        return False
    ranked = (
        reading.any("superlative") or reading.any("order") or any(unit.key in RANKS for unit in reading.units)
    )
    if reading.any("signal", "spans") or (reading.any("signal", "logs") and not ranked):
        return False
    if reading.any("signal", "table") and reading.any("measure", "max", "min"):
        return False
    shares = [place for place, unit in enumerate(reading.units) if unit.key == "%"]
    if shares and reading.any("measure", "error_rate") and reading.any("compare"):
        return True
    if _has_number(reading) or has_metric(reading) or reading.times.step is not None or reading.any("trend"):
        return False
    if reading.any("signal", "health"):
        return True
    if ranked:
        return not (_has_key(reading) or _has_value(reading))
    measured = [unit.value("measure") for unit in reading.units if unit.has("measure")]
    grouped = any(
        reading.unit(place + 1).has("group", "after") or reading.unit(place - 1).has("group", "before")
        for place in places
    )
    counted = any(
        unit.has("signal", "requests")
        and reading.unit(place + 1).key in ("and", ",", "와", "과", "랑", "수와")
        for place, unit in enumerate(reading.units)
    )
    several = len({each for each in measured if each}) + sum(
        (reading.any("duration"), reading.any("level"), counted)
    )
    if grouped:
        needed = 1 if reading.any("signal", "table") else 2
        return several >= needed and all(each in _TABLE_OF_SERVICES for each in measured)
    listing = (
        reading.any("every")
        or reading.any("which")
        or reading.any("signal", "table")
        or any(unit.key in ("list", "목록", "리스트") for unit in reading.units)
    )
    return listing or (not measured and not reading.any("level") and not reading.any("status"))


def _has_key(reading: Reading) -> bool:
    return any(
        unit.name("key") for place, unit in enumerate(reading.units) if place not in reading.times.used
    )


def _has_value(reading: Reading) -> bool:
    return any(
        name.kind == "value" and name.weight >= 0.9
        for place, unit in enumerate(reading.units)
        if place not in reading.times.used
        for name in unit.names
    )


def _has_number(reading: Reading) -> bool:
    return any(
        unit.piece in (Piece.NUMBER, Piece.CLASS) or number_at(reading, place) is not None
        for place, unit in enumerate(reading.units)
        if place not in reading.times.used
    )
