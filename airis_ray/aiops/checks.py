"""What every detector must do, whatever it is: one list, run over ours by the tests and over a user's model before it
serves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from airis_ray.aiops.protocol import Detector, Scores, Singles
from airis_ray.aiops.series import DAY, MINUTE, SeriesBatch
from airis_ray.errors import Unprocessable

Make = Callable[[], Detector]
Check = Callable[[Make], None]
"""Raises Unprocessable with a sentence about what is wrong."""

START: Final = 20_000 * DAY
STEP: Final = 10 * MINUTE


def daily(n: int = 3, days: int = 6, seed: int = 7) -> SeriesBatch:
    """Series with a daily course and noise, 10 minutes a cell."""
    rng = np.random.default_rng(seed)
    cells = days * 144
    course = 10 * np.sin(2 * np.pi * np.arange(cells) / 144)
    values = 100 + course + rng.normal(size=(n, cells))
    return SeriesBatch.of(values, starts=START, steps=STEP)


def judged(make: Make, batch: SeriesBatch) -> Scores:
    """Fitted on a batch and asked about the same."""
    return make().fit(batch).score(batch)


def sane(scores: Scores, batch: SeriesBatch) -> None:
    """Shapes, ranges, and nothing said where nothing is."""
    n, t = batch.values.shape
    for part in (scores.score, scores.expected, scores.low, scores.high):
        _need(part.shape == (n, t), f"gave {part.shape} for a batch of {(n, t)}")
        _need(part.dtype == np.float32, f"gave {part.dtype}; expected float32")
    _need(bool(np.all((scores.score >= 0) & (scores.score <= 1))), "a score is not within 0..1")
    _need(bool(np.all(scores.score[~batch.present] == 0)), "a missing point has a score")
    known = batch.inside & ~np.isnan(scores.expected)
    within = (scores.low <= scores.expected) & (scores.expected <= scores.high)
    _need(bool(np.all(within[known])), "an expected value lies outside of its band")
    _need(len(scores.choices) == n, f"{len(scores.choices)} choices for {n} series")
    reasons = all(choice.reason and choice.reason_ko for choice in scores.choices)
    _need(reasons, "a choice has no reason")
    order = [(anomaly.series, anomaly.first) for anomaly in scores.anomalies]
    _need(order == sorted(order), "anomalies are not in order")
    for anomaly in scores.anomalies:
        inside = 0 <= anomaly.first <= anomaly.last < batch.lengths[anomaly.series]
        _need(bool(inside), "an anomaly lies outside of its series")
        _need(0 < anomaly.severity <= 1, f"a severity is {anomaly.severity}")
        told = anomaly.sentence.startswith(anomaly.name) and bool(anomaly.sentence_ko)
        _need(told, "an anomaly's sentence does not begin with its series")


def shift_and_scale(make: Make) -> None:
    """Another unit of the same series changes no score."""
    batch = daily()
    moved = SeriesBatch.of(batch.values * 1e4 + 3e6, starts=START, steps=STEP)
    _near(judged(make, batch).score, judged(make, moved).score, 0.02, "of the same series in another unit")


def missing_points(make: Make) -> None:
    """Holes get no score, and what is around them is judged."""
    batch = daily()
    values = batch.values.copy()
    values[0, 100:103] = np.nan
    values[1, ::7] = np.nan
    values[2] = np.nan
    holed = SeriesBatch.of(values, starts=START, steps=STEP)
    sane(judged(make, holed), holed)


def constant(make: Make) -> None:
    """A series that never changes is no anomaly; zeros, tiny and huge ones alike."""
    values = np.repeat(np.array([[0.0], [1e-12], [5.0], [-1e15]]), 400, axis=1)
    batch = SeriesBatch.of(values, starts=START)
    scores = judged(make, batch)
    sane(scores, batch)
    _need(not scores.anomalies, "a series that never changes is called an anomaly")


def short(make: Make) -> None:
    """One point, two, and none: answered, nothing found."""
    batch = SeriesBatch.of([[1.0, np.nan], [1.0, 2.0], [np.nan, np.nan]], lengths=[1, 2, 2], starts=START)
    scores = judged(make, batch)
    sane(scores, batch)
    _need(not scores.anomalies, "a series of one point or two is called an anomaly")


def extremes(make: Make) -> None:
    """Infinite and huge values, without a warning and within the range of scores."""
    batch = daily()
    values = batch.values.copy()
    values[0, 300], values[1, 301], values[2, 302] = np.inf, 1e300, -1e300
    odd = SeriesBatch.of(values, starts=START, steps=STEP)
    sane(judged(make, odd), odd)


def lengths(make: Make) -> None:
    """Series of different lengths in one batch."""
    batch = daily()
    mixed = SeriesBatch.of(batch.values, starts=START, steps=STEP, lengths=[864, 500, 30])
    sane(judged(make, mixed), mixed)


def same_again(make: Make) -> None:
    """The same input gives the same bytes."""
    batch = daily()
    one, other = judged(make, batch), judged(make, batch)
    same = one.score.tobytes() == other.score.tobytes() and one.anomalies == other.anomalies
    _need(same, "the same series got other scores at the second time")


def alone_or_together(make: Make) -> None:
    """A batch of one says what a batch of many says."""
    batch = daily(4)
    values = batch.values.copy()
    values[2, 500] += 40
    many = SeriesBatch.of(values, starts=START, steps=STEP, lengths=[864, 700, 864, 50])
    together = judged(make, many)
    for row in range(len(many)):
        one = many.take([row])
        whole = together.score[row, : one.width]
        _near(judged(make, one).score[0], whole, 1e-3, "of a series alone and among others")


def saved_and_loaded(make: Make) -> None:
    """A loaded detector says and goes on as the saved one does; anything else than a state is refused."""
    batch = daily()
    first, later = batch.cut(0, 700), batch.cut(700, 864)
    kept = make().fit(first)
    again = type(kept).load(kept.save())
    same = kept.score(first).score.tobytes() == again.score(first).score.tobytes()
    same &= kept.update(later).score.tobytes() == again.update(later).score.tobytes()
    _need(same, "saved and loaded, it gives other scores")


def updates(make: Make) -> None:
    """Points that come later are judged; what was seen already is not judged again; a spike is found."""
    batch = daily()
    values = batch.values.copy()
    values[1, 800] += 60
    whole = SeriesBatch.of(values, starts=START, steps=STEP)
    detector = make().fit(whole.cut(0, 720))
    found = []
    for first in range(720, 864, 12):
        newest = whole.cut(first, first + 12)
        scores = detector.update(newest)
        sane(scores, newest)
        found += [(anomaly.series, anomaly.start, anomaly.end) for anomaly in scores.anomalies]
    at = whole.times()[1, 800]
    _need(
        any(row == 1 and start <= at <= end for row, start, end in found),
        "a spike of 60 deviations among new points is not found",
    )
    _need(all(row == 1 for row, _, _ in found), "an anomaly is told of a series without one")
    again = detector.update(whole.cut(852, 864)).score.any()
    _need(not again, "points that were seen already are judged again")


def spike_found(make: Make) -> None:
    """A spike of 40 deviations is the worst point, and told with its expectation; the others are quiet."""
    batch = daily()
    values = batch.values.copy()
    values[1, 500] += 40
    odd = SeriesBatch.of(values, names=("a", "b", "c"), starts=START, steps=STEP)
    scores = judged(make, odd)
    sane(scores, odd)
    named = {anomaly.name for anomaly in scores.anomalies}
    _need("b" in named, "a spike of 40 deviations is not found")
    _need(named == {"b"}, "an anomaly is told of a series without one")
    _need(
        any(anomaly.first <= 500 <= anomaly.last for anomaly in scores.anomalies),
        "the anomaly told of a spike does not hold it",
    )
    worst = int(scores.score[1].argmax())
    _need(abs(worst - 500) <= 40, f"the highest score is {abs(worst - 500)} points away from the spike")


def rarely_wrong(make: Make) -> None:
    """Of noise alone hardly anything is called an anomaly: 20 series of 2,000 points, at most two stretches."""
    values = np.random.default_rng(3).normal(size=(20, 2000))
    batch = SeriesBatch.of(values, starts=START)
    count = len(judged(make, batch).anomalies)
    _need(count <= 2, f"{count} anomalies in 40,000 points of noise; at most 2 may be")


def a_million_points(make: Make) -> None:
    """A series of 1 M points is answered."""
    values = np.sin(np.arange(1_000_000) / 50) + np.random.default_rng(1).normal(size=1_000_000) / 10
    batch = SeriesBatch.of(values, starts=START)
    shape = judged(make, batch).score.shape
    _need(shape == (1, 1_000_000), f"gave {shape} for a million points")


CHECKS: Final[tuple[Check, ...]] = (
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


def _need(holds: bool, sentence: str) -> None:
    if not holds:
        raise Unprocessable(sentence)


def _near(one: Singles, other: Singles, most: float, what: str) -> None:
    apart = float(np.abs(one - other).max(initial=0.0))
    _need(apart <= most, f"scores {what} differ by {apart:.3g}; at most {most:g} may be")
