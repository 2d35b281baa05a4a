"""What is told of an anomaly: where it is, of which kind, how far from which expectation."""

from dataclasses import replace

import numpy as np
import pytest

from airis_ray.aiops.detect.mixed import MixedDetector
from airis_ray.aiops.detect.seasonal import SeasonalDetector
from airis_ray.aiops.detect.stretches import runs
from airis_ray.aiops.detect.wording import Fact, sentences
from airis_ray.aiops.protocol import Anomaly, Detector, Kind
from airis_ray.aiops.series import DAY, MINUTE, Floats, SeriesBatch

CELLS = 288


def _day(days: int) -> SeriesBatch:
    """Requests with a daily course of 400 to either side and noise of 5."""
    at = np.arange(days * CELLS)
    values = (
        1000 + 400 * np.sin(2 * np.pi * at / CELLS) + np.random.default_rng(0).normal(scale=5, size=len(at))
    )
    return SeriesBatch.of(values, names=["orders"], steps=5 * MINUTE)


@pytest.mark.parametrize("make", [SeasonalDetector, MixedDetector])
def test_a_drop_of_20_deviations_within_the_daily_course_is_told_where_it_is(make: type[Detector]) -> None:
    values = _day(14).values.copy()
    values[0, 13 * CELLS + 80 : 13 * CELLS + 104] -= 100
    whole = SeriesBatch.of(values, names=["orders"], steps=5 * MINUTE)
    detector = make().fit(whole.cut(0, 13 * CELLS))
    (found,) = detector.update(whole.cut(13 * CELLS, 14 * CELLS)).anomalies
    assert (found.first, found.last, found.kind) == (80, 103, Kind.LEVEL)
    assert found.start == 13 * DAY + 80 * 5 * MINUTE
    assert found.value < found.expected - 80
    assert "below the expected" in found.sentence
    assert "낮습니다" in found.sentence_ko


def test_points_that_do_not_come_are_an_absence() -> None:
    values = _day(4).values.copy()
    values[0, 3 * CELLS + 10 : 3 * CELLS + 40] = np.nan
    whole = SeriesBatch.of(values, names=["orders"], steps=5 * MINUTE)
    detector = SeasonalDetector().fit(whole.cut(0, 3 * CELLS))
    (found,) = detector.update(whole.cut(3 * CELLS, 4 * CELLS)).anomalies
    assert (found.first, found.last, found.kind) == (10, 39, Kind.ABSENCE)
    assert "no points" in found.sentence


def test_runs_that_are_near_are_one() -> None:
    mask = np.array([[1, 0, 1, 1, 0, 0, 0, 1], [0, 0, 0, 0, 0, 0, 1, 1]], dtype=bool)
    found = runs(mask, joined=2)
    assert list(zip(found.row.tolist(), found.first.tolist(), found.last.tolist(), strict=True)) == [
        (0, 0, 3),
        (0, 7, 7),
        (1, 6, 7),
    ]


def _judged(values: Floats) -> list[Anomaly]:
    """What the default detector tells of a history that is judged itself."""
    batch = SeriesBatch.of(values, names=["orders"], steps=5 * MINUTE)
    return list(MixedDetector().fit(batch).score(batch).anomalies)


def test_an_hour_without_points_is_told_of_the_history_itself() -> None:
    values = _day(7).values.copy()
    values[0, :30] = np.nan  # it began later: not absent
    values[0, 500:512] = np.nan
    values[0, 1500:1512] = np.nan
    found = _judged(values)
    assert [(one.first, one.last, one.kind) for one in found] == [
        (500, 511, Kind.ABSENCE),
        (1500, 1511, Kind.ABSENCE),
    ]


def test_hours_without_points_every_night_are_a_habit() -> None:
    values = _day(7).values.copy()
    for day in range(7):
        values[0, day * CELLS + 20 : day * CELLS + 60] = np.nan
    assert not _judged(values)


def test_a_drop_is_told_as_one_though_its_end_departs_as_far() -> None:
    """The level follows within the hour, so that the return seems to lie above it."""
    values = np.round(_day(7).values / 5)
    values[0, 1500:1512] -= 20
    (found,) = _judged(values)
    assert (found.first, found.last) == (1500, 1511)
    assert "below the expected" in found.sentence


def test_numbers_that_differ_late_are_told_with_as_many_digits_as_it_takes() -> None:
    fact = Fact(Kind.POINT, "disk", 1_000_098.6, 1_000_118.3, 15.0, 0, 0, MINUTE)
    english, korean = sentences(fact)
    assert "1000099 is 15.0 usual deviations below the expected 1000118" in english
    assert "1000099로, 예상값 1000118보다" in korean
    assert "200으로, 예상값 100보다" in sentences(replace(fact, value=200.0, expected=100.0))[1]
