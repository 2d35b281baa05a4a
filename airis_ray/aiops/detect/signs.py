"""What may be new at a cell, from the cells before it alone: twenty cheap measures of six kinds.

Jumps of the level over 1 to 96 cells against the four times longer stretch before; the same in deviations of that
stretch; long level changes; changes of the deviation; unusually little movement; and distance to the nearest course in
the past. Each is a number >= 0 whose size means nothing: ranks among the past (``ranks``) make them comparable.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from airis_ray.aiops.series import Floats

JUMPS: Final = (1, 3, 6, 12, 24, 48, 96)
"""Cells of a mean that is compared with the mean of four times as many before."""
LONG: Final = (1, 2, 4)
"""How many times as long as 96 cells the stretch before is, for changes of level that last."""
RELATIVE: Final = (4, 8)
"""The same for 24 cells, in deviations of the stretch before."""
MOVING: Final = ((6, 8), (24, 8), (24, 4))
"""Cells, and how many times as many before, of a changed deviation."""
STILL: Final = (24, 48, 96)
"""Cells that hardly move."""
COURSES: Final = (12, 48)
"""Cells of a course."""
KINDS: Final = ((0, 7), (7, 10), (10, 12), (12, 15), (15, 18), (18, 20))
"""First and one past the last measure of each kind."""
COUNT: Final = KINDS[-1][1]
REACH: Final = 5 * 96
"""Cells of the past that measures other than courses look back."""
REFERENCES: Final = 600
"""Past courses that one is compared with, at most."""


def measures(past: Floats, size: int, dropped: int, stride: int, little: Floats) -> Floats:
    """[n, COUNT, size] of the newest ``size`` columns of ``past`` [n, t] (no holes), all without a unit.

    ``dropped`` columns were forgotten before the first one; courses are compared with one in ``stride`` of them.
    A deviation of ``little`` [n] counts as none.
    """
    near = past[:, max(past.shape[1] - REACH - size, 0) :] / little[:, None]
    found = _levels(near, size)
    found += [_courses(past, size, dropped, stride, cells) / little[:, None] for cells in COURSES]
    return np.stack(found, axis=1)


def _levels(near: Floats, size: int) -> list[Floats]:
    total = np.concatenate([np.zeros((len(near), 1)), near.cumsum(axis=1)], axis=1)
    squares = np.concatenate([np.zeros((len(near), 1)), (near * near).cumsum(axis=1)], axis=1)
    width = near.shape[1]

    def mean(sums: Floats, cells: int, before: int) -> Floats:
        """Of up to ``cells`` cells that end ``before`` cells before each of the newest."""
        last = np.maximum(np.arange(width - size, width) - before, 0)
        first = np.maximum(last - cells + 1, 0)
        found: Floats = (sums[:, last + 1] - sums[:, first]) / (last + 1 - first)
        return found

    def deviation(cells: int, before: int) -> Floats:
        level = mean(total, cells, before)
        square = mean(squares, cells, before)
        # What is left of two nearly equal numbers is rounding.
        rest = np.where(square - level * level > 1e-9 * square, square - level * level, 0.0)
        found: Floats = np.sqrt(rest)
        return found

    def jump(cells: int, times: int) -> Floats:
        found: Floats = np.abs(mean(total, cells, 0) - mean(total, cells * times, cells))
        return found

    moved = [
        np.abs(np.log((deviation(cells, 0) + 1) / (deviation(cells * times, cells) + 1)))
        for cells, times in MOVING
    ]
    return [
        *(jump(cells, 4) for cells in JUMPS),
        *(jump(96, times) for times in LONG),
        *(jump(24, times) / (deviation(24 * times, 24) + 10) for times in RELATIVE),
        *moved,
        *(1 / (deviation(cells, 0) + 1) for cells in STILL),
    ]


def _courses(past: Floats, size: int, dropped: int, stride: int, cells: int) -> Floats:
    """Distance of the courses that end at the newest cells to the nearest that ended before each began."""
    width = past.shape[1]
    found = np.zeros((len(past), size))
    judged = min(size, width - 2 * cells) if not dropped else size
    if judged <= 0:
        return found
    # Float32 and single rows: scaled, so that huge values keep their distances.
    scale = np.maximum(np.abs(past).max(axis=1, keepdims=True), 1e-300)
    windows = np.lib.stride_tricks.sliding_window_view((past / scale).astype(np.float32), cells, axis=1)
    last = windows.shape[1]
    places = np.arange(-dropped % stride, last - cells, stride)
    asked = np.ascontiguousarray(windows[:, last - judged :])
    reference = np.ascontiguousarray(windows[:, places])
    table = asked @ reference.transpose(0, 2, 1)
    table *= -2
    table += (reference**2).sum(axis=2)[:, None]
    open_ = places > last - judged - cells
    late = np.arange(last - judged, last)[:, None] - cells < places[open_][None, :]
    table[:, :, open_] = np.where(late, np.inf, table[:, :, open_])
    norm = (asked**2).sum(axis=2)
    nearest = table.min(axis=2) + norm
    nearest = np.where(np.isfinite(nearest) & (nearest > 1e-5 * norm), nearest, 0.0)
    found[:, size - judged :] = np.sqrt(nearest) * scale
    return found
