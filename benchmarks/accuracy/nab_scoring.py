"""NAB's own scoring: early alerts inside a window count most, each alert outside of one costs.

Lavin and Ahmad, "Evaluating Real-time Anomaly Detection Algorithms", ICMLA 2015, in the form of version 1.1: one
threshold for the whole corpus and profile, the one that scores best; 0 is a detector without alerts, 100 a perfect one.
"""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import numpy as np

from airis_ray.aiops.series import SECOND, Floats, Ints

PROBATION: Final = 0.15
"""Of a file, at most of 5,000 points, that is not scored."""
_LONGEST: Final = 5000
_FAR: Final = 3.0


@dataclass(frozen=True)
class File:
    """A series of NAB: times in nanoseconds, values, and the windows ``[first, last]`` of its anomalies."""

    name: str
    times: Ints
    values: Floats
    windows: tuple[tuple[int, int], ...]

    @property
    def probation(self) -> int:
        """Points that are not scored."""
        return int(min(np.floor(PROBATION * len(self.values)), PROBATION * _LONGEST))


@dataclass(frozen=True)
class Profile:
    """What alerts are worth."""

    name: str
    hit: float
    false: float
    miss: float


def read(folder: Path) -> list[File]:
    """All series of NAB's ``data`` with the windows of ``labels/combined_windows.json``."""
    windows = json.loads((folder / "labels" / "combined_windows.json").read_text(encoding="utf-8"))
    return [_file(folder / "data", name, limits) for name, limits in sorted(windows.items())]


def _file(folder: Path, name: str, limits: list[list[str]]) -> File:
    with (folder / name).open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    times = np.array([_time(row["timestamp"]) for row in rows], dtype=np.int64)
    values = np.array([float(row["value"]) for row in rows])
    found = [(int(np.argmax(times == _time(a))), int(np.argmax(times == _time(b)))) for a, b in limits]
    return File(name, times, values, tuple(found))


def _time(text: str) -> int:
    return int(datetime.fromisoformat(text + "+00:00").timestamp()) * SECOND


def profiles(folder: Path) -> list[Profile]:
    """Those of ``config/profiles.json``."""
    read_ = json.loads((folder / "config" / "profiles.json").read_text(encoding="utf-8"))
    costs = {name: entry["CostMatrix"] for name, entry in read_.items()}
    return [
        Profile(name, cost["tpWeight"], cost["fpWeight"], cost["fnWeight"]) for name, cost in costs.items()
    ]


def sigmoid(position: Floats) -> Floats:
    """NAB's: 1 far before, 0 at the end of a window, -1 from three window lengths behind it on."""
    found: Floats = np.where(
        position >= _FAR, -1.0, 2.0 / (1.0 + np.exp(5.0 * np.minimum(position, _FAR))) - 1.0
    )
    return found


def worth(file: File, profile: Profile) -> tuple[Floats, Ints]:
    """What an alert at each point is worth, and the window it is in, -1 for none."""
    count = len(file.values)
    index = np.arange(count)
    position, inside = np.full(count, _FAR), np.full(count, -1)
    top = float(sigmoid(np.array([-1.0]))[0])
    value = np.empty(count)
    for number, (first, last) in enumerate(file.windows):
        width = last - first + 1
        position[last + 1 :] = (index[last + 1 :] - last) / (width - 1)
        inside[first : last + 1] = number
    value = sigmoid(position) * profile.false
    for number, (first, last) in enumerate(file.windows):
        width = last - first + 1
        value[inside == number] = sigmoid(-(last - index[first : last + 1] + 1) / width) * profile.hit / top
    return value, inside


@dataclass(frozen=True)
class Result:
    """The score at the best threshold, 0..100, and how it came about."""

    score: float
    threshold: float
    hits: int
    misses: int
    false: int


def best(files: list[File], scores: list[Floats], profile: Profile) -> Result:
    """Sweep the threshold over every score that occurs."""
    parts = [
        _points(number, file, score, profile)
        for number, (file, score) in enumerate(zip(files, scores, strict=True))
    ]
    score, value, window = (np.concatenate([part[i] for part in parts]) for i in range(3))
    order = np.argsort(-score, kind="stable")
    score, value, window = score[order], value[order], window[order]
    gain = np.where(window < 0, value, 0.0)
    hit = np.zeros(len(score), bool)
    for number in np.unique(window[window >= 0]):
        at = np.flatnonzero(window == number)
        peak = np.maximum.accumulate(np.maximum(value[at], -profile.miss))
        gain[at] = np.diff(peak, prepend=-profile.miss)
        hit[at[0]] = True
    counted = len(np.unique(window[window >= 0]))
    total = np.concatenate([[0.0], gain.cumsum()]) - counted * profile.miss
    last = np.append(score[1:] != score[:-1], True)
    total[1:][~last] = -np.inf
    at = int(total.argmax())
    whole = sum(len(file.windows) for file in files)
    nothing, perfect = -whole * profile.miss, whole * profile.hit
    threshold = float(score[at - 1]) if at else float("inf")
    hits = int(hit[:at].sum())
    final = 100 * (total[at] - nothing) / (perfect - nothing)
    return Result(float(final), threshold, hits, counted - hits, int((window[:at] < 0).sum()))


def _points(number: int, file: File, score: Floats, profile: Profile) -> tuple[Floats, Floats, Ints]:
    value, inside = worth(file, profile)
    scored = np.arange(len(score)) >= file.probation
    window = np.where(inside >= 0, number * 1000 + inside, -1)
    return score[scored], value[scored], window[scored]
