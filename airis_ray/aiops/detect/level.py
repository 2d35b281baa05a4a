"""The level a series is at: the median of what came just before, block by block, for all series at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from airis_ray.aiops.detect.robust import median, quantiles
from airis_ray.aiops.series import Floats, Ints

BLOCKS: Final = 8
"""Blocks whose medians make a level: half of them may be disturbed."""
REACHES: Final = (16, 64, 256)
"""Cells a level looks back; which of them is chosen per series."""
LONGEST: Final = REACHES[-1]
QUARTILES: Final = (0.25, 0.75)


def before(values: Floats, reach: int) -> Floats:
    """[n, t]: the level before each cell, from the ``reach`` cells before its block; the first ones from their own.

    Where nothing is known, what was known last stands; NaN where nothing ever was.
    """
    size = max(1, reach // BLOCKS)
    lead = _lead(values, size)
    medians = lead[:, BLOCKS:]
    count = medians.shape[1]
    level = median(sliding_window_view(lead, BLOCKS, axis=1)[:, :count])
    level = held(np.where(np.isnan(level), np.where(np.arange(count) < 2, medians, np.nan), level))
    return np.repeat(level, size, axis=1)[:, : values.shape[1]]


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
    return _each(before, values, reaches)


def unsure(values: Floats, reaches: Ints) -> Floats:
    """[n, t]: how far the blocks that make the level of each cell lie apart, half the distance of their quartiles.

    Next to nothing of a series that stays where it is; of one that climbs, wanders or has just moved as much as that
    takes its level from what it will be. 0 where nothing is known.
    """
    return _each(_apart, values, reaches)


def _apart(values: Floats, reach: int) -> Floats:
    size = max(1, reach // BLOCKS)
    lead = _lead(values, size)[:, :-1]
    low, high = np.moveaxis(quantiles(sliding_window_view(lead, BLOCKS, axis=1), QUARTILES), -1, 0)
    return np.repeat(np.nan_to_num(high - low) / 2, size, axis=1)[:, : values.shape[1]]


def _lead(values: Floats, size: int) -> Floats:
    """[n, BLOCKS + blocks]: the medians of blocks of ``size`` cells, behind as many as make a level, unknown."""
    n, width = values.shape
    count = -(-width // size)
    padded = np.full((n, count * size), np.nan)
    padded[:, :width] = values
    medians = median(padded.reshape(n, count, size))
    return np.concatenate([np.full((n, BLOCKS), np.nan), medians], axis=1)


def _each(of: Callable[[Floats, int], Floats], values: Floats, reaches: Ints) -> Floats:
    found = np.empty_like(values)
    for reach in REACHES:
        rows = np.flatnonzero(reaches == reach)
        if len(rows):
            found[rows] = of(values[rows], reach)
    return found
