"""What forecasters work on: histories without holes, all ending in the same column."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from airis_ray.aiops.filling import straight
from airis_ray.aiops.series import Bools, Floats, Ints, SeriesBatch

CONTEXT: Final = 20_480
"""Newest cells that are looked at: ten weeks of 5-minute points. Older ones cost time and seldom help."""


@dataclass(frozen=True)
class Histories:
    """``n`` series ending at column ``t - 1``; columns before ``first[i]`` repeat the first known value."""

    values: Floats
    """[n, t], no NaN"""
    first: Ints
    """[n], the first column that belongs to the series"""
    starts: Ints
    """[n], nanoseconds since the epoch: the time of column 0, were it known"""
    steps: Ints
    """[n], nanoseconds between two columns"""
    periods: Ints
    """[n, p], lengths of the seasons in columns, shortest first; 0: none"""
    sure: Bools
    """[n, p], the seasons that the series itself shows"""
    floor: Floats
    """[n], the least value a forecast may take: 0 for series that never were negative, else -inf"""

    def __len__(self) -> int:
        return len(self.values)

    @property
    def width(self) -> int:
        return int(self.values.shape[1])

    @property
    def inside(self) -> Bools:
        """[n, t]: columns that belong to their series."""
        found: Bools = np.arange(self.width) >= self.first[:, None]
        return found

    def take(self, rows: Ints | Bools) -> Histories:
        """The series at ``rows`` (indices or a mask), without columns that none of them has."""
        begin = int(self.first[rows].min(initial=self.width))
        parts = (
            self.values[rows, begin:],
            self.first[rows] - begin,
            self.starts[rows] + begin * self.steps[rows],
        )
        return Histories(*parts, self.steps[rows], self.periods[rows], self.sure[rows], self.floor[rows])

    @property
    def season(self) -> Ints:
        """[n], the longest season that the series itself shows; 0: none."""
        found: Ints = (self.periods * self.sure).max(axis=1)
        return found


def right_aligned(batch: SeriesBatch) -> tuple[Floats, Ints]:
    """The newest :data:`CONTEXT` cells of every series, ending in the last column; the first column of each."""
    width = min(batch.width, CONTEXT)
    column = batch.lengths[:, None] - width + np.arange(width)
    values = np.take_along_axis(batch.values, np.maximum(column, 0), axis=1)
    values = np.where(column < 0, np.nan, values)
    known = ~np.isnan(values)
    first = np.where(known, np.arange(width), width).min(axis=1, initial=width)
    return values, first.astype(np.int64)


def without_holes(values: Floats, first: Ints, periods: Ints) -> Floats:
    """Fill missing points: from a season earlier where there is one, else straight between the neighbours."""
    n, width = values.shape
    columns = np.broadcast_to(np.arange(width), (n, width))
    missing = np.isnan(values)
    inner = missing & (columns > first[:, None])
    filled = values.copy()
    for period in reversed(range(periods.shape[1])):
        rows = np.flatnonzero((periods[:, period] > 0) & inner.any(axis=1))
        earlier = columns[rows] - periods[rows, period, None]
        again = np.where(earlier >= first[rows, None], filled[rows[:, None], np.maximum(earlier, 0)], np.nan)
        filled[rows] = np.where(np.isnan(filled[rows]) & inner[rows], again, filled[rows])
    return straight(filled)
