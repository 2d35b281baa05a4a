"""Quantiles from the errors of the trials: split conformal prediction (Vovk et al. 2005), smoothed over the horizon.

Errors at one step ahead are pooled with those at steps about as far ahead. Where few trials are there, the
tails are blended with those of a Laplace distribution of the same mean absolute error.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from airis_ray.aiops.forecast.choose import Mixture
from airis_ray.aiops.series import Floats, Ints

REACH: Final = 0.35
"""Steps from ``j * (1 - REACH)`` to ``j * (1 + REACH)`` share their errors."""
OPTIMISM: Final = 1.12
"""Shares were chosen on the very trials that the errors come from: errors to come are larger by about this."""
KNOTS: Final = 12
OWN_WEIGHT: Final = 0.6
"""How much the series' own quantiles count against those of the Laplace distribution."""


def quantiles(mixture: Mixture, levels: Floats, floor: Floats) -> Floats:
    """[n, h, q] for ascending ``levels`` in (0, 1), never crossing and never below ``floor`` [n]."""
    n, horizon = mixture.point.shape
    tested = mixture.residuals.shape[2]
    knots = _knots(tested)
    at = np.stack([_offsets(_near(mixture.residuals, step), levels) for step in knots], axis=1)
    steps = np.arange(1, horizon + 1)
    inside = np.clip(steps, 1, tested)
    right = np.clip(np.searchsorted(knots, inside), 1, max(len(knots) - 1, 1))
    left = right - 1
    right = np.minimum(right, len(knots) - 1)
    share = (inside - knots[left]) / np.maximum(knots[right] - knots[left], 1)
    further = np.sqrt(np.maximum(steps / tested, 1.0))[:, None]
    spread = (at[:, left] * (1 - share)[:, None] + at[:, right] * share[:, None]) * further
    found = mixture.point[:, :, None] + OPTIMISM * spread
    return np.maximum(np.sort(found, axis=2), floor[:, None, None])


def _knots(tested: int) -> Ints:
    """Steps whose quantiles are looked up; those between are interpolated."""
    found: Ints = np.unique(np.round(np.geomspace(1, tested, min(tested, KNOTS))).astype(np.int64))
    return found


def _near(residuals: Floats, step: int) -> Floats:
    """[n, k] errors at about ``step`` steps ahead, ascending."""
    low, high = int(np.floor(step * (1 - REACH))), int(np.ceil(step * (1 + REACH)))
    near = residuals[:, :, max(low - 1, 0) : high].reshape(len(residuals), -1)
    known = ~np.isnan(near[:1]).any(axis=0)
    return np.sort(near[:, known], axis=1) if len(near) else near


def _offsets(errors: Floats, levels: Floats) -> Floats:
    """[n, q] from ascending errors [n, k]."""
    count = errors.shape[1]
    place = np.clip(levels * count - 0.5, 0, count - 1)
    left = np.floor(place).astype(np.int64)
    right = np.minimum(left + 1, count - 1)
    own = errors[:, left] + (errors[:, right] - errors[:, left]) * (place - left)
    typical = np.abs(errors).mean(axis=1)[:, None]
    tail = np.sign(levels - 0.5) * -np.log(2 * np.minimum(levels, 1 - levels))
    found: Floats = OWN_WEIGHT * own + (1 - OWN_WEIGHT) * typical * tail
    return found
