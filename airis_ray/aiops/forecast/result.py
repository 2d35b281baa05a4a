"""What a forecast says."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from airis_ray.aiops.gridding import SeriesError
from airis_ray.aiops.series import Floats, Ints
from airis_ray.errors import InvalidInput


@dataclass(frozen=True)
class Forecast:
    """The next ``horizon`` points of ``n`` series: those that could be forecast, in the order of the batch."""

    names: tuple[str, ...]
    rows: Ints
    """[n]: the series' place in the batch"""
    starts: Ints
    """[n], nanoseconds since the epoch: the time of the first point forecast"""
    steps: Ints
    """[n], nanoseconds between two points"""
    levels: Floats
    """[q], ascending, in (0, 1), 0.5 among them"""
    quantiles: Floats
    """[n, h, q]"""
    mean: Floats
    """[n, h]"""
    reasons: tuple[str, ...]
    """[n]: which seasons were found, what was mixed and how well that did"""
    reasons_ko: tuple[str, ...]
    errors: tuple[SeriesError, ...]
    """Series of the batch that are left out, and why"""

    @property
    def horizon(self) -> int:
        return int(self.quantiles.shape[1])

    @property
    def median(self) -> Floats:
        """[n, h]"""
        return self.quantile(0.5)

    def quantile(self, level: float) -> Floats:
        """[n, h]; raises InvalidInput for a level that was not asked for."""
        at = np.flatnonzero(np.abs(self.levels - level) < 1e-9)
        if not len(at):
            raise InvalidInput.field(
                "/levels", f"{level:g} was not forecast; got {np.round(self.levels, 4).tolist()}"
            )
        found: Floats = self.quantiles[:, :, int(at[0])]
        return found

    def band(self, level: float) -> tuple[Floats, Floats]:
        """The lower and upper edge [n, h] of the central interval of ``level`` percent."""
        return self.quantile(0.5 - level / 200), self.quantile(0.5 + level / 200)

    def times(self) -> Ints:
        """[n, h], nanoseconds since the epoch."""
        found: Ints = self.starts[:, None] + np.arange(self.horizon, dtype=np.int64) * self.steps[:, None]
        return found
