"""Quantiles from the errors of the trials: split conformal prediction (Vovk et al. 2005), smoothed over the horizon.

Errors at one step ahead are pooled with those at steps about as far ahead. Where few trials are there, the
tails are blended with those of a Laplace distribution of the same mean absolute error.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from airis_ray.aiops.forecast.choose import Mixture
from airis_ray.aiops.series import Floats

REACH: Final = 0.35
"""Steps from ``j * (1 - REACH)`` to ``j * (1 + REACH)`` share their errors."""
OPTIMISM: Final = 1.12
"""Shares were chosen on the very trials that the errors come from: errors to come are larger by about this."""
OWN_WEIGHT: Final = 0.6
"""How much the series' own quantiles count against those of the Laplace distribution."""


def quantiles(mixture: Mixture, levels: Floats, floor: Floats) -> Floats:
    """[n, h, q] for ascending ``levels`` in (0, 1), never crossing and never below ``floor`` [n]."""
    n, horizon = mixture.point.shape
    tested = mixture.residuals.shape[2]
    spread = np.empty((n, horizon, len(levels)))
    for step in range(1, horizon + 1):
        if step > 1 and step > tested:
            spread[:, step - 1] = spread[:, tested - 1] * np.sqrt(step / tested)
            continue
        low, high = int(np.floor(step * (1 - REACH))), int(np.ceil(step * (1 + REACH))) + 1
        near = mixture.residuals[:, :, max(low - 1, 0) : min(high, tested)].reshape(n, -1)
        spread[:, step - 1] = _offsets(near, levels)
    found = mixture.point[:, :, None] + OPTIMISM * spread
    return np.maximum(np.sort(found, axis=2), floor[:, None, None])


def _offsets(errors: Floats, levels: Floats) -> Floats:
    """[n, q] from errors [n, k]."""
    own = np.nanquantile(errors, levels, axis=1).T
    typical = np.nanmean(np.abs(errors), axis=1)[:, None]
    tail = np.sign(levels - 0.5) * -np.log(2 * np.minimum(levels, 1 - levels))
    found: Floats = OWN_WEIGHT * own + (1 - OWN_WEIGHT) * typical * tail
    return found
