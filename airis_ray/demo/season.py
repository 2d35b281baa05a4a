"""How busy the shop is: a day and a week in Korea, slow noise, and a little growth."""

from __future__ import annotations

from typing import Final

import numpy as np

from airis_ray.demo.chance import Floats, generator
from airis_ray.demo.wire import Ints

NS: Final = 1_000_000_000
DAY: Final = 86_400
_KST: Final = 9 * 3600

_NIGHT_TO_NOON: Final = (0.62, 0.38, 0.24, 0.17, 0.14, 0.17, 0.30, 0.55, 0.86, 1.05, 1.15, 1.28)
_NOON_TO_NIGHT: Final = (1.46, 1.30, 1.16, 1.14, 1.18, 1.26, 1.36, 1.52, 1.74, 1.80, 1.56, 1.06)
_HOURS: Final = np.array((*_NIGHT_TO_NOON, *_NOON_TO_NIGHT))
"""Traffic by hour of the Korean day, 1 being the mean."""
_WEEKDAYS: Final = np.array([0.97, 0.94, 0.93, 0.95, 1.02, 1.12, 1.07])
"""Monday to Sunday."""


class Season:
    """The traffic's relative intensity; its mean over weeks is about 1."""

    def __init__(self, seed: int) -> None:
        rng = generator(seed, "season")
        self._periods = (
            np.array([11.0, 17.0, 29.0, 47.0, 83.0, 151.0, 263.0]) * 60 * (0.9 + 0.2 * rng.random(7))
        )
        self._phases = rng.random(7) * 2 * np.pi
        self._sizes = np.array([0.010, 0.012, 0.015, 0.016, 0.018, 0.020, 0.020])
        self._hours = _HOURS / _HOURS.mean()
        self._week = _WEEKDAYS / _WEEKDAYS.mean()

    def intensity(self, times: Ints) -> Floats:
        """Relative traffic at ``times`` (nanoseconds since the epoch)."""
        seconds = times / NS
        return self.expected(times) * self._noise(seconds) * self._growth(seconds)

    def expected(self, times: Ints) -> Floats:
        """The season alone, without noise and growth."""
        local = times / NS + _KST
        hour = local % DAY / 3600 - 0.5
        day = _circular(self._hours, hour)
        # 1 January 1970 was a Thursday; a day's value holds at its noon.
        weekday = local / DAY + 3 - 0.5
        return day * _circular(self._week, weekday)

    def _noise(self, seconds: Floats) -> Floats:
        waves = np.sin(2 * np.pi * np.asarray(seconds)[:, None] / self._periods + self._phases)
        noise: Floats = 1.0 + waves @ self._sizes
        return noise

    def _growth(self, seconds: Floats) -> Floats:
        """A harmless drift: up and down by 6 % over seven weeks."""
        growth: Floats = 1.0 + 0.06 * np.sin(2 * np.pi * seconds / (49 * DAY) + self._phases[0])
        return growth


def _circular(values: Floats, at: Floats) -> Floats:
    low = np.floor(at).astype(np.int64)
    part = at - low
    # A raised cosine between the points keeps the curve smooth.
    weight = 0.5 - 0.5 * np.cos(np.pi * part)
    count = len(values)
    return values[low % count] * (1 - weight) + values[(low + 1) % count] * weight
