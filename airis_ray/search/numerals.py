"""Numbers of a question with their units, wherever they are no times."""

from __future__ import annotations

from dataclasses import dataclass

from airis_ray.search import timewords
from airis_ray.search.quantities import COUNTERS, MONEY, PIECES, TIME_UNITS
from airis_ray.search.reading import Reading
from airis_ray.search.tokens import Piece


@dataclass(frozen=True)
class Number:
    """A number with its unit: ``value`` as a clause writes it, ``kind`` time, money, pieces or nothing."""

    value: str
    kind: str
    first: int
    last: int


def number_at(reading: Reading, place: int) -> Number | None:
    """The number that begins at a place and is no time; None where none does."""
    unit = reading.unit(place)
    half = reading.unit(place + 2) if reading.unit(place + 1).key in ("a", "an") else reading.unit(place + 1)
    if unit.key == "half" and reading.free(place) and half.key in ("second", "seconds"):
        return Number(
            "500ms", "time", place, place + (2 if reading.unit(place + 1).key in ("a", "an") else 1)
        )
    if not reading.free(place) or not (unit.piece is Piece.NUMBER or _spelled(reading, place)):
        return None
    text, last = (unit.key if unit.piece is Piece.NUMBER else str(timewords.NUMBERS[unit.key])), place
    for word, factor in (("만", 10_000), ("천", 1000), ("백", 100), ("억", 10**8), ("k", 1000)):
        following = reading.unit(last + 1)
        if following.key in (word, word + "원") and following.glued:
            text = f"{float(text) * factor:.10g}"
            last += 1
            if following.key == word + "원":
                return Number(text, "money", place, last)
    following = reading.unit(last + 1)
    if (
        following.key == "s"
        and text.isdigit()
        and 400 <= int(text) <= 599
        and not reading.unit(place - 1).has("compare")
    ):
        return Number(text, "", place, last + 1)  # 404s: responses of that status
    if following.key in TIME_UNITS and (last + 1) not in reading.times.used:
        return Number(_length(text, TIME_UNITS[following.key]), "time", place, last + 1)
    if following.key in MONEY:
        return Number(text, "money", place, last + 1)
    if following.key == "%":
        return Number(f"{float(text) / 100:.10g}", "share", place, last + 1)
    if following.key in PIECES and following.glued and following.piece is Piece.HANGUL:
        return Number(text, "pieces", place, last + 1)
    return Number(text, "", place, last)


def _spelled(reading: Reading, place: int) -> bool:
    """``five``, and 다섯 before what it counts: alone it may be the end of a word."""
    unit = reading.unit(place)
    if unit.key not in timewords.NUMBERS:
        return False
    if unit.key in ("a", "an", "one") and reading.unit(place + 1).key in TIME_UNITS:
        return reading.unit(place - 1).has("compare")  # under a minute
    if unit.piece is Piece.HANGUL:
        return unit.key not in ("몇", "한") and reading.unit(place + 1).key in COUNTERS
    return unit.piece is Piece.WORD and len(unit.key) > 2 and unit.key not in ("few", "one")


def _length(number: str, unit: str) -> str:
    """A length of time in whole units: 0.7 s is 700ms."""
    smaller = {"s": ("ms", 1000), "m": ("s", 60), "h": ("m", 60), "ms": ("us", 1000)}
    while "." in number and unit in smaller:
        unit, factor = smaller[unit]
        number = f"{float(number) * factor:.10g}"
    return number + unit
