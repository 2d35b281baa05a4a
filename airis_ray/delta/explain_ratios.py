"""Which combinations of values explain the change of a ratio: errors of requests, stalls of plays.

Of all combinations the one whose events are farthest from those expected, as Jeffreys' divergence of two Poisson
counts has it (1946): events beyond the expected, times the logarithm of how many times more they are. It weighs how
much of the change a combination holds against how much else it holds. The scan statistic (Kulldorff 1997) is the half
of it that takes what came for the truth; the other half asks as well how unlikely the expectation would be then
(``benchmarks/delta_heldout.py`` compares both, and others).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from airis_ray.delta.cube import Cause, Cube, Cuboid, Floats

MAX_CAUSES: Final = 10
_PRIOR: Final = 5.0
"""Rows by which the rate of a leaf that was hardly seen before is drawn to the rate of all."""
_SHARE: Final = 0.7
"""A further cause has to gain this part of what the first one did: what is left beside a strong one is its echo."""
_LEAST_GAIN: Final = 24.0
"""What chance reaches among some thousands of combinations: twice a log likelihood ratio of 12."""


@dataclass(frozen=True)
class Before:
    """What was known of each leaf before: events, and the rows they are of."""

    events: Sequence[float]
    rows: Sequence[float]


def explain_ratio(cube: Cube, before: Before, events: Sequence[float], rows: Sequence[float]) -> list[Cause]:
    """The causes of a ratio's rise, strongest first; a fall is the rise of the rows that are no events.

    ``events`` of ``rows`` came, a number of each per leaf. ``expected`` of a cause is how many events its rows would
    have had at the rate before.
    """
    came, size = np.asarray(events, np.float64), np.asarray(rows, np.float64)
    earlier, base = np.asarray(before.events, np.float64), np.asarray(before.rows, np.float64)
    if not base.sum() or not size.sum():
        return []
    rate = earlier.sum() / base.sum()
    if came.sum() / size.sum() < rate:
        came, earlier, rate = size - came, base - earlier, 1.0 - rate
    expected = size * (earlier + _PRIOR * rate) / (base + _PRIOR)
    cuboids = list(cube.cuboids())
    is_open = size > 0
    causes: list[Cause] = []
    while len(causes) < MAX_CAUSES:
        gain, cuboid, group = _best(cuboids, np.where(is_open, came, 0.0), np.where(is_open, expected, 0.0))
        if gain < max(_LEAST_GAIN, _SHARE * causes[0].gain if causes else 0.0):
            break
        taken = is_open & (cuboid.groups == group)
        leaf = int(np.flatnonzero(taken)[0])
        causes.append(
            Cause(
                cube.combination(cuboid, leaf), gain, float(expected[taken].sum()), float(came[taken].sum())
            )
        )
        is_open &= ~taken
    return causes


def _best(cuboids: Sequence[Cuboid], came: Floats, expected: Floats) -> tuple[float, Cuboid, int]:
    """The combination with the largest statistic; of equal ones the first, that is the shortest."""
    best, where, group = -1.0, cuboids[0], 0
    for cuboid in cuboids:
        sums = [np.bincount(cuboid.groups, each, minlength=cuboid.size) for each in (came, expected)]
        gains = _gain(sums[0].astype(np.float64), sums[1].astype(np.float64))
        at = int(np.argmax(gains))
        if gains[at] > best * (1 + 1e-9):
            best, where, group = float(gains[at]), cuboid, at
    return best, where, group


def _gain(came: NDArray[np.float64], expected: NDArray[np.float64]) -> Floats:
    more = np.maximum(came - expected, 0.0)
    return np.asarray(more * np.log1p(more / (expected + 1.0)))
