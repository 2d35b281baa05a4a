"""What is counted or measured, by what it is grouped, how it is ordered and how much of it is asked."""

from __future__ import annotations

import re
from typing import Final

from airis_ray.search.meaning import Clause, Measure
from airis_ray.search.quantities import STATUS_KEY
from airis_ray.search.reading import Reading
from airis_ray.search.tokens import Piece

_QUANTILE: Final = re.compile(r"(?:p|tp|pct)\.?(\d{1,2}(?:\.\d{1,3})?)(?:th)?")
_OF_VALUES: Final = frozenset({"avg", "max", "min", "sum"})
_TIMES: Final = ("몇번", "몇 번", "몇건", "몇 건", "몇회", "몇 회", "건수", "횟수")
"""Counts of what happened, and not of whom it happened to."""
_LISTING: Final = frozenset({"and", ",", "&", "와", "과", "랑", "이랑", "하고", "및"})
_SUMMED: Final = frozenset({"매출", "매출액", "매상", "돈", "money", "revenue", "sales"})


def read_measures(reading: Reading) -> None:
    """The aggregates that are asked: p99, 평균 응답시간, 몇 건, error rate, 순 사용자 수."""
    meaning = reading.meaning
    found: list[tuple[int, str]] = []
    for place, unit in enumerate(reading.units):
        if not reading.free(place):
            continue
        quantile = _quantile(reading, place)
        if quantile is not None:
            found.append((place, quantile))
        elif unit.has("measure"):
            found.append((place, str(unit.value("measure"))))
        elif _counted_beside(reading, place):
            found.append((place, "count"))
    found = _sensible(reading, found)
    for place, aggregate in found:
        field = _field_of(reading, place, aggregate)
        if aggregate == "count" and field == "app.user.id":
            aggregate = "uniq"
        if aggregate == "uniq" and field is None:
            continue
        if aggregate == "sum" and field is None:
            aggregate = "count"
        measure = Measure(aggregate, field)
        if measure not in meaning.measures:
            meaning.measures.append(measure)
        reading.use(place)
    _latency_alone(reading)
    _totals(reading)
    _users(reading)
    _counts_of_counts(reading)


def _quantile(reading: Reading, place: int) -> str | None:
    unit = reading.unit(place)
    match = _QUANTILE.fullmatch(unit.key) if unit.piece is Piece.WORD else None
    if match and float(match[1]):
        return f"p{match[1]}"
    if unit.piece is Piece.NUMBER and unit.key.isdigit() and 0 < int(unit.key) < 100:
        following = reading.unit(place + 1).key
        if following in ("퍼센타일", "백분위", "분위", "th", "percentile", "분위수", "백분위수", "%ile"):
            reading.use(place + 1)
            if reading.unit(place + 2).key in ("percentile", "수"):
                reading.use(place + 2)
            return f"p{unit.key}"
    return None


def _counted_beside(reading: Reading, place: int) -> bool:
    """``requests and average latency``: rows that stand in a list with a measure are counted."""
    if not reading.unit(place).has("signal") or reading.unit(place - 1).key in ("of", "for", "in"):
        return False
    if not any(reading.unit(place).has("signal", rows) for rows in ("requests", "spans", "logs")):
        return False
    before, after = reading.unit(place - 1).key in _LISTING, reading.unit(place + 1).key in _LISTING
    return (after and _measured(reading, place + 2)) or (before and _measured(reading, place - 2))


def _measured(reading: Reading, place: int) -> bool:
    unit = reading.unit(place)
    return unit.has("measure") or unit.has("duration") or _QUANTILE.fullmatch(unit.key) is not None


