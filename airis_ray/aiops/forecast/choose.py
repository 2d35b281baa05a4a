"""Members are tried on the newest part of each series and mixed by how well they did there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from airis_ray.aiops.forecast import analogs, members, volatility
from airis_ray.aiops.forecast.history import Histories
from airis_ray.aiops.forecast.lags import LEAST, RIDGES, LagRegression
from airis_ray.aiops.series import Floats, Ints

ORIGINS: Final = 10
"""Trials of each series: forecasts from so many places of its newest part, all of one fit."""
BEST: Final = 6
"""Members that may share a forecast."""
SHARPNESS: Final = 4.0
"""A member's share is its error to the power of minus this."""


@dataclass(frozen=True)
class Mixture:
    """Forecasts of ``n`` series and what is known of their errors."""

    point: Floats
    """[n, h]"""
    residuals: Floats
    """[n, o, k] actual less forecast at the trials, ``k`` <= h; NaN where the future is not known"""
    restless: Floats
    """[n, o, k] by how much errors of the trials are expected to be larger than on average"""
    restless_ahead: Floats
    """[n, h] the same of the forecast"""
    apart: float
    """how many of the trials do not overlap, 1 at least"""
    shares: Floats
    """[n, m]"""
    names: tuple[str, ...]
    gain: Floats
    """[n]: mean absolute error at the trials over that of the plain repeat of the last season (or value)"""


def mix(histories: Histories, length: int, horizon: int) -> Mixture:
    """Try, weigh and forecast. ``length``: columns that every one of the series has, at least."""
    tested, upto, origins = _plan(histories, length, horizon)
    last = histories.width - 1
    final = _all(histories, last, length, np.full((len(histories), 1), last, np.int64), horizon)
    tried = _all(histories, upto, length - (last - upto), origins, tested)
    names = tuple(name for name in tried if name in final)
    trials = np.stack([tried[name] for name in names])
    ahead = origins[:, :, None] + np.arange(1, tested + 1)
    rows = np.arange(len(histories))[:, None, None]
    actual = histories.values[rows, np.minimum(ahead, histories.width - 1)]
    actual = np.where(ahead < histories.width, actual, np.nan)
    errors = np.nanmean(np.abs(trials - actual), axis=(2, 3))
    shares = _shares(errors)
    mixed = np.einsum("nm,mnoh->noh", shares, trials)
    point = np.einsum("nm,mnh->nh", shares, np.stack([final[name][:, 0] for name in names]))
    plain = np.take_along_axis(errors, _plain(names, histories)[None], axis=0)[0]
    own = np.nanmean(np.abs(mixed - actual), axis=(1, 2))
    gain = np.where(plain > 0, own / np.where(plain > 0, plain, 1.0), 1.0)
    restless = volatility.of_columns(histories, ahead)
    restless_ahead = volatility.of_columns(
        histories, np.broadcast_to(last + np.arange(1, horizon + 1), point.shape)
    )
    apart = min(max((last - upto) / tested, 1.0), float(origins.shape[1]))
    return Mixture(point, actual - mixed, restless, restless_ahead, apart, shares, names, gain)


def _plan(histories: Histories, length: int, horizon: int) -> tuple[int, int, Ints]:
    """Steps that can be tried, the last column of the fit, the origins [n, o]."""
    last, season = histories.width - 1, int(histories.periods.max(initial=0))
    tested = max(1, min(horizon, length // 3))
    span = tested + max(tested, min(season, length // 4))
    span = min(span, max(length // 3, tested + ORIGINS), length - 3)
    upto = last - max(span, 1)
    at = np.unique(np.linspace(upto, max(last - tested, upto), ORIGINS).astype(np.int64))
    return tested, upto, np.broadcast_to(at, (len(histories), len(at)))


def _all(histories: Histories, upto: int, known: int, origins: Ints, horizon: int) -> dict[str, Floats]:
    """[n, o, h] by the member's name; fitted on the ``known`` columns (or more) up to ``upto``."""
    found = {"the last value": members.naive(histories, origins, horizon)}
    for window in members.WINDOWS:
        found[f"middle of the last values ({window})"] = members.middle(histories, origins, horizon, window)
    if 2 * horizon <= known:
        found["what followed like moments"] = analogs.forecast(histories, origins, known, horizon)
    for which, name in enumerate(("season", "longer season")):
        if not histories.sure[:, which].any():
            continue
        means = members.seasonal(histories, origins, horizon, which)
        found |= {kind.format(name): forecast for kind, forecast in means.items()}
    for constants, forecast in zip(
        members.TRENDS, members.trends(histories, origins, horizon, upto), strict=True
    ):
        found[f"trend {constants}"] = forecast
    kinds = (True, False) if (histories.periods > 0).any() else (False,)
    for seasonal in kinds if known > LEAST else ():
        regression = LagRegression(histories, upto, known, horizon, seasonal=seasonal).predict(origins)
        for ridge, forecast in zip(RIDGES, regression, strict=True):
            found[f"regression on {'seasonal ' if seasonal else ''}lags ({ridge})"] = forecast
    low, high = _bounds(histories)
    return {name: np.clip(forecast, low, high) for name, forecast in found.items()}


def _bounds(histories: Histories) -> tuple[Floats, Floats]:
    """[n, 1, 1] each: no forecast leaves the range of the history by more than that range again."""
    low = np.where(histories.inside, histories.values, np.inf).min(axis=1)
    high = np.where(histories.inside, histories.values, -np.inf).max(axis=1)
    lowest, highest = np.maximum(2 * low - high, histories.floor), 2 * high - low
    return lowest[:, None, None], highest[:, None, None]


def _shares(errors: Floats) -> Floats:
    """[n, m] from errors [m, n]: the best members, each by a power of its error."""
    tiny = np.maximum(1e-9 * errors.max(axis=0), 1e-300)
    relative = (errors.min(axis=0) + tiny) / (errors + tiny)
    rank = np.argsort(np.argsort(errors, axis=0, kind="stable"), axis=0, kind="stable")
    power = np.where(rank < BEST, relative**SHARPNESS, 0.0)
    shares: Floats = (power / power.sum(axis=0)).T
    return shares


def _plain(names: tuple[str, ...], histories: Histories) -> Ints:
    """[n]: the index of the plain repeat."""
    found = np.full(len(histories), names.index("the last value"))
    for which, name in enumerate(("one season ago", "one longer season ago")):
        if name in names:
            found = np.where(histories.sure[:, which], names.index(name), found)
    return found
