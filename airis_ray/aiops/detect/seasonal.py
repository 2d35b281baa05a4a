"""The cheap detector: departures from level and season. A few KB a series, a million points a second and core."""

from __future__ import annotations

from typing import Self

import numpy as np

from airis_ray.aiops.detect import choice, state, stretches, tails
from airis_ray.aiops.detect.baseline import Baseline, Expectation
from airis_ray.aiops.detect.judging import assembled, check_rows, fitted
from airis_ray.aiops.protocol import Scores, Singles
from airis_ray.aiops.series import Bools, Ints, SeriesBatch


class SeasonalDetector:
    """Level, season and usual deviation by phase, updated point by point. What a watcher keeps of every series."""

    name = "seasonal"

    def __init__(self) -> None:
        self.names: tuple[str, ...] = ()
        self.base: Baseline | None = None
        self.hole: Ints = np.zeros(0, np.int64)

    def fit(self, history: SeriesBatch) -> Self:
        """See :class:`~airis_ray.aiops.protocol.Detector`."""
        self.names, self.base, self.hole = (
            history.names,
            Baseline.of(history),
            stretches.longest_hole(history),
        )
        return self

    def score(self, batch: SeriesBatch) -> Scores:
        """See :class:`~airis_ray.aiops.protocol.Detector`."""
        base = fitted(self.base)
        check_rows(self.names, batch)
        found = base.expectation(batch, fresh=bool((batch.starts < base.ends).any()))
        return self._scores(base, batch, found, tails.score(base.improbable(found.departure)))

    def update(self, newest: SeriesBatch) -> Scores:
        """See :class:`~airis_ray.aiops.protocol.Detector`."""
        base = fitted(self.base)
        check_rows(self.names, newest)
        known = newest.times() < base.ends[:, None]
        found = base.expectation(newest)
        departure = np.where(known, np.nan, found.departure)
        fresh = Expectation(found.expected, found.deviation, departure)
        scores = self._scores(base, newest, fresh, tails.score(base.improbable(fresh.departure)), known)
        self.base = base.learn(newest, fresh)
        return scores

    def _scores(
        self,
        base: Baseline,
        batch: SeriesBatch,
        found: Expectation,
        score: Singles,
        known: Bools | None = None,
    ) -> Scores:
        absent = stretches.absences(batch, self.hole)
        if known is not None:
            absent &= ~known
        anomalies = stretches.told(batch, score, found, absent)
        return assembled(batch, found, score, choice.seasonal(base), anomalies)

    def save(self) -> bytes:
        """See :class:`~airis_ray.aiops.protocol.Detector`."""
        arrays: state.Arrays = {
            "names": state.names(self.names),
            "hole": self.hole,
            **fitted(self.base).arrays(),
        }
        return state.pack(self.name, arrays)

    @classmethod
    def load(cls, state_of: bytes) -> Self:
        """See :class:`~airis_ray.aiops.protocol.Detector`."""
        arrays = state.unpack(cls.name, state_of)
        made = cls()
        made.names, made.hole, made.base = (
            state.read_names(arrays["names"]),
            arrays["hole"],
            Baseline.from_arrays(arrays),
        )
        return made
