"""What the field ships, as formulas, on the same series: SigNoz's seasonal z-score and Netdata's k-means consensus."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from airis_ray.aiops.series import Floats

if TYPE_CHECKING:
    from benchmarks.accuracy.demo import Shop

DAY: Final = 288
"""Cells of a day."""
WINDOW: Final = 12
"""Cells of SigNoz's evaluation window: an hour."""
Z: Final = 3.0
LAGS: Final = 5
"""Netdata: a vector is the differences of the last six smoothed points."""
SMOOTHED: Final = 3
MODELS: Final = 18
TRAINED: Final = 72
"""Netdata: cells each model is trained on (six hours), the models staggered by half of that."""
HIGH: Final = 99
"""Netdata: a distance beyond this percentile of the training range is abnormal."""


def signoz(shop: Shop, first: int) -> list[tuple[int, int]]:
    """Prediction: mean of the last season's same window, plus mean of this season less mean of the last three.

    Score: distance from it by the deviation of the current season (day), above 3 an anomaly. Starts are returned.
    """
    values = np.nan_to_num(shop.values)
    smooth = _mean(values, WINDOW)
    season = _mean(values, DAY)
    deviation = np.sqrt(np.maximum(_mean(values**2, DAY) - season**2, 1e-12))
    past = sum(_back(season, k * DAY) for k in (1, 2, 3)) / 3
    predicted = _back(smooth, DAY) + season - past
    score = np.abs(values - predicted) / deviation
    return _starts(score[:, first:] > Z, first)


def netdata(shop: Shop, first: int) -> list[tuple[int, int]]:
    """K-means of two over six-hour stretches, 18 models; abnormal where all of them say so for a quarter of an hour."""
    values = np.nan_to_num(shop.values)
    vectors = _vectors(values)
    found = np.ones(values.shape, bool)
    found[:, :first] = False
    stretch = TRAINED // 2
    for begin in range(first, values.shape[1], stretch):
        cells = slice(begin, min(begin + stretch, values.shape[1]))
        for model in range(MODELS):
            last = begin - model * stretch
            if last - TRAINED < 0:
                break
            found[:, cells] &= _abnormal(vectors[:, last - TRAINED : last], vectors[:, cells])
    return _starts(_mean(found.astype(np.float64), 3) >= 0.999, 0)


def _abnormal(train: Floats, asked: Floats) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    order = np.argsort((train**2).sum(axis=2), axis=1)
    ends = order[:, [0, -1]]
    centre = np.take_along_axis(train, ends[:, :, None], axis=1)
    for _ in range(5):
        near = _distance(train, centre).argmin(axis=2)
        for side in (0, 1):
            mine = (near == side)[:, :, None]
            mean = (train * mine).sum(axis=1) / np.maximum(mine.sum(axis=1), 1)
            centre[:, side] = np.where(mine.any(axis=1), mean, centre[:, side])
    own = _distance(train, centre).mean(axis=2)
    low, high = own.min(axis=1, keepdims=True), own.max(axis=1, keepdims=True)
    share = 100 * (_distance(asked, centre).mean(axis=2) - low) / np.maximum(high - low, 1e-12)
    return share > HIGH


def _distance(points: Floats, centre: Floats) -> Floats:
    found: Floats = np.sqrt(((points[:, :, None] - centre[:, None]) ** 2).sum(axis=3))
    return found


def _vectors(values: Floats) -> Floats:
    smooth = _mean(np.diff(values, axis=1, prepend=values[:, :1]), SMOOTHED)
    return np.stack([_back(smooth, lag) for lag in range(LAGS + 1)], axis=2)


def _mean(values: Floats, width: int) -> Floats:
    """Of the last ``width`` cells; of fewer at the beginning."""
    sums = np.concatenate([np.zeros((len(values), 1)), values.cumsum(axis=1)], axis=1)
    at = np.arange(values.shape[1]) + 1
    low = np.maximum(at - width, 0)
    found: Floats = (sums[:, at] - sums[:, low]) / (at - low)
    return found


def _back(values: Floats, cells: int) -> Floats:
    return values[:, np.maximum(np.arange(values.shape[1]) - cells, 0)]


def _starts(marked: np.ndarray[tuple[int, ...], np.dtype[np.bool_]], first: int) -> list[tuple[int, int]]:
    before = np.concatenate([np.zeros((len(marked), 1), bool), marked[:, :-1]], axis=1)
    rows, cells = np.nonzero(marked & ~before)
    return [(int(row), int(cell) + first) for row, cell in zip(rows, cells, strict=True)]
