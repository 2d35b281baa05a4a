"""The cheap detector: departures from level and season; of counts, how likely so many within a while are. A few KB a
series, a million points a second and core."""

from __future__ import annotations

from dataclasses import replace
from typing import Self

import numpy as np

from airis_ray.aiops.detect import choice, state, stretches, tails
from airis_ray.aiops.detect.baseline import Baseline, Expectation
from airis_ray.aiops.detect.counts import CONTEXT, Counts
from airis_ray.aiops.detect.judging import assembled, check_rows, counted, fitted, single
from airis_ray.aiops.protocol import Scores, Told
from airis_ray.aiops.series import Bools, Floats, Ints, SeriesBatch


class SeasonalDetector:
    """Level, season and usual deviation by phase, updated point by point. What a watcher keeps of every series."""

    name = "seasonal"

    def __init__(self) -> None:
        self.names: tuple[str, ...] = ()
        self.base: Baseline | None = None
        self.counts: Counts | None = None
        self.hole: Ints = np.zeros(0, np.int64)

    def fit(self, history: SeriesBatch) -> Self:
        """See :class:`~airis_ray.aiops.protocol.Detector`."""
        self.names, self.base = history.names, Baseline.of(history)
        self.counts = Counts.of(history, self.base.season)
        self.hole = stretches.longest_hole(history)
        return self

    def score(self, batch: SeriesBatch) -> Scores:
        """See :class:`~airis_ray.aiops.protocol.Detector`."""
        base = fitted(self.base)
        check_rows(self.names, batch)
        fresh = bool((batch.starts < base.ends).any())
        context = np.full((len(batch), CONTEXT), np.nan) if fresh else base.context(batch.starts)
        return self._scores(base, batch, base.expectation(batch, fresh=fresh, doubt=True), context)

    def update(self, newest: SeriesBatch) -> Scores:
        """See :class:`~airis_ray.aiops.protocol.Detector`."""
        base = fitted(self.base)
        check_rows(self.names, newest)
        known = newest.times() < base.ends[:, None]
        found = base.expectation(newest, doubt=True)
        fresh = replace(found, departure=np.where(known, np.nan, found.departure))
        scores = self._scores(base, newest, fresh, base.context(newest.starts), known)
        self.base = base.learn(newest, fresh)
        return scores

    def _scores(
        self,
        base: Baseline,
        batch: SeriesBatch,
        found: Expectation,
        context: Floats,
        known: Bools | None = None,
    ) -> Scores:
        counts = fitted(self.counts)
        improbable = base.improbable(found.departure)
        shown, told = batch, found
        if counts.rows.size:
            judged = counts.judge(batch, context)
            improbable, found, told, shown = counted(counts.rows, judged, improbable, found, batch)
        if known is not None:
            improbable = np.where(known, np.nan, improbable)
        score = tails.score(improbable)
        absent = stretches.absences(batch, self.hole)
        if known is not None:
            absent &= ~known
        anomalies = stretches.told(shown, score, told, absent, by_side=True)
        scores = assembled(batch, found, score, choice.seasonal(base, counts), anomalies)
        said = (single(part) for part in (shown.values, told.expected, told.departure))
        return replace(scores, told=Told(*said))

    def save(self) -> bytes:
        """See :class:`~airis_ray.aiops.protocol.Detector`."""
        arrays: state.Arrays = {
            "names": state.names(self.names),
            "hole": self.hole,
            **fitted(self.base).arrays(),
            **fitted(self.counts).arrays(),
        }
        return state.pack(self.name, arrays)

    @classmethod
    def load(cls, state_of: bytes) -> Self:
        """See :class:`~airis_ray.aiops.protocol.Detector`."""
        arrays = state.unpack(cls.name, state_of)
        made = cls()
        made.names, made.hole = state.read_names(arrays["names"]), arrays["hole"]
        made.base, made.counts = Baseline.from_arrays(arrays), Counts.from_arrays(arrays)
        return made
