"""When limits are reached: growth, sawteeth, what cannot be answered."""

from __future__ import annotations

import numpy as np
import pytest

from airis_ray.aiops.forecast.capacity import NEVER, reached
from airis_ray.aiops.series import DAY, HOUR, Floats, SeriesBatch
from airis_ray.errors import InvalidInput


def batch(*rows: Floats) -> SeriesBatch:
    return SeriesBatch.of(np.stack(rows), steps=HOUR)


def test_a_disk_that_fills_steadily_is_full_when_the_line_says_so() -> None:
    random = np.random.default_rng(3)
    used = 40 + 0.1 * np.arange(300) + random.normal(0, 0.3, 300)  # 69.9 at the end: 301 hours to 100
    found = reached(batch(used), 100)
    early, median, late = (found.at[0] / HOUR - 299).tolist()
    assert early < 301 < late
    assert 280 < median < 325
    assert late - early < 120
    assert found.chance[0] > 0.99
    assert "0.1003 a step" in found.reasons[0]
    assert "한 점마다 0.1003씩" in found.reasons_ko[0]


def test_the_interval_holds_as_often_as_it_says() -> None:
    random = np.random.default_rng(5)
    walks = 100 + np.cumsum(random.normal(1.0, 3.0, (200, 2000)), axis=1)
    limits = walks[:, 399] + 300.0
    found = reached(SeriesBatch.of(walks[:, :400], steps=HOUR), limits.tolist(), level=80)
    passed = (walks[:, 400:] >= limits[:, None]).argmax(axis=1) + 1
    early, late = found.at[:, 0] / HOUR - 399, found.at[:, 2] / HOUR - 399
    assert 0.65 <= ((early <= passed) & (passed <= late)).mean() <= 0.95


def test_a_falling_series_reaches_a_limit_below() -> None:
    found = reached(batch(np.linspace(90, 50, 201)), 10)
    assert found.at[0, 1] / HOUR == pytest.approx(200 + 200, abs=2)


def test_a_limit_that_lies_behind_is_left_further() -> None:
    used: Floats = np.linspace(40.0, 79.9, 400)
    for limit, series in ((60.0, used), (100.0, 130 - used)):
        found = reached(batch(series), limit)
        assert (found.at[0] == NEVER).all()
        assert "moves away from the limit by 0.1 a step" in found.reasons[0]
        assert "멀어지고 있습니다" in found.reasons_ko[0]


def test_what_is_reached_past_2262_is_not_in_sight() -> None:
    values = 100 + 0.5 * np.arange(240)[None]
    found = reached(SeriesBatch.of(values, starts=10 * 365 * DAY, steps=30 * DAY), 2300)
    assert (found.at[0] == NEVER).all()
    assert found.chance[0] == 0


def test_a_sawtooth_grows_between_its_clean_ups() -> None:
    tooth = np.tile(np.linspace(20, 80, 100), 4)[:350]
    soon = reached(batch(tooth), 70)
    assert soon.at[0, 1] / HOUR == pytest.approx(349 + (70 - tooth[-1]) / (60 / 99), abs=6)
    assert "clean-ups" in soon.reasons[0]
    spared = reached(batch(tooth), 95)
    assert (spared.at[0] == NEVER).all()
    assert spared.chance[0] == 0
    assert "well before" in spared.reasons[0]


def test_what_stands_still_is_never_full_and_what_is_full_is_so_now() -> None:
    found = reached(batch(np.full(50, 7.0), np.full(50, 10.0)), 10)
    assert (found.at[0] == NEVER).all()
    assert found.chance.tolist() == [0.0, 1.0]
    assert found.at[1].tolist() == [49 * HOUR] * 3


def test_short_series_are_named_and_the_others_answered() -> None:
    values = np.stack([np.arange(40.0), np.full(40, np.nan)])
    found = reached(SeriesBatch.of(values, names=["a", "b"], steps=HOUR), 100)
    assert found.names == ("a",)
    assert "0 known points" in found.errors[0].message


@pytest.mark.parametrize("limit", [float("nan"), float("inf"), [1.0, 2.0, 3.0]])
def test_a_limit_that_is_no_number_is_refused(limit: float) -> None:
    with pytest.raises(InvalidInput, match="/limits"):
        reached(batch(np.arange(40.0)), limit)


def test_a_level_out_of_range_is_refused() -> None:
    with pytest.raises(InvalidInput, match="/level"):
        reached(batch(np.arange(40.0)), 50, level=100)
