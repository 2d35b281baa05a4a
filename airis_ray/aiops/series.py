"""A batch of series on a grid: what every detector and forecaster works on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

SECOND: Final = 1_000_000_000
MINUTE: Final = 60 * SECOND
HOUR: Final = 3600 * SECOND
DAY: Final = 86_400 * SECOND
WEEK: Final = 7 * DAY


@dataclass(frozen=True)
class SeriesBatch:
    """``n`` series of up to ``t`` cells each; cell ``j`` of series ``i`` is at ``starts[i] + j * steps[i]``.

    A missing point is NaN, and so is every cell from ``lengths[i]`` on. Infinite values count as missing.
    The arrays are not copied and must not be written to afterwards.
    """

    names: tuple[str, ...]
    values: Floats
    """[n, t]"""
    starts: Ints
    """[n], nanoseconds since the epoch"""
    steps: Ints
    """[n], nanoseconds between two cells, > 0"""
    lengths: Ints
    """[n], cells that belong to the series, trailing missing ones included"""

    @classmethod
    def of(
        cls,
        values: npt.ArrayLike,
        *,
        names: Sequence[str] | None = None,
        starts: npt.ArrayLike = 0,
        steps: npt.ArrayLike = MINUTE,
        lengths: npt.ArrayLike | None = None,
    ) -> SeriesBatch:
        """From values [n, t] (or [t]: one series) already on a grid; one start, step or length stands for all."""
        grid = np.atleast_2d(np.asarray(values, dtype=np.float64))
        n, t = grid.shape
        spread = [np.broadcast_to(np.asarray(part, dtype=np.int64), (n,)) for part in (starts, steps)]
        size = np.broadcast_to(np.asarray(t if lengths is None else lengths, dtype=np.int64), (n,))
        padded = np.arange(t) >= size[:, None]
        bad = padded | ~np.isfinite(grid)
        if bad.any():
            grid = np.where(bad, np.nan, grid)
        named = tuple(str(i) for i in range(n)) if names is None else tuple(names)
        return cls(named, grid, spread[0], spread[1], size)

    def __len__(self) -> int:
        return len(self.names)

    @property
    def width(self) -> int:
        """``t``: cells of the longest series."""
        return int(self.values.shape[1])

    @property
    def inside(self) -> Bools:
        """[n, t]: cells that belong to their series, missing or not."""
        found: Bools = np.arange(self.width) < self.lengths[:, None]
        return found

    @property
    def present(self) -> Bools:
        """[n, t]: cells with a value."""
        return ~np.isnan(self.values)

    def times(self) -> Ints:
        """[n, t]: the time of every cell, nanoseconds since the epoch."""
        found: Ints = self.starts[:, None] + np.arange(self.width, dtype=np.int64) * self.steps[:, None]
        return found

    def take(self, rows: npt.ArrayLike) -> SeriesBatch:
        """The series at ``rows`` (indices or a mask), cut to the longest of them."""
        at = np.arange(len(self))[np.asarray(rows)]
        lengths = self.lengths[at]
        width = int(lengths.max(initial=0))
        names = tuple(self.names[i] for i in at)
        return SeriesBatch(names, self.values[at, :width], self.starts[at], self.steps[at], lengths)

    def cut(self, first: int, last: int) -> SeriesBatch:
        """Cells ``[first, last)`` of every series."""
        lengths = np.clip(self.lengths - first, 0, last - first)
        starts = self.starts + first * self.steps
        return SeriesBatch(self.names, self.values[:, first:last], starts, self.steps, lengths)
