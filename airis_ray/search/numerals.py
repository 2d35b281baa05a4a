"""Numbers of a question with their units, wherever they are no times."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

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
    spelled = _written(reading, place)
    if spelled is not None:
        return spelled
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


_DIGITS: Final = {char: value for value, char in enumerate("일이삼사오육칠팔구", 1)}
_TENS: Final = {"십": 10, "백": 100, "천": 1000}
_MYRIADS: Final = {"만": 10_000, "억": 10**8}


def _written(reading: Reading, place: int) -> Number | None:
    """A sum of money or a length in Korean numerals: 십만원, 이백오십 밀리초."""
    unit, last, text = reading.unit(place), place, ""
    if unit.piece is not Piece.HANGUL or not reading.free(place):
        return None
    while reading.free(last) and all(char in _DIGITS | _TENS | _MYRIADS for char in reading.unit(last).key):
        if last > place and not reading.unit(last).glued and text[-1:] not in _MYRIADS:
            break
        text += reading.unit(last).key
        last += 1
    following = reading.unit(last).key
    if len(text) < 2 and text not in _TENS:
        return None
    if following in MONEY:
        return Number(str(in_digits(text)), "money", place, last)
    if following in TIME_UNITS and last not in reading.times.used:
        return Number(f"{in_digits(text)}{TIME_UNITS[following]}", "time", place, last)
    return None


def in_digits(text: str) -> int:
    """The value of a number in Korean numerals (``이십오만`` is 250000)."""
    total = section = digit = 0
    for char in text:
        if char in _DIGITS:
            digit = _DIGITS[char]
        elif char in _TENS:
            section += (digit or 1) * _TENS[char]
            digit = 0
        else:
            total += ((section + digit) or 1) * _MYRIADS[char]
            section = digit = 0
    return total + section + digit
