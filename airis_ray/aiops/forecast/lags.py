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
import numpy.typing as npt

from airis_ray.aiops.forecast.history import Histories
from airis_ray.aiops.series import Floats, Ints

Singles = npt.NDArray[np.float32]
STRETCHES: Final = 6
"""Parts of the horizon with coefficients of their own."""
EXAMPLES: Final = 56
"""Origins a fit looks at, spread evenly over the history."""
INSIDE: Final = 4
"""Steps of a stretch a fit looks at."""
RIDGES: Final = (0.003, 0.03, 0.3)
"""Shrinkage, as a share of the mean square of a feature; each is a member of its own."""
SWEEPS: Final = 3
CYCLES: Final = 4
"""Seasons averaged."""
RECENT: Final = 1000
RECENT_SEASONS: Final = 6
"""Columns a fit looks at: the newest ``RECENT``, or so many times what the features reach back."""
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
        total = (np.abs(histories.values) * inside).sum(axis=1, keepdims=True)
        self.scale = np.where(total > 0, total / inside.sum(axis=1, keepdims=True), 1.0)
        scaled = histories.values / self.scale
        self.values = scaled.astype(np.float32)
        self.sums = np.concatenate([np.zeros((len(histories), 1)), scaled.cumsum(axis=1)], axis=1)
        self.seasons = int((histories.periods > 0).sum(axis=1).max(initial=0)) if seasonal else 0
        self.plain = self._plainest(upto, known)
        self.parts = stretches(horizon)
        self.weights: list[Singles] = []
        for part in self.parts:
            enough = not self.weights or 2 * int(part[-1]) + LEAST <= known
            self.weights.append(self._fit(part, upto, known) if enough else self.weights[-1])

    def predict(self, origins: Ints) -> Floats:
        """[m, n, o, h] for the :data:`RIDGES`."""
        found = np.empty((len(RIDGES), *origins.shape, self.horizon))
        for part, weights in zip(self.parts, self.weights, strict=True):
            centre, features = self._features(origins, part)
            change = np.matmul(np.swapaxes(weights, 1, 2), features)
            whole = change.reshape(len(self.values), -1, *centre.shape[1:]) + centre[:, None]
            found[..., part - 1] = np.moveaxis(whole * self.scale[:, :, None, None], 1, 0)
        return found

    def _fit(self, part: Ints, upto: int, known: int) -> Singles:
        """[n, f, m] coefficients."""
        part = part[: max(known - LEAST, 1)]
        steps = part[np.unique(np.linspace(0, len(part) - 1, INSIDE).astype(np.int64))]
        last = upto - int(steps[-1])
        reach = self._reach(int(steps[-1]))
        low = np.maximum(self.histories.first + reach, last - np.maximum(RECENT, RECENT_SEASONS * reach))
        low = np.minimum(low, max(last - 8, 0))
        origins = (low[:, None] + (last - low)[:, None] * np.linspace(0, 1, EXAMPLES)).astype(np.int64)
        centre, features = self._features(origins, steps)
        rows = np.arange(len(self.values))[:, None, None]
        target = self.values[rows, origins[:, :, None] + steps] - centre
        return _absolute(features, target.reshape(len(target), -1))

    def _plainest(self, upto: int, known: int) -> Ints:
        """[n]: the season that repeats best, by absolute differences over its newest two lengths."""
        errors = np.full((len(self.values), max(self.seasons, 1)), np.inf)
        longest = int(self.histories.periods.max(initial=1))
        rows, columns = np.arange(len(self.values))[:, None], upto - np.arange(min(2 * longest, known))
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

    def _features(self, origins: Ints, steps: Ints) -> tuple[Singles, Singles]:
        """The plain seasonal forecast [n, o, j] and what may correct it [n, f, o * j]."""
        rows, shape = np.arange(len(self.values))[:, None, None], (*origins.shape, len(steps))
        at = origins[:, :, None]
        short = np.where(self.histories.periods[:, 0] > 0, self.histories.periods[:, 0], 3)[:, None, None]
        levels: list[Singles | Floats] = [self.values[rows, at], self.values[rows, np.maximum(at - 1, 0)]]
        levels += [self._mean(at, np.full_like(short, 4)), self._mean(at, short)]
        centre = np.broadcast_to(self.values[rows, at], shape)
        found = np.empty((len(rows), 5 + 5 * self.seasons, *shape[1:]), np.float32)
        for which in range(self.seasons):
            period = self.histories.periods[:, which, None, None]
            lags = found[:, 5 * which : 5 * which + 5]
            self._lags(at, steps, np.maximum(period, 1), short, lags)
            centre = np.where((self.plain == which)[:, None, None] & (period > 0), lags[:, 0], centre)
        found[:, 5 * self.seasons : -1] = np.stack(
            [np.broadcast_to(level, shape) for level in levels], axis=1
        )
        found[:, :-1] -= centre[:, None]
        found[:, -1] = 0.1
        for which in range(self.seasons):
            found[self.histories.periods[:, which] == 0, 5 * which : 5 * which + 5] = 0.0
        return centre, found.reshape(len(rows), found.shape[1], -1)

    def _lags(self, at: Ints, steps: Ints, length: Ints, short: Ints, out: Singles) -> None:
        """The same moment one and two seasons ago and on average; value and level when that season's origin was."""
        rows, first = np.arange(len(self.values))[:, None, None], self.histories.first[:, None, None]
        base = at - length * -(-steps // length)
        moment = base + steps
        out[:, 0] = self.values[rows, np.maximum(moment, 0)]
        out[:, 2] = out[:, 0]
        for back in range(1, CYCLES):
            earlier = moment - length * back
            value = np.where(earlier >= first, self.values[rows, np.maximum(earlier, 0)], out[:, 0])
            if back == 1:
                out[:, 1] = value
            out[:, 2] += value
        out[:, 2] /= CYCLES
        base = np.maximum(base, 0)
        out[:, 3] = self.values[rows, base]
        out[:, 4] = self._mean(base, short)


def _absolute(features: Singles, target: Singles) -> Singles:
    """[n, f, m]: least absolute error with each ridge, from ``features`` [n, f, k] and ``target`` [n, k].

    The weights are found with the middle ridge; the others are solved with the same.
    """
    weight = np.ones_like(target)
    for _ in range(SWEEPS - 1):
        solved = _solved(features, target, weight, RIDGES[len(RIDGES) // 2 :][:1])
        error = np.abs(target - np.matmul(np.swapaxes(solved, 1, 2), features)[:, 0])
        typical = np.median(error, axis=1, keepdims=True) + np.float32(1e-6)
        weight = typical / np.maximum(error, typical)
    return _solved(features, target, weight, RIDGES)


def _solved(features: Singles, target: Singles, weight: Singles, ridges: tuple[float, ...]) -> Singles:
    """[n, f, m] weighted ridge regressions."""
    f = features.shape[1]
    weighted = features * weight[:, None, :]
    gram = np.matmul(weighted, np.swapaxes(features, 1, 2)).astype(np.float64)
    right = np.matmul(weighted, target[:, :, None]).astype(np.float64)
    power = np.trace(gram, axis1=1, axis2=2) / f
    shrunk = [gram + (ridge * power + 1e-9)[:, None, None] * np.eye(f) for ridge in ridges]
    solved = [np.linalg.solve(matrix, right) for matrix in shrunk]
    return np.concatenate(solved, axis=2).astype(np.float32)
