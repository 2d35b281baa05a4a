"""What each point is expected to be: level and season, and how far usual points stray from it, by phase."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from airis_ray.aiops.detect import level as levels
from airis_ray.aiops.detect import tails
from airis_ray.aiops.detect.robust import TO_DEVIATION, median, quantiles
from airis_ray.aiops.detect.season import Season
from airis_ray.aiops.filling import standardised, straight
from airis_ray.aiops.series import Bools, Floats, Ints, SeriesBatch

PARTS: Final = 24
"""Parts of a season with a deviation of their own."""
_OWN: Final = 30
"""Points a part needs before its own deviation weighs as much as that of the whole series."""
FEW: Final = 100.0
"""A series of whole numbers whose median is below this is taken for counts: they stray by their root at least."""
LEARN: Final = 0.1
"""Part of a departure that the season's course takes over at each return of the phase."""
CLEAR: Final = 0.2
"""Usual departures below this part of the deviation of the series: season and level explain it."""
EXTREME: Final = 0.002
"""Of the history of a series that is not clear, no more may be called an anomaly by departures alone."""
SPARED: Final = 20
"""Of the cells of a history that is judged itself one in so many may be an anomaly, one at least"""
MOST_SPARED: Final = 4
"""and no more than these: in longer ones they are less than :data:`EXTREME`."""
SHORTEST_TAIL: Final = 1.29
"""Between median and 95th percentile of the departures of a normal distribution; no tail is taken for shorter."""
HELD: Final = 3.0
"""Deviations a single point may move what is learned."""


@dataclass(frozen=True)
class Expectation:
    """Expected value, deviation of usual points and departure in such deviations, [n, t] each; NaN where unknown."""

    expected: Floats
    deviation: Floats
    departure: Floats


@dataclass(frozen=True)
class Baseline:
    """What is known of ``n`` series; a little more than 3 KB each."""

    season: Season
    reach: Ints
    """[n] cells a level looks back"""
    deviation: Floats
    """[n, PARTS]"""
    counts: Bools
    """[n] whole numbers, few of them: counts"""
    clear: Bools
    """[n] season and level explain nearly all of it"""
    tail: Floats
    """[n, 2]: median and 95th percentile of the departures' sizes"""
    trust: Floats
    """[n] 0..1: how far departures are believed; less where too much of the history would be called unusual"""
    newest: Floats
    """[n, level.LONGEST] the cells before ``end``, missing ones NaN"""
    ends: Ints
    """[n] nanoseconds: the time of the cell after the newest"""
    steps: Ints

    @classmethod
    def of(cls, history: SeriesBatch, length: int | None = None, *, judged: bool = False) -> Self:
        """Learn from a history; ``length`` as in :meth:`.season.Season.of`.

        ``judged``: whether it is judged itself; then some of its cells may be anomalies, however short it is.
        """
        season = Season.of(history, length)
        phase = season.phase(history.starts, history.steps, history.width)
        rest = history.values - season.at(phase)
        reach = _reaches(rest)
        counts = _counts(history.values)
        deviation = _deviations(rest - levels.chosen(rest, reach), _part(season, phase), history.values)
        ends = history.starts + history.lengths * history.steps
        usual = standardised(straight(history.values), history.inside)[1]
        clear = (season.cells > 0) & (np.median(deviation, axis=1) <= CLEAR * usual)
        tail, trust = np.ones((len(history), 2)), np.ones(len(history))
        newest = _newest(history)
        base = cls(season, reach, deviation, counts, clear, tail, trust, newest, ends, history.steps)
        departure = base.expectation(history, fresh=True).departure
        known = history.present.sum(axis=1)[:, None]
        spared = np.clip(known // SPARED, 1, MOST_SPARED) if judged else 0
        size = quantiles(np.abs(departure), tails.FITTED, spared)
        base.tail[:] = np.where(np.isnan(size), 1.0, size)
        worst = np.nan_to_num(quantiles(base.improbable(departure), (1 - EXTREME,), spared)[:, 0])
        base.trust[:] = np.where(clear, 1.0, np.minimum(1.0, tails.LIMIT / np.maximum(worst, 1e-9)))
        return base

    def improbable(self, departure: Floats) -> Floats:
        """[n, t]: minus the logarithm of the chance of a usual departure as large."""
        found: Floats = tails.unlikely(np.abs(departure), self.tail, SHORTEST_TAIL) * self.trust[:, None]
        return found

    def expectation(self, batch: SeriesBatch, *, fresh: bool = False, doubt: bool = False) -> Expectation:
        """Of a batch; unless ``fresh`` the cells known before it are its context where it follows them.

        With ``doubt`` a deviation holds how unsure the level is as well: what climbs, wanders or has just moved is
        expected less exactly.
        """
        phase = self.season.phase(batch.starts, batch.steps, batch.width)
        course = self.season.at(phase)
        rest = batch.values - course
        if not fresh:
            before = self.context(batch.starts)
            where = batch.starts - before.shape[1] * batch.steps
            earlier = before - self.season.at(self.season.phase(where, batch.steps, before.shape[1]))
            rest = np.concatenate([earlier, rest], axis=1)
        new = slice(rest.shape[1] - batch.width, None)
        level = levels.chosen(rest, self.reach)[:, new]
        expected = level + course
        deviation = np.take_along_axis(self.deviation, _part(self.season, phase), axis=1)
        if doubt:
            deviation = np.hypot(deviation, levels.unsure(rest, self.reach)[:, new])
        deviation = np.maximum(deviation, np.abs(level) * 1e-6)
        root = np.sqrt(np.maximum(expected, 1.0))
        deviation = np.where(self.counts[:, None], np.maximum(deviation, root), deviation)
        return Expectation(expected, deviation, (batch.values - expected) / deviation)

    def context(self, starts: Ints) -> Floats:
        """[n, level.LONGEST]: the cells just before ``starts`` [n]; NaN where none are known."""
        width = self.newest.shape[1]
        skipped = (starts - self.ends) // self.steps
        if not skipped.any():
            return self.newest
        at = np.arange(width) + np.clip(skipped, -width, width)[:, None]
        known = (at >= 0) & (at < width)
        return np.where(known, np.take_along_axis(self.newest, np.clip(at, 0, width - 1), axis=1), np.nan)

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """All there is, by name; :meth:`from_arrays` takes it back."""
        own = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "season"}
        return own | {"season_cells": self.season.cells, "season_course": self.season.course}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> Self:
        """The baseline again; other names are left alone."""
        own = {field.name: arrays[field.name] for field in fields(cls) if field.name != "season"}
        return cls(season=Season(arrays["season_cells"], arrays["season_course"]), **own)

    def learn(self, batch: SeriesBatch, found: Expectation) -> Self:
        """Take the points of a batch that follows into account; ``found``: what was expected of them."""
        phase = self.season.phase(batch.starts, batch.steps, batch.width)
        move = np.clip(np.nan_to_num(found.departure), -HELD, HELD) * np.nan_to_num(found.deviation)
        per_phase = np.maximum(self.season.cells / np.maximum(self.season.phases, 1), 1.0)[:, None]
        rows = np.broadcast_to(np.arange(len(batch))[:, None], phase.shape)
        seasonal = (self.season.cells > 0)[:, None]
        np.add.at(self.season.course, (rows, phase), np.where(seasonal, move * LEARN / per_phase, 0.0))
        joined = np.concatenate([self.context(batch.starts), batch.values], axis=1)
        # Series of a batch may differ in length: the newest cells end where each of them does.
        width = self.newest.shape[1]
        at = batch.lengths[:, None] + np.arange(width)
        newest = np.take_along_axis(joined, at, axis=1)
        ends = batch.starts + batch.lengths * batch.steps
        return replace(self, newest=newest, ends=np.maximum(ends, self.ends))


