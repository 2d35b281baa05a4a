"""By what an answer is grouped: ``X별``, ``X마다``, ``by X``, ``per X``, ``for each X``."""

from __future__ import annotations

from typing import Final

from airis_ray.search.quantities import STATUS_KEY
from airis_ray.search.reading import Reading

_JOINING: Final = frozenset({"와", "과", "랑", "이랑", "하고", "및", "and", ",", "/", "&", "별"})


def read_groups(reading: Reading) -> None:
    """``X별``, ``X마다``, ``by X``, ``per X``, ``for each X``, ``which X``."""
    for place in reading.places("group", "after"):
        at = place - 1
        while at >= 0 and (reading.unit(at).particle or reading.unit(at).has("signal", "values")):
            at -= 1  # 결제수단 종류별: by the means
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
        while (
            reading.unit(at + 1).key in _JOINING
            and reading.free(at + 2)
            and _iskey_at(reading, at + 2)
            and not (reading.free(at + 3) and reading.unit(at + 3).has("compare"))
        ):
            _group(reading, at + 2, at + 1)
            at += 2
    _asked(reading)
    seen = dict.fromkeys(reading.meaning.group)
    reading.meaning.group = list(seen)


def _asked(reading: Reading) -> None:
    """``every pod``, ``which country``: each of what is asked for."""
    for place in reading.places("every") if reading.meaning.metric or reading.any("measure") else []:
        name = reading.name(place + 1, ("key",)) if reading.free(place + 1) else None
        if name is not None and name.weight >= 0.9:  # cpu of every pod
            _group(reading, place + 1, place)
    for place in reading.places("which"):
        asks = reading.unit(place).key in ("which", "어느", "어떤") and reading.free(place + 1)
        named = reading.name(place + 1, ("key",)) if asks else None
        if named is not None and not reading.any("superlative") and not reading.any("order"):
            _group(reading, place + 1, place)


def _iskey_at(reading: Reading, place: int) -> bool:
    return key_at(reading, place) is not None


def key_at(reading: Reading, place: int) -> str | None:
    unit = reading.unit(place)
    if not reading.free(place):
        return None
    if unit.has("signal", "services"):
        return "service"
    if unit.key in (
        "레벨",
        "level",
        "levels",
        "severity",
        "심각도",
        "로그레벨",
        "log level",
        "수준",
    ) or unit.text.lower() in ("log level", "log levels"):
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
    key = key_at(reading, place)
    if key is None and reading.unit(place).has("signal", "logs") and reading.unit(place - 1).has("level"):
        return False
    if key is None:
        return False
    ranks = reading.unit(marker).has("group", "before") and reading.any("superlative")
    attribute = reading.catalog.attributes.get(key)
    if ranks and attribute is not None and attribute.numeric and key != STATUS_KEY:
        return False  # top countries by order amount: what they are ranked by
    if key not in reading.meaning.group:
        reading.meaning.group.append(key)
    reading.use(place, marker)
    return True
