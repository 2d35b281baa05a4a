"""What a user's model is asked: windows of standardised series; and its answers brought back to cells."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from airis_ray.aiops.filling import scaled, standardised, straight
from airis_ray.aiops.protocol import Singles
from airis_ray.aiops.series import Floats, Ints, SeriesBatch

SHORTEST: Final = 4
LONGEST: Final = 256
"""Cells of a window: as many as a detector keeps of each series."""
OVERLAP: Final = 16
"""A window moves on by this part of its width."""
FARTHEST: Final = 100.0
"""Deviations from the mean: what is beyond is held there, so that a model in float32 stays within its numbers."""
AT_ONCE: Final = 2**14
"""Windows a model is asked about at a time."""

Score = Callable[[Singles], Floats]
"""[n] how unusual windows [n, width] are, larger is more."""


@dataclass(frozen=True)
class Standard:
    """Mean and deviation [n] of each series' history; a window is told in these."""

    mean: Floats
    deviation: Floats

    @classmethod
    def of(cls, history: SeriesBatch) -> Standard:
        """Holes count as the straight line across them."""
        return cls(*standardised(straight(history.values), history.inside))

    def of_values(self, values: Floats) -> Singles:
        """[n, t] without holes, in deviations from the mean."""
        found = scaled(straight(values), self.mean, self.deviation, FARTHEST)
        return found.astype(np.float32)


@dataclass(frozen=True)
class Cut:
    """How series are cut: windows of ``width`` cells, the last one at a series' end, one every ``stride`` before."""

    width: int

    @property
    def stride(self) -> int:
        """Cells between two windows."""
        return max(1, self.width // OVERLAP)

    def counts(self, lengths: Ints) -> Ints:
        """[n] windows in series of ``lengths`` cells; none in one that is shorter than a window."""
        return np.where(lengths < self.width, 0, (lengths - self.width) // self.stride + 1)

    def windows(self, values: Singles, lengths: Ints) -> Iterator[Singles]:
        """All windows of all series, the last of each first, at most :data:`AT_ONCE` at a time."""
        counts = self.counts(lengths)
        if not counts.any():
            return
        row, place = _places(counts)
        start = lengths[row] - self.width - place * self.stride
        view = sliding_window_view(values, self.width, axis=1)
        for first in range(0, len(row), AT_ONCE):
            some = slice(first, first + AT_ONCE)
            yield view[row[some], start[some]]

    def on_cells(self, scores: Floats, lengths: Ints, width: int) -> Floats:
        """[n, width]: the least over the windows that cover a cell; NaN in series without a window.

        So a spike is as short as it is: the cells beside it are covered by windows without it. Of a mean it would be
        two windows long, which in a short history is more than a tail's fit leaves aside. ``scores``: of all windows,
        in the order of :meth:`windows`. What is left over before the first window has that window's.
        """
        counts = self.counts(lengths)
        table = np.full((len(lengths), max(int(counts.max(initial=0)), 1)), np.nan)
        table[_places(counts)] = scores
        last = (counts - 1)[:, None]
        back = lengths[:, None] - 1 - np.arange(width)
        found = np.full(back.shape, np.inf)
        newest = np.clip(back // self.stride, 0, np.maximum(last, 0))
        for older in range(-(-self.width // self.stride)):
            place = newest - older
            covers = (place >= 0) & ((back - place * self.stride < self.width) | (place == last))
            held = np.take_along_axis(table, np.maximum(place, 0), axis=1)
            found = np.where(covers, np.minimum(found, held), found)
        known = (counts[:, None] > 0) & (back >= 0)
        return np.where(known, found, np.nan)


def asked(score: Score, cut: Cut, values: Singles, lengths: Ints) -> Floats:
    """[n, t]: what a model says of each cell of standardised series [n, t]; NaN where it was not asked."""
    parts = [score(np.ascontiguousarray(part)) for part in cut.windows(values, lengths)]
    return cut.on_cells(np.concatenate(parts) if parts else np.zeros(0), lengths, values.shape[1])


def training(batch: SeriesBatch, width: int) -> Singles:
    """[windows, width]: all windows of a batch, as a model will be asked about them: what to train one on."""
    values = Standard.of(batch).of_values(batch.values)
    parts = list(Cut(width).windows(values, batch.lengths))
    return np.concatenate(parts) if parts else np.zeros((0, width), np.float32)


def _places(counts: Ints) -> tuple[npt.NDArray[np.intp], Ints]:
    """Row and number of each window, by row."""
    row = np.repeat(np.arange(len(counts)), counts)
    begins = np.concatenate([[0], np.cumsum(counts)[:-1]]) if len(counts) else np.zeros(0, np.int64)
    place: Ints = np.arange(len(row)) - np.repeat(begins, counts)
    return row, place.astype(np.int64)
