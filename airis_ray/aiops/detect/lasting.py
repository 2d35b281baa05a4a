"""Departures that are small and last: their sums over the last 8 and 16 cells, judged as single departures are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from airis_ray.aiops.detect import tails
from airis_ray.aiops.detect.baseline import HELD, SHORTEST_TAIL
from airis_ray.aiops.detect.robust import quantiles
from airis_ray.aiops.series import Floats

WIDTHS: Final = (8, 16)
_BEFORE: Final = WIDTHS[-1] - 1
_GOES_ON: Final = 4.0
"""The newest departure is a fourth of the window's mean at least: what has ended is not told on."""


@dataclass(frozen=True)
class Lasting:
    """What is known of ``n`` series; some 200 bytes each."""

    tail: Floats
    """[n, widths, 2] quantiles of the sums' sizes: :data:`.tails.FITTED`"""
    recent: Floats
    """[n, 15] the departures of the newest cells; NaN where missing"""

    @classmethod
    def of(cls, departure: Floats) -> Self:
        """Learn from the departures [n, t] of a history."""
        made = cls(np.ones((len(departure), len(WIDTHS), 2)), np.full((len(departure), _BEFORE), np.nan))
        for place, total in enumerate(made._sums(departure)):
            size = quantiles(np.abs(total), tails.FITTED)
            made.tail[:, place] = np.where(np.isnan(size), 1.0, size)
        return made.after(departure)

    def after(self, departure: Floats) -> Self:
        """With the departures that follow."""
        return replace(self, recent=np.concatenate([self.recent, departure], axis=1)[:, -_BEFORE:])

    def fresh(self) -> Self:
        """The same with nothing before."""
        return replace(self, recent=np.full_like(self.recent, np.nan))

    def judge(self, departure: Floats) -> tuple[Floats, Floats]:
        """[n, t] each: minus the logarithm of the chance of the most unusual sum that ends at a cell (-inf: none), and
        that sum, by the root of its cells."""
        best, most = np.full(departure.shape, -np.inf), np.zeros(departure.shape)
        for place, total in enumerate(self._sums(departure)):
            found = tails.unlikely(np.abs(total), self.tail[:, place], SHORTEST_TAIL) - np.log(len(WIDTHS))
            going = departure * np.sign(total) >= np.abs(total) / np.sqrt(WIDTHS[place]) / _GOES_ON
            better = going & (found > best)
            best, most = np.where(better, found, best), np.where(better, total, most)
        return best, most

    def _sums(self, departure: Floats) -> list[Floats]:
        """For each width the sums over the windows that end at each cell, by the root of the width; NaN where less than
        half of a window is known."""
        values = np.concatenate([self.recent, departure], axis=1)
        known = ~np.isnan(values)
        held = _running(np.where(known, np.clip(values, -HELD, HELD), 0.0))
        count = _running(known.astype(np.float64))
        ends = _BEFORE + 1 + np.arange(departure.shape[1])
        found = []
        for width in WIDTHS:
            enough = (count[:, ends] - count[:, ends - width] >= width / 2) & known[:, _BEFORE:]
            total = (held[:, ends] - held[:, ends - width]) / np.sqrt(width)
            found.append(np.where(enough, total, np.nan))
        return found

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """All there is, by name; :meth:`from_arrays` takes it back."""
        return {"lasting_tail": self.tail, "lasting_recent": self.recent}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> Self:
        """The same again; other names are left alone."""
        return cls(arrays["lasting_tail"], arrays["lasting_recent"])


def _running(values: Floats) -> Floats:
    found: Floats = np.concatenate([np.zeros((len(values), 1)), values.cumsum(axis=1)], axis=1)
    return found
