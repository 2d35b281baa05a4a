"""A level that moves within the history that was given at once is told, where and how far; what wanders is not."""

import numpy as np
import pytest

from airis_ray.aiops.detect import shifts, tails
from airis_ray.aiops.detect.mixed import MixedDetector
from airis_ray.aiops.protocol import Kind
from airis_ray.aiops.series import MINUTE, Floats, SeriesBatch

WEEK = 2016
DAY = 288


def _found(rest: Floats) -> list[shifts.Shift]:
    n, width = rest.shape
    return shifts.found(rest, np.full(n, width), np.ones(n), tails.LIMIT)


def _noise(n: int, width: int = WEEK, seed: int = 2) -> Floats:
    return np.random.default_rng(seed).normal(size=(n, width))


@pytest.mark.parametrize("height", [-6.0, 6.0])
def test_a_step_in_the_middle_of_a_week_is_told(height: float) -> None:
    """The whole series given at once; steady and with a daily course of 20 deviations."""
    values = 100 + _noise(2)
    values[1] += 20 * np.sin(2 * np.pi * np.arange(WEEK) / DAY)
    values[:, 1000:] += height
    batch = SeriesBatch.of(values, names=("steady", "daily"), steps=5 * MINUTE)
    scores = MixedDetector().fit(batch).score(batch)
    assert [(one.name, one.kind) for one in scores.anomalies] == [
        ("steady", Kind.LEVEL),
        ("daily", Kind.LEVEL),
    ]
    for one in scores.anomalies:
        assert abs(one.first - 1000) <= 2
        assert (one.value - one.expected) * np.sign(height) > 4
        assert "moved to" in one.sentence
    # After the shift the new level is what is expected.
    assert abs(scores.expected[0, 1500] - 100 - height) < 2


def test_noise_and_what_wanders_have_no_shifts() -> None:
    noise = _noise(30)
    assert not _found(noise)
    assert not _found(noise.cumsum(axis=1))


def test_spikes_are_no_shift() -> None:
    values = _noise(1)
    values[0, 700:703] += 50
    assert not _found(values)


def test_a_return_or_a_level_of_before_is_no_news() -> None:
    values = _noise(2)
    values[0, 800:1000] += 8
    values[0, 1200:1300] += 8
    values[0, 1400:] -= 8
    values[1] += 8 * (np.arange(WEEK) // 50 % 2)
    found = _found(values)
    assert [(one.row, one.upwards) for one in found] == [(0, True), (0, False)]
    assert np.allclose([one.first for one in found], (800, 1400), atol=1)


def test_holes_short_and_constant_series_are_let_be() -> None:
    values = _noise(4)
    values[0, 900:1100] = np.nan
    values[1] = 5.0
    values[2, 60:] = np.nan
    values[3] = np.nan
    assert not shifts.found(values, np.array([WEEK, WEEK, 60, WEEK]), np.array([1, 1e-9, 1, 1]), tails.LIMIT)
