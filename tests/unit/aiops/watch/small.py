"""A detector of twenty lines for tests of the watcher itself: mean and deviation of each series."""

from __future__ import annotations

import io
from typing import Self

import numpy as np

from airis_ray.aiops.protocol import Anomaly, Choice, Kind, Scores, Singles
from airis_ray.aiops.series import SeriesBatch


class Small:
    """Flags what is more than ten deviations off; learns nothing after ``fit``."""

    name = "small"

    def __init__(self) -> None:
        self.mean = self.deviation = np.zeros(0)

    def fit(self, history: SeriesBatch) -> Self:
        self.mean = np.nanmean(history.values, axis=1)
        self.deviation = np.maximum(np.nanstd(history.values, axis=1), 0.01)
        return self

    def score(self, batch: SeriesBatch) -> Scores:
        distance = np.abs(batch.values - self.mean[:, None]) / self.deviation[:, None]
        score: Singles = np.nan_to_num(distance / (distance + 10)).astype(np.float32)
        expected = np.broadcast_to(self.mean[:, None], score.shape).astype(np.float32)
        found = tuple(self._found(batch, row, cell, score) for row, cell in np.argwhere(score > 0.5))
        choices = tuple(Choice("small", 0, "", "") for _ in batch.names)
        return Scores(score, expected, expected, expected, 0.5, 0.001, choices, found)

    def _found(self, batch: SeriesBatch, row: int, cell: int, score: Singles) -> Anomaly:
        at = int(batch.starts[row] + cell * batch.steps[row])
        value, expected = float(batch.values[row, cell]), float(self.mean[row])
        told = f"{batch.names[row]} is {value:g}, not {expected:g}"
        severity = float(score[row, cell])
        cell = int(cell)
        return Anomaly(
            int(row), batch.names[row], cell, cell, at, at, Kind.POINT, severity, value, expected, told, told
        )

    def update(self, newest: SeriesBatch) -> Scores:
        return self.score(newest)

    def save(self) -> bytes:
        file = io.BytesIO()
        np.save(file, np.stack([self.mean, self.deviation]))
        return file.getvalue()

    @classmethod
    def load(cls, state: bytes) -> Self:
        made = cls()
        made.mean, made.deviation = np.load(io.BytesIO(state))
        return made
