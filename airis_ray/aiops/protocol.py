"""What a detector is, and what it gives back."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, Self, runtime_checkable

import numpy as np
import numpy.typing as npt

from airis_ray.aiops.series import Ints, SeriesBatch

Singles = npt.NDArray[np.float32]


class Kind(StrEnum):
    """What is wrong with a stretch of a series."""

    POINT = "point"
    """a few points away from what was expected"""
    LEVEL = "level"
    """the series moved and stayed there"""
    SHAPE = "shape"
    """each value may be usual, their course is not"""
    ABSENCE = "absence"
    """points that should have come did not"""


@dataclass(frozen=True)
class Choice:
    """Which model judged a series, and why."""

    model: str
    season: int
    """nanoseconds of the season in use, 0: none"""
    reason: str
    reason_ko: str


@dataclass(frozen=True)
class Anomaly:
    """A stretch ``[first, last]`` of the cells of one series."""

    series: int
    """its row in the batch"""
    name: str
    first: int
    last: int
    start: int
    """time of the first cell, nanoseconds"""
    end: int
    """time of the last cell, nanoseconds"""
    kind: Kind
    severity: float
    """0..1: 0.5 at the threshold, towards 1 the less a chance can explain it"""
    value: float
    """the value at its worst cell; NaN where absent"""
    expected: float
    sentence: str
    sentence_ko: str
    metric: str = ""
    """of a multivariate detector: the metric that carried it"""


@dataclass(frozen=True)
class Told:
    """What is said of each cell where it is told, [n, t]; of counts the means of their most improbable window."""

    value: Singles
    expected: Singles
    departure: Singles
    """signed, in usual deviations; NaN where unknown"""


@dataclass(frozen=True)
class Scores:
    """The judgement of a batch. Arrays are [n, t] like its values; cells outside of a series: score 0, rest NaN."""

    score: Singles
    """0..1, comparable between series: above ``threshold`` is an anomaly at the stated rate; 0 where missing"""
    expected: Singles
    low: Singles
    """lower end of the band that holds 99.7 % of usual points"""
    high: Singles
    threshold: float
    rate: float
    """of usual points expected above ``threshold``, at most"""
    choices: tuple[Choice, ...]
    """[n]"""
    anomalies: tuple[Anomaly, ...]
    """by series, then by time"""
    told: Told | None = None
    """None of a detector that does not say"""


@runtime_checkable
class Detector(Protocol):
    """A detector over a batch of series. One instance holds the state of all series it was fitted on.

    Every call works on all series at once. What is learned and said of one series never depends on the others of
    the batch. Nothing here blocks, draws unseeded random numbers or reads the clock. The checks that each detector
    passes: ``airis_ray/aiops/checks.py``.
    """

    name: str

    def fit(self, history: SeriesBatch) -> Self:
        """Learn from a history (it may hold anomalies); forgets what was learned before. Returns itself."""
        ...

    def score(self, batch: SeriesBatch) -> Scores:
        """Judge a batch of the series fitted, in the same order, without learning from it.

        The batch may be the history itself, overlap it or follow it, on the same grid; what lies before the batch
        in the state is its context.
        """
        ...

    def update(self, newest: SeriesBatch) -> Scores:
        """Judge the points that came since the last call, each by what came before it, then learn from them.

        Cells that were seen already are ignored (score 0); cells skipped count as missing.
        """
        ...

    def save(self) -> bytes:
        """The whole state, without pickle: loads in a later version of the same major number, or is refused."""
        ...

    @classmethod
    def load(cls, state: bytes) -> Self:
        """A detector that goes on where the saved one stood. Raises InvalidInput for bytes that are no such state."""
        ...


def seen(batch: SeriesBatch) -> Ints:
    """[n]: time of the last cell of each series, nanoseconds."""
    found: Ints = batch.starts + (batch.lengths - 1) * batch.steps
    return found
