"""When a limit is reached: the disk that fills, the pool that runs dry.

A series that is cleaned up now and then (a sawtooth) grows by what it grows between clean-ups; where these came well
before the limit each time, the limit is not in sight.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from airis_ray.aiops.forecast import history
from airis_ray.aiops.gridding import SeriesError
from airis_ray.aiops.series import Bools, Floats, Ints, SeriesBatch
from airis_ray.errors import InvalidInput

LEAST_POINTS: Final = 12
PARTS: Final = 9
"""Parts of the history; the slopes are those between the means of neighbours."""
RESET: Final = 0.25
"""A fall by this share of the range at one step, against the direction of growth, is a clean-up."""
STEEP: Final = 4.0
"""... if it is also so many times the usual step."""
FURTHEST: Final = 20.0
"""Lengths of the history looked ahead; a limit further away is not in sight."""
NEVER: Final = int(np.iinfo(np.int64).max)


@dataclass(frozen=True)
class Reached:
    """When ``n`` series reach their limits."""

    names: tuple[str, ...]
    rows: Ints
    """[n]: the series' place in the batch"""
    at: Ints
    """[n, 3] nanoseconds since the epoch: early edge, median, late edge; :data:`NEVER` where not in sight"""
    chance: Floats
    """[n] probability that the limit is reached within :data:`FURTHEST` lengths of the history"""
    reasons: tuple[str, ...]
    reasons_ko: tuple[str, ...]
    errors: tuple[SeriesError, ...]
    """Series of the batch that are left out, and why"""


