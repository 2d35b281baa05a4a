"""Requests that came at about the same time are computed as one, and each gets its own part back."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise
from typing import Any, Final, TypeVar

import numpy as np

from airis_ray.aiops.custom.detector import Model, detector_of
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
    model: Model | None = None
    """a user's; None: the detector that chooses by itself"""
    together: bool = False
    """whether the series of a batch belong together by the first part of their names"""

    @property
    def alike(self) -> tuple[Hashable, ...]:
        """What works have in common that are computed as one. Names of two requests must not meet in one group."""
        return self.rate, self.season, id(self.model), id(self) if self.together else None

    def detector(self, device: str) -> Detector:
        """A new one that judges as this work wants it. torch comes with those that need it, once first asked."""
        if self.model is not None:
            return detector_of(self.model)(self.rate, self.season)
        if self.together:
            from airis_ray.aiops.detect.together import TogetherDetector

            return TogetherDetector(rate=self.rate, season=self.season, device=device)
        from airis_ray.aiops.detect.mixed import MixedDetector

        return MixedDetector(rate=self.rate, season=self.season, device=device)

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
    def alike(self) -> tuple[Hashable, ...]:
        """What works have in common that are computed as one."""
        return self.horizon, self.levels, self.calendar

    @property
    def cells(self) -> int:
        """Cells of all batches with those that are asked for, padding included."""
        return sum(len(batch) * (batch.width + self.horizon) for batch in self.batches)


Detect = Callable[[DetectWork], Awaitable[tuple[Scores, ...]]]
Ahead = Callable[[ForecastWork], Awaitable[tuple[Forecast, ...]]]

Work = TypeVar("Work", bound=DetectWork | ForecastWork)
Part = TypeVar("Part")


def detect_all(works: Sequence[DetectWork], device: str = "cpu") -> list[tuple[Scores, ...]]:
    """The scores of every batch of every work; series of about one length that are judged alike go together.

    ``device``: where tensors are computed (``AIRIS_DETECT_DEVICE``).
    """

    def judged(batch: SeriesBatch, work: DetectWork) -> Scores:
        return work.detector(device).fit(batch).score(batch)

    return _together(works, judged, _scores_of)


def forecast_all(works: Sequence[ForecastWork]) -> list[tuple[Forecast, ...]]:
    """The forecasts of every batch of every work. Their names, also those of errors, are rows of the batch."""

    def ahead(batch: SeriesBatch, work: ForecastWork) -> Forecast:
        numbered = replace(batch, names=tuple(map(str, range(len(batch)))))
        return forecast(numbered, work.horizon, work.levels, work.calendar)

    return _together(works, ahead, _forecast_of)


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


def detecting(threads: Threads, device: str = "cpu") -> Detect:
    """Each request computed by itself."""

    async def detect(work: DetectWork) -> tuple[Scores, ...]:
        return (await threads.run(detect_all, [work], device))[0]

    return detect


def forecasting(threads: Threads) -> Ahead:
    """Each request computed by itself."""

    async def ahead(work: ForecastWork) -> tuple[Forecast, ...]:
        return (await threads.run(forecast_all, [work]))[0]

    return ahead


def _together(
    works: Sequence[Work],
    compute: Callable[[SeriesBatch, Work], Part],
    part_of: Callable[[Part, int, int, int], Part],
) -> list[tuple[Part, ...]]:
    """Compute batches of works that are alike and about as wide as one, and cut the result apart again."""
    groups: dict[tuple[Hashable, ...], list[tuple[int, int]]] = {}
    for number, work in enumerate(works):
        for place, batch in enumerate(work.batches):
            key = (*work.alike, max(batch.width - 1, 0).bit_length())
            groups.setdefault(key, []).append((number, place))
    found: dict[tuple[int, int], Part] = {}
    for places in groups.values():
        batches = [works[number].batches[place] for number, place in places]
        whole = compute(join(batches), works[places[0][0]])
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
    told, told_ko = whole.reasons[some], whole.reasons_ko[some]
    return replace(whole, rows=rows, names=names, errors=errors, reasons=told, reasons_ko=told_ko, **arrays)
