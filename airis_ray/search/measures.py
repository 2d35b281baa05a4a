"""What is counted or measured, by what it is grouped, how it is ordered and how much of it is asked."""

from __future__ import annotations

import re
from typing import Final

from airis_ray.search.meaning import Clause, Measure
from airis_ray.search.reading import Reading
from airis_ray.search.tokens import Piece

_QUANTILE: Final = re.compile(r"(?:p|tp|pct)\.?(\d{1,2})(?:th)?")
_OF_VALUES: Final = frozenset({"avg", "max", "min", "sum"})
_JOINING: Final = frozenset({"와", "과", "랑", "이랑", "하고", "및", "and", ",", "/", "&", "별"})


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
        if reading.unit(place).text.startswith(("요청", "호출", "request", "api")):
            meaning.requests = True
    _latency_alone(reading)
    _users(reading)
    _counts_of_counts(reading)


def _quantile(reading: Reading, place: int) -> str | None:
    unit = reading.unit(place)
    match = _QUANTILE.fullmatch(unit.key) if unit.piece is Piece.WORD else None
    if match and int(match[1]):
        return f"p{match[1]}"
    if unit.piece is Piece.NUMBER and unit.key.isdigit() and 0 < int(unit.key) < 100:
        following = reading.unit(place + 1).key
        if following in ("퍼센타일", "백분위", "분위", "th", "percentile", "분위수", "백분위수", "%ile"):
            reading.use(place + 1)
            if reading.unit(place + 2).key in ("percentile", "수"):
                reading.use(place + 2)
            return f"p{unit.key}"
    return None


def _sensible(reading: Reading, found: list[tuple[int, str]]) -> list[tuple[int, str]]:
    """Without counts that only carry another measure (``error rate counts``) and words that are fillers here."""
    kept = []
    for place, aggregate in found:
        unit = reading.unit(place)
        if aggregate == "count" and unit.key == "수" and reading.unit(place + 1).has("filler") and reading.unit(place + 1).key.startswith("있"):
            reading.use(place)  # 보여주실 수 있나요
            continue
        if unit.key in ("순", "합", "총", "worst") and any(other != place for other, _ in found):
            reading.use(place)
            if unit.key == "순":
                kept.append((place, "uniq"))
            continue
        kept.append((place, aggregate))
    if any(aggregate == "uniq" for _, aggregate in kept):
        kept = [(place, aggregate) for place, aggregate in kept if aggregate not in ("count", "sum")]
    return kept


def _field_of(reading: Reading, place: int, aggregate: str) -> str | None:
    """What an aggregate is of: the nearest duration or numeric attribute, for counts the users."""
    if aggregate in ("count", "rate", "error_rate") and aggregate != "count":
        return None
    for at in _around(reading, place):
        unit = reading.unit(at)
        if unit.has("duration") and aggregate not in ("count", "uniq"):
            reading.use(at)
            return "duration"
        name = reading.name(at, ("key",))
        if name is None or _grouped(reading, at):
            continue
        attribute = reading.catalog.attributes.get(name.value)
        if aggregate == "uniq" or (aggregate == "count" and name.value == "app.user.id" and abs(at - place) <= 2):
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


def _latency_alone(reading: Reading) -> None:
    """``latency`` without an aggregate: how it went, the p95 of it."""
    meaning = reading.meaning
    places = reading.places("duration")
    if not places:
        return
    compared = any(clause.field == "duration" for clause in meaning.clauses)
    if not meaning.measures and not compared and meaning.metric is None and meaning.signal == "traces" and not reading.any("order"):
        meaning.measures.append(Measure("p95", "duration"))
    reading.use(*places)


def _users(reading: Reading) -> None:
    """순 사용자, 몇 명, how many users: different ones are meant."""
    meaning = reading.meaning
    for place, unit in enumerate(reading.units):
        name = reading.name(place, ("key",)) if reading.free(place) else None
        if name is None or name.value != "app.user.id" or _grouped(reading, place):
            continue
        people = any(reading.unit(at).key in ("명", "몇", "얼마") or reading.unit(at).key.startswith("명") for at in range(place + 1, place + 5))
        distinct = unit.text.replace(" ", "").startswith(("순", "unique", "distinct")) or unit.key.endswith("수") or reading.unit(place + 1).key == "수"
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
        counted = unit.key in ("몇", "몇이야") and reading.unit(place + 1).key in ("건", "개", "번", "회", "명", "건이", "번이나")
        much = unit.key in ("얼마나",) and reading.unit(place + 1).key in ("많이", "자주", "많은", "났~", "발생", "있")
        if (counted or much) and place not in reading.times.used:
            meaning.measures.append(Measure("count"))
            reading.use(place, place + 1)
            return


