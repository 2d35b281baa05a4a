"""Calendar periods and times of day, before a day and a zone make instants of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from airis_ray.errors import InvalidInput

ONE_DAY: Final = timedelta(days=1)


@dataclass(frozen=True)
class Period:
    """Whole days: ``[first, last)``; ``day`` says that it is one, to which a time of day may be joined."""

    first: date
    last: date
    named: bool = True

    @property
    def day(self) -> bool:
        """Whether it is a single day."""
        return self.last - self.first == ONE_DAY


@dataclass(frozen=True)
class Clock:
    """A time of day as it was said. ``half`` is am, pm or nothing; ``open`` that the hour as a whole is meant."""

    hour: int
    minute: int = 0
    second: int = 0
    half: str = ""
    fixed: bool = False

    def minutes(self, half: str = "") -> float:
        """Minutes since midnight, the missing half of the day taken from ``half``."""
        meant = self.half or ("" if self.fixed or self.hour > 12 else half)
        hour = self.hour
        if meant == "am":
            hour = 0 if hour == 12 else hour
        elif meant == "pm":
            hour = hour if hour >= 12 else hour + 12
        elif meant == "night":  # 밤 12시 is midnight, 밤 1시 an hour later
            hour = 24 if hour == 12 else hour + 12 if hour >= 6 else hour + 24 if hour < 6 else hour
        return hour * 60 + self.minute + self.second / 60


@dataclass(frozen=True)
class End:
    """One end of a range as it was said: a day, a time of day, an instant, or several of them."""

    period: Period | None = None
    clock: Clock | None = None
    part: tuple[int, int] | None = None
    instant: datetime | None = None
    ago: bool = False


def zone_of(name: str | None) -> ZoneInfo:
    """The time zone of an IANA name; UTC for none. Raises InvalidInput at ``/time_zone``."""
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError, IsADirectoryError):
        raise InvalidInput.field(
            "/time_zone", f"{name!r} is no time zone; expected a name such as Asia/Seoul"
        ) from None


def at(day: date, minutes: float, zone: ZoneInfo) -> datetime:
    """A time of a day on the wall clock of a zone; more than a day's minutes reach into the next days."""
    extra, rest = divmod(minutes, 1440)
    day = day + timedelta(days=int(extra))
    hours, left = divmod(rest, 60)
    whole = int(left)
    return datetime(day.year, day.month, day.day, int(hours), whole, round((left - whole) * 60), tzinfo=zone)


def back(now: datetime, seconds: float) -> datetime:
    """So many seconds before ``now``, of elapsed time (the wall clock may have been changed between)."""
    moment = now.astimezone(UTC) - timedelta(seconds=seconds)
    return moment.astimezone(now.tzinfo)


def week_of(day: date, offset: int) -> Period:
    """The week from Monday that ``day`` lies in, ``offset`` weeks on."""
    monday = day - timedelta(days=day.weekday()) + timedelta(weeks=offset)
    return Period(monday, monday + timedelta(days=7))


def month_of(day: date, offset: int) -> Period:
    """The month that ``day`` lies in, ``offset`` months on."""
    number = day.year * 12 + day.month - 1 + offset
    first = date(number // 12, number % 12 + 1, 1)
    following = number + 1
    return Period(first, date(following // 12, following % 12 + 1, 1))


def day_of(day: date, offset: int = 0) -> Period:
    """A single day."""
    first = day + timedelta(days=offset)
    return Period(first, first + ONE_DAY)
