"""The configurations of GIFT-Eval that the data folder holds, and its metrics.

Windows, seasons and metrics as in gift-eval's data.py and gluonts.ev (MASE with the median, mean weighted sum of
quantile losses over the deciles): its seasonal naive row comes out to six digits, see PUBLISHED.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from scipy.stats import norm

from airis_ray.aiops.series import SECOND, Floats, Ints, SeriesBatch

DECILES: Final = np.arange(1, 10) / 10
PUBLISHED: Final = {
    "m4_hourly/short": {"seasonal naive": (1.193210, 0.037573)},
    "m4_weekly/short": {"seasonal naive": (2.777295, 0.060870), "naive": (2.777295, 0.060870)},
    "l2c/5T/short": {"seasonal naive": (0.986021, 0.262068)},
    "l2c/5T/medium": {"seasonal naive": (1.243600, 0.520392)},
    "l2c/5T/long": {"seasonal naive": (1.454283, 0.648492)},
    "l2c/H/short": {"seasonal naive": (1.214064, 0.521168), "naive": (1.086094, 0.486325)},
    "l2c/H/medium": {"seasonal naive": (1.510286, 0.904205), "naive": (1.485090, 0.863952)},
    "l2c/H/long": {"seasonal naive": (1.426054, 0.941065), "naive": (1.427895, 0.817819)},
}
"""MASE and weighted quantile loss, from the result files of the gift-eval repository."""

SAME: Final = {
    "Chronos-2": (
        (0.788423, 2.026281, 0.266517, 0.582610, 0.647151, 0.412621, 0.497999, 0.571264),
        (0.023216, 0.036744, 0.069140, 0.247205, 0.297795, 0.176498, 0.235936, 0.267267),
    ),
    "TimesFM-2.5": (
        (0.733623, 2.002007, 0.274101, 0.570373, 0.611115, 0.426098, 0.505564, 0.593903),
        (0.023604, 0.036729, 0.072113, 0.240858, 0.279058, 0.179481, 0.237199, 0.273304),
    ),
    "FLAIR (statistical)": (
        (1.814333, 6.409429, 0.414340, 0.845327, 1.039138, 0.540248, 0.524388, 0.605683),
        (0.034160, 0.083420, 0.115239, 0.366608, 0.486600, 0.226547, 0.245202, 0.286091),
    ),
}
"""MASE and weighted quantile loss of models whose rows were read, in the order of PUBLISHED; same source."""


@dataclass(frozen=True)
class Configuration:
    """Windows to forecast: each a history and what came after it."""

    name: str
    season: int
    horizon: int
    step: int
    """seconds"""
    histories: tuple[Floats, ...]
    futures: Floats
    """[windows, horizon]"""
    series: Ints
    """[windows] which series each window is of"""

    def batch(self) -> SeriesBatch:
        width = max(len(history) for history in self.histories)
        values = np.full((len(self.histories), width), np.nan)
        for row, history in enumerate(self.histories):
            values[row, : len(history)] = history
        lengths = [len(history) for history in self.histories]
        return SeriesBatch.of(values, steps=self.step * SECOND, lengths=lengths)


def configurations(data: Path, *, back: int = 0) -> Iterator[Configuration]:
    """All of them; ``back`` > 0: the windows that many test parts earlier, for choosing between variants."""
    for name, season, horizon, step in (("Hourly", 24, 48, 3600), ("Weekly", 1, 13, 7 * 86400)):
        histories, futures = _m4(data / "m4" / "Dataset", name, horizon, back)
        series = np.arange(len(histories))
        yield Configuration(f"m4_{name.lower()}/short", season, horizon, step, histories, futures, series)
    with np.load(data / "bizitobs" / "l2c.npz") as arrays:
        for name, season, step in (("5T", 288, 300), ("H", 24, 3600)):
            for term, times in (("short", 1), ("medium", 10), ("long", 15)):
                values = arrays[f"l2c_{name}"]
                histories, futures = _rolling(values, 48 * times, back)
                series = np.repeat(np.arange(len(values)), len(histories) // len(values))
                named = f"l2c/{name}/{term}"
                yield Configuration(named, season, 48 * times, step, histories, futures, series)


def mase(configuration: Configuration, median: Floats) -> float:
    """Mean absolute error over the in-sample error of the seasonal naive, averaged over windows."""
    errors = np.abs(configuration.futures - median).mean(axis=1)
    scales = np.array([_seasonal_error(history, configuration.season) for history in configuration.histories])
    return float((errors[scales > 0] / scales[scales > 0]).mean())


def weighted_quantile_loss(configuration: Configuration, deciles: Floats) -> float:
    """Over [windows, horizon, 9]."""
    miss = configuration.futures[:, :, None] - deciles
    loss = 2 * np.maximum(DECILES * miss, (DECILES - 1) * miss).sum(axis=(0, 1))
    return float(loss.mean() / np.abs(configuration.futures).sum())


def seasonal_naive(configuration: Configuration, season: int) -> Floats:
    """[windows, horizon, 9] as statsforecast's SeasonalNaive gives it: normal errors, wider each season."""
    found = []
    for history in configuration.histories:
        repeated = np.resize(history[-season:], configuration.horizon)
        deviation = np.sqrt(((history[season:] - history[:-season]) ** 2).mean())
        widths = deviation * np.sqrt(np.arange(configuration.horizon) // season + 1)
        found.append(repeated[:, None] + norm.ppf(DECILES) * widths[:, None])
    return np.stack(found)


def _seasonal_error(history: Floats, season: int) -> float:
    lag = season if len(history) > season else 1
    return float(np.abs(history[lag:] - history[:-lag]).mean())


def _m4(folder: Path, name: str, horizon: int, back: int) -> tuple[tuple[Floats, ...], Floats]:
    train, test = (_rows(folder / part / f"{name}-{part.lower()}.csv") for part in ("Train", "Test"))
    whole = [np.concatenate([train[key], test[key][:horizon]]) for key in train]
    whole = [series[: len(series) - back * horizon] for series in whole]
    whole = [series for series in whole if len(series) > horizon + 13]
    return tuple(series[:-horizon] for series in whole), np.stack([series[-horizon:] for series in whole])


def _rows(path: Path) -> dict[str, Floats]:
    with path.open(encoding="utf-8") as file:
        rows = csv.reader(file)
        next(rows)
        return {row[0]: np.array([float(cell) for cell in row[1:] if cell]) for row in rows}


def _rolling(values: Floats, horizon: int, back: int) -> tuple[tuple[Floats, ...], Floats]:
    windows = min(max(1, math.ceil(0.1 * values.shape[1] / horizon)), 20)
    end = values.shape[1] - back * windows * horizon
    starts = [end - (windows - i) * horizon for i in range(windows)]
    histories = tuple(row[:start] for row in values for start in starts)
    return histories, np.stack([row[start : start + horizon] for row in values for start in starts])
