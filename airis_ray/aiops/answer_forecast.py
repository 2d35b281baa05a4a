"""What a forecast says, series by series as they were asked: JSON, or an Arrow table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import orjson
import pyarrow as pa

from airis_ray.aiops.answer_detect import META
from airis_ray.aiops.asked import Asked
from airis_ray.aiops.forecast.capacity import LEAST_POINTS, NEVER, reached
from airis_ray.aiops.forecast.result import Forecast
from airis_ray.aiops.gridding import Reading
from airis_ray.aiops.series import Floats, Ints, SeriesBatch
from airis_ray.telemetry.times import format_time, format_times

MODEL: Final = "mixture"
"""What every series is forecast by: members mixed by how well they did on its newest points."""

LIMIT_LEVEL: Final = 80.0
"""Percent of the interval in which a limit is reached."""


@dataclass(frozen=True)
class Foreseen:
    """The forecasts of a request; row ``i`` of the arrays is series ``numbers[i]``, the others were refused."""

    asked: Asked
    numbers: Ints
    """[n], ascending"""
    times: Ints
    """[n, h], nanoseconds"""
    mean: Floats
    """[n, h]"""
    bands: dict[str, tuple[Floats, Floats]]
    """lower and upper edges [n, h] by level, such as 95"""
    reasons: list[tuple[str, str]]
    """English and Korean"""
    limits: dict[int, dict[str, Any]]
    """by number of the series, as the answer tells it; empty unless a limit was asked for"""

    @classmethod
    def of(
        cls,
        asked: Asked,
        reading: Reading,
        found: Sequence[Forecast],
        levels: Sequence[float],
        limit: float | None = None,
    ) -> Foreseen:
        """Put the forecasts of all batches of ``reading`` into the order of the request.

        ``limit``: tell when each series reaches it.
        """
        owner = np.repeat(np.arange(len(asked)), asked.points.counts)
        numbers: list[int] = []
        reasons: list[tuple[str, str]] = []
        limits: dict[int, dict[str, Any]] = {}
        for batch, forecast in enumerate(found):
            at = np.flatnonzero(reading.batch == batch)
            of_row = owner[at][np.unique(reading.row[at], return_index=True)[1]]  # every row has a point
            for error in forecast.errors:
                asked.refuse(int(of_row[int(error.name)]), "values", None, error.message)
            numbers += of_row[forecast.rows].tolist()
            reasons += zip(forecast.reasons, forecast.reasons_ko, strict=True)
            if limit is not None:
                limits |= dict(zip(of_row.tolist(), _limits(reading.batches[batch], limit), strict=True))
        order = np.argsort(numbers)
        times, mean = (_stacked([part(each) for each in found], order) for part in (Forecast.times, _mean))
        bands = {f"{level:g}": _edges(found, level, order) for level in levels}
        sorted_reasons = [reasons[i] for i in order]
        return cls(asked, np.array(numbers, np.int64)[order], times, mean, bands, sorted_reasons, limits)

    def json(self) -> bytes:
        """The body of the answer."""
        place = {int(number): row for row, number in enumerate(self.numbers)}
        stamps = format_times(pa.array(self.times.ravel()).cast(pa.timestamp("ns"))).to_pylist()
        width = self.times.shape[1]
        series = []
        for number, labels in enumerate(self.asked.labels):
            row = place.get(number)
            if row is None:
                lists: dict[str, Any] = {"timestamps": [], "mean": [], "intervals": {}}
            else:
                bands = {
                    level: {"lower": low[row], "upper": high[row]}
                    for level, (low, high) in self.bands.items()
                }
                own = stamps[row * width : (row + 1) * width]
                lists = {"timestamps": own, "mean": self.mean[row], "intervals": bands}
            series.append({"labels": labels, **lists, **self._said(number, row)})
        faults = [fault for number in range(len(self.asked)) for fault in self.asked.faults(number)]
        return orjson.dumps({"series": series, "errors": faults}, option=orjson.OPT_SERIALIZE_NUMPY)

    def table(self) -> pa.Table:
        """A row a point: series (its number), time, mean, and lower_95, upper_95 and so on; the rest is metadata."""
        width = self.times.shape[1]
        columns: dict[str, Any] = {
            "series": np.repeat(self.numbers, width),
            "time": self.times.ravel().astype("datetime64[ns]"),
            "mean": self.mean.ravel(),
        }
        for level, (low, high) in self.bands.items():
            columns |= {f"lower_{level}": low.ravel(), f"upper_{level}": high.ravel()}
        place = {int(number): row for row, number in enumerate(self.numbers)}
        whole = [
            {"labels": labels, **self._said(number, place.get(number))}
            for number, labels in enumerate(self.asked.labels)
        ]
        return pa.table(columns).replace_schema_metadata({META: orjson.dumps(whole)})

    def _said(self, number: int, row: int | None) -> dict[str, Any]:
        good = row is not None
        reason, reason_ko = ("", "") if row is None else self.reasons[row]
        return {
            "model": MODEL if good else "",
            "reason": reason,
            "reason_ko": reason_ko,
            "limit": self.limits.get(number) if good else None,
            "errors": self.asked.faults(number),
        }


def _limits(batch: SeriesBatch, limit: float) -> list[dict[str, Any]]:
    """When each series of a batch reaches a limit."""
    nothing = dict.fromkeys(("at", "earliest", "latest", "chance"))
    found = reached(batch, limit, LIMIT_LEVEL)
    few = {
        "reason": f"a slope needs at least {LEAST_POINTS} points",
        "reason_ko": f"기울기를 알려면 {LEAST_POINTS}점 이상이 필요합니다",
    }
    told: list[dict[str, Any]] = [{"value": limit, **nothing, **few} for _ in range(len(batch))]
    for i, row in enumerate(found.rows.tolist()):
        early, median, late = (None if at == NEVER else format_time(at) for at in found.at[i].tolist())
        own = {"at": median, "earliest": early, "latest": late, "chance": float(found.chance[i])}
        told[row] |= {**own, "reason": found.reasons[i], "reason_ko": found.reasons_ko[i]}
    return told


def _edges(found: Sequence[Forecast], level: float, order: Any) -> tuple[Floats, Floats]:
    low, high = zip(*(each.band(level) for each in found), strict=True)
    return _stacked(low, order), _stacked(high, order)


def _mean(forecast: Forecast) -> Floats:
    return forecast.mean


def _stacked(parts: Sequence[Any], order: Any) -> Any:
    return np.ascontiguousarray(np.concatenate(parts)[order])
