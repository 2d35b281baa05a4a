"""From how unusual to how unlikely: an exponential tail, fitted where usual points are."""

from __future__ import annotations

from typing import Final

import numpy as np

from airis_ray.aiops.detect.robust import quantiles
from airis_ray.aiops.protocol import Singles
from airis_ray.aiops.series import Bools, Floats

RATE: Final = 1e-5
"""Of usual points at most so many are called anomalies, where their tail is no heavier than exponential."""
THRESHOLD: Final = 0.5
"""The score at which a point is that unlikely."""
FITTED: Final = (0.5, 0.95)
"""Quantiles that fix the tail: anomalies in the history, up to one point in twenty, do not move it."""
LIMIT: Final = float(-np.log(RATE))
"""Minus the logarithm of that."""


def fit(values: Floats, inside: Bools) -> Floats:
    """[n, 2]: the quantiles of each row at :data:`FITTED`."""
    found = quantiles(np.where(inside, values, np.nan), FITTED)
    return np.where(np.isnan(found), 0.0, found)


def unlikely(values: Floats, tail: Floats, floor: float) -> Floats:
    """Minus the logarithm of the chance of a usual point as high; ``floor``: the least length of a tail."""
    length = np.maximum(tail[:, 1:] - tail[:, :1], floor) / np.log(0.5 / 0.05)
    found: Floats = (values - tail[:, 1:]) / length - np.log(0.05)
    return found


def score(improbable: Floats) -> Singles:
    """0..1, increasing, 0.5 at :data:`RATE`; 0 where nothing is known."""
    # log(1 + e^x): keeps the order of usual points above 0 as well.
    kept = np.logaddexp(0.0, np.clip(np.nan_to_num(improbable, nan=-700.0), -80.0, 1e6))
    known = ~np.isnan(improbable)
    found: Singles = np.where(known, kept / (kept + LIMIT), 0.0).astype(np.float32)
    return found


def improbable(score: Singles) -> Floats:
    """What :func:`score` was made of: minus the logarithm of the chance, of usual points a little above 0."""
    found: Floats = score.astype(np.float64)
    return LIMIT * found / np.maximum(1.0 - found, 1e-9)


def threshold(rate: float) -> float:
    """The score at which a point is as unlikely as ``rate``."""
    limit = -float(np.log(rate))
    return limit / (limit + LIMIT)
