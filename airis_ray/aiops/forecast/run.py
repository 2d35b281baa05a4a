"""From a batch of series to its forecast."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from airis_ray.aiops.forecast import bands, choose, history, periods
from airis_ray.aiops.forecast.calendar import Calendar, DaysOff, apply
from airis_ray.aiops.forecast.history import Histories
from airis_ray.aiops.forecast.result import Forecast
from airis_ray.aiops.forecast.wording import HOLIDAYS, reason
from airis_ray.aiops.gridding import SeriesError
from airis_ray.aiops.protocol import seen
from airis_ray.aiops.series import Floats, Ints, SeriesBatch
from airis_ray.errors import InvalidInput, TooLarge
from airis_ray.telemetry.times import LAST

MAX_HORIZON: Final = 10_000
"""Steps: a month of 5-minute points and more. Past it a coarser grid says as much."""
MAX_VALUES: Final = 2**26
"""Series times steps times quantiles of one answer: half a GB."""
LEAST_POINTS: Final = 3
LARGEST: Final = 1e100
"""The largest value, of either sign, whose squares can be added up."""
DECILES: Final = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
CELLS: Final = 2**15
"""Series times trials times steps that are worked on together: what stays in a processor's cache is done fastest."""
CLASS: Final = 1.3
"""Series whose lengths differ by less than this factor are tried alike."""


def forecast(
    batch: SeriesBatch, horizon: int, levels: Sequence[float] = (80, 95), calendar: Calendar | None = None
) -> Forecast:
    """Forecast the next ``horizon`` points of every series of ``batch``.

    ``levels``: percent of the central intervals; deciles come along. Series with fewer than three known points are
    left out and named in ``errors``. With a ``calendar``, holidays are forecast as Sundays where the history
    says that they go so. A series is forecast from itself alone: what else is in the batch changes
    nothing. Raises InvalidInput for a horizon or level out of range, TooLarge past the limits of this module.
    """
    asked = _levels(levels)
    _within_limits(horizon, len(batch), len(asked))
    rows, errors = _fit_for_it(batch, horizon)
    histories, days_off = prepare(batch.take(rows), calendar, horizon)
    quantiles = np.empty((len(rows), horizon, len(asked)))
    mean = np.empty((len(rows), horizon))
    reasons = [("", "")] * len(rows)
    for length, part in _parts(histories, horizon):
        some = histories.take(part)
        mixture = choose.mix(some, length, horizon)
        quantiles[part] = bands.quantiles(mixture, asked, some.floor)
        mean[part] = mixture.point
        for i, row in enumerate(part):
            reasons[row] = reason(mixture, some, i)
    for row in days_off.minded if days_off else ():
        english, korean = reasons[row]
        reasons[row] = english + HOLIDAYS[0], korean + HOLIDAYS[1]
    if days_off:
        moved = np.where(np.isnan(days_off.ahead), 0.0, days_off.ahead - mean)
        mean, quantiles = (
            mean + moved,
            np.maximum(quantiles + moved[:, :, None], histories.floor[:, None, None]),
        )
    ends = batch.starts[rows] + batch.lengths[rows] * batch.steps[rows]
    names = tuple(batch.names[row] for row in rows)
    told, told_ko = (tuple(each[language] for each in reasons) for language in (0, 1))
    return Forecast(names, rows, ends, batch.steps[rows], asked, quantiles, mean, told, told_ko, errors)


def prepare(batch: SeriesBatch, calendar: Calendar | None, horizon: int) -> tuple[Histories, DaysOff | None]:
    """Histories without holes, with their seasons, and their days off; every series has a known point."""
    values, first = history.right_aligned(batch)
    starts = batch.starts + (batch.lengths - values.shape[1]) * batch.steps
    days_off = apply(calendar, values, starts, batch.steps, horizon) if calendar else None
    if days_off:
        values = days_off.values
    lengths, sure = periods.find(values, first, batch.steps)
    filled = history.without_holes(values, first, lengths * sure)
    floor = np.where(np.nanmin(values, axis=1) >= 0, 0.0, -np.inf) if len(values) else np.zeros(0)
    return Histories(filled, first, starts, batch.steps, lengths, sure, floor), days_off


def _within_limits(horizon: int, series: int, quantiles: int) -> None:
    if isinstance(horizon, bool) or not isinstance(horizon, int | np.integer) or horizon < 1:
        raise InvalidInput.field(
            "/horizon", f"is {horizon!r}; expected a whole number of steps, 1 to {MAX_HORIZON}"
        )
    if horizon > MAX_HORIZON or series * horizon * quantiles > MAX_VALUES:
        limit = f"at most {MAX_HORIZON} steps and {MAX_VALUES} values"
        raise TooLarge(f"/horizon: {horizon} steps of {series} series; {limit}")


def _levels(levels: Sequence[float]) -> Floats:
    for level in levels:
        if not 0 < level < 100:
            raise InvalidInput.field("/levels", f"{level!r} is not between 0 and 100 percent")
    edges = [edge for level in levels for edge in (0.5 - level / 200, 0.5 + level / 200)]
    return np.unique(np.clip(np.round([*edges, *DECILES], 9), 1e-9, 1 - 1e-9))


def _fit_for_it(batch: SeriesBatch, horizon: int) -> tuple[Ints, tuple[SeriesError, ...]]:
    newest = history.right_aligned(batch)[0]
    known, largest = np.isfinite(newest).sum(axis=1), np.nan_to_num(np.abs(newest)).max(axis=1, initial=0.0)
    ahead = (LAST - seen(batch)) // batch.steps
    errors: dict[int, str] = {}
    for row in np.flatnonzero(ahead < horizon).tolist():
        errors[row] = f"{horizon} steps of {batch.steps[row]} ns reach past the year 2262"
    for row in np.flatnonzero(largest > LARGEST).tolist():
        errors[row] = f"holds {largest[row]:g}; no forecast is made of values beyond {LARGEST:g}"
    text = f"known points among the newest {history.CONTEXT}; a forecast needs at least {LEAST_POINTS}"
    for row in np.flatnonzero(known < LEAST_POINTS).tolist():
        errors[row] = f"{known[row]} {text}"
    named = tuple(SeriesError(batch.names[row], None, errors[row]) for row in sorted(errors))
    return np.setdiff1d(np.arange(len(batch)), list(errors)).astype(np.int64), named


def _parts(histories: Histories, horizon: int) -> Iterator[tuple[int, Ints]]:
    """Series that are tried alike, few enough at a time; the length each of them has at least."""
    lengths = histories.width - histories.first
    classes = np.floor(np.log(lengths) / np.log(CLASS)).astype(np.int64) if len(lengths) else lengths
    keys = np.concatenate([classes[:, None], histories.periods, histories.sure], axis=1)
    size = max(1, CELLS // (choose.ORIGINS * horizon))
    for key in np.unique(keys, axis=0):
        rows = np.flatnonzero((keys == key).all(axis=1))
        for begin in range(0, len(rows), size):
            yield max(int(CLASS ** int(key[0])), LEAST_POINTS), rows[begin : begin + size]
