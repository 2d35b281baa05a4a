"""A regression on lags, for each stretch of the horizon its own: the work-horse.

The forecast for ``j`` steps ahead is the same moment of the newest season (or the last value) plus a linear
combination of how the last values, the same moments of earlier seasons and the levels around them differ from it.
Coefficients are per series, ridge-shrunk towards that plain seasonal forecast and fitted for absolute error by
iteratively re-weighted least squares (Schlossmacher 1973). All series are solved at once.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import numpy as np

from airis_ray.aiops.forecast.history import Histories
from airis_ray.aiops.series import Floats, Ints

STRETCHES: Final = 8
"""Parts of the horizon with coefficients of their own."""
EXAMPLES: Final = 64
"""Origins a fit looks at, spread evenly over the history."""
INSIDE: Final = 4
"""Steps of a stretch a fit looks at."""
RIDGES: Final = (0.003, 0.03, 0.3)
"""Shrinkage, as a share of the mean square of a feature; each is a member of its own."""
SWEEPS: Final = 3
LEAST: Final = 4
"""Known points behind which a regression is tried at all."""


def stretches(horizon: int) -> list[Ints]:
    """The steps 1 ... ``horizon`` in at most :data:`STRETCHES` parts, longer ones further out."""
    if horizon <= STRETCHES:
        return [np.array([step]) for step in range(1, horizon + 1)]
    edges = np.linspace(1, np.sqrt(horizon + 1), STRETCHES + 1) ** 2
    edges = np.unique(np.round(edges).astype(np.int64))
    return [np.arange(low, high) for low, high in pairwise(edges)]


class LagRegression:
    """Fitted on columns up to ``upto``; forecasts from any origins."""

    def __init__(
        self, histories: Histories, upto: int, known: int, horizon: int, *, seasonal: bool = True
    ) -> None:
        """``known``: columns up to ``upto`` that every series has, at least; too few for the far parts of the horizon
        and these take the coefficients of the parts before."""
        self.histories = histories
        self.horizon = horizon
        inside = histories.inside
        self.scale = (np.abs(histories.values) * inside).sum(axis=1, keepdims=True) / inside.sum(
            axis=1, keepdims=True
        )
        self.scale = np.where(self.scale > 0, self.scale, 1.0)
        self.values = histories.values / self.scale
        self.sums = np.concatenate([np.zeros((len(histories), 1)), self.values.cumsum(axis=1)], axis=1)
        self.seasons = int((histories.periods > 0).sum(axis=1).max(initial=0)) if seasonal else 0
        self.plain = self._plainest(upto)
        self.parts = stretches(horizon)
        self.weights: list[Floats] = []
        for part in self.parts:
            enough = not self.weights or 2 * int(part[-1]) + LEAST <= known
            self.weights.append(self._fit(part, upto, known) if enough else self.weights[-1])

    def predict(self, origins: Ints) -> Floats:
        """[m, n, o, h] for the :data:`RIDGES`."""
        found = np.empty((len(RIDGES), *origins.shape, self.horizon))
        for part, weights in zip(self.parts, self.weights, strict=True):
            centre, features = self._features(origins, part)
            n, o, j, f = features.shape
            change = np.matmul(features.reshape(n, o * j, f), weights)
            found[..., part - 1] = np.moveaxis(change.reshape(n, o, j, -1), 3, 0) + centre
        scaled: Floats = found * self.scale[:, :, None]
        return scaled

    def _fit(self, part: Ints, upto: int, known: int) -> Floats:
        """[n, f, m] coefficients."""
        part = part[: max(known - LEAST, 1)]
        steps = part[np.unique(np.linspace(0, len(part) - 1, INSIDE).astype(np.int64))]
        last = upto - int(steps[-1])
        need = self.histories.first + self._reach(int(steps[-1]))
        low = np.minimum(need, max(last - 8, 0))
        origins = (low[:, None] + (last - low)[:, None] * np.linspace(0, 1, EXAMPLES)).astype(np.int64)
        centre, features = self._features(origins, steps)
        rows = np.arange(len(self.values))[:, None, None]
        target = self.values[rows, origins[:, :, None] + steps] - centre
        n, f = len(self.values), features.shape[-1]
        return _absolute(features.reshape(n, -1, f), target.reshape(n, -1))

    def _plainest(self, upto: int) -> Ints:
        """[n]: the season that repeats best, by absolute differences over the newest half of the history."""
        errors = np.full((len(self.values), max(self.seasons, 1)), np.inf)
        rows, columns = np.arange(len(self.values))[:, None], np.arange(upto // 2, upto + 1)
        for which in range(self.seasons):
            period = self.histories.periods[:, which, None]
            change = np.abs(self.values[:, columns] - self.values[rows, np.maximum(columns - period, 0)])
            errors[:, which] = np.where(period[:, 0] > 0, change.mean(axis=1), np.inf)
        best: Ints = errors.argmin(axis=1)
        return best

    def _reach(self, step: int) -> Ints:
        """[n]: columns before an origin that its features look at."""
        longest = self.histories.periods.max(axis=1) * (self.seasons > 0)
        found: Ints = np.where(longest > 0, longest * (-(-step // np.maximum(longest, 1)) + 1), 3) + 2
        return found

    def _mean(self, ends: Ints, length: Ints) -> Floats:
        """Means of the ``length`` columns up to ``ends``, both broadcast with a leading axis of series."""
        shape = (-1, *([1] * (ends.ndim - 1)))
        rows = np.arange(len(self.values)).reshape(shape)
        low = np.minimum(np.maximum(ends + 1 - length, self.histories.first.reshape(shape)), ends)
        found: Floats = (self.sums[rows, ends + 1] - self.sums[rows, low]) / (ends + 1 - low)
        return found

    def _features(self, origins: Ints, steps: Ints) -> tuple[Floats, Floats]:
        """The plain seasonal forecast [n, o, j] and what may correct it [n, o, j, f]."""
        rows, shape = np.arange(len(self.values))[:, None, None], (*origins.shape, len(steps))
        at = origins[:, :, None]
        short = np.where(self.histories.periods[:, 0] > 0, self.histories.periods[:, 0], 3)[:, None, None]
        columns = [self.values[rows, at], self.values[rows, np.maximum(at - 1, 0)]]
        columns += [self._mean(at, np.full_like(short, 4)), self._mean(at, short)]
        centre = columns[0]
        for which in range(self.seasons):
            period = self.histories.periods[:, which][:, None, None]
            present, length = period > 0, np.maximum(period, 1)
            base = at - length * -(-steps // length)
            moments = [self.values[rows, np.maximum(base + steps - length * back, 0)] for back in range(4)]
            inside = [
                base + steps - length * back >= self.histories.first[:, None, None] for back in range(4)
            ]
            moments = [
                np.where(good, moment, moments[0]) for good, moment in zip(inside, moments, strict=True)
            ]
            lags = [moments[0], moments[1], np.mean(moments, axis=0)]
            lags += [self.values[rows, np.maximum(base, 0)], self._mean(np.maximum(base, 0), short)]
            centre = np.where(present & (self.plain == which)[:, None, None], lags[0], centre)
            columns += [np.where(present, lag, np.nan) for lag in lags]
        full = [np.broadcast_to(column, shape) for column in columns]
        centre = np.broadcast_to(centre, shape)
        moved = [np.where(np.isnan(column), 0.0, column - centre) for column in full]
        return centre, np.stack([*moved, np.full(shape, 0.1)], axis=-1)


def _absolute(features: Floats, target: Floats) -> Floats:
    """[n, f, m]: least absolute error with each ridge, from ``features`` [n, k, f] and ``target`` [n, k]."""
    n, k, f = features.shape
    found = np.zeros((n, f, len(RIDGES)))
    for i, ridge in enumerate(RIDGES):
        weight = np.ones((n, k))
        for _ in range(SWEEPS):
            weighted = np.swapaxes(features * weight[:, :, None], 1, 2)
            gram = np.matmul(weighted, features)
            power = np.trace(gram, axis1=1, axis2=2) / f
            gram += (ridge * power + 1e-9)[:, None, None] * np.eye(f)
            solved = np.linalg.solve(gram, np.matmul(weighted, target[:, :, None]))
            error = np.abs(target - np.matmul(features, solved)[:, :, 0])
            typical = np.median(error, axis=1, keepdims=True) + 1e-6
            weight = typical / np.maximum(error, typical)
        found[:, :, i] = solved[:, :, 0]
    return found
