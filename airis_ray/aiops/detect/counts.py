"""Counts: how likely so many, or so few, within the last 1 to 32 cells are. What is too little to stand out in any one
cell adds up.

The counts of a window are negative binomial: a Poisson number whose mean is known up to a relative variance φ, which
holds what the course of the season, the level and the noise of the source leave open. The chance of as many or more (as
few or fewer) is bounded by Chernoff's inequality, exact for none at all. Windows of several widths are scan statistics
(Glaz, Naus and Wallenstein, Scan Statistics, 2001), combined by Bonferroni's inequality.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from airis_ray.aiops.detect.robust import median, quantiles
from airis_ray.aiops.detect.season import PHASES, SHORTEST, Season
from airis_ray.aiops.series import DAY, Bools, Floats, Ints, SeriesBatch

WIDTHS: Final = (1, 2, 4, 8, 16, 32)
"""Cells that are counted together."""
LONGEST: Final = WIDTHS[-1]
BLOCKS: Final = 7
"""Blocks of the longest width before the windows that tell the level."""
CONTEXT: Final = LONGEST * (BLOCKS + 1)
"""Cells before a batch that its windows and levels reach back to."""
MOST: Final = 10_000.0
"""A median from which whole numbers are taken for something else than counts."""
PRIOR: Final = 10.0
"""Counts that the level learned weighs as much as, against those of the blocks."""
_OPEN: Final = 0.1
"""Relative variance while a daily season cannot be known yet."""
_LEAST: Final = 0.002
"""The same at least: no course is known better than to 4 %."""
_SMOOTH: Final = PHASES // 48
"""Phases to either side that are averaged: a triangle an hour wide, of a day."""
_MEAN: Final = 8.0
"""Counts that the mean weighs as much as, against those of a phase: what is rare has hardly a course."""
_TRIED: Final = float(np.log(2.0 * len(WIDTHS)))
"""Both sides of each width are a trial."""
_STRAY: Final = 0.4
"""Of the variance of independent events, that counts have at least."""
_GOES_ON: Final = 16.0
"""Of what a window holds too much or too little, its last quarter holds a fourth of its share at least."""
_KEPT: Final = 8
"""Windows that a history must hold before a width is used."""
_LEARNED: Final = 2000
"""Windows of a width that the spread is learned from, at most."""
_USUAL: Final = ((0.95, 1.921), (0.98, 2.706))
"""Shares of usual windows, and what minus the logarithm of a normal's chance stays below in so many."""


@dataclass(frozen=True)
class Judged:
    """[m, t] each, of the series that are counts."""

    expected: Floats
    deviation: Floats
    improbable: Floats
    """minus the logarithm of the chance; NaN where missing"""
    departure: Floats
    """of the most improbable window, in deviations of a normal that is as improbable; signed"""
    value: Floats
    """its mean a cell"""
    usual: Floats
    """and the mean expected"""


