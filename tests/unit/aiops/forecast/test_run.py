"""The forecast of a batch: what it keeps, what it refuses, what it must not depend on."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airis_ray.aiops.forecast import forecast
from airis_ray.aiops.series import HOUR, SeriesBatch
from airis_ray.errors import InvalidInput, TooLarge
from tests.unit.aiops.forecast import made


def test_day_and_week_seasons_are_found_and_forecast() -> None:
    values = made.hourly(count=12, noise=1.0)
    found = forecast(made.batch(values[:, :-48]), 48)
    error = np.abs(found.median - values[:, -48:]).mean()
    repeat = np.abs(values[:, -48 - 168 : -168] - values[:, -48:]).mean()
    assert error < 0.85 * repeat
    assert error < 1.05  # white noise of deviation 1 has a mean absolute value of 0.8
    assert all("day" in reason and "week" in reason for reason in found.reasons)
    assert all(reason.startswith("1일, 7일 주기로 되풀이됩니다; ") for reason in found.reasons_ko)


def test_the_forecast_is_timed_behind_the_last_cell() -> None:
    values = made.hourly(count=2)
    batch = SeriesBatch.of(values, starts=[0, 5 * HOUR], steps=HOUR, lengths=[values.shape[1], 500])
    found = forecast(batch, 3)
    assert found.starts.tolist() == [values.shape[1] * HOUR, 505 * HOUR]
    assert found.times()[1].tolist() == [505 * HOUR, 506 * HOUR, 507 * HOUR]


def test_quantiles_rise_and_bands_hold_the_median() -> None:
    found = forecast(made.batch(made.hourly()), 24, levels=(50, 90))
    assert (np.diff(found.quantiles, axis=2) >= 0).all()
    low, high = found.band(90)
    assert ((low <= found.median) & (found.median <= high)).all()
    with pytest.raises(InvalidInput, match="was not forecast"):
        found.band(95)


def test_bands_hold_about_as_much_as_they_say() -> None:
    values = made.hourly(count=80, seed=5)
    found = forecast(made.batch(values[:, :-24]), 24)
    inside = {}
    for level in (80, 95):
        low, high = found.band(level)
        inside[level] = ((low <= values[:, -24:]) & (values[:, -24:] <= high)).mean()
    assert 0.70 <= inside[80] <= 0.92
    assert 0.92 <= inside[95] <= 0.998


@pytest.mark.parametrize("horizon", [0, -1, 1.5, True, "3"])
def test_a_horizon_that_is_no_whole_number_is_refused(horizon: int) -> None:
    with pytest.raises(InvalidInput, match="/horizon"):
        forecast(made.batch(made.hourly(count=1)), horizon)


def test_a_horizon_past_the_limit_is_too_large() -> None:
    with pytest.raises(TooLarge, match="10000 steps"):
        forecast(made.batch(made.hourly(count=1)), 10**9)


@pytest.mark.parametrize("level", [0, 100, -5, float("nan")])
def test_a_level_out_of_range_is_refused(level: float) -> None:
    with pytest.raises(InvalidInput, match="/levels"):
        forecast(made.batch(made.hourly(count=1)), 3, levels=(level,))


def test_series_that_cannot_be_forecast_do_not_spoil_the_others() -> None:
    values = made.hourly(count=4)
    values[1] = np.nan
    values[2, 2:] = np.nan
    values[3, ::7] = np.inf
    batch = SeriesBatch.of(values, names=["good", "nothing", "two points", "holes"], steps=HOUR)
    found = forecast(batch, 12)
    assert found.names == ("good", "holes")
    assert found.rows.tolist() == [0, 3]
    assert [error.name for error in found.errors] == ["nothing", "two points"]
    assert "2 known points" in found.errors[1].message
    assert np.isfinite(found.quantiles).all()


def test_values_too_large_and_times_too_late_are_that_series_fault() -> None:
    values = made.hourly(count=3)
    values[1, 100] = 1e300
    batch = SeriesBatch.of(values, names=["good", "huge", "late"], steps=[HOUR, HOUR, 2000 * HOUR])
    found = forecast(batch, 1000)
    assert found.names == ("good",)
    assert "beyond 1e+100" in found.errors[0].message
    assert "past the year 2262" in found.errors[1].message


def test_the_widest_and_the_narrowest_level_are_numbers() -> None:
    found = forecast(made.batch(made.hourly(count=1)), 3, levels=(1e-12, 99.9999999999))
    assert np.isfinite(found.quantiles).all()
    low, high = found.band(99.9999999999)
    assert (low < found.median).all()
    assert (found.median < high).all()


def test_growth_goes_on_past_a_horizon_longer_than_the_history() -> None:
    line = np.arange(100.0) + np.random.default_rng(1).normal(0, 1, 100)
    found = forecast(made.batch(line[None]), 400)
    assert found.mean[0, 49] == pytest.approx(149, abs=10)
    assert found.mean[0, -1] > 180  # nearly as far as the range of the history again


def test_a_short_series_beside_a_very_long_one_is_not_lost() -> None:
    values = np.full((2, 30_000), np.nan)
    values[0] = np.random.default_rng(0).normal(50, 1, 30_000)
    values[1, :200] = values[0, :200]
    found = forecast(SeriesBatch.of(values, steps=HOUR, lengths=[30_000, 200]), 5)
    assert found.rows.tolist() == [0, 1]
    assert (np.abs(found.median - 50) < 3).all()


def test_an_empty_batch_gives_an_empty_forecast() -> None:
    found = forecast(SeriesBatch.of(np.zeros((0, 5))), 4)
    assert found.median.shape == (0, 4)


def test_a_constant_series_stays_constant() -> None:
    found = forecast(made.batch(np.full((1, 300), 7.0)), 30)
    assert np.allclose(found.quantiles, 7.0)


@pytest.mark.parametrize("length", [3, 4, 5, 8, 13, 30])
def test_short_series_are_forecast_near_their_values(length: int) -> None:
    values = 10 + np.random.default_rng(length).normal(0, 1, (3, length))
    found = forecast(made.batch(values), 20)
    assert np.isfinite(found.quantiles).all()
    assert (np.abs(found.median - 10) < 15).all()


def test_a_level_shift_is_followed() -> None:
    values = made.hourly(count=4, noise=0.5)
    values[:, -336:] += 40
    found = forecast(made.batch(values[:, :-24]), 24)
    assert np.abs(found.median - values[:, -24:]).mean() < 4


def test_counts_never_go_below_zero() -> None:
    values = np.random.default_rng(0).poisson(0.4, (6, 400)).astype(float)
    found = forecast(made.batch(values), 48)
    assert found.quantiles.min() >= 0


def test_a_batch_of_one_equals_a_batch_of_many() -> None:
    values = made.hourly(count=5)
    values[3, :400] = np.nan
    batch = SeriesBatch.of(values, steps=HOUR, lengths=[1008, 700, 1008, 1008, 60])
    together = forecast(batch, 24)
    for row in range(len(batch)):
        alone = forecast(batch.take([row]), 24)
        assert np.allclose(alone.quantiles[0], together.quantiles[row], rtol=1e-7, atol=1e-7)
        assert alone.reasons[0] == together.reasons[row]


@settings(max_examples=10, deadline=None)
@given(scale=st.floats(1e-12, 1e12), seed=st.integers(0, 99))
def test_a_change_of_unit_changes_nothing_else(scale: float, seed: int) -> None:
    values = made.hourly(count=2, weeks=3, seed=seed)
    plain, scaled = forecast(made.batch(values), 12), forecast(made.batch(values * scale), 12)
    assert np.allclose(plain.quantiles * scale, scaled.quantiles, rtol=1e-4, atol=1e-4 * scale)
