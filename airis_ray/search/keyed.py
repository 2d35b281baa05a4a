"""Conditions that a key is named for: the value said behind it, and whether there is any."""

from __future__ import annotations

import re
from typing import Final

from airis_ray.search.meaning import Clause
from airis_ray.search.quantities import COUNTERS
from airis_ray.search.reading import Reading
from airis_ray.search.tokens import Piece
from airis_ray.search.units import Unit

_SURE: Final = 0.9
_IS: Final = frozenset({"=", "==", ":", "is", "equals", "equal to", "was"})
_IDENTIFIER: Final = re.compile(r"(?=.*\d)(?=.*[A-Za-z\-_])[\w.\-]+|\d{3,}|.*[a-z]-[a-z].*")
_PARTICLES: Final = frozenset({"이", "가", "은", "는", "의", "도", "a", "an", "any", "the"})


def read_keyed(reading: Reading) -> None:
    """``user id u-1042``, ``app.cart.id = 77``, ``trace id 없는``, ``without a trace id``."""
    for place, unit in enumerate(reading.units):
        if not reading.free(place) or unit.has("measure") or reading.unit(place + 1).has("group", "after"):
            continue
        name = reading.name(place, ("key",))
        if name is None or name.weight < _SURE or reading.unit(place - 1).has("group", "before"):
            continue
        if not (_numbered(reading, place, name.value) or _present(reading, place, name.value)):
            _valued(reading, place, name.value)


def _numbered(reading: Reading, place: int, key: str) -> bool:
    """``노드 4번``, ``node 4``, ``4번 노드``: the one value of a key that ends in the number."""
    attribute = reading.catalog.attributes.get(key)
    counted = reading.unit(place - 1).key in ("번", "호") and reading.unit(place - 2).piece is Piece.NUMBER
    at = place - 2 if counted else place + 1
    unit = reading.unit(at)
    if attribute is None or attribute.numeric or not reading.free(at) or unit.piece is not Piece.NUMBER:
        return False
    behind = reading.unit(at + 1)
    if behind.has("compare") or (not counted and behind.key in COUNTERS and behind.key != "번"):
        return False
    found = [value for value in attribute.values if re.fullmatch(rf"\D+{re.escape(unit.key)}", value)]
    if len(found) != 1:
        return False
    used = (at, at + 1) if behind.key in ("번", "호") else (at,)
    reading.add(Clause(key, "=", (found[0],), at=at), place, *used)
    return True


def _present(reading: Reading, place: int, key: str) -> bool:
    after = _past(reading, place + 1, 1)
    before = _past(reading, place - 1, -1)
    korean = reading.unit(after)
    if korean.piece is Piece.HANGUL and korean.has("not") and korean.key.startswith("없"):
        reading.add(Clause(key, "exists", negated=True, at=place), place, after)
        return True
    if korean.piece is Piece.HANGUL and korean.key in ("있는", "있", "붙은", "달린"):
        reading.add(Clause(key, "exists", at=place), place, after)
        return True
    if reading.unit(before).key in ("with", "having") and before < place - 1:  # with a trace id
        reading.add(Clause(key, "exists", at=place), place)
        return True
    if reading.unit(before).key in ("without", "no", "lacking", "missing") and not _value(
        reading, key, after
    ):
        reading.add(Clause(key, "exists", negated=True, at=place), place, before)
        return True
    return False


def _valued(reading: Reading, place: int, key: str) -> None:
    before = reading.unit(place - 1)
    if before.unknown and reading.free(place - 1) and _names_one(reading, before, key):
        reading.add(Clause(key, "=", (before.text,), at=place - 1), place - 1, place)  # u-1042 사용자
        return
    at = _past(reading, place + 1, 1)
    said = reading.unit(at).key in _IS and reading.unit(at).piece is not Piece.HANGUL
    if said:
        at = _past(reading, at + 1, 1)
    unit = reading.unit(at)
    if (
        not reading.free(at)
        or reading.unit(at + 1).has("compare")
        or reading.unit(at - 1).has("compare", ">")
    ):
        return
    if unit.piece is Piece.QUOTED and said:
        reading.add(Clause(key, "=", (unit.key,), at=at), at, place)
    elif unit.unknown and (said or _names_one(reading, unit, key)):
        reading.add(Clause(key, "=", (unit.text,), at=at), at, place)


def _names_one(reading: Reading, unit: Unit, key: str) -> bool:
    """Whether a word can be one of the values of a key that has too many to know them all."""
    attribute = reading.catalog.attributes.get(key)
    return bool(_IDENTIFIER.fullmatch(unit.text)) and (attribute is None or not attribute.values)


def _value(reading: Reading, key: str, place: int) -> bool:
    return any(name.kind == "value" and name.key == key for name in reading.unit(place).names)


def _past(reading: Reading, place: int, step: int) -> int:
    while reading.unit(place).key in _PARTICLES:
        place += step
    return place