@dataclass(frozen=True)
class Counts:
    """What is known of the ``m`` series of a batch that are counts; a little more than 3 KB each."""

    rows: Ints
    """[m] their rows in the batch"""
    cells: Ints
    """[m] cells of the season that rates go by, 0: none"""
    rate: Floats
    """[m, PHASES] a cell, by phase of the season"""
    spread: Floats
    """[m, widths] relative variance of a window's mean"""
    stretch: Floats
    """[m, widths] by what logarithms of chances are divided, because usual windows stray further; inf: not used"""

    @classmethod
    def of(cls, history: SeriesBatch, season: Season) -> Self:
        """Learn from a history; anomalies in one window of fifty do not matter."""
        rows = np.flatnonzero(are_counts(history))
        part = _taken(history, rows)
        lengths = (~np.isnan(part.values)).sum(axis=1)
        cells = _daily(season.cells[rows], lengths, part.steps)
        season = _season(cells)
        size = (rows.size, len(WIDTHS))
        made = cls(rows, cells, _rates(part, season), np.full(size, _LEAST), np.ones(size))
        if not rows.size:
            return made
        seen = np.nansum(part.values, axis=1)
        unknown = (season.cells == 0) & (lengths * part.steps < 2 * DAY)
        floor = np.where(unknown, _OPEN, _LEAST) + 1.0 / (seen + 0.5)
        sums = made._sums(part, np.full((rows.size, CONTEXT), np.nan), _every(part.width))
        for place, (count, mean, loose) in enumerate(sums):
            made.spread[:, place] = np.maximum(_spread(count, mean, loose), floor)
            found = unlikely(count, mean, 1.0 / (made.spread[:, place : place + 1] + loose))
            usual = quantiles(np.where(mean > 0, found, np.nan), [share for share, _ in _USUAL])
            far = np.nan_to_num(usual / np.array([limit for _, limit in _USUAL])).max(axis=1)
            short = lengths < _KEPT * WIDTHS[place]
            made.stretch[:, place] = np.where(short, np.inf, np.maximum(far, 1.0))
        made.stretch[:, 0] = np.where(np.isinf(made.stretch[:, 0]), 1.0, made.stretch[:, 0])
        return made

    def judge(self, batch: SeriesBatch, context: Floats) -> Judged:
        """The counts of a batch of all series; ``context`` [n, CONTEXT] are the cells before it, NaN where unknown."""
        part = _taken(batch, self.rows)
        best = np.full(part.values.shape, -np.inf)
        side, value, usual = (np.zeros(part.values.shape) for _ in range(3))
        expected, deviation = (np.full(part.values.shape, np.nan) for _ in range(2))
        sums = self._sums(part, context[self.rows])
        for place, (count, mean, loose) in enumerate(sums):
            width, spread = WIDTHS[place], self.spread[:, place : place + 1] + loose
            found = unlikely(count, mean, 1.0 / spread) / self.stretch[:, place : place + 1]
            if place == 0:
                expected, deviation = mean, np.sqrt(mean + spread * mean**2)
            over, (late, usually, _) = count - mean, sums[max(place - 2, 0)]
            # What has ended is not told on: the last quarter holds some of what is over, or missing.
            found = np.where((late - usually) * np.sign(over) >= np.abs(over) / _GOES_ON, found, 0.0)
            better = found > best
            best = np.where(better, found, best)
            side = np.where(better, np.sign(over), side)
            value, usual = np.where(better, count / width, value), np.where(better, mean / width, usual)
        known = ~np.isnan(part.values)
        best = np.where(known, np.maximum(best, 0.0), np.nan)
        return Judged(expected, deviation, best - _TRIED, side * np.sqrt(2 * best), value, usual)

    def _sums(
        self, part: SeriesBatch, context: Floats, at: Ints | None = None
    ) -> list[tuple[Floats, Floats, Floats]]:
        """For each width counts and means of the windows that end at each cell (of ``at``), and the relative variance
        of the level in the means."""
        before = context.shape[1]
        phase = _season(self.cells).phase(part.starts - before * part.steps, part.steps, part.width + before)
        values = np.concatenate([context, part.values], axis=1)
        known = ~np.isnan(values)
        counted = _running(np.where(known, values, 0.0))
        meant = _running(np.where(known, np.take_along_axis(self.rate, phase, axis=1), 0.0))
        ends = before + 1 + (np.arange(part.width) if at is None else at)
        level, loose = _level(counted, meant, ends, self.spread[:, -1:])
        return [
            (counted[:, ends] - counted[:, ends - w], (meant[:, ends] - meant[:, ends - w]) * level, loose)
            for w in WIDTHS
        ]

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """All there is, by name; :meth:`from_arrays` takes it back."""
        return {f"counts_{field.name}": getattr(self, field.name) for field in fields(self)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> Self:
        """The same again; other names are left alone."""
        return cls(**{field.name: arrays[f"counts_{field.name}"] for field in fields(cls)})


def unlikely(count: Floats, mean: Floats, size: Floats) -> Floats:
    """Minus the logarithm of an upper bound of a usual window's chance of ``count`` or what lies beyond it, seen from
    ``mean``; 0 at the mean. ``size`` is 1/φ: the variance is mean + mean²/size.

    Chernoff's bound of the negative binomial: count·ln(count/mean) - (count + size)·ln((count + size)/(mean + size)).
    """
    mean = np.maximum(mean, 1e-300)
    with np.errstate(divide="ignore", invalid="ignore"):
        own = np.where(count > 0, count * np.log(count / mean), 0.0)
    found: Floats = own - (count + size) * np.log1p((count - mean) / (mean + size))
    return np.maximum(found, 0.0)


def _level(counted: Floats, meant: Floats, ends: Ints, spread: Floats) -> tuple[Floats, Floats]:
    """[m, t] level over the blocks before the windows, relative to the rate learned, and how well it is known."""
    edges = ends[None, :] - LONGEST * np.arange(1, BLOCKS + 2)[:, None]
    count = -np.diff(counted[:, edges], axis=1)
    mean = -np.diff(meant[:, edges], axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(mean > 0, count / mean, np.nan)
    usual = np.nan_to_num(median(np.moveaxis(ratio, 1, 2)), nan=1.0)[:, None, :] * mean
    # A block that something happened in counts as far as usual ones stray, and no further.
    reach = 3.0 * np.sqrt(usual + spread[:, :, None] * usual**2) + 3.0
    held = np.clip(count, usual - reach, usual + reach).sum(axis=1)
    total = mean.sum(axis=1)
    return (PRIOR + held) / (PRIOR + total), 1.0 / (PRIOR + held)


def _spread(count: Floats, mean: Floats, loose: Floats) -> Floats:
    """[m]: the relative variance of windows beyond that of Poisson's and the level's, less the most unusual 2 %."""
    far = (count - mean) ** 2
    own = mean + loose * mean**2
    share = np.where(mean > 0, far / np.maximum(own, 1e-300), np.nan)
    kept = share <= quantiles(share, (0.98,))
    over = np.where(kept, far - own, 0.0).sum(axis=1)
    squares = np.where(kept, mean**2, 0.0).sum(axis=1)
    found: Floats = 1.2 * np.maximum(over, 0.0) / np.maximum(squares, 1e-300)
    return found


def _rates(part: SeriesBatch, season: Season) -> Floats:
    """[m, PHASES]: the mean a cell by phase, smooth; what lies far outside is brought near and weighs little."""
    phase = season.phase(part.starts, part.steps, part.width)
    known = ~np.isnan(part.values)
    values = np.where(known, part.values, 0.0)
    at = (np.arange(len(part))[:, None] * PHASES + phase).ravel()
    size = len(part) * PHASES
    there = _smooth(
        np.bincount(at, known.ravel().astype(np.float64), size).reshape(-1, PHASES).astype(np.float64),
        season.phases,
    )
    rate = np.zeros((len(part), PHASES))
    held = values
    for _ in range(3):
        total = _smooth(
            np.bincount(at, held.ravel(), size).reshape(-1, PHASES).astype(np.float64), season.phases
        )
        mean = (held.sum(axis=1) + 0.5) / np.maximum(known.sum(axis=1), 1)
        rate = (total + _MEAN) / (there + _MEAN / mean[:, None])
        usual = np.take_along_axis(rate, phase, axis=1)
        held = np.minimum(values, usual + 5.0 * np.sqrt(usual + 0.05 * usual**2) + 1.0)
    return rate


def _smooth(binned: Floats, phases: Ints) -> Floats:
    """Bins of a season around, each with its neighbours by a triangle; those of series without a season as they are."""
    found = binned.copy()
    for count in np.unique(phases[phases > 0]).tolist():
        rows = np.flatnonzero(phases == count)
        reach = min(_SMOOTH, count // 2)
        weights = {lag: 1.0 - abs(lag) / (reach + 1) for lag in range(-reach, reach + 1)}
        own = binned[rows, :count]
        found[rows, :count] = sum(weight * np.roll(own, lag, axis=1) for lag, weight in weights.items())
    return found


def are_counts(history: SeriesBatch) -> Bools:
    """[n]: whole numbers, none below 0, few of them, that stray at least about as far as independent events do.

    Nothing but zeros is a count as well: of errors that have never come yet.
    """
    values = history.values
    known = ~np.isnan(values)
    whole = np.where(known, (values >= 0) & (values == np.floor(values)), True).all(axis=1) & known.any(
        axis=1
    )
    few = np.nan_to_num(median(values), nan=np.inf) < MOST
    held = np.where(known & (whole & few)[:, None], values, 0.0)
    mean = held.sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    both = known[:, 1:] & known[:, :-1]
    steps = np.where(both, np.diff(held, axis=1), 0.0)
    # Twice the variance, whatever the season.
    stray = (steps**2).sum(axis=1) / np.maximum(both.sum(axis=1), 1)
    found: Bools = whole & few & (stray >= 2 * _STRAY * mean)
    return found


def _daily(found: Ints, lengths: Ints, steps: Ints) -> Ints:
    """[m]: the season, a day where none was found in two days or more: what is rare shows none, and follows one all
    the same."""
    day = np.where((DAY % steps == 0) & (lengths * steps >= 2 * DAY), DAY // steps, 0)
    cells: Ints = np.where((found == 0) & (day >= SHORTEST), day, found)
    return cells


def _season(cells: Ints) -> Season:
    """Phases alone; the course is :attr:`Counts.rate`."""
    return Season(cells, np.zeros((len(cells), 0)))


def _taken(batch: SeriesBatch, rows: Ints) -> SeriesBatch:
    names = tuple(batch.names[row] for row in rows.tolist())
    return SeriesBatch(names, batch.values[rows], batch.starts[rows], batch.steps[rows], batch.lengths[rows])


def _every(width: int) -> Ints:
    """The cells whose windows are learned from."""
    return np.arange(0, width, max(1, -(-width // _LEARNED)))


def _running(values: Floats) -> Floats:
    found: Floats = np.concatenate([np.zeros((len(values), 1)), values.cumsum(axis=1)], axis=1)
    return found