def _part(season: Season, phase: Ints) -> Ints:
    found: Ints = phase * PARTS // np.maximum(season.phases, 1)[:, None]
    return found


def _reaches(rest: Floats) -> Ints:
    """The reach whose level is nearest to what follows it; a longer one must be no worse than a shorter one."""
    misses = np.stack([median(np.abs(rest - levels.before(rest, reach))) for reach in levels.REACHES], axis=1)
    slack = np.array([1.1, 1.0, 0.95])
    best = np.where(np.isnan(misses), np.inf, misses * slack).argmin(axis=1)
    found: Ints = np.asarray(levels.REACHES, dtype=np.int64)[best]
    return found


def _counts(values: Floats) -> Bools:
    known = ~np.isnan(values)
    whole = np.where(known, (values >= 0) & (values == np.floor(values)), True).all(axis=1)
    middle = median(values)
    found: Bools = whole & (np.where(np.isnan(middle), np.inf, middle) < FEW)
    return found


def _deviations(departure: Floats, part: Ints, values: Floats) -> Floats:
    """[n, PARTS] from median absolute departures; a part with few points leans on the whole series."""
    size = np.abs(departure)
    whole = median(size) * TO_DEVIATION
    ordered = np.where(np.isnan(size), 0.0, size)
    mean = ordered.sum(axis=1) / np.maximum((~np.isnan(size)).sum(axis=1), 1)
    whole = np.where(whole > 0, whole, mean * 1.2533)
    middle = np.abs(median(values))
    floor = np.maximum(np.nan_to_num(middle) * 1e-2, 1e-12)
    whole = np.where(np.nan_to_num(whole) > 0, np.nan_to_num(whole), floor)
    # Mean of sizes held at four deviations: nearly as robust as a median, and no sort by part is needed.
    held = np.minimum(ordered, 4 * whole[:, None])
    at = (np.arange(len(size))[:, None] * PARTS + part)[~np.isnan(size)]
    total = np.bincount(at, weights=held[~np.isnan(size)], minlength=len(size) * PARTS).reshape(-1, PARTS)
    count = np.bincount(at, minlength=len(size) * PARTS).reshape(-1, PARTS)
    spread = total / np.maximum(count, 1) * 1.2533
    found = np.sqrt((count * spread**2 + _OWN * whole[:, None] ** 2) / (count + _OWN))
    return np.maximum(found, 0.3 * whole[:, None])


def _newest(history: SeriesBatch) -> Floats:
    at = history.lengths[:, None] - levels.LONGEST + np.arange(levels.LONGEST)
    held = np.take_along_axis(history.values, np.maximum(at, 0), axis=1)
    return np.where(at >= 0, held, np.nan)
