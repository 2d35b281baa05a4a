"""Points of a window on the grid of a group's series: searched and scattered as arrays, no series by itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from airis_ray.aiops.series import Bools, Floats, Ints, SeriesBatch
from airis_ray.aiops.watch.windows import Keys, Points


@dataclass
class Counters:
    """The last reading of each series that is a counter, so that the next one becomes an increase."""

    value: Floats
    """[n], NaN before the first"""
    at: Ints
    """[n], nanoseconds"""

    @classmethod
    def of(cls, n: int) -> Counters:
        """No readings yet."""
        return cls(np.full(n, np.nan), np.zeros(n, np.int64))


def grid_of(points: Points, keys: Keys, start: int, cells: int, step: int) -> tuple[Floats, Bools]:
    """[n, cells]: the values of the series ``keys`` (sorted) from ``start`` on, NaN where there are none; and [n]:
    which of them are counters. Points of other series or times are left out."""
    grid = np.full((len(keys), cells), np.nan)
    rises = np.zeros(len(keys), dtype=bool)
    if len(keys) and len(points):
        row = np.minimum(np.searchsorted(keys, points.keys), len(keys) - 1)
        cell = (points.at - start) // step
        mine = (keys[row] == points.keys) & (cell >= 0) & (cell < cells)
        grid[row[mine], cell[mine]] = points.values[mine]
        rises[row[mine & points.rises]] = True
    return grid, rises


def increases(grid: Floats, rises: Bools, start: int, step: int, counters: Counters) -> Floats:
    """The grid with counters' readings as increases a cell since the reading before, which ``counters`` keeps.

    A counter that fell began anew: nothing is known of that cell. The same holds for its first reading ever.
    """
    rows = np.flatnonzero(rises)
    if not len(rows):
        return grid
    at = start + np.arange(grid.shape[1], dtype=np.int64) * step
    readings = np.concatenate([counters.value[rows, None], grid[rows]], axis=1)
    times = np.concatenate([counters.at[rows, None], np.broadcast_to(at, (len(rows), len(at)))], axis=1)
    known = np.where(np.isnan(readings), 0, np.arange(readings.shape[1]))
    newest = np.maximum.accumulate(known, axis=1)
    before = newest[:, :-1]
    gained = readings[:, 1:] - np.take_along_axis(readings, before, axis=1)
    passed = (times[:, 1:] - np.take_along_axis(times, before, axis=1)) / step
    with np.errstate(invalid="ignore", divide="ignore"):
        grid[rows] = np.where(gained >= 0, gained / passed, np.nan)
    last = newest[:, -1:]
    counters.value[rows] = np.take_along_axis(readings, last, axis=1)[:, 0]
    counters.at[rows] = np.take_along_axis(times, last, axis=1)[:, 0]
    return grid


def history(
    grid: Floats, zero: Bools, names: tuple[str, ...], start: int, step: int
) -> tuple[SeriesBatch, Ints]:
    """A window as the history of its series, each from its first point on; and [n], how many cells each has.

    ``zero`` are the series whose missing cells, once they have begun, are 0. Series without a point have no cells.
    """
    cells = grid.shape[1]
    present = ~np.isnan(grid)
    first = np.where(present.any(axis=1), present.argmax(axis=1), cells)
    begun = np.arange(cells) >= first[:, None]
    filled = np.where(~present & begun & zero[:, None], 0.0, grid)
    lengths = (cells - first).astype(np.int64)
    at = np.minimum(np.arange(cells) + first[:, None], max(cells - 1, 0))
    moved = np.take_along_axis(filled, at, axis=1)
    return SeriesBatch.of(
        moved, names=names, starts=start + first * step, steps=step, lengths=lengths
    ), lengths


def newest(grid: Floats, zero: Bools, names: tuple[str, ...], start: int, step: int) -> SeriesBatch:
    """A window that follows what a detector has seen; missing cells of ``zero`` series are 0."""
    filled = np.where(np.isnan(grid) & zero[:, None], 0.0, grid)
    return SeriesBatch.of(filled, names=names, starts=start, steps=step)
