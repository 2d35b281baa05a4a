"""Time expressions of both languages: which range of time, which step, how far ahead.

Rules (``NL_SEARCH`` of the acceptance data, and what people mean): ranges are ``[from, to)``; a period that is not over
ends now; 최근/last N goes back from now; days, weeks (from Monday) and months are the calendar's of the zone; the
second hour takes the first one's half of the day where it has none.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from airis_ray.search import timewords as words
from airis_ray.search.instants import Range, Said, Times
from airis_ray.search.periods import back
from airis_ray.search.relations import Relations
from airis_ray.search.units import Unit

_CLOSING: Final = frozenset(
    ["까지", "까지의", "사이", "사이에", "의", "사이의", "동안", "간", "쯤", "경", "정도"]
)
_AFTERWARDS: Final = frozenset({"ahead", "out", "뒤", "후", "뒤까지", "후까지", "앞"})


def read_times(units: Sequence[Unit], now: datetime, zone: ZoneInfo, *, compares: bool = False) -> Times:
    """What a question says of time. ``compares``: two periods joined by "and" are two, not one."""
    reader = _Reader(units, now, zone, compares)
    reader.find_zone()
    reader.run()
    return reader.finish()


class _Reader(Relations):
    def find_zone(self) -> None:
        """A zone that the question names counts for all of its times."""
        for place in range(len(self.units)):
            found = self.table(place, words.ZONES)
            if found is None:
                continue
            value, end = found
            if self.unit(place).text.islower() and len(self.unit(place).text) <= 3 and value != "UTC":
                continue  # "est" and the like, in small letters, are words
            self.times.zone = str(value)
            self.zone = ZoneInfo(str(value))
            self.now = self.now.astimezone(self.zone)
            self.use(place, end)
            self.use_around(place, end)

    def use_around(self, first: int, end: int) -> None:
        for place in (first - 2, first - 1, end, end + 1):
            if 0 <= place < len(self.units) and self.unit(place).key in (
                "(",
                ")",
                "기준",
                "기준으로",
                "시간",
                "time",
                "in",
                "로",
                "으로",
            ):
                self.used.add(place)

    def run(self) -> None:
        """Read all expressions from left to right."""
        place = 0
        while place < len(self.units):
            if place in self.used:
                place += 1
                continue
            place = self._one(place) or place + 1
        forecasts = any(unit.has("signal", "forecast") for unit in self.units)
        if not (self.said or self.times.ranges or self.split or forecasts):
            self._alone()

    def _alone(self) -> None:
        """``payment err logs 15m``: a length at either end of a question that compares nothing with it."""
        for place in range(len(self.units)):
            length = None if place in self.used else self.length(place)
            if length is None or length[0] < words.MINUTE:
                continue
            after = self.tail(length[1])
            beside = (self.unit(place - 1), self.unit(after))
            compared = any(unit.has(kind) for unit in beside for kind in ("compare", "duration", "session"))
            last = all(
                unit.particle or unit.has("filler") for unit in self.units[after:] if unit.key.isalnum()
            )
            if not compared and (place == 0 or last):
                self._add_rolling(place, length[0])
                self.use(place, after)
                return

    def _one(self, place: int) -> int | None:
        for rule in (
            self._step,
            self._ahead,
            self._split,
            self._same,
            self._before_that,
            self._rolling,
            self._span,
        ):
            end = rule(place)
            if end is not None:
                return end
        return None

    def _step(self, place: int) -> int | None:
        number = self.number(place)
        listed = self.table(number[1] if number else place, words.STEPS)
        if listed is not None:
            self.times.step = int(listed[0] * (number[0] if number else 1))
            return self.use(place, self.particles(listed[1]))
        if self.word(place) in words.STEP_BEFORE:
            length = self.length(self.skip(place + 1, "the"), bare=True)
            if length is not None and length[0] >= 1 and self.word(length[1] - 1) not in ("초", "second"):
                self.times.step = int(length[0])
                end = length[1] + (self.word(length[1]) in words.STEP_AFTER)
                return self.use(place, end)
        length = self.length(place, bare=self.word(place) in ("시간", "분", "일", "하루", "hour", "minute"))
        if length is not None:
            after = self.skip(length[1], "간", "의")
            averaged = self.word(after - 1) in words.SINGULAR and self.unit(after).has("measure")
            if averaged:  # 5 minute averages
                self.times.step = int(length[0])
                return self.use(place, after)
            if self.word(after) in words.STEP_AFTER:
                self.times.step = int(length[0])
                return self.use(place, self.particles(after + 1))
        return None

    def _ahead(self, place: int) -> int | None:
        if self.word(place) in ("내일", "tomorrow") and any(u.has("signal", "forecast") for u in self.units):
            midnight = self.now.replace(hour=0, minute=0, second=0, microsecond=0)
            self.times.ahead = int(2 * words.DAY - (self.now - midnight).total_seconds())
            return self.use(place, self.tail(self.skip(place + 1, "까지")))
        if any(u.has("signal", "forecast") for u in self.units):
            length = self.length(place)
            if length is not None and self.word(length[1]) in _AFTERWARDS:
                self.times.ahead = int(length[0])
                return self.use(place, self.tail(length[1] + 1))
        if self.word(place) not in words.AHEAD:
            return None
        length = self.length(self.skip(place + 1, "the"), bare=True)
        if length is None:
            return None
        self.times.ahead = int(length[0])
        return self.use(place, self.particles(length[1]))

    def _rolling(self, place: int) -> int | None:
        start = place
        if self.word(place) in ("in", "over", "during", "within", "for"):
            place = self.skip(place + 1, "the")
        if self.word(place) not in words.BACK or self.calendar(place) is not None:
            return self._lasting(start)
        length = self.length(self.skip(place + 1, "the", "한"), bare=True) or self.length(
            place + 1, bare=True
        )
        if length is None or (self.word(place) == "within" and length[0] < words.MINUTE):
            return None
        self._add_rolling(start, length[0])
        return self.use(start, self.tail(length[1]))

    def _lasting(self, place: int) -> int | None:
        """``3시간 동안``, ``24시간 이내``."""
        length = self.length(place)
        if length is None or length[0] < 1:
            return None
        if self.word(place - 1) in ("에서", "부터", "~", "-") and self.word(place - 2) in {
            **words.LENGTHS,
            "ms": 0,
        }:
            return None  # 200ms에서 1초 사이: how long, not when
        after = length[1]
        if length[0] < words.MINUTE and self.word(after) in words.WITHIN:
            return None  # 1초 이내: how fast, not when
        lasting = self.word(after - 1) in words.LASTING
        if (lasting or self.word(after) in words.SPAN_WORDS) and not self.unit(place).has("compare"):
            self._add_rolling(place, length[0])
            return self.use(place, self.tail(after + (not lasting)))
        return None

    def _add_rolling(self, place: int, seconds: float) -> None:
        self.times.ranges.append(Range(back(self.now, seconds), self.now, place, rolling=True))

    def _span(self, place: int) -> int | None:
        opener = self.word(place) if self.word(place) in words.FROM | words.BEFORE else ""
        english = opener.isascii() and bool(opener)
        first = place + 1 if english else place
        start = self.end_at(self.skip(first, "the", "on", "at", "around", "about"), bare=english)
        if start is None:
            return None
        end, after = start
        said = Said(place, end)
        after = self._second(said, after, opener if english else "")
        if opener == "between" and said.end is None:
            return None  # between 2 and 4 seconds
        self.said.append(said)
        return self.use(place, self.tail(after))

    def _second(self, said: Said, after: int, opener: str) -> int:
        """The other end of a range, where there is one."""
        word = self.word(after)
        if word in (
            "부터",
            "이후",
            "이후로",
            "이래",
            "직후",
            "후로",
            "에서부터",
            "후",
            "부터의",
            "부터는",
        ) or (word == "에서" and self._joins(after)):
            following = self.skip(after + 1, "로")
            other = self.end_at(following, bare=True)
            if other is not None:
                said.end = other[0]
                return self._closing(other[1])
            if word == "에서":
                return after
            said.opened = True
            return self._for_long(said, after + 1)
        joined = word in words.TO and (
            word not in ("and", "와", "과") or (opener == "between" or not self.compares)
        )
        if (
            joined
            and word not in ("까지",)
            and (word not in ("and", "와", "과") or self._clocked(said, opener))
        ):
            other = self.end_at(self.skip(after + 1, "the", "on", "at"), bare=True)
            if other is not None:
                said.end = other[0]
                return self._closing(other[1])
        if word in ("까지", "이전", "전까지", "전", "이전까지") or opener in (
            "before",
            "until",
            "till",
            "prior to",
            "by",
            "up to",
        ):
            if (
                said.start is not None
                and said.start.instant is not None
                and said.start.ago is False
                and word == "까지"
            ):
                return after + 1
            said.closed = True
            return after + 1 if word in ("까지", "이전", "전까지", "전", "이전까지") else after
        dated = said.start is not None and not (said.start.clock or said.start.instant or said.start.part)
        if opener in words.FROM and opener != "between" and not (opener == "from" and dated):
            said.opened = True  # logs from yesterday are of that day
            said.later = opener == "after"
            if word == "for":
                return self._for_long(said, after + 1)
        return after

    def _for_long(self, said: Said, after: int) -> int:
        """``3시부터 30분간``, ``from 3pm for an hour``: a beginning and how long it lasts."""
        length = self.length(after)
        if length is None or length[0] < words.MINUTE:
            return after
        lasting = self.word(length[1] - 1) in words.LASTING
        if not lasting and self.word(length[1]) not in words.SPAN_WORDS and self.word(after - 1) != "for":
            return after
        said.seconds = length[0]
        return self.tail(length[1])

    def _clocked(self, said: Said, opener: str) -> bool:
        return opener in ("between", "from") or (
            said.start is not None and said.start.clock is None and said.start.period is not None
        )

    def _joins(self, after: int) -> bool:
        """Whether 에서 goes on to another time (``2시에서 4시``) and does not say where."""
        return self.end_at(after + 1, bare=True) is not None

    def _closing(self, after: int) -> int:
        while self.word(after) in _CLOSING:
            after += 1
        return after
