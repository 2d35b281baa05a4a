"""Quantiles from the errors of the trials: split conformal prediction (Vovk et al. 2005), smoothed over the horizon.

Errors at one step ahead are pooled with those at steps about as far ahead. As there are few trials, their
quantiles are blended with those of a Laplace distribution of the same mean absolute error.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from airis_ray.aiops.forecast.choose import Mixture
from airis_ray.aiops.series import Floats, Ints

REACH: Final = 0.35
"""Steps from ``j * (1 - REACH)`` to ``j * (1 + REACH)`` share their errors."""
INSIDE: Final = (1.05, 0.25, 0.4)
TAILS: Final = (0.95, 0.8, 0.5)
"""Shares were chosen on the very trials that the errors come from, and the future may differ more: errors to come are
larger by (a + b * unsteadiness + c / trials), within the 80 % band and at the edges of the 95 % band. Unsteadiness is
by how much the error differs from trial to trial; trials are those that do not overlap: of a horizon as long as a
third of the history there is only one. Set on every other series; docs/accuracy.md has the figures of the rest."""
KNOTS: Final = 12
OWN_WEIGHT: Final = 0.1
"""How much the series' own quantiles count against those of the Laplace distribution."""


def quantiles(mixture: Mixture, levels: Floats, floor: Floats) -> Floats:
    """[n, h, q] for ascending ``levels`` in (0, 1), never crossing and never below ``floor`` [n]."""
    horizon = mixture.point.shape[1]
    relative = mixture.residuals / mixture.restless
    tested = mixture.residuals.shape[2]
    knots = _knots(tested)
    at = np.stack([_offsets(_near(relative, step), levels) for step in knots], axis=1)
    steps = np.arange(1, horizon + 1)
    inside = np.clip(steps, 1, tested)
    right = np.clip(np.searchsorted(knots, inside), 1, max(len(knots) - 1, 1))
    left = right - 1
    right = np.minimum(right, len(knots) - 1)
    share = (inside - knots[left]) / np.maximum(knots[right] - knots[left], 1)
    further = np.sqrt(np.maximum(steps / tested, 1.0))[:, None]
    spread = (at[:, left] * (1 - share)[:, None] + at[:, right] * share[:, None]) * further
    spread *= mixture.restless_ahead[:, :, None] * _optimism(mixture, levels)
    found = mixture.point[:, :, None] + spread
    bounded: Floats = np.maximum(np.sort(found, axis=2), floor[:, None, None])
    return bounded


def _optimism(mixture: Mixture, levels: Floats) -> Floats:
    """[n, 1, q] by how much wider than the errors of the trials."""
    errors = np.nanmean(np.abs(mixture.residuals / mixture.restless), axis=2)
    mean = errors.mean(axis=1)
    unsteady = np.minimum(errors.std(axis=1) / np.where(mean > 0, mean, 1.0), 1.5)[:, None, None]
    outer = np.clip((np.abs(levels - 0.5) - 0.4) / 0.075, 0, None)
    inner_factor, outer_factor = (a + b * unsteady + c / mixture.apart for a, b, c in (INSIDE, TAILS))
    found: Floats = inner_factor + outer * (outer_factor - inner_factor)
    return found


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
