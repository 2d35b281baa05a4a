"""Time expressions of both languages: which range of time, which step, how far ahead.

Rules (``NL_SEARCH`` of the acceptance data, and what people mean): ranges are ``[from, to)``; a period that is not over
ends now; 최근/last N goes back from now; days, weeks (from Monday) and months are the calendar's of the zone; the second
hour takes the first one's half of the day where it has none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from airis_ray.search import timewords as words
from airis_ray.search.daywords import Days
from airis_ray.search.periods import Clock, End, at, back, day_of
from airis_ray.search.units import Unit


@dataclass(frozen=True)
class Range:
    """A range of time and the places (of units) of the words that said it."""

    start: datetime
    end: datetime
    first: int
    rolling: bool = False


@dataclass
class Times:
    """All that a question says of time. ``step`` and ``ahead`` are in seconds; ``used`` are places of units."""

    ranges: list[Range] = field(default_factory=list)
    step: int | None = None
    ahead: int | None = None
    zone: str | None = None
    used: set[int] = field(default_factory=set)


@dataclass
class _Said:
    """A range as it was said, before its day is known."""

    first: int
    start: End | None = None
    end: End | None = None
    opened: bool = False
    closed: bool = False


def read_times(units: Sequence[Unit], now: datetime, zone: ZoneInfo, *, compares: bool = False) -> Times:
    """What a question says of time. ``compares``: two periods joined by "and" are two, not one."""
    reader = _Reader(units, now, zone, compares)
    reader.find_zone()
    reader.run()
    return reader.finish()


class _Reader(Days):
    def __init__(self, units: Sequence[Unit], now: datetime, zone: ZoneInfo, compares: bool) -> None:
        super().__init__(units, now.astimezone(zone))
        self.zone = zone
        self.compares = compares
        self.times = Times()
        self.said: list[_Said] = []

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
            if 0 <= place < len(self.units) and self.unit(place).key in ("(", ")", "기준", "기준으로", "시간", "time", "in", "로", "으로"):
                self.used.add(place)

    def run(self) -> None:
        """Read all expressions from left to right."""
        place = 0
        while place < len(self.units):
            if place in self.used:
                place += 1
                continue
            place = self._one(place) or place + 1

    def _one(self, place: int) -> int | None:
        for rule in (self._step, self._ahead, self._rolling, self._span):
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
            if self.word(after) in words.STEP_AFTER:
                self.times.step = int(length[0])
                return self.use(place, self.particles(after + 1))
        return None

    def _ahead(self, place: int) -> int | None:
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
        length = self.length(self.skip(place + 1, "the", "한"), bare=True) or self.length(place + 1, bare=True)
        if length is None:
            return None
        self._add_rolling(start, length[0])
        return self.use(start, self.tail(length[1]))

    def _lasting(self, place: int) -> int | None:
        """``3시간 동안``, ``24시간 이내``."""
        length = self.length(place)
        if length is None or length[0] < 1:
            return None
        after = length[1]
        if self.word(after) in words.SPAN_WORDS and not self.unit(place).has("compare"):
            self._add_rolling(place, length[0])
            return self.use(place, self.tail(after + 1))
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
        said = _Said(place, end)
        after = self._second(said, after, opener if english else "")
        self.said.append(said)
        return self.use(place, self.tail(after))

    def _second(self, said: _Said, after: int, opener: str) -> int:
        """The other end of a range, where there is one."""
        word = self.word(after)
        if word in ("부터", "이후", "이후로", "이래", "후로", "에서부터", "후", "부터의", "부터는") or (word == "에서" and self._joins(after)):
            following = self.skip(after + 1, "로")
            other = self.end_at(following, bare=True)
            if other is not None and self._closes(other[1], word):
                said.end = other[0]
                return self._closing(other[1])
            if word == "에서":
                return after
            said.opened = True
            return after + 1
        joined = word in words.TO and (word not in ("and", "와", "과") or (opener == "between" or not self.compares))
        if joined and word not in ("까지",) and (word not in ("and", "와", "과") or self._clocked(said, opener)):
            other = self.end_at(self.skip(after + 1, "the", "on", "at"), bare=True)
            if other is not None:
                said.end = other[0]
                return self._closing(other[1])
        if word in ("까지", "이전", "전까지", "전", "이전까지") or opener in ("before", "until", "till", "prior to", "by", "up to"):
            if said.start is not None and said.start.instant is not None and said.start.ago is False and word == "까지":
                return after + 1
            said.closed = True
            return after + 1 if word in ("까지", "이전", "전까지", "전", "이전까지") else after
        if opener in words.FROM and opener != "between":
            said.opened = True
        return after

    def _clocked(self, said: _Said, opener: str) -> bool:
        return opener in ("between", "from") or (said.start is not None and said.start.clock is None and said.start.period is not None)

    def _joins(self, after: int) -> bool:
        """Whether 에서 goes on to another time (``2시에서 4시``) and does not say where."""
        return self.end_at(after + 1, bare=True) is not None

    def _closes(self, after: int, word: str) -> bool:
        return word != "에서" or self.word(after) in ("까지", "사이", "사이에") or True

    def _closing(self, after: int) -> int:
        while self.word(after) in ("까지", "까지의", "사이", "사이에", "의", "사이의", "동안", "간", "쯤", "경", "정도"):
            after += 1
        return after

    def tail(self, after: int) -> int:
        """Past the particles and little words that belong to a time."""
        while after < len(self.units):
            unit = self.unit(after)
            word = unit.key
            if word in words.SPAN_WORDS or word in words.WHOLE and unit.piece == "hangul" or word in words.ABOUT and unit.piece == "hangul":
                after += 1
            elif (unit.particle and unit.glued and word not in ("보다", "와", "과", "랑", "이랑")) or word in ("기준", "기준으로", "이후로"):
                after += 1
            else:
                return after
        return after

    def particles(self, after: int) -> int:
        while after < len(self.units) and self.unit(after).particle and self.unit(after).glued:
            after += 1
        return after

    def use(self, first: int, end: int) -> int:
        self.used.update(range(first, end))
        return end

    def finish(self) -> Times:
        """The instants of all that was said."""
        self._join_days()
        for said in self.said:
            start, end = self._instants(said)
            if start < end:
                self.times.ranges.append(Range(start, end, said.first))
        self.times.ranges.sort(key=lambda each: each.first)
        if not self.compares:
            self.times.ranges = _one(self.times.ranges)
        self.times.used = self.used
        return self.times

    def _join_days(self) -> None:
        """A day said apart from its time of day belongs to it: ``어제 … 오후 3시부터 5시``."""
        bare = [said for said in self.said if said.start and said.start.period and said.start.clock is None and said.start.part is None and said.end is None]
        timed = [said for said in self.said if said.start and said.start.period is None and said.start.instant is None]
        if len(bare) != 1 or not timed or (self.compares and len(self.said) > 2):
            return
        period = bare[0].start.period if bare[0].start else None
        if period is None or not period.day or bare[0].opened:
            return
        for said in timed:
            start = said.start
            said.start = End(period, start.clock if start else None, start.part if start else None)
            said.first = min(said.first, bare[0].first)
        self.said.remove(bare[0])

    def _instants(self, said: _Said) -> tuple[datetime, datetime]:
        first = said.start or End()
        if said.end is not None:
            return self._between(first, said.end)
        whole = self._whole(first)
        if said.opened:
            start = whole[0]
            if start > self.now and first.period is None:
                start -= timedelta(days=1)
            return start, self.now
        if said.closed:
            until = whole[0] if first.clock else whole[1] if first.period else whole[0]
            day = first.period.first if first.period else until.date()
            return at(day, 0, self.zone), min(until, self.now)
        start, end = whole
        if start >= self.now and first.period is None:
            start, end = start - timedelta(days=1), end - timedelta(days=1)
        return start, min(end, self.now)

    def _between(self, first: End, second: End) -> tuple[datetime, datetime]:
        clock, other = first.clock, second.clock
        if clock and other and not (first.instant or second.instant):
            first, second = self._halves(first, second, clock, other)
        start = self._whole(first)[0]
        period = second.period or (first.period if second.instant is None else None)
        ends = self._whole(End(period, second.clock, second.part, second.instant, second.ago))
        end = ends[0] if second.clock or second.instant else ends[1]
        if end <= start and second.period is None and second.instant is None:
            end += timedelta(days=1)
        if start >= self.now and first.period is None and first.instant is None:
            start, end = start - timedelta(days=1), end - timedelta(days=1)
        return start, min(end, self.now)

    @staticmethod
    def _halves(first: End, second: End, clock: Clock, other: Clock) -> tuple[End, End]:
        """The halves of the day that only one of two hours has; the first takes the second's if it stays before it."""
        half, following = clock.half, other.half
        if not half and following and not clock.fixed and clock.minutes(following) < other.minutes():
            half = following
        elif not half and following and not clock.fixed and following == "pm":
            half = "am"
        if not following and half and not other.fixed:
            following = half
        return (
            End(first.period, Clock(clock.hour, clock.minute, clock.second, half, clock.fixed), None),
            End(second.period, Clock(other.hour, other.minute, other.second, following, other.fixed), None),
        )

    def _whole(self, end: End) -> tuple[datetime, datetime]:
        """The stretch of time that one end stands for alone."""
        if end.instant is not None:
            return end.instant, self.now if end.ago else end.instant
        period = end.period or day_of(self.now.date())
        if end.clock is not None:
            minutes = end.clock.minutes()
            length = 60 if end.clock.minute == 0 else 1
            return at(period.first, minutes, self.zone), at(period.first, minutes + length, self.zone)
        if end.part is not None:
            return at(period.first, end.part[0] * 60, self.zone), at(period.first, end.part[1] * 60, self.zone)
        return at(period.first, 0, self.zone), at(period.last, 0, self.zone)


def _one(ranges: list[Range]) -> list[Range]:
    """The ranges of a question that compares nothing: what lies in all of them, else all of them together."""
    if len(ranges) < 2:
        return ranges
    start, end = max(each.start for each in ranges), min(each.end for each in ranges)
    if start >= end:
        start, end = min(each.start for each in ranges), max(each.end for each in ranges)
    return [Range(start, end, ranges[0].first, all(each.rolling for each in ranges))]
