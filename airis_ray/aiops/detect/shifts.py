"""Levels that move and stay: the median of what follows a cell against the median of what came before it.

A departure says how far one cell is from what came before; a step of a few deviations is told by many cells together.
How far medians of so many cells usually lie apart is learned from the series itself, so that what wanders by nature
needs a longer step than what stands still. A shift is told only where the new level lies outside of the usual band
and away from every level before: what switches between levels, or comes back, does nothing new.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from airis_ray.aiops.detect.robust import median, quantiles
from airis_ray.aiops.series import Bools, Floats, Ints

WIDTHS: Final = (8, 16, 64)
"""Cells of a level."""
PLACES: Final = 8
"""Places looked at within the width of a level."""
SHARE: Final = 16
"""A series is so many times as long as a level, at least: its own step fills that part of what is learned from it."""
LEAST: Final = 3.0
"""Usual deviations by which a level must have moved, and lie away from all before: the width of the band."""
PAST: Final = 8
"""Levels there must have been before one can be new."""
FITTED: Final = (0.5, 0.9)
"""Quantiles that fix the tail of usual distances."""
SHORTEST: Final = 1.2
"""Times the square root of 2/width: what lies between those quantiles of independent noise, at least."""
_GROUP: Final = 2**21
"""Cells that are worked on at a time."""


@dataclass(frozen=True)
class Shift:
    """A level of one series that moved."""

    row: int
    first: int
    cells: int
    """from ``first`` on, at least"""
    before: float
    """the level that was left"""
    upwards: bool
    improbable: float
    """minus the logarithm of the chance of a usual distance as large"""


def found(rest: Floats, lengths: Ints, deviation: Floats, limit: float) -> list[Shift]:
    """Shifts in ``rest`` [n, t], values less their season with NaN where unknown; by row, then by cell.

    ``lengths`` [n]: cells of each; ``deviation`` [n]: of usual points; ``limit``: least ``improbable`` told. Of shifts
    that overlap the least probable is kept.
    """
    told: list[Shift] = []
    size = max(1, _GROUP // max(rest.shape[1], 1))
    for begin in range(0, len(rest), size):
        part = slice(begin, begin + size)
        some = [
            one
            for width in WIDTHS
            for one in _of_width(rest[part], lengths[part], deviation[part], width, limit)
        ]
        for row in sorted({one.row for one in some}):
            alone = _apart([one for one in some if one.row == row])
            told += [replace(one, row=begin + row) for one in alone]
    return told


def _of_width(rest: Floats, lengths: Ints, deviation: Floats, width: int, limit: float) -> list[Shift]:
    """Of levels of ``width`` cells, the places where they moved farther than around them."""
    if rest.shape[1] < SHARE * width:
        return []
    stride = width // PLACES
    middle, mean = _levels(rest, width, stride)
    moved = middle[:, PLACES:] - middle[:, :-PLACES]
    moved_mean = mean[:, PLACES:] - mean[:, :-PLACES]
    # Medians ignore a spike but stay apart over half their width; means are farthest apart at the step itself.
    both = np.minimum(np.abs(moved), np.abs(moved_mean))
    far = np.where(np.isnan(moved), np.nan, np.where(moved * moved_mean > 0, both, 0.0))
    usual = quantiles(far, FITTED)
    span = np.maximum(usual[:, 1] - usual[:, 0], SHORTEST * np.sqrt(2 / width) * deviation)
    length = np.maximum(span, 1e-300) / np.log((1 - FITTED[0]) / (1 - FITTED[1]))
    improbable = (far - usual[:, 1:]) / length[:, None] - np.log(1 - FITTED[1])
    least = LEAST * deviation[:, None]
    enough = (improbable > limit) & (far > least) & _new(middle, least)
    around = np.pad(np.nan_to_num(far), ((0, 0), (PLACES, PLACES)))
    top = sliding_window_view(around, 2 * PLACES + 1, axis=1).max(axis=2)
    row, place = np.nonzero(enough & (far == top) & (lengths >= SHARE * width)[:, None])
    return [
        Shift(
            r,
            (p + PLACES) * stride,
            width,
            float(middle[r, p]),
            bool(moved[r, p] > 0),
            float(improbable[r, p]),
        )
        for r, p in zip(row.tolist(), place.tolist(), strict=True)
    ]


def _levels(rest: Floats, width: int, stride: int) -> tuple[Floats, Floats]:
    """[n, places] each: median and mean of ``width`` cells from every ``stride``-th on; NaN where half are unknown."""
    windows = sliding_window_view(rest, width, axis=1)[:, ::stride]
    known = ~np.isnan(windows)
    count = known.sum(axis=2)
    enough = 2 * count > width
    total = np.where(known, windows, 0.0).sum(axis=2)
    mean = np.where(enough, total / np.maximum(count, 1), np.nan)
    return np.where(enough, median(windows), np.nan), mean


def _new(middle: Floats, least: Floats) -> Bools:
    """[n, places - PLACES]: whether a level is ``least`` above or below all that ended before it began."""
    top = np.fmax.accumulate(middle, axis=1)[:, :-PLACES]
    bottom = np.fmin.accumulate(middle, axis=1)[:, :-PLACES]
    after = middle[:, PLACES:]
    found: Bools = (after > top + least) | (after < bottom - least)
    found[:, : PAST * PLACES] = False
    return found


def _apart(shifts: list[Shift]) -> list[Shift]:
    """Of shifts of one series that overlap the least probable, placed where the shortest level puts it."""
    kept: list[Shift] = []
    for one in sorted(shifts, key=lambda shift: -shift.improbable):
        if all(abs(one.first - other.first) >= max(one.cells, other.cells) for other in kept):
            kept.append(one)
    return sorted((_placed(one, shifts) for one in kept), key=lambda shift: shift.first)


def _placed(shift: Shift, shifts: list[Shift]) -> Shift:
    same = [
        one for one in shifts if abs(one.first - shift.first) < shift.cells and one.upwards == shift.upwards
    ]
    nearest = min(same, key=lambda one: (one.cells, -one.improbable))
    return replace(shift, first=nearest.first)