def _sensible(reading: Reading, found: list[tuple[int, str]]) -> list[tuple[int, str]]:
    """Without counts that only carry another measure (``error rate counts``) and words that are fillers here."""
    kept = []
    for place, aggregate in found:
        unit = reading.unit(place)
        if (
            aggregate == "count"
            and unit.key == "수"
            and reading.unit(place + 1).has("filler")
            and reading.unit(place + 1).key.startswith("있")
        ):
            reading.use(place)  # 보여주실 수 있나요
            continue
        if unit.key in ("순", "합", "총", "total", "worst") and any(other != place for other, _ in found):
            reading.use(place)
            if unit.key == "순":
                kept.append((place, "uniq"))
            continue
        kept.append((place, aggregate))
    if any(aggregate in _OF_VALUES for _, aggregate in kept):
        counts = [
            (place, each)
            for place, each in kept
            if each == "count" and (_numeric(reading, place - 1) or _numeric(reading, reading.after(place)))
        ]
        reading.use(*(place for place, _ in counts))
        kept = [each for each in kept if each not in counts]
        if reading.meaning.signal == "metrics":  # 커넥션 수 평균: the number is the metric
            reading.use(*(place for place, each in kept if each == "count"))
            kept = [each for each in kept if each[1] != "count"]
    kept = _shares(reading, kept)
    if any(aggregate == "rate" for _, aggregate in kept):
        reading.use(*(place for place, aggregate in kept if aggregate == "count"))
        kept = [(place, aggregate) for place, aggregate in kept if aggregate != "count"]
    if any(aggregate == "uniq" for _, aggregate in kept):
        kept = [(place, aggregate) for place, aggregate in kept if aggregate not in ("count", "sum")]
    return kept


def _numeric(reading: Reading, place: int) -> bool:
    name = reading.name(place, ("key",))
    attribute = reading.catalog.attributes.get(name.value) if name else None
    return attribute is not None and attribute.numeric


def _shares(reading: Reading, found: list[tuple[int, str]]) -> list[tuple[int, str]]:
    """The share of what failed is the error rate; that of other rows is counted. The condition is in the measure."""
    meaning = reading.meaning
    places = [place for place, aggregate in found if aggregate == "share"]
    if not places:
        return found
    reading.use(*places)
    if any(aggregate == "error_rate" for _, aggregate in found):  # 실패율이 몇 퍼센트야
        return [each for each in found if each[1] != "share"]
    rest = [each for each in found if each[1] not in ("share", "count")]
    conditions = [
        clause
        for clause in meaning.clauses
        if clause.field not in ("service", "SpanKind", "") and not clause.negated
    ]
    if not conditions:
        return [each for each in found if each[1] != "share"]
    failed = [clause for clause in conditions if clause.field == "status"]
    clause = failed[0] if failed else min(conditions, key=lambda each: _share_rank(each, places[0]))
    meaning.clauses.remove(clause)
    if failed:
        return [*rest, (places[0], "error_rate")]
    meaning.share = clause
    return [*rest, (places[0], "share")]


def _share_rank(clause: Clause, place: int) -> tuple[bool, int]:
    """Of several conditions, how probably one is what a share is of: levels and codes, then the nearest."""
    return clause.field not in ("level", STATUS_KEY), abs(clause.at - place)


def _field_of(reading: Reading, place: int, aggregate: str) -> str | None:
    """What an aggregate is of: the nearest duration or numeric attribute, for counts the users."""
    if aggregate in ("rate", "error_rate", "share"):
        return None
    for at in _around(reading, place):
        unit = reading.unit(at)
        if unit.has("duration") and aggregate not in ("count", "uniq"):
            reading.use(at)
            return "duration"
        name = reading.name(at, ("key",))
        if name is None or _grouped(reading, at) or _ranked(reading, at):
            continue
        attribute = reading.catalog.attributes.get(name.value)
        if aggregate == "uniq" or (
            aggregate == "count"
            and name.value == "app.user.id"
            and abs(at - place) <= 2
            and not reading.unit(place).key.startswith(_TIMES)
        ):
            reading.use(at)
            return name.value
        if aggregate not in ("count", "uniq") and attribute is not None and attribute.numeric:
            reading.use(at)
            return name.value
    if reading.meaning.metric is not None or aggregate in ("count", "uniq", "sum"):
        return None
    return "duration"


