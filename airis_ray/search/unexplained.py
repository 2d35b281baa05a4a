"""What no rule explained: it is told, and a name that is nobody's leaves no answer."""

from __future__ import annotations

import re
from typing import Final

from airis_ray.search.quantities import ORDERS
from airis_ray.search.reading import Reading
from airis_ray.search.timewords import NUMBERS
from airis_ray.search.tokens import Piece
from airis_ray.search.units import Unit

_TOLD: Final = (Piece.QUOTED, Piece.NUMBER, Piece.CLASS, Piece.PATH, Piece.VERSION, Piece.CLOCK, Piece.MOMENT)
"""Pieces that always say something."""
_SURE: Final = 0.9


def _matters(reading: Reading, place: int) -> bool:
    """Whether a known word changes what is asked: a name of the tenant's, a denial, a comparison."""
    unit = reading.unit(place)
    if unit.has("filler") or unit.has("contains"):
        return False
    named = any(name.kind in ("service", "value") and name.weight >= _SURE for name in unit.names)
    happened = unit.piece is Piece.HANGUL and unit.has("action") and not unit.tail  # 재시작 로그
    return happened or named or unit.has("not") or (unit.has("compare") and not unit.has("order"))


def read_unexplained(reading: Reading) -> None:
    """Words that no rule explained. A name that is nobody's leaves no answer; a little word is only told."""
    meaning = reading.meaning
    for place, unit in enumerate(reading.units):
        if _nobodys_service(reading, place):
            meaning.unresolved.append(unit.text)
            meaning.blocked = True
            reading.use(place)
        if not reading.free(place):
            continue
        if unit.piece in _TOLD or _matters(reading, place):
            meaning.unresolved.append(unit.text)
            continue
        if unit.unknown and len(unit.key) > 1:
            meaning.unresolved.append(_whole(reading, place))
            meaning.blocked = meaning.blocked or _blocks(reading, place)


def _whole(reading: Reading, place: int) -> str:
    """An unknown word with what was taken for its particles: 비트코인 may end in none."""
    last = place
    while reading.unit(last + 1).particle and reading.unit(last + 1).glued:
        last += 1
    return reading.words(place, last)


def _nobodys_service(reading: Reading, place: int) -> bool:
    """``유저 서비스``: an attribute's word where a service is named."""
    unit, following = reading.unit(place), reading.unit(place + 1)
    if (
        place in reading.times.used  # 어제 서비스 현황
        or not following.has("signal", "services")
        or reading.unit(place + 2).has("group")
        or following.text.endswith(("들", "s"))
    ):
        return False
    if (
        unit.key in NUMBERS
        or unit.piece not in (Piece.WORD, Piece.HANGUL)
        or unit.particle
        or (unit.senses and unit.key not in ORDERS)
    ):
        return False
    return not any(name.kind in ("service", "value") for name in unit.names)


def _blocks(reading: Reading, place: int) -> bool:
    unit = reading.unit(place)
    following = place + 1
    while reading.unit(following).particle:
        following += 1
    marked = reading.unit(following).has("signal", "services") or reading.unit(place - 1).has(
        "signal", "services"
    )
    led = reading.unit(place - 1).has("near") and reading.unit(place - 1).piece is Piece.WORD
    beside = led or reading.unit(place + 1).key in ("쪽", "에서", "의")
    apposed = reading.unit(reading.before(place)).name("value") is not None  # new-checkout 실험군
    if (marked or beside) and not (apposed and reading.before(place) in reading.used):
        return True
    if unit.piece is Piece.WORD and not unit.key.isalpha():
        return True  # billing-api, user_db: a name
    if _noun(unit) and not _asks_rows(reading):
        return True
    said = reading.meaning
    asked = said.services or said.intent or said.clauses or (said.measures and not _noun(unit))
    return not asked


_VERBAL: Final = re.compile(
    r".*(?:린|진|된|한|킨|친|낸|든|른|던|온|본|준|둔|쓴|다|는|은|을|지|나|요|어|아|던|면|서|고|니|까|ing|ed)$"
)


def _noun(unit: Unit) -> bool:
    """Whether an unknown word may be the name of what is asked for, by how it ends."""
    return _VERBAL.fullmatch(unit.text.strip().lower()) is None


def _asks_rows(reading: Reading) -> bool:
    """Whether the question says what it asks for: rows of a signal, a number of them, or a call by its name."""
    meaning = reading.meaning
    if meaning.intent or meaning.measures or meaning.metric or meaning.group or meaning.order:
        return True
    said = [value for clause in meaning.clauses if clause.field == "" for value in clause.values]
    if any(reading.catalog.says(text) for text in said):
        return True
    if any(clause.field in ("level", "status", "duration", "error.type") for clause in meaning.clauses):
        return True
    return _rows(reading) or any(reading.any(kind) for kind in ("level", "status", "trend"))


def _rows(reading: Reading) -> bool:
    """Whether a word of telemetry is said, besides that for services."""
    return any(
        sense.kind == "signal" and sense.value != "services"
        for unit in reading.units
        for sense in unit.senses
    )
