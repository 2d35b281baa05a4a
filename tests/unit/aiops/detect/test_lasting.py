"""Departures too small for one cell are told once they have lasted, and noise with a memory is not."""

from __future__ import annotations

import numpy as np
import pytest

from airis_ray.aiops.detect.seasonal import SeasonalDetector
from airis_ray.aiops.series import DAY, MINUTE, Floats, SeriesBatch

START = 20_000 * DAY


def batch(values: Floats, first: int = 0) -> SeriesBatch:
    return SeriesBatch.of(values, starts=START + first * MINUTE)


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_two_and_a_half_deviations_for_a_quarter_of_an_hour(side: float) -> None:
    values = 100 + np.random.default_rng(4).normal(size=(1, 1300))
    values[:, 1250:1266] += side * 2.5
    detector = SeasonalDetector().fit(batch(values[:, :1200]))
    scores = detector.update(batch(values[:, 1200:], 1200))
    told = scores.anomalies
    assert [50 <= each.first <= 66 for each in told] == [True]
    assert (told[0].value > told[0].expected) == (side > 0)
    assert "usual deviations" in told[0].sentence


def test_noise_with_a_memory_is_not_told() -> None:
    shocks = np.random.default_rng(6).normal(size=(10, 4000))
    values = np.zeros_like(shocks)
    for cell in range(1, 4000):
        values[:, cell] = 0.8 * values[:, cell - 1] + shocks[:, cell]
    detector = SeasonalDetector().fit(batch(100 + values[:, :2000]))
    assert len(detector.update(batch(100 + values[:, 2000:], 2000)).anomalies) <= 1


def test_turns_of_any_length_sum_the_same() -> None:
    values = 100 + np.random.default_rng(9).normal(size=(2, 300))
    detector = SeasonalDetector().fit(batch(values[:, :200]))
    assert detector.lasting is not None
    departure = np.random.default_rng(1).normal(size=(2, 90))
    whole = detector.lasting.judge(departure)
    halves = [detector.lasting.judge(departure[:, :40])]
    halves.append(detector.lasting.after(departure[:, :40]).judge(departure[:, 40:]))
    for place in range(2):
        np.testing.assert_allclose(whole[place], np.concatenate([half[place] for half in halves], axis=1))