def _around(reading: Reading, place: int) -> list[int]:
    near = [place + 1, place - 1, place + 2, place - 2, place + 3, place - 3]
    return [at for at in near if reading.free(at)]


def _grouped(reading: Reading, place: int) -> bool:
    return reading.unit(place + 1).has("group", "after") or reading.unit(place - 1).has("group", "before")


def _ranked(reading: Reading, place: int) -> bool:
    """``top users by errors``: what is ranked is not what is counted."""
    before, after = reading.unit(place - 1), reading.unit(place + 1)
    return (before.has("superlative") or before.piece is Piece.NUMBER) and after.has("group", "before")


def _latency_alone(reading: Reading) -> None:
    """``latency`` without an aggregate: how it went, the p95 of it."""
    meaning = reading.meaning
    places = reading.places("duration")
    if not places:
        return
    compared = any(clause.field == "duration" for clause in meaning.clauses)
    listed = any(reading.unit(place + step).key in _LISTING for place in places for step in (-1, 1))
    counted = all(each.aggregate in ("count", "error_rate") for each in meaning.measures)
    if (
        (not meaning.measures or (listed and counted))
        and not compared
        and meaning.metric is None
        and meaning.signal == "traces"
        and not reading.any("order", "slowest", "fastest", "latest", "oldest")
        and not any(reading.after(at) in places for at in reading.places("order"))  # the highest latency
    ):
        meaning.measures.append(Measure("p95", "duration"))
    reading.use(*places)


def _totals(reading: Reading) -> None:
    """주문 총액, total amount: the sum, where no other aggregate is asked."""
    meaning = reading.meaning
    for place, unit in enumerate(reading.units):
        said = "총" in unit.text or "total" in unit.key or unit.key in _SUMMED or _ranks(reading, place)
        name = reading.name(place, ("key",))
        if said and name and not meaning.measures and reading.free(place) and _numeric(reading, place):
            meaning.measures.append(Measure("sum", name.value))
            reading.use(place)


def _ranks(reading: Reading, place: int) -> bool:
    """``top 3 countries by order amount``: what others are ranked by."""
    return reading.unit(place - 1).has("group", "before") and reading.any("superlative")


def _users(reading: Reading) -> None:
    """순 사용자, 몇 명, how many users: different ones are meant."""
    meaning = reading.meaning
    for place, unit in enumerate(reading.units):
        name = reading.name(place, ("key",)) if reading.free(place) else None
        if name is None or name.value != "app.user.id" or _grouped(reading, place) or _ranked(reading, place):
            continue
        people = any(
            reading.unit(at).key in ("명", "몇", "얼마") or reading.unit(at).key.startswith("명")
            for at in range(place + 1, place + 5)
        )
        distinct = (
            unit.text.replace(" ", "").startswith(("순", "unique", "distinct", "active"))
            or unit.key.endswith("수")
            or reading.unit(place + 1).key == "수"
        )
        if (people or distinct) and not any(measure.field == "app.user.id" for measure in meaning.measures):
            meaning.measures = [measure for measure in meaning.measures if measure.aggregate != "count"]
            meaning.measures.append(Measure("uniq", "app.user.id"))
        reading.use(place)


def _counts_of_counts(reading: Reading) -> None:
    """몇 명, 몇 건 without a noun for the number."""
    meaning = reading.meaning
    if meaning.measures or meaning.signal not in ("logs", "traces"):
        return
    for place, unit in enumerate(reading.units):
        counted = unit.key in ("몇", "몇이야") and reading.unit(place + 1).key in (
            "건",
            "개",
            "번",
            "회",
            "명",
            "건이",
            "번이나",
        )
        much = unit.key in ("얼마나",) and reading.unit(place + 1).key in (
            "많이",
            "자주",
            "많은",
            "났~",
            "발생",
            "있",
        )
        if (counted or much) and place not in reading.times.used:
            people = reading.unit(place + 1).key == "명" and "app.user.id" in reading.catalog.attributes
            meaning.measures.append(Measure("uniq", "app.user.id") if people else Measure("count"))
            reading.use(place, place + 1)
            return
