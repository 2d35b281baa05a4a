"""What every detector must do, whatever it is: one list, run over all of them, and over models that users register."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from airis_ray.aiops.protocol import Detector, Scores
from airis_ray.aiops.series import DAY, MINUTE, SeriesBatch

Make = Callable[[], Detector]
START: Final = 20_000 * DAY


def daily(n: int = 3, days: int = 6, seed: int = 7) -> SeriesBatch:
    """Series with a daily course and noise, 10 minutes a cell."""
    rng = np.random.default_rng(seed)
    cells = days * 144
    course = 10 * np.sin(2 * np.pi * np.arange(cells) / 144)
    values = 100 + course + rng.normal(size=(n, cells))
    return SeriesBatch.of(values, starts=START, steps=10 * MINUTE)


def judged(make: Make, batch: SeriesBatch) -> Scores:
    """Fitted on a batch and asked about the same."""
    return make().fit(batch).score(batch)


def sane(scores: Scores, batch: SeriesBatch) -> None:
    """Shapes, ranges, and nothing said where nothing is."""
    n, t = batch.values.shape
    for part in (scores.score, scores.expected, scores.low, scores.high):
        assert part.shape == (n, t)
        assert part.dtype == np.float32
    assert np.all((scores.score >= 0) & (scores.score <= 1))
    assert np.all(scores.score[~batch.present] == 0)
    known = batch.inside & ~np.isnan(scores.expected)
    assert np.all(scores.low[known] <= scores.expected[known])
    assert np.all(scores.expected[known] <= scores.high[known])
    assert len(scores.choices) == n
    assert all(choice.reason and choice.reason_ko for choice in scores.choices)
    order = [(anomaly.series, anomaly.first) for anomaly in scores.anomalies]
    assert order == sorted(order)
    for anomaly in scores.anomalies:
        assert 0 <= anomaly.first <= anomaly.last < batch.lengths[anomaly.series]
        assert 0 < anomaly.severity <= 1
        assert anomaly.sentence.startswith(anomaly.name)
        assert anomaly.sentence_ko


def shift_and_scale(make: Make) -> None:
    """Another unit of the same series changes no score."""
    batch = daily()
    moved = SeriesBatch.of(batch.values * 1e4 + 3e6, starts=START, steps=10 * MINUTE)
    one, other = judged(make, batch), judged(make, moved)
    np.testing.assert_allclose(one.score, other.score, atol=0.02)


def missing_points(make: Make) -> None:
    """Holes get no score, and what is around them is judged."""
    batch = daily()
    values = batch.values.copy()
    values[0, 100:103] = np.nan
    values[1, ::7] = np.nan
    values[2] = np.nan
    holed = SeriesBatch.of(values, starts=START, steps=10 * MINUTE)
    sane(judged(make, holed), holed)


def constant(make: Make) -> None:
    """A series that never changes is no anomaly; zeros, tiny and huge ones alike."""
    values = np.repeat(np.array([[0.0], [1e-12], [5.0], [-1e15]]), 400, axis=1)
    batch = SeriesBatch.of(values, starts=START)
    scores = judged(make, batch)
    sane(scores, batch)
    assert not scores.anomalies


def short(make: Make) -> None:
    """One point, two, and none: answered, nothing found."""
    batch = SeriesBatch.of([[1.0, np.nan], [1.0, 2.0], [np.nan, np.nan]], lengths=[1, 2, 2], starts=START)
    scores = judged(make, batch)
    sane(scores, batch)
    assert not scores.anomalies


def extremes(make: Make) -> None:
    """Infinite and huge values, without a warning and within the range of scores."""
    batch = daily()
    values = batch.values.copy()
    values[0, 300], values[1, 301], values[2, 302] = np.inf, 1e300, -1e300
    odd = SeriesBatch.of(values, starts=START, steps=10 * MINUTE)
    sane(judged(make, odd), odd)


def lengths(make: Make) -> None:
    """Series of different lengths in one batch."""
    batch = daily()
    mixed = SeriesBatch.of(batch.values, starts=START, steps=10 * MINUTE, lengths=[864, 500, 30])
    sane(judged(make, mixed), mixed)


def same_again(make: Make) -> None:
    """The same input gives the same bytes."""
    batch = daily()
    one, other = judged(make, batch), judged(make, batch)
    assert one.score.tobytes() == other.score.tobytes()
    assert one.anomalies == other.anomalies


def alone_or_together(make: Make) -> None:
    """A batch of one says what a batch of many says."""
    batch = daily(4)
    values = batch.values.copy()
    values[2, 500] += 40
    many = SeriesBatch.of(values, starts=START, steps=10 * MINUTE, lengths=[864, 700, 864, 50])
    together = judged(make, many)
    for row in range(len(many)):
        one = many.take([row])
        np.testing.assert_allclose(judged(make, one).score[0], together.score[row, : one.width], atol=1e-3)


def saved_and_loaded(make: Make) -> None:
    """A loaded detector says and goes on as the saved one does; anything else than a state is refused."""
    batch = daily()
    first, later = batch.cut(0, 700), batch.cut(700, 864)
    kept = make().fit(first)
    again = type(kept).load(kept.save())
    assert kept.score(first).score.tobytes() == again.score(first).score.tobytes()
    assert kept.update(later).score.tobytes() == again.update(later).score.tobytes()


def updates(make: Make) -> None:
    """Points that come later are judged; what was seen already is not judged again; a spike is found."""
    batch = daily()
    values = batch.values.copy()
    values[1, 800] += 60
    whole = SeriesBatch.of(values, starts=START, steps=10 * MINUTE)
    detector = make().fit(whole.cut(0, 720))
    found = []
    for first in range(720, 864, 12):
        newest = whole.cut(first, first + 12)
        scores = detector.update(newest)
        sane(scores, newest)
        found += [(anomaly.series, anomaly.start, anomaly.end) for anomaly in scores.anomalies]
    assert any(row == 1 and start <= whole.times()[1, 800] <= end for row, start, end in found)
    assert all(row == 1 for row, _, _ in found)
    assert not detector.update(whole.cut(852, 864)).score.any()


def spike_found(make: Make) -> None:
    """A spike of 40 deviations is the worst point, and told with its expectation; the others are quiet."""
    batch = daily()
    values = batch.values.copy()
    values[1, 500] += 40
    odd = SeriesBatch.of(values, names=("a", "b", "c"), starts=START, steps=10 * MINUTE)
    scores = judged(make, odd)
    sane(scores, odd)
    assert {anomaly.name for anomaly in scores.anomalies} == {"b"}
    assert any(anomaly.first <= 500 <= anomaly.last for anomaly in scores.anomalies)
    assert abs(int(scores.score[1].argmax()) - 500) <= 40


def rarely_wrong(make: Make) -> None:
    """Of noise alone hardly anything is called an anomaly: 20 series of 2,000 points, at most two stretches."""
    values = np.random.default_rng(3).normal(size=(20, 2000))
    batch = SeriesBatch.of(values, starts=START)
    assert len(judged(make, batch).anomalies) <= 2


def a_million_points(make: Make) -> None:
    """A series of 1 M points is answered."""
    values = np.sin(np.arange(1_000_000) / 50) + np.random.default_rng(1).normal(size=1_000_000) / 10
    batch = SeriesBatch.of(values, starts=START)
    assert judged(make, batch).score.shape == (1, 1_000_000)


CHECKS: Final[tuple[Callable[[Make], None], ...]] = (
    shift_and_scale,
    missing_points,
    constant,
    short,
    extremes,
    lengths,
    same_again,
    alone_or_together,
    saved_and_loaded,
    updates,
    spike_found,
    rarely_wrong,
    a_million_points,
)
