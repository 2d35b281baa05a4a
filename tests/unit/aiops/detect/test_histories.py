"""Histories as a person tries them: short, of any unit, with one thing wrong, or with nothing."""

import numpy as np
import pytest

from airis_ray.aiops.detect.mixed import MixedDetector
from airis_ray.aiops.protocol import Anomaly, Kind
from airis_ray.aiops.series import MINUTE, Floats, SeriesBatch

DAY = 288


def _told(values: Floats) -> tuple[Anomaly, ...]:
    batch = SeriesBatch.of(values, steps=5 * MINUTE)
    return MixedDetector().fit(batch).score(batch).anomalies


def _noise(count: int, width: int, seed: int = 4) -> Floats:
    return np.random.default_rng(seed).normal(100, 1, (count, width))


@pytest.mark.parametrize("width", [8, 12, 20, 60, 100, 300, 600])
@pytest.mark.parametrize("last", [False, True])
def test_a_spike_is_found_however_short_the_history_is(width: int, last: bool) -> None:
    values = _noise(20, width)
    at = width - 1 if last else width // 2
    values[:, at] += 30
    found = {one.series for one in _told(values) if one.first <= at <= one.last}
    assert len(found) >= 19


def test_an_hour_far_off_is_found_in_half_a_day_without_a_season() -> None:
    values = _noise(10, 300)
    values[:, 150:162] -= 20
    found = [(one.series, one.first, one.last) for one in _told(values)]
    assert found == [(row, 150, 161) for row in range(10)]


@pytest.mark.parametrize("width", [8, 12, 30, 100, 500])
def test_of_short_noise_nothing_is_told(width: int) -> None:
    assert len(_told(_noise(50, width))) <= 1


def test_a_flat_line_of_whole_numbers_that_starts_to_move_is_told() -> None:
    values = np.full((2, 2016), 50.0)
    values[0, -3:] = 51, 53, 60
    values[1, 1000] = 52
    found = [(one.series, one.last, one.kind) for one in _told(values)]
    assert found == [(0, 2015, Kind.POINT), (1, 1000, Kind.POINT)]


@pytest.mark.parametrize("climb", [10.0, 60.0, -60.0])
def test_a_steady_climb_is_no_fall_at_the_end_of_each_day(climb: float) -> None:
    at = np.arange(7 * DAY)
    values = 100 + 20 * np.sin(2 * np.pi * at / DAY) + climb * at / DAY + _noise(3, len(at))
    values[2, 1500] += np.copysign(15, climb)
    found = _told(values)
    assert [(one.series, one.first) for one in found] == [(2, 1500)]


def test_a_rare_event_is_no_flat_line_that_moves() -> None:
    values = np.zeros((1, 2016))
    values[0, 1000] = 1
    assert not _told(values)


@pytest.mark.parametrize("unit", [1e-12, 1.0, 1e12])
def test_the_unit_does_not_matter(unit: float) -> None:
    at = np.arange(7 * DAY)
    values = 100 + 20 * np.sin(2 * np.pi * at / DAY) + np.random.default_rng(2).normal(size=len(at))
    values[1500:1512] -= 20
    (found,) = _told(values[None] * unit)
    assert (found.first, found.last) == (1500, 1511)


def test_counts_are_told_by_their_chance() -> None:
    random = np.random.default_rng(1)
    values = random.poisson([[0.05], [0.05], [3.0], [3.0]], (4, 2016)).astype(float)
    values[1, 1500:1503] = 6, 8, 7
    values[3, 1500:1512] = 0
    found = _told(values)
    assert {one.series for one in found} == {1, 3}
    assert all(1500 <= one.first <= 1512 for one in found)
