"""Days of the calendar, and ends of ranges, at a place of a question."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta

from airis_ray.search import timewords as words
from airis_ray.search.clockwords import Clocks
from airis_ray.search.periods import Clock, End, Period, back, day_of, month_of, week_of
from airis_ray.search.tokens import Piece

_OF_MONTH = ("일", "일자")
_LITTLE = (
    "에",
    "의",
    "에는",
    "날",
    "of",
    "the",
    "at",
    "on",
    "in",
    ",",
    "은",
    "는",
    "이",
    "도",
    "around",
    "about",
    "약",
    "대략",
)


class Days(Clocks):
    """Reads days, and the ends of ranges that days and times of day make."""

    def end_at(self, place: int, *, bare: bool = False) -> tuple[End, int] | None:
        """One end of a range; ``bare`` also takes a number for an hour (``between 2 and 4pm``)."""
        if self.unit(place).piece is Piece.MOMENT:
            return self._moment(place)
        if self.word(place) == "this" and self.word(place + 1) in words.HALVES:
            place += 1
        if self.word(place) in words.NOW:
            return End(instant=self.now), place + 1
        night = self.table(place, words.NIGHTS)
        if night is not None:
            return self._night(night[0], night[1])
        ago = self._ago(place)
        if ago is not None:
            return ago
        period = self.calendar(place)
        if period is not None:
            return self._timed(period[0], period[1], bare)
        clock = self.first_hour(place) or self.clock(place, bare=bare)
        if clock is not None:
            return self._dated(clock)
        part = self.table(place, words.PARTS)
        if part is not None and self.word(place) not in ("am", "pm"):
            after = self.calendar(self.skip(part[1], "of"))
            if after is not None and after[0].day:
                return End(after[0], part=part[0]), after[1]
            clock = self.clock(self.skip(part[1], "at", "around", ","))
            if clock is not None and clock[0].half:  # this morning 8am
                return End(clock=clock[0]), clock[1]
            return End(part=part[0]), part[1]
        return None

    def _night(self, offset: int, after: int) -> tuple[End, int]:
        period = day_of(self.now.date(), offset)
        clock = self.clock(self.skip(after, *_LITTLE))
        if clock is not None:
            found, end = clock
            hour = Clock(found.hour, found.minute, found.second, found.half or "night", found.fixed)
            return End(period, hour), end
        return End(period, part=(18, 24)), after

    def _timed(self, period: Period, after: int, bare: bool) -> tuple[End, int]:
        """A time of day behind a day."""
        following = self.skip(after, *_LITTLE)
        if period.day and self.unit(following).piece is not Piece.MOMENT:
            said = bare and following > after and self.unit(following - 1).key in ("at", "around")
            clock = self.first_hour(following) or self.clock(following, bare=said)
            if clock is not None:
                return End(period, clock[0]), clock[1]
            part = self.table(following, words.PARTS)
            if part is not None and self.word(following) not in ("am", "pm"):
                return End(period, part=part[0]), part[1]
        return End(period), after

    def _dated(self, clock: tuple[Clock, int]) -> tuple[End, int]:
        """A day behind a time of day: ``3pm yesterday``."""
        after = self.skip(clock[1], "on", ",")
        period = self.calendar(after)
        if period is not None and period[0].day:
            return End(period[0], clock[0]), period[1] + (self.word(period[1]) in words.HALVES)
        return End(clock=clock[0]), clock[1]

    def _moment(self, place: int) -> tuple[End, int]:
        text = self.unit(place).text.replace(" ", "T")
        if "T" not in text:
            year, month, day = map(int, text.split("-"))
            try:
                return self._timed(day_of(date(year, month, day)), place + 1, False)
            except ValueError:
                return End(instant=self.now), place + 1
        text = re.sub(r"-(\d)(?=[-T])", r"-0\1", text)
        try:
            moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
        except ValueError:
            return End(instant=self.now), place + 1
        return End(instant=moment if moment.tzinfo else moment.replace(tzinfo=self.now.tzinfo)), place + 1

    def _ago(self, place: int) -> tuple[End, int] | None:
        counted = self.table(place, words.DAYS_COUNTED)
        if counted is not None and self.word(counted[1]) in words.AGO and self.word(counted[1]) != "이전":
            return self._timed(day_of(self.now.date(), -counted[0]), counted[1] + 1, False)
        length = self.length(place)
        if length is None or self.word(length[1]) not in words.AGO:
            return None
        seconds, after = length[0], length[1] + 1
        unit = self.word(length[1] - 1)
        size = words.LENGTHS.get(unit, 0)
        if size == words.DAY and seconds >= words.DAY:
            return self._timed(day_of(self.now.date(), -round(seconds / words.DAY)), after, False)
        if size == words.WEEK:
            return End(week_of(self.now.date(), -round(seconds / words.WEEK))), after
        return End(instant=back(self.now, seconds), ago=True), after

    def calendar(self, place: int) -> tuple[Period, int] | None:
        """A day, week or month of the calendar."""
        today = self.now.date()
        day = self.table(place, words.DAYS) or (
            self.table(place + 1, words.DAYS) if self.word(place) == "the" else None
        )
        if day is not None:
            return day_of(today, day[0]), day[1]
        week = self.table(place, words.WEEKS)
        if week is not None:
            weekday = self.table(self.skip(week[1], "의", ",", "중", "중에", "평일"), words.WEEKDAYS)
            whole = week_of(today, week[0])
            if weekday is not None:
                return day_of(whole.first, weekday[0]), weekday[1]
            if self.word(week[1]) in words.WEEKENDS:
                return Period(whole.first + timedelta(days=5), whole.last), week[1] + 1
            return whole, week[1]
        month = self.table(place, words.MONTHS)
        if month is not None:
            whole = month_of(today, month[0])
            return self._day_of(whole, self.skip(month[1], "의")) or (whole, month[1])
        return self._weekday(place, today) or self._date(place, today)

    def _day_of(self, month: Period, place: int) -> tuple[Period, int] | None:
        """``지난달 30일``: a day of a month that was named."""
        number = self.number(place)
        if number is None or self.word(number[1]) not in _OF_MONTH or not 1 <= number[0] <= 31:
            return None
        found = day_of(month.first, int(number[0]) - 1)
        return (found, number[1] + 1) if found.first < month.last else None

    def _weekday(self, place: int, today: date) -> tuple[Period, int] | None:
        before = self.word(place) in ("지난", "last", "저번", "previous", "past")
        this = self.word(place) in ("이번", "this")
        at = place + 1 if before or this else place
        weekend = self.word(at) in words.WEEKENDS
        found = self.table(at, words.WEEKDAYS)
        if weekend:
            back_to = (today.weekday() - 5) % 7 or (7 if before else 0)
            if before and today.weekday() == 6:
                back_to += 7
            saturday = today - timedelta(days=back_to)
            return Period(saturday, saturday + timedelta(days=2)), at + 1
        if found is None or (
            found[1] == at + 1
            and self.unit(at).key in ("sun", "sat", "mon", "wed", "thu", "fri", "tue")
            and self.unit(at).text.islower()
            and not before
        ):
            return None
        if this:
            return day_of(week_of(today, 0).first, found[0]), found[1]
        days = (today.weekday() - found[0]) % 7
        if before and days == 0:
            days = 7
        return day_of(today, -days), found[1]

    def _date(self, place: int, today: date) -> tuple[Period, int] | None:
        """11월 3일, Nov 3, 3rd of November, 11/3, and a month alone."""
        number = self.unit(place)
        month, day, after = 0, 0, place
        if number.piece is Piece.NUMBER and number.key.isdigit():
            following = self.word(place + 1)
            if following == "월":
                month, after = int(number.key), place + 2
                second = self.unit(after)
                if (
                    second.piece is Piece.NUMBER
                    and self.word(after + 1) in _OF_MONTH
                    and second.key.isdigit()
                ):
                    day, after = int(second.key), after + 2
            elif (
                following == "/"
                and self.unit(place + 2).piece is Piece.NUMBER
                and self.unit(place + 2).key.isdigit()
            ):
                month, day, after = int(number.key), int(self.word(place + 2)), place + 3
            elif (
                following in _OF_MONTH
                and self.word(place + 2) not in words.SPAN_WORDS | words.AGO | words.STEP_AFTER
            ):
                month, day, after = today.month, int(number.key), place + 2
            else:
                at = self.skip(place + 1, "st", "nd", "rd", "th")
                at = self.skip(at, "of")
                named = words.MONTH_NAMES.get(self.word(at))
                if named:
                    month, day, after = named, int(number.key), at + 1
        elif (
            words.MONTH_NAMES.get(self.word(place))
            and self.unit(place + 1).piece is Piece.NUMBER
            and self.word(place + 1).isdigit()
        ):
            month, day = words.MONTH_NAMES[self.word(place)], int(self.word(place + 1))
            after = self.skip(place + 2, "st", "nd", "rd", "th")
        if not month:
            return None
        try:
            if not day:
                first = date(today.year - (month > today.month), month, 1)
                return month_of(first, 0), after
            found = date(today.year, month, day)
            return day_of(
                found
                if found <= today
                else date(today.year - 1, month, day)
                if month != today.month
                else found
            ), after
        except ValueError:
            return None
