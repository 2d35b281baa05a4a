"""Counts: bounds against exact chances, alarms at the rate stated, and small evidence that adds up."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from airis_ray.aiops.detect.counts import Counts, unlikely
from airis_ray.aiops.detect.seasonal import SeasonalDetector
from airis_ray.aiops.series import DAY, MINUTE, Floats, SeriesBatch
from airis_ray.aiops.watch.tracking import SURE_OF_COUNTS

START = 20_000 * DAY


def batch(values: Floats, first: int = 0) -> SeriesBatch:
    return SeriesBatch.of(values, starts=START + first * MINUTE)


@settings(max_examples=60, deadline=None)
@given(
    st.floats(1e-3, 1e3), st.floats(0.5, 1e4), st.integers(0, 400), st.sampled_from(["poisson", "negative"])
)
def test_the_bound_holds_and_is_close_to_the_exact_chance(
    mean: float, size: float, count: int, kind: str
) -> None:
    size = size if kind == "negative" else 1e9
    exact = stats.nbinom(size, size / (size + mean))
    log = exact.logsf(count - 1) if count > mean else exact.logcdf(count)
    if log < -500:  # beyond what scipy computes exactly
        return
    found = float(unlikely(np.array(float(count)), np.array(mean), np.array(size)))
    assert found <= -log + 1e-4 * max(-log, 1.0), "no chance is told smaller than it is"
    # Chernoff's bound is as loose as the number of terms that a tail has: within √(2π·variance) and its skew.
    assert found >= -log - 2.5 - 0.5 * np.log1p(2 * np.pi * (count + mean) * (1 + (count + mean) / size))


def test_no_count_at_all_is_exact() -> None:
    found = unlikely(np.zeros(2), np.array([3.0, 40.0]), np.array([1e12, 5.0]))
    np.testing.assert_allclose(found, [3.0, 5 * np.log(1 + 40 / 5)], rtol=1e-6)


def shop(means: Floats, cells: int, seed: int) -> Floats:
    course = 1 + 0.7 * np.sin(2 * np.pi * np.arange(cells) / 1440)
    return np.random.default_rng(seed).poisson(means[:, None] * course).astype(float)


def test_usual_counts_raise_no_alarm_whatever_their_size() -> None:
    values = shop(np.repeat([0.003, 0.05, 0.5, 5.0, 60.0, 600.0], 4), 4320 + 1440, 5)
    detector = SeasonalDetector().fit(batch(values[:, :4320]))
    assert detector.counts is not None
    assert len(detector.counts.rows) == len(values)
    worst = np.zeros(len(values))
    for first in range(4320, 5760, 120):
        scores = detector.update(batch(values[:, first : first + 120], first))
        worst = np.maximum(worst, scores.score.max(axis=1))
    assert worst.max() < 0.5
    assert all(choice.model == "counts" for choice in scores.choices)


@pytest.mark.parametrize(
    ("usual", "then", "within"),
    [(0.02, 0.7, 15), (0.05, 7.0, 2), (4.0, 0.0, 8), (0.5, 0.0, 45), (30.0, 42.0, 25)],
    ids=["few errors more", "a burst of two minutes", "silence", "silence of a rare one", "a third more"],
)
def test_what_is_little_in_a_cell_adds_up(usual: float, then: float, within: int) -> None:
    rng = np.random.default_rng(3)
    values = rng.poisson(usual, (1, 3060)).astype(float)
    values[:, 3000 : 3000 + within] = rng.poisson(then, within)
    detector = SeasonalDetector().fit(batch(values[:, :2960]))
    found = [
        (first, each)
        for first in range(2960, 3000 + within)
        for each in detector.update(batch(values[:, first : first + 1], first)).anomalies
    ]
    assert found
    first, told = found[0]
    assert first >= 3000
    assert (told.value > told.expected) == (then > usual)
    assert len(found) >= 3 or max(each.severity for _, each in found) >= SURE_OF_COUNTS, (
        "as a watcher tells it"
    )


def test_a_turn_of_many_cells_says_what_many_turns_say() -> None:
    values = shop(np.array([0.1, 3.0, 50.0]), 3200, 8)
    values[1, 3100:3110] = 0
    one, other = (SeasonalDetector().fit(batch(values[:, :3000])) for _ in range(2))
    whole = one.update(batch(values[:, 3000:], 3000)).score
    singly = [other.update(batch(values[:, at : at + 1], at)).score for at in range(3000, 3200)]
    np.testing.assert_allclose(whole, np.concatenate(singly, axis=1), atol=1e-6)


def test_what_stays_becomes_usual_within_hours() -> None:
    rng = np.random.default_rng(2)
    values = rng.poisson(20.0, (1, 3960)).astype(float)
    values[:, 3060:] = rng.poisson(60.0, 900)
    detector = SeasonalDetector().fit(batch(values[:, :3000]))
    score = detector.update(batch(values[:, 3000:], 3000)).score[0]
    assert (score[70:90] > 0.5).mean() > 0.8
    assert score[-300:].max() < 0.5


def test_what_is_no_count_is_left_to_departures() -> None:
    rng = np.random.default_rng(1)
    steady = 40 + (rng.random(500) < 0.1)
    fractions, negative = rng.normal(5, 1, 500), rng.integers(-3, 3, 500).astype(float)
    zeros = np.zeros(500)
    history = batch(np.stack([steady, fractions, negative, rng.poisson(4, 500).astype(float), zeros]))
    detector = SeasonalDetector().fit(history)
    assert detector.counts is not None
    assert detector.counts.rows.tolist() == [3, 4]
    assert isinstance(detector.counts, Counts)
