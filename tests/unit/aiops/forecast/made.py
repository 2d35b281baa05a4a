"""Series whose future is known, for the tests of forecasts."""

from __future__ import annotations

import numpy as np

from airis_ray.aiops.series import HOUR, Floats, SeriesBatch


def hourly(count: int = 8, weeks: int = 6, seed: int = 1, noise: float = 1.0) -> Floats:
    """[count, weeks * 168]: day and week seasons around 50, amplitudes 10 and 6, white noise."""
    random = np.random.default_rng(seed)
    at = np.arange(weeks * 168)
    phase = random.uniform(0, 2 * np.pi, (count, 2, 1))
    day, week = np.sin(2 * np.pi * at / 24 + phase[:, 0]), np.sin(2 * np.pi * at / 168 + phase[:, 1])
    made: Floats = 50 + 10 * day + 6 * week + random.normal(0, noise, (count, len(at)))
    return made


def batch(values: Floats) -> SeriesBatch:
    return SeriesBatch.of(values, steps=HOUR)
