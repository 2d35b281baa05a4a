"""Requests that came at about the same time are computed as one, and each gets its own part back."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise
from typing import Any, Final, TypeVar

import numpy as np

from airis_ray.aiops.forecast.calendar import Calendar
from airis_ray.aiops.forecast.result import Forecast
from airis_ray.aiops.forecast.run import forecast
from airis_ray.aiops.protocol import Detector, Scores
from airis_ray.aiops.series import SeriesBatch

JOINED_CELLS: Final = 2**20
"""Cells up to which requests are computed together: a small one should not wait for the largest."""
THREADS: Final = 2
"""Computations at once, so that a small one gets past a large one; numpy frees the interpreter for the event loop."""


@dataclass(frozen=True)
class DetectWork:
    """The batches of one request to detect, and how they are judged."""

    batches: tuple[SeriesBatch, ...]
    rate: float
    """share of usual points that may be called anomalies"""
    season: int | None = None
    """nanoseconds of the season, 0: none, None: found in each series"""

    @property
    def cells(self) -> int:
        """Cells of all batches, padding included."""
        return sum(batch.values.size for batch in self.batches)


@dataclass(frozen=True)
class ForecastWork:
    """The batches of one request to forecast."""

    batches: tuple[SeriesBatch, ...]
    horizon: int
    levels: tuple[float, ...]
    calendar: Calendar | None = None

    @property
    def cells(self) -> int:
        """Cells of all batches with those that are asked for, padding included."""
        return sum(len(batch) * (batch.width + self.horizon) for batch in self.batches)


Detect = Callable[[DetectWork], Awaitable[tuple[Scores, ...]]]
Ahead = Callable[[ForecastWork], Awaitable[tuple[Forecast, ...]]]
MakeDetector = Callable[[float, int | None], Detector]
"""A new detector for a rate of false alarms and a season (as in :class:`DetectWork`)."""

Work = TypeVar("Work", bound=DetectWork | ForecastWork)
Part = TypeVar("Part")


def default_detector(rate: float, season: int | None) -> Detector:
    """The detector that chooses by itself; torch comes with it, once it is first asked."""
    from airis_ray.aiops.detect.mixed import MixedDetector

    return MixedDetector(rate=rate, season=season)


def detect_all(
    works: Sequence[DetectWork], make: MakeDetector = default_detector
) -> list[tuple[Scores, ...]]:
    """The scores of every batch of every work; series of about one length that are judged alike go together."""

    def judged(batch: SeriesBatch, key: tuple[Any, ...]) -> Scores:
        return make(*key).fit(batch).score(batch)

    return _together(works, lambda work: (work.rate, work.season), judged, _scores_of)


def forecast_all(works: Sequence[ForecastWork]) -> list[tuple[Forecast, ...]]:
    """The forecasts of every batch of every work. Their names, also those of errors, are rows of the batch."""

    def ahead(batch: SeriesBatch, key: tuple[Any, ...]) -> Forecast:
        horizon, levels, calendar = key
        numbered = replace(batch, names=tuple(map(str, range(len(batch)))))
        return forecast(numbered, horizon, levels, calendar)

    return _together(works, lambda work: (work.horizon, work.levels, work.calendar), ahead, _forecast_of)


def joint_size(works: Sequence[DetectWork] | Sequence[ForecastWork]) -> int:
    """Cells of works that may be joined; a single one always may be computed."""
    cells = sum(work.cells for work in works)
    return min(cells, JOINED_CELLS) if len(works) == 1 else cells


def join(batches: Sequence[SeriesBatch]) -> SeriesBatch:
    """One batch of all series, in order, padded to the longest."""
    if len(batches) == 1:
        return batches[0]
    width = max(batch.width for batch in batches)
    values = np.full((sum(map(len, batches)), width), np.nan)
    for batch, (first, last) in zip(batches, _bounds(batches), strict=True):
        values[first:last, : batch.width] = batch.values
    names = tuple(name for batch in batches for name in batch.names)
    parts = (
        np.concatenate([getattr(batch, name) for batch in batches]) for name in ("starts", "steps", "lengths")
    )
    return SeriesBatch(names, values, *parts)


class Threads:
    """Runs works in a few threads of its own; what comes past that waits."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="aiops")

    async def run(self, function: Callable[..., Part], *arguments: Any) -> Part:
        """The result of a function that computes; the event loop goes on meanwhile."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, function, *arguments)

    def close(self) -> None:
        """Take no more; what runs is finished by its thread."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def detecting(threads: Threads, make: MakeDetector = default_detector) -> Detect:
    """Each request computed by itself."""

    async def detect(work: DetectWork) -> tuple[Scores, ...]:
        return (await threads.run(detect_all, [work], make))[0]

    return detect


def forecasting(threads: Threads) -> Ahead:
    """Each request computed by itself."""

    async def ahead(work: ForecastWork) -> tuple[Forecast, ...]:
        return (await threads.run(forecast_all, [work]))[0]

    return ahead


def _together(
    works: Sequence[Work],
    key_of: Callable[[Work], tuple[Hashable, ...]],
    compute: Callable[[SeriesBatch, tuple[Any, ...]], Part],
    part_of: Callable[[Part, int, int, int], Part],
) -> list[tuple[Part, ...]]:
    """Compute batches with the same key and about the same width as one, and cut the result apart again."""
    groups: dict[tuple[Hashable, ...], list[tuple[int, int]]] = {}
    for number, work in enumerate(works):
        for place, batch in enumerate(work.batches):
            key = (*key_of(work), max(batch.width - 1, 0).bit_length())
            groups.setdefault(key, []).append((number, place))
    found: dict[tuple[int, int], Part] = {}
    for key, places in groups.items():
        batches = [works[number].batches[place] for number, place in places]
        whole = compute(join(batches), key[:-1])
        for at, batch, (first, last) in zip(places, batches, _bounds(batches), strict=True):
            found[at] = whole if len(batches) == 1 else part_of(whole, first, last, batch.width)
    return [tuple(found[i, place] for place in range(len(each.batches))) for i, each in enumerate(works)]


def _bounds(batches: Iterable[SeriesBatch]) -> Iterable[tuple[int, int]]:
    return pairwise(accumulate(map(len, batches), initial=0))


def _scores_of(whole: Scores, first: int, last: int, width: int) -> Scores:
    arrays = {name: getattr(whole, name)[first:last, :width] for name in ("score", "expected", "low", "high")}
    anomalies = tuple(
        replace(each, series=each.series - first) for each in whole.anomalies if first <= each.series < last
    )
    return replace(whole, **arrays, choices=whole.choices[first:last], anomalies=anomalies)


def _forecast_of(whole: Forecast, first: int, last: int, _: int) -> Forecast:
    some = slice(*np.searchsorted(whole.rows, (first, last)).tolist())
    rows = whole.rows[some] - first
    errors = tuple(
        replace(error, name=str(int(error.name) - first))
        for error in whole.errors
        if first <= int(error.name) < last
    )
    arrays = {name: getattr(whole, name)[some] for name in ("starts", "steps", "quantiles", "mean")}
    names = tuple(map(str, rows.tolist()))
    return replace(whole, rows=rows, names=names, reasons=whole.reasons[some], errors=errors, **arrays)
