"""Which call a question is for, and which signal it is about."""

from __future__ import annotations

import re
from typing import Final

from airis_ray.search.meaning import Signal
from airis_ray.search.quantities import MONEY, STATUS_WORDS
from airis_ray.search.reading import Reading
from airis_ray.search.tokens import Piece

_TABLE_OF_SERVICES: Final = frozenset({"count", "error_rate", "p50", "p95", "p99", "avg"})


def intent_of(reading: Reading) -> str:
    """The call, by the words that name one; "" where the rest of the question decides (rows, a series or a table)."""
    said = reading.any
    logs = said("signal", "logs")
    if reading.meaning.trace:
        return "trace_logs" if logs else "trace"
    if said("signal", "similar") and (logs or said("signal", "patterns") or _quoted(reading)):
        return "similar"
    if said("signal", "forecast") or (reading.times.ahead is not None):
        return "forecast"
    if said("signal", "rules"):
        return "rules"
    if said("signal", "channels"):
        return "channels"
    if said("signal", "patterns"):
        return "patterns"
    if said("signal", "anomalies"):
        return "anomalies"
    if said("signal", "incidents"):
        return "incidents"
    if said("signal", "cause") and not logs:
        return "cause"
    if said("signal", "compare") or reading.times.halved:
        return "compare"
    return _listing(reading)


def _quoted(reading: Reading) -> bool:
    return any(unit.piece is Piece.QUOTED for unit in reading.units)


def _listing(reading: Reading) -> str:
    """Calls that list what there is."""
    said = reading.any
    if said("signal", "map") or _calling(reading):
        return "map"
    if said("signal", "sessions"):
        return "sessions"
    if said("signal", "values") and _has_key(reading):
        return "values"
    if said("signal", "fields") and not _has_number(reading):
        return "fields"
    if said("signal", "metrics") and said("prefix"):
        return "metrics"
    asks = said("which") or said("filler") or said("every")
    if (
        said("signal", "metrics")
        and not _has_metric(reading)
        and asks
        and not said("measure", "avg", "max", "min", "sum")
    ):
        return "metrics"
    if _services(reading):
        return "services"
    return ""


def _calling(reading: Reading) -> bool:
    """Who calls whom: 호출하는 서비스, services that call payment."""
    calls = reading.any("signal", "calls")
    verbs = any(
        unit.has("signal", "requests")
        and unit.key in ("calls", "call")
        and reading.unit(place - 1).has("signal", "services")
        for place, unit in enumerate(reading.units)
    ) or any(
        unit.key == "call"
        and (
            reading.unit(place - 1).key in ("that", "services", "which")
            or reading.unit(place - 1).name("service")
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
    if any(name.kind == "service" and name.weight >= 0.9 for unit in reading.units for name in unit.names):
        return False
    ranked = reading.any("superlative") or reading.any("order")
    if reading.any("signal", "spans") or (reading.any("signal", "logs") and not ranked):
        return False
    if reading.any("signal", "table") and reading.any("measure", "max", "min"):
        return False
    shares = [place for place, unit in enumerate(reading.units) if unit.key == "%"]
    if shares and reading.any("measure", "error_rate") and reading.any("compare"):
        return True
    if _has_number(reading) or _has_metric(reading) or reading.times.step is not None or reading.any("trend"):
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
        return several >= 2 and all(each in _TABLE_OF_SERVICES for each in measured)
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
        unit.piece in (Piece.NUMBER, Piece.CLASS)
        for place, unit in enumerate(reading.units)
        if place not in reading.times.used
    )


def _has_metric(reading: Reading) -> bool:
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
    if _quoted(reading) and not narrow and not reading.any("kind") and intent == "":
        return "logs"
    if _of_metric(reading) and not _money(reading):
        return "metrics"
    if _of_requests(reading):
        return "traces"
    if reading.any("level") or _quoted(reading):
        return "logs"
    if reading.any("status") or reading.any("order", "slowest", "fastest") or _quantiles(reading):
        return "traces"
    if any(unit.unknown and reading.catalog.says(unit.text) for unit in reading.units):
        return "logs"
    return "traces" if intent in ("forecast", "compare") or reading.any("measure") else "logs"


def _of_metric(reading: Reading) -> bool:
    said = reading.any
    spoken = said("level", "error") and not (said("measure") or said("trend") or said("group"))
    if spoken and not _sure_metric(reading) and not said("signal", "metrics"):
        return False  # an out of memory error is no memory usage
    if _has_metric(reading) and (_sure_metric(reading) or not said("signal", "requests")):
        return True
    return said("signal", "metrics") and reading.meaning.intent == ""


def _of_requests(reading: Reading) -> bool:
    """Whether what is said can only be said of requests and spans."""
    said = reading.any
    if said("signal", "requests") or said("duration") or said("kind"):
        return True
    if (said("signal", "calls") and said("measure")) or _money(reading):
        return True
    if said("measure", "error_rate", "uniq", "rate") or _status_code(reading) or _people(reading):
        return True
    if any(unit.piece in (Piece.CLASS, Piece.PATH) for unit in reading.units):
        return True
    if said("level", "trace", "debug", "info", "warn", "fatal"):
        return False
    return (said("level", "error") and _aggregated(reading)) or _traced(reading)


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


def _quantiles(reading: Reading) -> bool:
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
        attribute = reading.catalog.attributes.get(name.key or name.value)
        if (
            attribute is not None
            and attribute.signals == {"traces"}
            and not (name.kind == "value" and reading.unit(place).has("level"))
        ):
            return True
    return False