def read_groups(reading: Reading) -> None:
    """``X별``, ``X마다``, ``by X``, ``per X``, ``for each X``, ``which X``."""
    for place in reading.places("group", "after"):
        at = place - 1
        while at >= 0 and reading.unit(at).particle:
            at -= 1
        _group(reading, at, place)
        before = at - 1
        while before >= 1 and reading.unit(before).key in _JOINING and reading.free(before - 1):
            joined = before - 1
            if not _group(reading, joined, before):
                break
            before = joined - 1
    for place in reading.places("group", "before"):
        at = place + 1
        while reading.unit(at).key in ("the", "each", "every", "its", "their"):
            at += 1
        if not _group(reading, at, place):
            continue
        while reading.unit(at + 1).key in _JOINING and reading.free(at + 2) and _is_key(reading, at + 2) and not reading.unit(at + 3).has("compare"):
            _group(reading, at + 2, at + 1)
            at += 2
    seen = dict.fromkeys(reading.meaning.group)
    reading.meaning.group = list(seen)


def _is_key(reading: Reading, place: int) -> bool:
    return _key(reading, place) is not None


def _key(reading: Reading, place: int) -> str | None:
    unit = reading.unit(place)
    if not reading.free(place):
        return None
    if unit.has("signal", "services"):
        return "service"
    if unit.key in ("레벨", "level", "levels", "severity", "심각도", "로그레벨", "log level", "수준") or unit.text.lower() in ("log level", "log levels"):
        return "level"
    if unit.key in ("status", "상태", "statuses") and reading.meaning.signal == "traces":
        return "status"
    if unit.key in ("kind", "span kind", "스팬종류"):
        return "kind"
    if unit.key == "이름" or unit.key == "name":
        return "name"
    name = reading.name(place, ("key",))
    return name.value if name else None


def _group(reading: Reading, place: int, marker: int) -> bool:
    key = _key(reading, place)
    if key is None and reading.unit(place).has("signal", "logs") and reading.unit(place - 1).has("level"):
        return False
    if key is None:
        return False
    if key not in reading.meaning.group:
        reading.meaning.group.append(key)
    reading.use(place, marker)
    return True


def read_order(reading: Reading) -> None:
    """Superlatives: 제일 느린, slowest, 최신순, top 5."""
    meaning = reading.meaning
    superlative = reading.places("superlative")
    places = reading.places("order")
    if meaning.limit is None:
        _named_limit(reading)
    if superlative or (meaning.limit is not None and places):
        _ranked_key(reading)
    meaning.ranking = bool(superlative or places)
    for place in places:
        kind = str(reading.unit(place).value("order"))
        if kind in ("slowest", "fastest"):
            if meaning.signal == "traces" and not meaning.group:
                meaning.order = ("duration", kind == "slowest")
            elif meaning.signal == "traces" and not meaning.measures:
                meaning.measures.append(Measure("p95", "duration"))
        elif kind in ("latest", "oldest"):
            meaning.order = ("Timestamp", kind == "latest")
        elif kind in ("most", "highest") and meaning.group and not meaning.measures:
            meaning.measures.append(Measure("count"))
        reading.use(place)
    reading.use(*superlative)
    if meaning.group and superlative and not meaning.measures:
        meaning.measures.append(Measure("count"))


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
        key = _key(reading, place)
        if key is None or key in ("app.user.id",) and not meaning.limit:
            continue
        attribute = reading.catalog.attributes.get(key)
        if key in ("service", "level", "name") or attribute is None or not attribute.numeric or key == "http.response.status_code":
            meaning.group.append(key)
            reading.use(place)
            if meaning.limit is None:
                meaning.limit = 1
                meaning.table = False
            return


def read_sessions(reading: Reading) -> None:
    """Conditions on browser sessions that name what is there: rage clicks, console errors."""
    meaning = reading.meaning
    said = {clause.field for clause in meaning.clauses}
    for place in reading.places("session"):
        name = str(reading.unit(place).value("session"))
        if name not in said and name not in ("duration", "pages", "clicks"):
            meaning.clauses.append(Clause(name, ">", ("0",), at=place))
            said.add(name)
        reading.use(place)
    for place in [*reading.places("level", "error"), *reading.places("status", "error")]:
        if "errors" not in said and "console_errors" not in said:
            meaning.clauses.append(Clause("errors", ">", ("0",), at=place))
            said.add("errors")
        reading.use(place)
