"""What detection found, told point by point as the series came: JSON, or an Arrow table."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa

from airis_ray.aiops.asked import Asked
from airis_ray.aiops.gridding import Reading
from airis_ray.aiops.protocol import Anomaly, Choice, Scores, Singles
from airis_ray.aiops.series import Bools, Ints
from airis_ray.telemetry.times import format_duration, format_time

META: Final = "airis.series"
"""Schema metadata of an Arrow answer: JSON, what is said of each series as a whole."""
_NUMPY: Final = orjson.OPT_SERIALIZE_NUMPY


@dataclass(frozen=True)
class Detected:
    """The judgement of every point of a request, in the order of its :class:`Asked`; NaN where series were refused."""

    asked: Asked
    score: Singles
    expected: Singles
    low: Singles
    high: Singles
    wrong: Bools
    choices: dict[int, Choice]
    """by number of the series"""
    thresholds: dict[int, float]
    anomalies: dict[int, list[Anomaly]]

    @classmethod
    def of(cls, asked: Asked, reading: Reading, found: Sequence[Scores]) -> Detected:
        """Bring scores of cells back to points. ``found``: one for each batch of ``reading``."""
        count = len(reading.batch)
        owner = np.repeat(np.arange(len(asked)), asked.points.counts)
        arrays = [np.full(count, fill, np.float32) for fill in (0.0, np.nan, np.nan, np.nan)]
        wrong = np.zeros(count, dtype=bool)
        choices: dict[int, Choice] = {}
        thresholds: dict[int, float] = {}
        anomalies: dict[int, list[Anomaly]] = defaultdict(list)
        for number, scores in enumerate(found):
            at = np.flatnonzero(reading.batch == number)
            row, cell = reading.row[at], reading.cell[at]
            for into, name in zip(arrays, ("score", "expected", "low", "high"), strict=True):
                into[at] = getattr(scores, name)[row, cell]
            wrong[at] = _marked(scores)[row, cell]
            numbers = _numbers(row, owner[at])
            for each, choice in enumerate(scores.choices):
                choices[numbers[each]], thresholds[numbers[each]] = choice, scores.threshold
            for anomaly in scores.anomalies:
                anomalies[numbers[anomaly.series]].append(anomaly)
        score, expected, low, high = arrays
        return cls(asked, score, expected, low, high, wrong, choices, thresholds, dict(anomalies))

    def json(self) -> bytes:
        """The body of the answer."""
        offsets = self.asked.points.offsets
        columns = {
            "scores": self.score,
            "is_anomaly": self.wrong,
            "expected": self.expected,
            "lower": self.low,
            "upper": self.high,
        }
        series = []
        for number in range(len(self.asked)):
            some = (
                slice(0, 0) if number not in self.choices else slice(*offsets[number : number + 2].tolist())
            )
            parts = {name: column[some] for name, column in columns.items()}
            series.append({"labels": self.asked.labels[number], **parts, **self.said(number)})
        faults = [fault for number in range(len(self.asked)) for fault in self.asked.faults(number)]
        return orjson.dumps({"series": series, "errors": faults}, option=_NUMPY)

    def table(self) -> pa.Table:
        """A row a point that was sent, in the order it was; what is said of each series is in the metadata."""
        points = self.asked.points
        owner = np.repeat(np.arange(len(self.asked)), points.counts)
        columns: dict[str, Any] = {
            "series": owner,
            "time": points.times.astype("datetime64[ns]"),
            "value": points.values,
            "score": self.score,
            "is_anomaly": self.wrong,
            "expected": self.expected,
            "lower": self.low,
            "upper": self.high,
        }
        if self.asked.rows is not None:
            back = np.argsort(self.asked.rows, kind="stable")
            columns = {name: column[back] for name, column in columns.items()}
        table = pa.table({name: pa.array(column, from_pandas=True) for name, column in columns.items()})
        whole = [{"labels": self.asked.labels[i], **self.said(i)} for i in range(len(self.asked))]
        return table.replace_schema_metadata({META: orjson.dumps(whole)})

    def said(self, number: int) -> dict[str, Any]:
        """What is said of a series as a whole."""
        choice = self.choices.get(number)
        return {
            "model": choice.model if choice else "",
            "reason": choice.reason if choice else "",
            "reason_ko": choice.reason_ko if choice else "",
            "season": format_duration(choice.season) if choice and choice.season else None,
            "threshold": self.thresholds.get(number),
            "anomalies": [_told(anomaly) for anomaly in self.anomalies.get(number, ())],
            "errors": self.asked.faults(number),
        }


def _marked(scores: Scores) -> Bools:
    """[n, t]: cells that are part of an anomaly."""
    found = np.zeros(scores.score.shape, dtype=bool)
    for anomaly in scores.anomalies:
        found[anomaly.series, anomaly.first : anomaly.last + 1] = True
    return found


def _numbers(row: Ints, owner: npt.NDArray[np.int64]) -> dict[int, int]:
    """The number of the series of each row of a batch."""
    rows, first = np.unique(row, return_index=True)
    return dict(zip(rows.tolist(), owner[first].tolist(), strict=True))


def _told(anomaly: Anomaly) -> dict[str, Any]:
    return {
        "start": format_time(anomaly.start),
        "end": format_time(anomaly.end),
        "kind": anomaly.kind.value,
        "severity": anomaly.severity,
        "value": anomaly.value,
        "expected": anomaly.expected,
        "metric": anomaly.metric or None,
        "sentence": anomaly.sentence,
        "sentence_ko": anomaly.sentence_ko,
    }
