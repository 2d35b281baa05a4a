"""The level a series is at: the median of what came just before, block by block, for all series at once."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from airis_ray.aiops.detect.robust import median
from airis_ray.aiops.series import Floats, Ints

BLOCKS: Final = 8
"""Blocks whose medians make a level: half of them may be disturbed."""
REACHES: Final = (16, 64, 256)
"""Cells a level looks back; which of them is chosen per series."""
LONGEST: Final = REACHES[-1]


def before(values: Floats, reach: int) -> Floats:
    """[n, t]: the level before each cell, from the ``reach`` cells before its block; the first ones from their own.

    Where nothing is known, what was known last stands; NaN where nothing ever was.
    """
    n, width = values.shape
    size = max(1, reach // BLOCKS)
    count = -(-width // size)
    padded = np.full((n, count * size), np.nan)
    padded[:, :width] = values
    medians = median(padded.reshape(n, count, size))
    lead = np.concatenate([np.full((n, BLOCKS), np.nan), medians], axis=1)
    level = median(sliding_window_view(lead, BLOCKS, axis=1)[:, :count])
    level = held(np.where(np.isnan(level), np.where(np.arange(count) < 2, medians, np.nan), level))
    return np.repeat(level, size, axis=1)[:, :width]


def held(values: Floats) -> Floats:
    """Holes repeat the value before them; those at the beginning the first value after."""
    missing = np.isnan(values)
    if not missing.any():
        return values
    columns = np.broadcast_to(np.arange(values.shape[1]), values.shape)
    known = np.maximum.accumulate(np.where(missing, -1, columns), axis=1)
    first = np.where(missing, values.shape[1] - 1, columns).min(axis=1, keepdims=True)
    found: Floats = np.take_along_axis(values, np.where(known < 0, first, known), axis=1)
    return found


def chosen(values: Floats, reaches: Ints) -> Floats:
    """[n, t]: :func:`before` with the reach of each series."""
    found = np.empty_like(values)
    for reach in REACHES:
        rows = np.flatnonzero(reaches == reach)
        if len(rows):
            found[rows] = before(values[rows], reach)
    return found
