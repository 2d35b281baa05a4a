"""From times as they were said to instants: days are found for hours, halves of the day for the second hour, and a
period that is not over ends now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

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
    halved: bool = False
    used: set[int] = field(default_factory=set)


@dataclass
class Said:
    """A range as it was said, before its day is known."""

    first: int
    start: End | None = None
    end: End | None = None
    opened: bool = False
    closed: bool = False
    seconds: float | None = None
    """How long it lasts from its beginning, where that was said."""
    later: bool = False
    """Whether it was opened by "after", which does not reach beyond the day it is said of."""


class Instants(Days):
    """Collects what was said and makes ranges of it."""

    def __init__(self, units: Sequence[Unit], now: datetime, zone: ZoneInfo, compares: bool) -> None:
        super().__init__(units, now.astimezone(zone))
        self.zone = zone
        self.compares = compares
        self.times = Times()
        self.said: list[Said] = []
        self.shift: tuple[int, int, date | None] | None = None
        self.preceding: tuple[int, float | None] | None = None
        self.split: tuple[int, End] | None = None

    def finish(self) -> Times:
        """The instants of all that was said."""
        self._join_days()
        for said in self.said:
            start, end = self._instants(said)
            if start < end:
                self.times.ranges.append(Range(start, end, said.first))
        self.times.ranges.sort(key=lambda each: each.first)
        self._relations()
        if not (self.compares or self.times.halved):
            self.times.ranges = _one(self.times.ranges)
        self.times.used = self.used
        return self.times

    def _relations(self) -> None:
        """Ranges that were said by another one."""
        base = self.times.ranges[0] if self.times.ranges else Range(back(self.now, 3600), self.now, -1)
        if self.shift is not None:
            day = self.shift[2]
            days = (
                base.start.date() - day
                if day and len(self.times.ranges) == 1
                else timedelta(days=self.shift[1])
            )
            if not self.times.ranges:
                self.times.ranges.append(base)
            self.times.ranges.append(Range(base.start - days, base.end - days, self.shift[0]))
        if self.split is not None:
            self._halve(*self.split)
        if self.preceding is not None:
            place, seconds = self.preceding
            long = (base.end - base.start).total_seconds() if seconds is None else seconds
            self.times.ranges.append(Range(back(base.start, long), base.start, place))

    def _halve(self, place: int, end: End) -> None:
        """The range that an instant lies in, before and after it; its day where none was said."""
        whole = self.times.ranges[0] if self.times.ranges and end.period is None else None
        day = end.period or (day_of(whole.start.date()) if whole and end.instant is None else None)
        middle = self._whole(End(day, end.clock, end.part, end.instant))[0]
        if whole is None or not whole.start < middle < whole.end:
            last = at(middle.date(), 1440, self.zone)
            whole = Range(at(middle.date(), 0, self.zone), min(last, self.now), place)
        self.times.ranges = [
            Range(middle, max(whole.end, middle), place),
            Range(whole.start, middle, place),
        ]
        self.times.halved = True

    def _join_days(self) -> None:
        """A day said apart from its time of day belongs to it: ``어제 … 오후 3시부터 5시``."""
        bare = [
            said
            for said in self.said
            if said.start and said.start.period and said.start.clock is None and said.end is None
        ]
        timed = [
            said
            for said in self.said
            if said.start and said.start.period is None and said.start.instant is None
        ]
        if len(bare) != 1 or not timed or (self.compares and len(self.said) > 2):
            return
        period = bare[0].start.period if bare[0].start else None
        if period is None or not period.day or bare[0].opened:
            return
        for said in timed:
            start = said.start or End()
            half = _half(bare[0].start.part if bare[0].start else None)
            said.start = End(period, _in_half(start.clock, half), start.part)
            if said.end is not None and said.end.clock:
                said.end = replace(said.end, clock=_in_half(said.end.clock, half))
            if said.later:  # yesterday after 5pm
                said.end = End(period, Clock(24, fixed=True))
            said.first = min(said.first, bare[0].first)
        self.said.remove(bare[0])

    def _instants(self, said: Said) -> tuple[datetime, datetime]:
        first = said.start or End()
        if said.end is not None:
            return self._between(first, said.end)
        whole = self._whole(first)
        if said.opened:
            start = whole[0]
            if said.seconds is not None and start >= self.now:  # 지금부터 3시간 이내
                return back(self.now, said.seconds), self.now
            if said.seconds is not None:
                return start, min(back(start, -said.seconds), self.now)
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
        if first.period is None and second.period is not None and first.instant is None:
            first = End(second.period, first.clock, first.part)
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
        if not (half or following or clock.fixed or other.fixed) and other.hour <= clock.hour <= 12:
            half, following = "pm" if clock.hour == 12 else "am", "pm"  # between 9 and 5, between 12 and 2
        if not half and following and not clock.fixed and clock.minutes(following) < other.minutes():
            half = following
        elif not half and following and not clock.fixed and following == "pm":
            half = "am"
        if not following and half and not other.fixed:
            # 오후 11시부터 1시까지 ends at night: the afternoon's one o'clock has been before.
            over = half == "pm" and other.minutes("pm") <= clock.minutes("pm")
            following = "am" if over else half
            if half == "am" and other.hour == 12:  # 오전 11시~12시 ends at noon
                following = "pm"
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
            return at(period.first, end.part[0] * 60, self.zone), at(
                period.first, end.part[1] * 60, self.zone
            )
        return at(period.first, 0, self.zone), at(period.last, 0, self.zone)


def _half(part: tuple[int, int] | None) -> str:
    return "" if part is None else "pm" if part[0] >= 12 else "am"


def _in_half(clock: Clock | None, half: str) -> Clock | None:
    """A time of day in the half that the day was said with: ``yesterday evening between 6 and 9``."""
    return replace(clock, half=half) if clock and half and not (clock.half or clock.fixed) else clock


def _one(ranges: list[Range]) -> list[Range]:
    """The ranges of a question that compares nothing: what lies in all of them, else all of them together."""
    if len(ranges) < 2:
        return ranges
    start, end = max(each.start for each in ranges), min(each.end for each in ranges)
    if start >= end:
        start, end = min(each.start for each in ranges), max(each.end for each in ranges)
    return [Range(start, end, ranges[0].first, all(each.rolling for each in ranges))]
