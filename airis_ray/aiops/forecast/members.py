"""Simple forecasters: the last value, the same moment of earlier seasons, smoothed level and trend.

Every member is asked for forecasts from many origins at once and looks at nothing behind the origin it forecasts
from. An origin is the column of the newest point it may see.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from airis_ray.aiops.forecast.history import Histories
from airis_ray.aiops.series import Floats, Ints

FADES: Final = (0.35, 0.8)
"""By how much a season counts less than the one after it, as exp(-fade), in the means over seasons."""
LEVELS: Final = (0.0, 0.7)
"""How much of the newest change of level the means follow."""
CYCLES: Final = 6
TRENDS: Final = (
    (0.2, 0.0, 1.0),
    (0.5, 0.0, 1.0),
    (0.5, 0.05, 0.97),
    (0.9, 0.1, 0.9),
    (0.9, 0.4, 0.9),
    (0.3, 0.02, 1.0),
)
"""Level, trend and damping constants of damped exponential smoothing (Gardner and McKenzie 1985)."""
WINDOWS: Final = (24, 240)
"""Newest values whose median is a member."""
TREND_CONTEXT: Final = 1024


def naive(histories: Histories, origins: Ints, horizon: int) -> Floats:
    """The last value."""
    rows = np.arange(len(histories))[:, None]
    last = histories.values[rows, origins]
    return np.repeat(last[:, :, None], horizon, axis=2)


def middle(histories: Histories, origins: Ints, horizon: int, window: int) -> Floats:
    """The median of the newest ``window`` values: the best constant for bursts and rare events."""
    columns = origins[:, :, None] - np.arange(min(window, histories.width))
    rows = np.arange(len(histories))[:, None, None]
    inside = columns >= histories.first[:, None, None]
    values = np.where(inside, histories.values[rows, np.maximum(columns, 0)], np.nan)
    return np.repeat(np.nanmedian(values, axis=2)[:, :, None], horizon, axis=2)


def earlier_columns(origins: Ints, steps: Ints, period: Ints, back: int) -> Ints:
    """[n, o, h] columns of the same moment, ``back`` whole seasons before the newest one that was seen."""
    length = np.maximum(period, 1)[:, None, None]
    whole = -(-steps // length) + back
    found: Ints = origins[:, :, None] + steps - whole * length
    return found


def seasonal(histories: Histories, origins: Ints, horizon: int, which: int) -> dict[str, Floats]:
    """[n, o, h] from the same moments of the last seasons: the newest alone, and fading means.

    ``which``: the season taken. Series without it get the last value.
    """
    period = histories.periods[:, which] * histories.sure[:, which]
    steps = np.arange(1, horizon + 1)
    rows = np.arange(len(histories))[:, None, None]
    last, present = naive(histories, origins, horizon), (period > 0)[:, None, None]
    totals = [np.zeros((*origins.shape, horizon)) for _ in FADES]
    weights = [np.zeros((*origins.shape, horizon)) for _ in FADES]
    newest = last
    for back in range(CYCLES):
        columns = earlier_columns(origins, steps, period, back)
        inside = (columns >= histories.first[:, None, None]) & present
        if not inside.any():
            break
        moment = histories.values[rows, np.maximum(columns, 0)]
        newest = np.where(inside, moment, last) if back == 0 else newest
        for fade, total, weight in zip(FADES, totals, weights, strict=True):
            total += np.exp(-fade * back) * inside * moment
            weight += np.exp(-fade * back) * inside
    found = {"one {} ago": newest}
    for fade, total, weight in zip(FADES, totals, weights, strict=True):
        mean = np.where(weight > 0, total / np.maximum(weight, 1e-12), last)
        gap = _gap(histories, origins, period, fade)
        for level in LEVELS:
            found[f"mean of the {{}} ({fade}, {level})"] = mean + level * gap
    return found


def _gap(histories: Histories, origins: Ints, period: Ints, fade: float) -> Floats:
    """[n, o, 1]: by how much the newest values are above the fading mean of the seasons before.

    The newest values are those of the series' shortest season.
    """
    sums = np.concatenate([np.zeros((len(histories), 1)), histories.values.cumsum(axis=1)], axis=1)
    rows, first = np.arange(len(histories))[:, None], histories.first[:, None]
    shortest = np.where(histories.sure, histories.periods, np.iinfo(np.int64).max).min(axis=1)
    window = np.minimum(shortest, np.maximum(period, 1))[:, None]
    total, weight = np.zeros(origins.shape), np.zeros(origins.shape)
    for back in range(1, CYCLES + 1):
        ends = origins + 1 - back * np.maximum(period, 1)[:, None]
        share = np.exp(-fade * (back - 1)) * (ends - window >= first)
        low = np.maximum(ends - window, 0)
        total += share * (sums[rows, np.maximum(ends, 0)] - sums[rows, low])
        weight += share
    newest = sums[rows, origins + 1] - sums[rows, np.maximum(origins + 1 - window, 0)]
    known = (weight > 0) & (period > 0)[:, None]
    return np.where(known, (newest - total / np.maximum(weight, 1e-12)) / window, 0.0)[:, :, None]


def profile(histories: Histories, upto: int) -> Floats:
    """[n, t]: the season's additive share of every column, from columns up to ``upto``; 0 without a season.

    The longest season is used: medians would be as good, means over phases are cheaper and enough here.
    """
    n, width = histories.values.shape
    period = histories.season
    length = np.maximum(period, 1)[:, None]
    columns = np.arange(width)
    sums = np.concatenate([np.zeros((n, 1)), histories.values.cumsum(axis=1)], axis=1)
    rows = np.arange(n)[:, None]
    low = np.clip(columns - length // 2, histories.first[:, None], None)
    high = np.clip(columns + length - length // 2, None, upto + 1)
    centre = (sums[rows, np.maximum(high, low + 1)] - sums[rows, low]) / np.maximum(high - low, 1)
    known = (columns >= histories.first[:, None]) & (columns <= upto)
    rest = np.where(known, histories.values - centre, 0.0)
    phase = (columns % length) + rows * int(length.max())
    size = n * int(length.max())
    total = np.bincount(phase.ravel(), rest.ravel(), size)
    count = np.bincount(phase.ravel(), known.ravel().astype(float), size)
    means = total / np.maximum(count, 1.0)
    return np.where((period > 0)[:, None] & (columns >= histories.first[:, None]), means[phase], 0.0)


def trends(histories: Histories, origins: Ints, horizon: int, upto: int) -> Floats:
    """[m, n, o, h]: one forecast for each of :data:`TRENDS`, the season taken off before and put back after.

    Damped smoothing is run as the ARIMA(1, 1, 2) it equals, so that no loop over points is needed.
    """
    from scipy.signal import lfilter  # 60 MB that a process which only watches does without

    begin = max(histories.width - TREND_CONTEXT, 0)
    begin = min(begin, max(int(origins.min()) - TREND_CONTEXT // 2, 0))
    season = profile(histories, upto)
    values = histories.values - season
    rows = np.arange(len(histories))[:, None]
    steps = np.arange(1, horizon + 1)
    length = np.maximum(histories.season, 1)[:, None, None]
    ahead = origins[:, :, None] + steps
    again = ahead - length * np.maximum(-(-(ahead - upto) // length), 0)
    season_ahead = season[rows[:, :, None], np.clip(again, 0, None)]
    base = values[np.arange(len(histories)), np.maximum(histories.first, begin)][:, None]
    moved = values[:, begin:] - base
    found = []
    for alpha, beta, phi in TRENDS:
        error = lfilter(
            [1.0, -(1 + phi), phi], [1.0, alpha + phi * beta - 1 - phi, phi * (1 - alpha)], moved, axis=1
        )
        slope = lfilter([beta], [1.0, -phi], error, axis=1)
        level = moved - (1 - alpha) * error
        damp = np.cumsum(phi**steps)
        at = origins - begin
        found.append(
            base[:, :, None] + level[rows, at][:, :, None] + slope[rows, at][:, :, None] * damp + season_ahead
        )
    return np.stack(found)
