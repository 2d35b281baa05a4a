"""Public holidays: a working day that goes like a Sunday, where the series' own past says that it does.

The days come from the ``holidays`` library. A holiday of the past that went like a Sunday is taken out of the
history, so that it does not speak for ordinary days; one that is to come is forecast as the Sundays were.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from airis_ray.aiops.series import DAY, HOUR, SECOND, WEEK, Bools, Floats, Ints
from airis_ray.errors import InvalidInput

SUNDAYS: Final = 4
"""Sundays whose mean stands for a holiday."""
CLEARLY: Final = 0.8
"""A holiday goes like a Sunday if it differs from the one before by less than this share of the difference from the
same day a week earlier."""


@dataclass(frozen=True)
class Calendar:
    """Holidays of a country, by its ISO 3166 code, with days as the zone has them; ``extra``: days of one's own."""

    country: str = "KR"
    zone: str = "Asia/Seoul"
    extra: tuple[date, ...] = ()

    def working_days_off(self, begin: int, end: int) -> tuple[Ints, Ints]:
        """Where a day from Monday to Saturday is a holiday: the time it begins [k] and the days since Sunday [k].

        ``begin``, ``end``: nanoseconds since the epoch. Raises InvalidInput for a country or zone nobody knows.
        """
        import holidays  # only where a calendar is asked for: it loads every country's rules

        try:
            zone = ZoneInfo(self.zone)
            first, last = (
                datetime.fromtimestamp(at / SECOND, UTC).astimezone(zone).date() for at in (begin, end)
            )
            known = holidays.country_holidays(self.country, years=range(first.year, last.year + 1))
        except (KeyError, ValueError, OSError, NotImplementedError) as error:
            raise InvalidInput.field("/calendar", f"{self.country} in {self.zone} is not known") from error
        days = sorted({*known, *self.extra})
        inside = [day for day in days if first - timedelta(days=1) <= day <= last and day.weekday() != 6]
        starts = [
            int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()) * SECOND for day in inside
        ]
        return np.array(starts, np.int64), np.array([day.weekday() + 1 for day in inside], np.int64)


@dataclass(frozen=True)
class DaysOff:
    """What a calendar changes in ``n`` series."""

    values: Floats
    """[n, t] the histories without the holidays that went like Sundays"""
    minded: Ints
    """rows whose holidays go like Sundays"""
    ahead: Floats
    """[n, h] the Sundays' mean where a holiday is to come; NaN elsewhere"""


def apply(calendar: Calendar, values: Floats, starts: Ints, steps: Ints, horizon: int) -> DaysOff:
    """``values`` [n, t] may have holes; column 0 of row ``i`` is at ``starts[i]``. Steps over an hour: untouched."""
    n, width = values.shape
    cleaned, ahead, minded = values.copy(), np.full((n, horizon), np.nan), []
    grids: dict[tuple[int, int], Ints] = {}
    for row in range(n):
        if steps[row] > HOUR or DAY % steps[row] or width * steps[row] < 2 * WEEK:
            continue
        times = starts[row] + np.arange(width + horizon, dtype=np.int64) * steps[row]
        key = (int(starts[row]), int(steps[row]))
        if key not in grids:
            grids[key] = _days_since_sunday(calendar, times)
        since = grids[key]
        sunday = np.arange(width + horizon) - since * (DAY // int(steps[row]))
        off = since > 0
        if _goes_like_sunday(values[row], off[:width], sunday[:width], int(WEEK // steps[row])):
            cleaned[row, off[:width]] = np.nan
            ahead[row] = _sundays(values[row], off[width:], sunday[width:], int(WEEK // steps[row]))
            minded.append(row)
    return DaysOff(cleaned, np.array(minded, np.int64), ahead)


def _days_since_sunday(calendar: Calendar, times: Ints) -> Ints:
    """[k] for cells on a working day off, else 0."""
    begins, since = calendar.working_days_off(int(times[0]), int(times[-1]))
    if not len(begins):
        return np.zeros(len(times), np.int64)
    day = np.searchsorted(begins, times, side="right") - 1
    inside = (day >= 0) & (times < begins[np.maximum(day, 0)] + DAY)
    return np.where(inside, since[np.maximum(day, 0)], 0)


def _goes_like_sunday(values: Floats, off: Bools, sunday: Ints, week: int) -> bool:
    columns = np.flatnonzero(off)
    columns = columns[(columns >= week) & (sunday[columns] >= 0)]
    from_sunday = np.abs(values[columns] - values[sunday[columns]])
    from_week = np.abs(values[columns] - values[columns - week])
    known = np.isfinite(from_sunday) & np.isfinite(from_week)
    return bool(known.any() and from_sunday[known].mean() < CLEARLY * from_week[known].mean())


def _sundays(values: Floats, off: Bools, sunday: Ints, week: int) -> Floats:
    """[h] the mean of the last Sundays in the history at that time of day; NaN where no holiday is."""
    newest = sunday - np.maximum(-(-(sunday - len(values) + 1) // week), 0) * week
    found = np.full((SUNDAYS, len(sunday)), np.nan)
    for back in range(SUNDAYS):
        column = newest - back * week
        found[back] = np.where(off & (column >= 0), values[np.maximum(column, 0)], np.nan)
    count = np.isfinite(found).sum(axis=0)
    return np.where(count > 0, np.nansum(found, axis=0) / np.maximum(count, 1), np.nan)
