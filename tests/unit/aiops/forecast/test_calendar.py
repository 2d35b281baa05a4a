"""Holidays: learned from the past, forecast as Sundays, never guessed."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from airis_ray.aiops.forecast import Calendar, forecast
from airis_ray.aiops.series import HOUR, SECOND, Floats, SeriesBatch
from airis_ray.errors import InvalidInput

BEGIN = datetime(2025, 8, 3, 15, tzinfo=UTC)  # midnight of Monday, 4 August, in Seoul
CHUSEOK = datetime(2025, 10, 6, tzinfo=UTC)  # the 5th to the 9th are holidays; 15 August was one


def office(days: int, off: set[int]) -> Floats:
    """Hourly load: 100 in office hours from Monday to Friday, 10 else; ``off``: days that go like Sundays."""
    hours = np.arange(days * 24)
    day, hour = hours // 24, hours % 24
    busy = (day % 7 < 5) & (hour >= 9) & (hour < 18) & ~np.isin(day, list(off))
    found: Floats = np.where(busy, 100.0, 10.0) + np.random.default_rng(0).normal(0, 1, len(hours))
    return found


def batch(values: Floats) -> SeriesBatch:
    return SeriesBatch.of(values, starts=int(BEGIN.timestamp()) * SECOND, steps=HOUR)


def test_a_holiday_to_come_is_forecast_as_a_sunday() -> None:
    values = office(70, off={11, 60, 63, 64, 65, 66})  # 15 August, 3 and 6 to 9 October
    found = forecast(batch(values[: 63 * 24]), 48, calendar=Calendar())
    assert np.abs(found.median[0] - values[63 * 24 : 65 * 24]).mean() < 4
    assert "holidays go like Sundays" in found.reasons[0]
    without = forecast(batch(values[: 63 * 24]), 48)
    assert np.abs(without.median[0] - values[63 * 24 : 65 * 24]).mean() > 20


def test_holidays_that_change_nothing_are_let_be() -> None:
    values = office(70, off=set())
    found = forecast(batch(values[: 63 * 24]), 48, calendar=Calendar())
    assert np.abs(found.median[0] - values[63 * 24 : 65 * 24]).mean() < 4
    assert "holidays" not in found.reasons[0]


def test_days_of_ones_own_count_too() -> None:
    values = office(42, off={11, 16, 37})
    own = (datetime(2025, 8, 20, tzinfo=UTC).date(), datetime(2025, 9, 10, tzinfo=UTC).date())
    found = forecast(batch(values[: 37 * 24]), 24, calendar=Calendar(extra=own))
    assert np.abs(found.median[0] - values[37 * 24 : 38 * 24]).mean() < 4


@pytest.mark.parametrize("calendar", [Calendar(country="XX"), Calendar(zone="Nowhere/Else")])
def test_a_country_or_zone_that_nobody_knows_is_refused(calendar: Calendar) -> None:
    with pytest.raises(InvalidInput, match="/calendar"):
        forecast(batch(office(42, off=set())), 24, calendar=calendar)
