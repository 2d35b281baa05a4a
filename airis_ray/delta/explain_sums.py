"""Which combinations of values explain the change of a sum, when nothing is known of its noise.

A cause makes all the leaves under it deviate alike (the "ripple effect" of Squeeze and RiskLoc), while noise makes
each deviate by itself. So leaves count alike, whatever their size: for every combination the likelihood of its leaves'
deviations around their common median is held against that around zero. Sub-combinations of a cause have fewer leaves
to gain from; in super-combinations most leaves do not deviate, and their median stays near zero: so no search order and
no pruning is needed to find the right one. The strongest is taken, its leaves put aside, and so on, until what is
gained is less than what naming the combination costs (its description length, the logarithm of how many there are).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from airis_ray.delta.cube import Cause, Cube, Cuboid, Floats

MAX_CAUSES: Final = 10
_LEAST_NOISE: Final = 0.01
"""Deviations below 1 % are noise of any forecast."""
_LEAST_SPREAD: Final = 0.03
_PRIOR_SPREAD: Final = 0.1
_PRIOR_LEAVES: Final = 2.0
"""The spread under a cause is estimated as if two leaves with one of 10 % had been seen before."""
_CERTAIN: Final = 3.0
"""What must be gained beyond the cost of the name: the logarithm of 20, so that chance is named once in 20 cubes."""
_CAP: Final = 20.0
"""What one leaf may say against anything: forecasts are now and then beside all bounds, and a leaf that is far from
zero and from the median speaks for neither."""


@dataclass(frozen=True)
class _Best:
    gain: float
    cuboid: Cuboid
    group: int


def explain_sum(cube: Cube, expected: Sequence[float], actual: Sequence[float]) -> list[Cause]:
    """The causes of a change, strongest first: ``expected`` and ``actual`` have a value per leaf, none negative."""
    before, after = np.asarray(expected, np.float64), np.asarray(actual, np.float64)
    kept = (before + after) > 0
    if not kept.any():
        return []
    search = _Search(cube, before, after, kept)
    causes: list[Cause] = []
    while len(causes) < MAX_CAUSES and (best := search.best()) is not None:
        causes.append(search.take(best))
    return causes


class _Search:
    def __init__(self, cube: Cube, before: Floats, after: Floats, kept: NDArray[np.bool_]) -> None:
        self.cube, self.before, self.after = cube, before, after
        self.leaves = np.flatnonzero(kept)
        first, second = before[kept], after[kept]
        # Of the total's direction: what goes against it is noise, and shows how far noise goes.
        direction = np.sign(second.sum() - first.sum()) or 1.0
        self.deviation = direction * 2 * (second - first) / (second + first)
        self.noise = max(_LEAST_NOISE, 1.4826 * float(np.median(np.abs(self.deviation))))
        reach = -float(self.deviation.min()) / np.sqrt(2 * np.log(max(2, len(self.leaves))))
        self.tail = max(self.noise, reach)
        self.cuboids = list(cube.cuboids(kept))
        self.costs = [np.log(min(each.size, len(self.leaves)) * len(self.cuboids)) for each in self.cuboids]
        self.open = np.ones(len(self.leaves), bool)
        self.high = self.deviation > self.noise

    def best(self) -> _Best | None:
        """The combination that gains most by being named; None where none is worth its name."""
        found: _Best | None = None
        for cuboid, cost in zip(self.cuboids, self.costs, strict=True):
            gains, groups = self.gains(cuboid)
            if gains.size:
                at = int(np.argmax(gains))
                gain = float(gains[at]) - cost
                if gain > (found.gain if found else _CERTAIN):
                    found = _Best(gain, cuboid, int(groups[at]))
        return found

    def gains(self, cuboid: Cuboid) -> tuple[Floats, NDArray[np.int64]]:
        """Of the groups whose median is beyond the noise, what each gains."""
        counts = np.bincount(cuboid.groups[self.open], minlength=cuboid.size)
        high = np.bincount(cuboid.groups[self.open & self.high], minlength=cuboid.size)
        groups = np.flatnonzero((high * 2 >= counts) & (high > 0))
        if not groups.size:
            return np.array([]), groups
        number = np.full(cuboid.size, -1, np.int64)
        number[groups] = np.arange(len(groups))
        rows = np.flatnonzero(self.open & (number[cuboid.groups] >= 0))
        own, size = number[cuboid.groups[rows]], counts[groups]
        deviation = self.deviation[rows]
        order = np.lexsort((deviation, own))
        own, deviation = own[order], deviation[order]
        start = np.cumsum(size) - size
        median = (deviation[start + (size - 1) // 2] + deviation[start + size // 2]) / 2
        away = deviation - median[own]
        spread = np.bincount(own, np.abs(away), minlength=len(groups)) * 1.2533
        spread = (spread + _PRIOR_LEAVES * _PRIOR_SPREAD) / (size + _PRIOR_LEAVES)
        spread = np.clip(spread, min(_LEAST_SPREAD, self.tail), self.tail)[own]
        ratio = _unlikely(deviation / self.tail) - _unlikely(away / spread) + np.log(self.tail / spread)
        gains = np.bincount(own, ratio, minlength=len(groups))
        return np.where(median > self.noise, gains, -np.inf), groups

    def take(self, best: _Best) -> Cause:
        """Put the leaves of a combination aside."""
        taken = self.open & (best.cuboid.groups == best.group)
        self.open &= ~taken
        leaves = self.leaves[taken]
        return Cause(
            self.cube.combination(best.cuboid, int(leaves[0])),
            best.gain,
            float(self.before[leaves].sum()),
            float(self.after[leaves].sum()),
        )


def _unlikely(deviation: Floats) -> Floats:
    """How much a deviation, in standard deviations, speaks against its hypothesis."""
    return np.minimum(deviation**2 / 2, _CAP)
