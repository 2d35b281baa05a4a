"""Medians and quantiles along rows that may hold missing values; a row of nothing gives NaN, without a warning."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from airis_ray.aiops.series import Floats, Ints

TO_DEVIATION = 1.4826
"""A median absolute deviation times this is the deviation of a normal distribution."""


def quantiles(values: Floats, shares: Sequence[float], spared: int | Ints = 0) -> Floats:
    """[..., len(shares)] along the last axis, the nearest rank; NaN where nothing is known.

    ``spared``: so many of the largest are never one, however few there are.
    """
    ordered = np.sort(values, axis=-1)
    count = (~np.isnan(values)).sum(axis=-1)[..., None]
    rank = np.minimum(np.ceil(np.asarray(shares) * (count - 1)).astype(np.int64), count - 1 - spared)
    found: Floats = np.take_along_axis(ordered, np.maximum(rank, 0), axis=-1)
    return found


def median(values: Floats) -> Floats:
    """Along the last axis; of an even count the mean of the middle two."""
    if values.shape[-1] == 0:
        return np.full(values.shape[:-1], np.nan)
    ordered = np.sort(values, axis=-1)
    count = (~np.isnan(values)).sum(axis=-1)[..., None]
    low = np.take_along_axis(ordered, np.maximum((count - 1) // 2, 0), axis=-1)
    high = np.take_along_axis(ordered, np.maximum(count // 2, 0).clip(max=values.shape[-1] - 1), axis=-1)
    found: Floats = np.where(count > 0, low * 0.5 + high * 0.5, np.nan)[..., 0]
    return found
