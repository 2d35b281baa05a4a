"""Series made ready for windows: cells without a value filled, values in deviations from the mean."""

from __future__ import annotations

import numpy as np

from airis_ray.aiops.series import Bools, Floats


def straight(values: Floats) -> Floats:
    """[n, t] values without NaN: a hole lies on the straight line between its neighbours, the ends repeat the nearest
    value, a row without any value is 0."""
    missing = np.isnan(values)
    if not missing.any():
        return values
    n, width = values.shape
    columns = np.broadcast_to(np.arange(width), (n, width))
    before = np.maximum.accumulate(np.where(missing, -1, columns), axis=1)
    after = np.minimum.accumulate(np.where(missing, width, columns)[:, ::-1], axis=1)[:, ::-1]
    left, right = np.where(before < 0, after, before), np.where(after >= width, before, after)
    rows = np.arange(n)[:, None]
    low, high = values[rows, np.clip(left, 0, width - 1)], values[rows, np.clip(right, 0, width - 1)]
    share = (columns - left) / np.maximum(right - left, 1)
    # Twice a half: the distance of two huge values of opposite sign would overflow.
    between = low * (1 - share) + high * share
    return np.where((left < 0) | (left >= width), 0.0, np.where(missing, between, values))


def standardised(values: Floats, inside: Bools) -> tuple[Floats, Floats]:
    """[n] mean and deviation over the cells inside; a deviation lost in rounding counts as 0."""
    count = np.maximum(inside.sum(axis=1), 1)
    peak = np.maximum(np.abs(np.where(inside, values, 0.0)).max(axis=1, initial=0.0), 1e-300)
    scaled = np.where(inside, values / peak[:, None], 0.0)
    mean = scaled.sum(axis=1) / count
    deviation = np.sqrt((np.where(inside, scaled - mean[:, None], 0.0) ** 2).sum(axis=1) / count)
    deviation = np.where(deviation > 1e-9, deviation, 0.0)
    return mean * peak, deviation * peak


def scaled(values: Floats, mean: Floats, deviation: Floats, farthest: float = 1e6) -> Floats:
    """[n, t] in deviations from the mean, held within ``farthest`` of them; a constant series' is in its own size."""
    divisor = np.where(deviation > 0, deviation, np.maximum(np.abs(mean), 1.0))
    with np.errstate(over="ignore"):
        found: Floats = np.clip(values / divisor[:, None] - (mean / divisor)[:, None], -farthest, farthest)
    return found