def reached(batch: SeriesBatch, limits: float | Sequence[float], level: float = 80) -> Reached:
    """When each series of ``batch`` reaches its limit, with the central interval of ``level`` percent.

    A limit above the newest value is approached from below, one under it from above; one that is met is reached now.
    The interval is that of Student's t over the slopes of the history's parts, widened by what the slope may do
    between now and then. Raises InvalidInput for a limit that is no number or a level out of range.
    """
    bounds = _bounds(batch, limits)
    if not 0 < level < 100:
        raise InvalidInput.field("/level", f"{level!r} is not between 0 and 100 percent")
    known = batch.present.sum(axis=1)
    rows, bad = np.flatnonzero(known >= LEAST_POINTS), np.flatnonzero(known < LEAST_POINTS)
    text = f"known points; a slope needs at least {LEAST_POINTS}"
    errors = tuple(SeriesError(batch.names[row], None, f"{known[row]} {text}") for row in bad)
    values, first = history.right_aligned(batch.take(rows))
    values = history.without_holes(values, first, np.zeros((len(rows), 1), np.int64))
    gap = bounds[rows] - (values[:, -1] if values.size else 0.0)
    sign = np.where(gap < 0, -1.0, 1.0)
    growth = _growth(values * sign[:, None], first)
    steps, chance = _passage(growth, np.abs(gap), values.shape[1] - first, level)
    spared = _spared(growth, bounds[rows] * sign)
    steps[spared], chance[spared] = np.inf, 0.0
    ends = batch.starts[rows] + (batch.lengths[rows] - 1) * batch.steps[rows]
    # Times past 2262 do not fit 64 bits: they are not in sight either.
    sight = steps < ((NEVER - ends) // batch.steps[rows])[:, None]
    chance[np.isfinite(steps[:, 0]) & ~sight[:, 0]] = 0.0
    passed = (np.where(sight, steps, 0.0) * batch.steps[rows][:, None]).astype(np.int64)
    at = np.where(sight, ends[:, None] + passed, NEVER)
    reasons = [_reason(growth, i, float(gap[i]), bool(spared[i])) for i in range(len(rows))]
    told, told_ko = (tuple(each[language] for each in reasons) for language in (0, 1))
    return Reached(tuple(batch.names[row] for row in rows), rows, at, chance, told, told_ko, errors)


@dataclass(frozen=True)
class _Growth:
    slope: Floats
    """[n] a step, clean-ups left out; the newer parts of the history count up to twice as much"""
    between: Floats
    """[n] standard deviation of the slopes of the parts"""
    part: Floats
    """[n] steps of a part"""
    resets: Ints
    """[n] clean-ups"""
    top: Floats
    """[n] mean of the values right before them"""
    top_deviation: Floats


def _bounds(batch: SeriesBatch, limits: float | Sequence[float]) -> Floats:
    given = np.asarray(limits, dtype=np.float64)
    if given.ndim > 1 or (given.ndim == 1 and len(given) != len(batch)):
        raise InvalidInput.field(
            "/limits", f"{given.size} limits for {len(batch)} series; expected one, or one a series"
        )
    bounds: Floats = np.broadcast_to(given, (len(batch),))
    if not np.isfinite(bounds).all():
        raise InvalidInput.field("/limits", f"is {bounds[~np.isfinite(bounds)][0]}; expected finite numbers")
    return bounds


def _growth(rising: Floats, first: Ints) -> _Growth:
    n, width = rising.shape
    resets = clean_ups(rising, first)
    change = np.diff(rising, axis=1, prepend=rising[:, :1])
    unrolled = np.where(resets, 0.0, change).cumsum(axis=1)
    sums = np.concatenate([np.zeros((n, 1)), unrolled.cumsum(axis=1)], axis=1)
    edges = (first[:, None] + (width - first[:, None]) * np.linspace(0, 1, PARTS + 1)).astype(np.int64)
    rows = np.arange(n)[:, None]
    means = np.diff(sums[rows, edges], axis=1) / np.maximum(np.diff(edges, axis=1), 1)
    part = (width - first) / PARTS
    slopes = np.diff(means, axis=1) / np.maximum(part, 1e-9)[:, None]
    weights = np.linspace(1.0, 2.0, PARTS - 1)
    count = resets.sum(axis=1)
    before = np.where(resets, np.roll(rising, 1, axis=1), 0.0)
    top = before.sum(axis=1) / np.maximum(count, 1)
    deviation = np.sqrt(
        (np.where(resets, before - top[:, None], 0.0) ** 2).sum(axis=1) / np.maximum(count, 1)
    )
    return _Growth(
        slopes @ (weights / weights.sum()), slopes.std(axis=1, ddof=1), part, count, top, deviation
    )


def clean_ups(rising: Floats, first: Ints) -> Bools:
    """[n, t]: points at which growing series fell by much more than their usual steps."""
    change = np.diff(rising, axis=1, prepend=rising[:, :1])
    inside = np.arange(rising.shape[1]) >= first[:, None]
    low = np.where(inside, rising, np.inf).min(axis=1, initial=np.inf)
    high = np.where(inside, rising, -np.inf).max(axis=1, initial=-np.inf)
    usual = np.abs(change).sum(axis=1) / np.maximum(inside.sum(axis=1), 1)
    least = np.maximum(RESET * (high - low), STEEP * usual)
    found: Bools = inside & (change < -np.maximum(least, 1e-300)[:, None])
    return found


def _passage(growth: _Growth, gap: Floats, length: Ints, level: float) -> tuple[Floats, Floats]:
    """[n, 3] steps from the newest point (inf: not in sight) and the chance [n]."""
    from scipy.special import stdtr, stdtrit  # see members.py

    furthest = FURTHEST * length
    freedom = PARTS - 2
    expected = np.where(growth.slope > 0, gap / np.where(growth.slope > 0, growth.slope, 1.0), furthest)
    ahead = np.clip(expected, 1.0, furthest) / np.maximum(growth.part, 1e-9)
    spread = growth.between * np.sqrt(1 / (PARTS - 1) + 1 / np.maximum(ahead, 1.0))
    quantile = stdtrit(freedom, 0.5 + level / 200)
    slopes = growth.slope[:, None] + spread[:, None] * np.array([quantile, 0.0, -quantile])
    steps = np.where(slopes > 0, gap[:, None] / np.where(slopes > 0, slopes, 1.0), np.inf)
    steps = np.where(gap[:, None] == 0, 0.0, np.where(steps > furthest[:, None], np.inf, steps))
    needed = gap / furthest
    sure = (growth.slope >= needed).astype(np.float64)
    safe = np.where(spread > 0, spread, 1.0)
    chance = np.where(spread > 0, stdtr(freedom, (growth.slope - needed) / safe), sure)
    return steps, np.where(gap == 0, 1.0, chance)


def _spared(growth: _Growth, limit: Floats) -> Bools:
    """[n]: at least two clean-ups, all well before the limit."""
    margin = 3 * growth.top_deviation + 0.02 * np.abs(growth.top)
    found: Bools = (growth.resets >= 2) & (limit > growth.top + margin)
    return found


def _reason(growth: _Growth, row: int, gap: float, spared: bool) -> tuple[str, str]:
    """English and Korean."""
    if gap == 0:
        return "the limit is reached now", "이미 한도에 닿았습니다"
    count = int(growth.resets[row])
    if spared:
        return (
            f"cleaned up {count} times, each time well before the limit: not reached while that goes on",
            f"{count}번 정리되었고 매번 한도에 한참 못 미쳤습니다. 계속 그렇게 정리되면 닿지 않습니다",
        )
    if growth.slope[row] < 0 and not count:
        away = f"{-growth.slope[row]:.4g}"
        return (
            f"moves away from the limit by {away} a step; it is {abs(gap):.4g} away",
            f"한 점마다 {away}씩 한도에서 멀어지고 있습니다. 한도와의 차이는 {abs(gap):.4g}입니다",
        )
    between, between_ko = (f" between {count} clean-ups", f"정리 {count}번을 빼고 ") if count else ("", "")
    slope = float(np.copysign(growth.slope[row], growth.slope[row] * gap))
    return (
        f"changes by {slope:.4g} a step{between}; {abs(gap):.4g} to go",
        f"{between_ko}한 점마다 {slope:.4g}씩 변하며, 한도까지 {abs(gap):.4g} 남았습니다",
    )
