"""The default detector: unusual courses and departures from season and level, weighed per series."""

from __future__ import annotations

from dataclasses import replace
from typing import Final, Self

import numpy as np

from airis_ray.aiops.detect import choice, shifts, state, stretches, tails
from airis_ray.aiops.detect.baseline import SHORTEST_TAIL, Baseline, Expectation
from airis_ray.aiops.detect.counts import CONTEXT, Counts, are_counts
from airis_ray.aiops.detect.judging import assembled, check_rows, counted, fitted
from airis_ray.aiops.detect.shapes import Shapes
from airis_ray.aiops.protocol import Scores, Singles
from airis_ray.aiops.series import Bools, Floats, Ints, SeriesBatch

_SHORTEST_TAIL: Final = 1e-2
"""Of the logarithms of distances: a series that repeats itself exactly has no tail at all."""
FEW: Final = 2
"""Stretches that departures alone may tell of a history"""
LITTLE: Final = 0.05
"""which fill no more of it than this: what departs more often is not usual, but it is the habit of the series."""
KEPT: Final = 2**17
"""Cells of history that courses are compared with, at most."""


class MixedDetector:
    """Judges courses by distance, values by departure; which of them counts more is chosen per series."""

    name = "mixed"

    def __init__(self, *, rate: float = tails.RATE, season: int | None = None, device: str = "cpu") -> None:
        """``rate``: of usual points that may be called anomalies. ``season``: nanoseconds, 0: none, None: found.

        ``device``: where distances are computed, as in :func:`.devices.device_of`.
        """
        self.rate, self.season, self.device = rate, season, device
        self.names: tuple[str, ...] = ()
        self.base: Baseline | None = None
        self.shapes: Shapes | None = None
        self.counts: Counts | None = None
        self.hole: Ints = np.zeros(0, np.int64)
        self.tail: Floats = np.zeros((0, 2))
        self._own: tuple[SeriesBatch, Floats] | None = None

    def fit(self, history: SeriesBatch) -> Self:
        """See :class:`~airis_ray.aiops.protocol.Detector`."""
        self.names, self.base, self.hole = (
            history.names,
            Baseline.of(history, self.season, judged=True),
            stretches.longest_hole(history, stretches.SPARED),
        )
        self.counts = Counts.of(history, self.base.season)
        recent = history if history.width <= KEPT else history.cut(history.width - KEPT, history.width)
        self.shapes, unusual = Shapes.of(recent, self.device)
        self.tail = tails.fit(unusual, recent.inside)
        self._own = (recent, unusual)
        return self

    def score(self, batch: SeriesBatch) -> Scores:
        """See :class:`~airis_ray.aiops.protocol.Detector`."""
        base = fitted(self.base)
        check_rows(self.names, batch)
        fresh = bool((batch.starts < base.ends).any())
        found = base.expectation(batch, fresh=fresh)
        told = self._steady(batch, found) if fresh else found
        return self._scores(batch, found, np.zeros(batch.values.shape, bool), told)

    def update(self, newest: SeriesBatch) -> Scores:
        """See :class:`~airis_ray.aiops.protocol.Detector`."""
        base = fitted(self.base)
        check_rows(self.names, newest)
        known = newest.times() < base.ends[:, None]
        found = base.expectation(newest)
        fresh = Expectation(found.expected, found.deviation, np.where(known, np.nan, found.departure))
        scores = self._scores(newest, fresh, known)
        self.base = base.learn(newest, fresh)
        self.shapes, self._own = fitted(self.shapes).grown(newest, KEPT), None
        return scores

    def _steady(self, batch: SeriesBatch, found: Expectation) -> Expectation:
        """Whole numbers that stray less than independent events are no counts: what is told of them goes by their own
        deviation, be it none. Scores go by the root of the level, as of counts."""
        base = fitted(self.base)
        counts = base.counts & are_counts(batch)
        if (counts == base.counts).all():
            return found
        return replace(base, counts=counts).expectation(batch, fresh=True)

    def _scores(
        self, batch: SeriesBatch, found: Expectation, known: Bools, told: Expectation | None = None
    ) -> Scores:
        """``told``: what is told of a batch with enough cells at once that levels among them can be compared."""
        base, shapes = fitted(self.base), fitted(self.shapes)
        weighed = choice.weights(base, shapes.lengths, shapes.deviation)
        courses = tails.unlikely(self._unusual(batch), self.tail, _SHORTEST_TAIL)
        departures = np.nan_to_num(base.improbable(found.departure), nan=-700.0)
        score = tails.score(np.where(batch.present & ~known, mixture(courses, departures, weighed), np.nan))
        absent = stretches.absences(batch, self.hole) & ~known
        severity = score
        if told is not None:
            absent &= np.logical_or.accumulate(batch.present | (batch.starts >= base.ends)[:, None], axis=1)
            found, severity = self._shifted(batch, told, np.maximum(score, self._rare(batch, told)))
        shown, windows, counts = batch, found, fitted(self.counts)
        if told is not None and counts.rows.size:
            found, windows, shown, severity = self._counted(batch, found, severity)
        anomalies = stretches.told(shown, severity, windows, absent, tails.threshold(self.rate))
        choices = choice.told(base, weighed, shapes.lengths, counts)
        return assembled(batch, found, score, choices, anomalies, self.rate)

    def _rare(self, batch: SeriesBatch, found: Expectation) -> Singles:
        """[n, t] scores of departures that came once or twice, however long they lasted; 0 elsewhere.

        A season that explains little leaves departures little weight. What left the level by far, once, is told anyway.
        """
        base = fitted(self.base)
        size = tails.unlikely(np.abs(found.departure), base.tail, SHORTEST_TAIL)
        over = np.nan_to_num(size, nan=-np.inf) > -np.log(self.rate)
        times = np.bincount(stretches.runs(over, stretches.JOINED).row, minlength=len(batch))
        few = (times <= FEW) & (over.sum(axis=1) <= LITTLE * batch.present.sum(axis=1))
        return tails.score(np.where(few[:, None] & batch.present, size, np.nan))

    def _counted(
        self, batch: SeriesBatch, found: Expectation, severity: Singles
    ) -> tuple[Expectation, Expectation, SeriesBatch, Singles]:
        """Counts are told by their chance alone: the expectation of each cell, that of the windows, these, severity."""
        base, counts = fitted(self.base), fitted(self.counts)
        following = (batch.starts >= base.ends).all()
        context = base.context(batch.starts) if following else np.full((len(batch), CONTEXT), np.nan)
        judged = counts.judge(batch, context)
        chance, cells, windows, shown = counted(
            counts.rows, judged, np.full(batch.values.shape, np.nan), found, batch
        )
        told = severity.copy()
        told[counts.rows] = tails.score(chance[counts.rows])
        return cells, windows, shown, told

    def _shifted(self, batch: SeriesBatch, found: Expectation, score: Singles) -> tuple[Expectation, Singles]:
        """Where a level moved, what is expected stays the level before; severity is what that or the score says.

        Scores rank single points and are left as they are: a level is told by many points together.
        """
        base = fitted(self.base)
        course = base.season.at(base.season.phase(batch.starts, batch.steps, batch.width))
        moved, expected = np.full(batch.values.shape, np.nan), found.expected.copy()
        limit = -float(np.log(self.rate))
        usual = base.deviation.mean(axis=1)
        for one in shifts.found(batch.values - course, batch.lengths, usual, limit):
            cells = slice(one.first, one.first + one.cells)
            moved[one.row, cells] = one.improbable
            expected[one.row, cells] = course[one.row, cells] + one.before
        moved[~batch.present] = np.nan
        departure = (batch.values - expected) / found.deviation
        return Expectation(expected, found.deviation, departure), np.maximum(score, tails.score(moved))

    def _unusual(self, batch: SeriesBatch) -> Floats:
        """Of the history itself it is known from learning."""
        if self._own is not None and self._own[0] is batch:
            return self._own[1]
        return fitted(self.shapes).unusual(batch, self.device)

    def save(self) -> bytes:
        """See :class:`~airis_ray.aiops.protocol.Detector`."""
        own: state.Arrays = {
            "names": state.names(self.names),
            "hole": self.hole,
            "courses_tail": self.tail,
            "rate": np.array(self.rate),
        }
        parts = (fitted(self.base), fitted(self.shapes), fitted(self.counts))
        return state.pack(
            self.name, own | {name: part for each in parts for name, part in each.arrays().items()}
        )

    @classmethod
    def load(cls, saved: bytes) -> Self:
        """See :class:`~airis_ray.aiops.protocol.Detector`."""
        arrays = state.unpack(cls.name, saved)
        made = cls(rate=float(arrays["rate"]))
        made.names, made.hole = state.read_names(arrays["names"]), arrays["hole"]
        made.tail = arrays["courses_tail"]
        made.base, made.shapes = Baseline.from_arrays(arrays), Shapes.from_arrays(arrays)
        made.counts = Counts.from_arrays(arrays)
        return made


def mixture(courses: Floats, departures: Floats, weighed: Floats) -> Floats:
    """[n, t] of two logarithmic unlikelihoods: courses plus the logarithm of departures; departures alone without."""
    compared = weighed[:, :1] > 0
    positive = np.logaddexp(0.0, np.clip(departures, -80.0, 1e6))
    together = np.logaddexp(0.0, np.clip(courses, -80.0, 1e6)) + weighed[:, 1:] * np.log1p(positive)
    # What is beyond the limit by its values alone stays beyond it, however usual its course.
    told = np.where(departures > tails.LIMIT, np.maximum(together, departures), together)
    return np.where(compared, told, departures)
