"""How an answer is ordered and how much of it is asked: 제일 느린, slowest, 최신순, top 5, which country … the most."""

from __future__ import annotations

from airis_ray.search.compared import implied
from airis_ray.search.groups import key_at
from airis_ray.search.meaning import Measure
from airis_ray.search.quantities import ORDERS, STATUS_KEY
from airis_ray.search.reading import Reading
from airis_ray.search.tokens import Piece

_SORTED = frozenset({"sorted by", "sort by", "ordered by", "order by", "sort", "ranked by"})


def read_order(reading: Reading) -> None:
    """Superlatives: 제일 느린, slowest, 최신순, top 5."""
    meaning = reading.meaning
    _by_duration(reading)
    superlative = reading.places("superlative")
    places = reading.places("order")
    if meaning.limit is None:
        _named_limit(reading)
    if not meaning.measures:
        _extremes(reading, places)
    ranked = any(reading.unit(place).value("order") in ("most", "highest") for place in places)
    if (
        superlative
        or _of_group(reading, places)
        or (meaning.limit is not None and places)
        or (ranked and reading.any("which"))
    ):
        _ranked_key(reading)
    meaning.ranking = bool(superlative or places)
    for place in (each for each in places if reading.free(each)):
        _ordered(reading, place)
    reading.use(*superlative)
    if meaning.table and not meaning.group and meaning.measures:  # a table of routes with …
        _ranked_key(reading)
    if meaning.group and superlative and not meaning.measures:
        meaning.measures.append(_much(reading))


def _ordered(reading: Reading, place: int) -> None:
    """One word of order: what the rows are ordered by, or what their groups are measured by."""
    meaning = reading.meaning
    kind = str(reading.unit(place).value("order"))
    if kind in ("slowest", "fastest"):
        if meaning.table and meaning.signal == "traces":
            meaning.measures.append(Measure("max" if kind == "slowest" else "min", "duration"))
        elif meaning.signal == "traces" and not (meaning.group or meaning.trend):
            meaning.order = ("duration", kind == "slowest")
        elif meaning.signal == "traces" and not meaning.measures:
            meaning.measures.append(Measure("p95", "duration"))
    elif kind in ("latest", "oldest"):
        meaning.order = ("Timestamp", kind == "latest")
    elif kind in ("most", "highest") and meaning.group and not meaning.measures:
        meaning.measures.append(_much(reading))
    reading.use(place)


def _by_duration(reading: Reading) -> None:
    """``sorted by duration``, ``응답시간 순``: the order of rows."""
    meaning = reading.meaning
    for place, unit in enumerate(reading.units):
        sorts = reading.unit(place - 1).key in _SORTED or reading.unit(place + 1).key in (
            "순",
            "순으로",
            "순서",
            "내림차순",
        )
        if unit.has("duration") and sorts and meaning.signal == "traces" and not meaning.group:
            meaning.order = ("duration", True)
            meaning.measures = [each for each in meaning.measures if each.field != "duration"]
            reading.use(place)


def _of_group(reading: Reading, places: list[int]) -> bool:
    """``the slowest endpoint``: whether it is a group that is ordered, and not its rows."""
    for place in places:
        at = reading.after(place, reach=2)
        name = reading.name(at, ("key",)) if reading.free(at) else None
        attribute = reading.catalog.attributes.get(name.value) if name else None
        numeric = attribute is not None and attribute.numeric
        if name and name.weight >= 0.9 and not numeric and not reading.unit(at + 1).has("signal"):
            return reading.unit(place).piece is Piece.WORD
    return False


def _much(reading: Reading) -> Measure:
    """What groups are ranked by where no number is named: how many rows, how much of a metric."""
    metric = reading.catalog.metrics.get(reading.meaning.metric or "")
    return Measure("count" if metric is None or metric.monotonic else "max")


def _extremes(reading: Reading, places: list[int]) -> None:
    """``the biggest order amount``, ``가장 높은 지연``: the largest of a number, where nothing is ranked by it."""
    aggregates = {"most": "max", "highest": "max", "lowest": "min"}
    for place in places:
        aggregate = aggregates.get(str(reading.unit(place).value("order")))
        metric = reading.catalog.metrics.get(reading.meaning.metric or "")
        asked = reading.any("which") or reading.meaning.group
        if aggregate and metric is not None and not (metric.monotonic or asked):  # highest queue depth
            reading.meaning.measures.append(Measure(aggregate))
            reading.use(place)
            return
        bought = reading.unit(place + 1).key in ORDERS and not reading.unit(place + 2).name("key")
        at = place + 1 if bought else reading.after(place, reach=2)
        if aggregate is None or reading.any("which") or reading.meaning.limit or not reading.free(at):
            continue
        name = reading.name(at, ("key",))
        attribute = reading.catalog.attributes.get(name.value) if name else None
        field = "duration" if reading.unit(at).has("duration") else None
        if bought:
            field = implied(reading, "money")
        if name and attribute and attribute.numeric and name.value != STATUS_KEY:
            field = name.value
        if field and reading.meaning.signal == "traces":
            reading.meaning.measures.append(Measure(aggregate, field))
            reading.use(place, at)
            return


def _named_limit(reading: Reading) -> None:
    """A single one: ``the slowest request``, ``제일 느린 요청 하나``."""
    for place, unit in enumerate(reading.units):
        if unit.key in ("하나", "하나만") and reading.free(place):
            reading.meaning.limit = 1
            reading.use(place)


def _ranked_key(reading: Reading) -> None:
    """``top 3 routes``, ``에러가 가장 많은 나라``: what is ranked is what is grouped by."""
    meaning = reading.meaning
    if meaning.group:
        return
    for place in range(len(reading.units)):
        if not reading.free(place) or reading.unit(place + 1).has("compare"):
            continue
        key = key_at(reading, place)
        if key == "level" and (reading.unit(place - 1).has("level") or reading.unit(place + 1).has("level")):
            continue
        measured = reading.unit(place + 1).has("group", "before")  # top users by errors
        if key is None or (key == "app.user.id" and not meaning.limit and not measured):
            continue
        attribute = reading.catalog.attributes.get(key)
        if (
            key in ("service", "level", "name")
            or attribute is None
            or not attribute.numeric
            or key == "http.response.status_code"
        ):
            meaning.group.append(key)
            reading.use(place)
            if meaning.limit is None:
                meaning.limit = 1
                meaning.table = False
            return
