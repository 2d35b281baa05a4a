"""Numbers, lengths of time and times of day at a place of a question."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TypeVar

from airis_ray.search import timewords as words
from airis_ray.search.periods import Clock
from airis_ray.search.quantities import COUNTERS, MONEY, PIECES
from airis_ray.search.tokens import Piece
from airis_ray.search.units import Unit

T = TypeVar("T")
_LONGEST = 10 * 366 * words.DAY
"""A longer time is a mistake, and no calendar reaches back for ever."""
_NONE = Unit(Piece.SIGN, "", "", -1, -1, False)


class Clocks:
    """Reads at places; every rule returns what it found and the place behind it, or None."""

    def __init__(self, units: Sequence[Unit], now: datetime) -> None:
        self.units = units
        self.now = now
        self.used: set[int] = set()

    def unit(self, place: int) -> Unit:
        """The unit at a place; an empty one outside of the question."""
        return self.units[place] if 0 <= place < len(self.units) else _NONE

    def word(self, place: int) -> str:
        """The key of the unit at a place."""
        return self.unit(place).key if self.unit(place).piece is not Piece.QUOTED else ""

    def table(self, place: int, table: Mapping[str, T]) -> tuple[T, int] | None:
        """The longest entry of a table that begins at a place."""
        found: tuple[T, int] | None = None
        spaced = packed = ""
        for end in range(place, min(place + 4, len(self.units))):
            key = self.word(end)
            if not key or end in self.used:
                break
            spaced = f"{spaced} {key}".strip()
            packed += key
            for form in (spaced, packed):
                if form in table:
                    found = table[form], end + 1
        return found

    def skip(self, place: int, *ignored: str) -> int:
        """Past words that say nothing here."""
        while self.word(place) in ignored and self.word(place):
            place += 1
        return place

    def number(self, place: int) -> tuple[float, int] | None:
        """A number in digits or words."""
        unit = self.unit(place)
        if unit.piece is Piece.NUMBER:
            value = float(unit.key)
            after = place + 1
            for word, factor in (("만", 10_000), ("천", 1000), ("억", 100_000_000), ("k", 1000)):
                if self.word(after) == word and self.unit(after).glued:
                    return value * factor, after + 1
            return value, after
        if unit.piece in (Piece.WORD, Piece.HANGUL) and unit.key in words.NUMBERS:
            return float(words.NUMBERS[unit.key]), self.skip(place + 1, "of")
        return None

    def length(self, place: int, *, bare: bool = False) -> tuple[float, int] | None:
        """A length of time in seconds; ``bare`` takes a unit alone for one of it (``last hour``)."""
        found = self._length(place, bare=bare)
        return None if found is None or found[0] > _LONGEST else found

    def _length(self, place: int, *, bare: bool) -> tuple[float, int] | None:
        if self.word(place) == "반시간":
            return 1800.0, place + 1
        part = words.FRACTIONS.get(self.word(self.skip(place, "a")))
        if part:
            after = self.skip(self.skip(place, "a") + 1, "of", "an", "a")
            unit = words.LENGTHS.get(self.word(after))
            return (unit / part, after + 1) if unit else None
        counted = self.table(place, words.DAYS_COUNTED)
        if counted is not None and (
            bare or self.word(counted[1]) in words.SPAN_WORDS | words.STEP_AFTER | words.AGO
        ):
            return float(counted[0] * words.DAY), counted[1]
        number = self.number(place)
        if number is None:
            unit = words.LENGTHS.get(self.word(place)) if bare else None
            return (float(unit), place + 1) if unit else None
        value, after = number
        after = self.skip(after, "full", "whole", "-")
        unit = words.LENGTHS.get(self.word(after))
        if unit is None or (self.word(after) == "m" and not self.unit(after).glued):
            return None
        total = value * unit
        after += 1
        if self.word(after) == "반" and unit >= words.HOUR:
            return total + unit / 2, after + 1
        more = self.length(self.skip(after, "and")) if unit > words.SECOND else None
        stepped = more is not None and self.word(more[1]) in words.STEP_AFTER
        if more is not None and more[0] < unit and self.unit(after).piece is Piece.NUMBER and not stepped:
            return total + more[0], more[1]
        return total, after

    def clock(self, place: int, *, bare: bool = False) -> tuple[Clock, int] | None:
        """A time of day."""
        moment = self.table(place, words.MOMENTS)
        if moment is not None:
            return Clock(moment[0] if moment[0] else 0, fixed=True), moment[1]
        part = self.table(place, words.PARTS) if self.unit(place).piece is Piece.HANGUL else None
        half, at = (_half(self.word(place)), part[1]) if part else ("", place)
        if self.unit(at).piece is Piece.CLOCK:
            hour, minute, *rest = map(int, self.word(at).split(":"))
            named = half or self._half_after(at + 1)[0]
            after = self._half_after(at + 1)[1]
            fixed = not named
            return (
                (Clock(hour, minute, rest[0] if rest else 0, named, fixed), after)
                if hour <= 24 and minute < 60
                else None
            )
        number = self.number(at)
        if number is None or number[0] != int(number[0]) or not 0 <= number[0] <= 24:
            return None
        hour, after = int(number[0]), number[1]
        if self.word(after) in ("시", "시반", "시대", "시경", "시쯤", "o'clock"):
            minute, end = (30, after + 1) if self.word(after) == "시반" else self._minute(after + 1)
            said = half or self._half_after(end)[0]
            return Clock(hour, minute, 0, said, fixed=hour > 12 and not half), self._half_after(end)[
                1
            ] if said and not half else end
        named, end = self._half_after(after)
        if named:
            return Clock(hour, half=named), end
        if bare and (self.word(after) not in words.LENGTHS or self.word(after) == "") and not (hour > 24):
            if self.word(after) in words.SHORT | COUNTERS | PIECES | MONEY | {"%", "of"}:
                return None
            return Clock(hour, half=half), after
        return None

    def first_hour(self, place: int) -> tuple[Clock, int] | None:
        """The first hour of two, of which the second one alone says that it is one: ``2-4pm``, ``14~16시``."""
        part = self.table(place, words.PARTS) if self.unit(place).piece is Piece.HANGUL else None
        half, at = (_half(self.word(place)), part[1]) if part else ("", place)
        unit = self.unit(at)
        if unit.piece is not Piece.NUMBER or not unit.key.isdigit() or int(unit.key) > 24:
            return None
        joined = self.word(at + 1) in ("-", "~", "–", "—", "to", "〜", "～")
        found = joined and self.clock(at + 2) is not None
        return (Clock(int(unit.key), half=half), at + 1) if found else None

    def _minute(self, place: int) -> tuple[int, int]:
        if self.word(place) == "반":
            return 30, place + 1
        number = self.number(place)
        stepped = number is not None and self.word(number[1] + 1) in words.STEP_AFTER
        if number is not None and self.word(number[1]) == "분" and number[0] < 60 and not stepped:
            return int(number[0]), number[1] + 1
        return 0, place

    def _half_after(self, place: int) -> tuple[str, int]:
        word = self.word(place)
        if word in ("am", "a.m", "pm", "p.m"):
            after = place + 1
            if self.word(after) == "." and self.unit(after).glued:
                after += 1
            return word[0] + "m", after
        after = self.skip(place + 1, "the") if word in ("in", "this", "at") else -1
        if self.word(after) in words.HALVES:
            return words.HALVES[self.word(after)], after + 1
        if (
            word in words.DAYS and self.word(place + 1) in words.HALVES
        ):  # 9 yesterday evening: the day is read later
            return words.HALVES[self.word(place + 1)], place
        return "", place


def _half(word: str) -> str:
    if word in ("오후", "저녁", "낮", "점심"):
        return "pm"
    if word in ("오전", "새벽", "아침"):
        return "am"
    return "night" if word in ("밤", "한밤중") else ""
