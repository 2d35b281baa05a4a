"""The course of a season: what a series is at each phase of its hour, day or week, less its level."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from airis_ray.aiops.detect.robust import median, quantiles
from airis_ray.aiops.forecast.history import right_aligned
from airis_ray.aiops.forecast.periods import find
from airis_ray.aiops.series import Floats, Ints, SeriesBatch

PHASES: Final = 336
"""Phases of a season at most: half hours of a week, 5 minutes of a day."""
CYCLES: Final = 3
"""Seasons a history must hold before the longer of two is believed; two do for the only one."""
WHOLE: Final = 0.9
"""Of a season's cells, that are known of it where its level is compared with the next one's"""
STEADY: Final = 0.8
"""and of the seasons, that climb (or all fall) where that is a drift."""
SHORTEST: Final = 8
"""Cells of a season; a shorter one is noise to a level."""


@dataclass(frozen=True)
class Season:
    """Seasons of ``n`` series."""

    cells: Ints
    """[n]: cells of the season, 0: none"""
    course: Floats
    """[n, PHASES]: departure from the level by phase; only the first ``phases`` of a row count"""

    @property
    def phases(self) -> Ints:
        """[n]: phases in use."""
        found: Ints = np.minimum(self.cells, PHASES)
        return found

    def phase(self, starts: Ints, steps: Ints, width: int) -> Ints:
        """[n, width]: the phase of each cell; 0 for series without a season."""
        cell = starts[:, None] // steps[:, None] + np.arange(width)
        found: Ints = (
            cell
            % np.maximum(self.cells, 1)[:, None]
            * self.phases[:, None]
            // np.maximum(self.cells, 1)[:, None]
        )
        return found

    def at(self, phase: Ints) -> Floats:
        """[n, t]: the course at ``phase`` [n, t]."""
        found: Floats = np.take_along_axis(self.course, phase, axis=1)
        return found

    @classmethod
    def of(cls, history: SeriesBatch, length: int | None = None) -> Season:
        """Find the season of each series and the median course of it.

        ``length`` (nanoseconds, 0: none) is taken for the season of all, where a history holds two of it.
        """
        cells = _cells(history) if length is None else _said(history, length)
        season = cls(cells, np.zeros((len(history), PHASES)))
        phase = season.phase(history.starts, history.steps, history.width)
        for length in np.unique(cells[cells > 0]):
            rows = np.flatnonzero(cells == length)
            season.course[rows] = _course(history.values[rows], phase[rows], int(length))
        return season


def _cells(history: SeriesBatch) -> Ints:
    newest, first = right_aligned(history)
    lengths, sure = find(_without_extremes(newest), first, history.steps)
    cells = np.zeros(len(history), np.int64)
    for column in range(lengths.shape[1]):
        length = lengths[:, column]
        enough = np.where(cells > 0, CYCLES, 2) * length <= history.lengths
        cells = np.where(sure[:, column] & enough & (length >= SHORTEST), length, cells)
    return cells


def _said(history: SeriesBatch, length: int) -> Ints:
    cells = length // history.steps
    found: Ints = np.where((cells >= SHORTEST) & (2 * cells <= history.lengths), cells, 0)
    return found


def _without_extremes(values: Floats) -> Floats:
    """What is far outside of what 98 % of the points span is brought near it: one spike is no season."""
    low, high = np.moveaxis(quantiles(values, (0.01, 0.99)), -1, 0)
    span = high - low
    held: Floats = np.clip(values, (low - span)[:, None], (high + span)[:, None])
    return held


def _course(values: Floats, phase: Ints, length: int) -> Floats:
    """[n, PHASES] of series with one length of season: the median over the seasons of the mean within each phase."""
    n, width = values.shape
    cycles = -(-width // length)
    padded = np.full((n, cycles * length), np.nan)
    padded[:, :width] = values
    level = median(padded.reshape(n, cycles, length))
    rest = padded - np.repeat(level, length, axis=1)
    phases = min(length, PHASES)
    slot = np.zeros((n, cycles * length), np.int64)
    slot[:, :width] = phase
    cycle = np.repeat(np.arange(cycles), length)
    at = ((np.arange(n)[:, None] * cycles + cycle) * phases + slot)[~np.isnan(rest)]
    total = np.bincount(at, weights=rest[~np.isnan(rest)], minlength=n * cycles * phases)
    count = np.bincount(at, minlength=n * cycles * phases)
    mean = np.where(count > 0, total / np.maximum(count, 1), np.nan).reshape(n, cycles, phases)
    course = np.zeros((n, PHASES))
    usual = median(mean.transpose(0, 2, 1))
    climb = _drift(padded.reshape(n, cycles, length), level)[:, None] * (
        (np.arange(phases) + 0.5) / phases - 0.5
    )
    course[:, :phases] = np.where(np.isnan(usual), 0.0, usual - climb)
    return course


def _drift(seasons: Floats, level: Floats) -> Floats:
    """[n]: by how much a series climbs in a season, where nearly all of them do the same; else 0.

    It belongs to the level: in the course it would be a fall at the end of each season. ``level`` [n, cycles] of
    ``seasons`` [n, cycles, length].
    """
    whole = (~np.isnan(seasons)).mean(axis=2) > WHOLE
    steps = np.diff(np.where(whole, level, np.nan), axis=1)
    count = (~np.isnan(steps)).sum(axis=1)
    same = np.maximum((steps > 0).sum(axis=1), (steps < 0).sum(axis=1))
    steady = (count >= CYCLES - 1) & (same >= STEADY * count)
    return np.where(steady, np.nan_to_num(median(steps)), 0.0)
