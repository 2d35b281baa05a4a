"""When in its season a series is restless: bands are wider there and narrower where it is quiet."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from airis_ray.aiops.forecast.history import Histories
from airis_ray.aiops.series import Floats, Ints

SMOOTHED: Final = 24
"""A season's share over which differences are averaged: an hour of a day."""
EVEN: Final = 0.2
"""What every moment keeps of the mean restlessness: a quiet phase may be so by chance."""


def of_columns(histories: Histories, columns: Ints) -> Floats:
    """[n, ...] restlessness at ``columns`` (beyond the history too), about 1 on average; 1 without a season.

    It is the mean absolute difference between one season and the next at that phase of the longest season.
    """
    n, width = histories.values.shape
    period = histories.season
    length = np.maximum(period, 1)[:, None]
    rows, own = np.arange(n)[:, None], np.arange(width)
    earlier = own - length
    known = (earlier >= histories.first[:, None]) & (period > 0)[:, None]
    change = np.abs(histories.values - histories.values[rows, np.maximum(earlier, 0)]) * known
    # distances to the end, so that the phase of a column does not depend on the width of the batch
    size = int(length.max())
    phase = (width - 1 - own) % length + rows * size
    total = np.bincount(phase.ravel(), change.ravel(), n * size).reshape(n, size)
    count = np.bincount(phase.ravel(), known.ravel().astype(float), n * size).reshape(n, size)
    smooth = _circular(total, length) / np.maximum(_circular(count, length), 1.0)
    mean = total.sum(axis=1, keepdims=True) / np.maximum(count.sum(axis=1, keepdims=True), 1.0)
    share = np.where(mean > 0, smooth / np.where(mean > 0, mean, 1.0), 1.0)
    shape = (n, *([1] * (columns.ndim - 1)))
    wanted = (width - 1 - columns) % length.reshape(shape)
    found: Floats = EVEN + (1 - EVEN) * share[np.arange(n).reshape(shape), wanted]
    return np.where((period > 0).reshape(shape), found, 1.0)


def _circular(values: npt.NDArray[np.generic], length: Ints) -> Floats:
    """Sums over the neighbourhood of each phase, the first ``length`` of each row seen as a ring."""
    half = length // (2 * SMOOTHED)
    ring = np.arange(values.shape[1])
    reach = int(half.max(initial=0))
    total = np.zeros(values.shape)
    rows = np.arange(len(values))[:, None]
    for offset in range(-reach, reach + 1):
        total += np.where(np.abs(offset) <= half, values[rows, (ring + offset) % length], 0.0)
    return total
