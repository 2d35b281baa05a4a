"""Which seasons a series has: those of the calendar that its autocorrelation confirms, else its own."""

from __future__ import annotations

from typing import Final

import numpy as np

from airis_ray.aiops.series import DAY, HOUR, WEEK, Bools, Floats, Ints

CALENDAR: Final = (HOUR, DAY, WEEK, 52 * WEEK)
MOST: Final = 2
"""Seasons of one series that are used."""
CONFIRMED: Final = 0.15
"""The least autocorrelation, at a season's length, of the series less its trend."""
OWN: Final = 0.5
"""The same for a season that no calendar knows: more is asked of it."""
SHORTEST: Final = 3
ROUNDING: Final = 1e-13
"""Of the largest value: what differs by less does not differ."""


def find(values: Floats, first: Ints, steps: Ints) -> tuple[Ints, Bools]:
    """[n, 2] lengths in columns, shortest first, 0 for none, and which are confirmed; ``values`` may have holes.

    Seasons of the calendar are given where the history holds two of them, confirmed or not.
    """
    found, sure = np.zeros((len(values), MOST), np.int64), np.zeros((len(values), MOST), bool)
    sizes = _size(values.shape[1] - first)
    for step in np.unique(steps):
        for length in np.unique(sizes):
            rows = np.flatnonzero((steps == step) & (sizes == length))
            if length >= 4 * SHORTEST:
                found[rows], sure[rows] = _of_equal(_in_own_size(values[rows, -int(length) :]), int(step))
    return found, sure


def _size(length: Ints) -> Ints:
    """Rounded down to a step of an eighth, so that series of about one length are looked at together."""
    octave = 2.0 ** np.floor(np.log2(np.maximum(length, 1)))
    rounded: Ints = (np.floor(length / octave * 8) / 8 * octave).astype(np.int64)
    return rounded


def _in_own_size(values: Floats) -> Floats:
    """The rows less their means, between -1 and 1 whatever their unit; what is lost in rounding is 0."""
    known = ~np.isnan(values)
    largest = np.where(known, np.abs(values), 0.0).max(axis=1, keepdims=True)
    sized = values / np.where(largest > 0, largest, 1.0)
    mean = np.where(known, sized, 0.0).sum(axis=1, keepdims=True) / np.maximum(known.sum(1, keepdims=True), 1)
    rest = sized - mean
    span = np.where(known, np.abs(rest), 0.0).max(axis=1, keepdims=True)
    return np.where(known, np.where(span > ROUNDING, rest / np.where(span > 0, span, 1.0), 0.0), np.nan)


def _of_equal(values: Floats, step: int) -> tuple[Ints, Bools]:
    known = ~np.isnan(values)
    mean = np.where(known, values, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    filled = np.where(known, values, mean[:, None])
    calendar = [unit // step for unit in CALENDAR if unit % step == 0]
    fits = [period for period in calendar if period >= SHORTEST and 2 * period < values.shape[1]]
    scores = [_standing_out(filled, period) for period in fits]
    own, strength = _own(autocorrelation(values))
    taken = (
        np.any([score >= CONFIRMED for score in scores], axis=0) if scores else np.zeros(len(values), bool)
    )
    own = np.where(~taken & (strength >= OWN), own, 0)
    lengths = np.stack([*(np.full(len(values), period) for period in fits), own], axis=1)
    marks = np.stack([*scores, np.where(own > 0, strength, -2.0)], axis=1)
    best = np.argsort(-marks, axis=1, kind="stable")[:, :MOST]
    marks, lengths = np.take_along_axis(marks, best, 1), np.take_along_axis(lengths, best, 1)
    lengths = np.where(marks > -2.0, lengths, 0)
    order = np.argsort(np.where(lengths == 0, np.iinfo(np.int64).max, lengths), axis=1, kind="stable")
    padded, sure = np.zeros((len(values), MOST), np.int64), np.zeros((len(values), MOST), bool)
    padded[:, : order.shape[1]] = np.take_along_axis(lengths, order, 1)
    sure[:, : order.shape[1]] = np.take_along_axis((marks >= CONFIRMED) & (lengths > 0), order, 1)
    return padded, sure


def _standing_out(values: Floats, period: int) -> Floats:
    """[n] correlation with one ``period`` earlier, of the rows less their moving mean over a period.

    -1 where a lag a quarter of a period to either side does as well.
    """
    n = len(values)
    sums = np.concatenate([np.zeros((n, 1)), values.cumsum(axis=1)], axis=1)
    mean = (sums[:, period:] - sums[:, :-period]) / period
    rest = values[:, period // 2 : period // 2 + mean.shape[1]] - mean
    lags = [period, period - max(period // 4, 1), period + max(period // 4, 1)]
    found = []
    for lag in lags:
        if lag >= rest.shape[1]:
            found.append(np.full(n, -1.0))
            continue
        left, right = rest[:, lag:], rest[:, :-lag]
        power = np.sqrt((left**2).sum(1) * (right**2).sum(1))
        found.append(np.where(power > 1e-12, (left * right).sum(1) / np.maximum(power, 1e-12), -1.0))
    return np.where(found[0] > np.maximum(found[1], found[2]) + 0.02, found[0], -1.0)


def autocorrelation(values: Floats) -> Floats:
    """[n, t // 2 + 1] at every lag up to half the length, of the rows less their straight trend; holes count 0."""
    width = values.shape[1]
    known = ~np.isnan(values)
    line = np.linspace(-1.0, 1.0, width)
    flat = np.where(known, values, 0.0)
    count = np.maximum(known.sum(1, keepdims=True), 1)
    mean = flat.sum(1, keepdims=True) / count
    slope = ((flat - mean * known) @ line)[:, None] / np.maximum(
        (known * line**2).sum(1, keepdims=True), 1e-9
    )
    rest = np.where(known, values - mean - slope * line, 0.0)
    size = 1 << (2 * width - 1).bit_length()
    power = np.abs(np.fft.rfft(rest, size)) ** 2
    lags = width // 2 + 1
    total = np.fft.irfft(power, size)[:, :lags]
    scale = total[:, :1] * (1 - np.arange(lags) / width)
    return np.where(total[:, :1] > 1e-12 * count, total / np.where(scale > 0, scale, 1.0), 0.0)


def _own(correlation: Floats) -> tuple[Ints, Floats]:
    """The lag of the highest peak behind the first valley, and its height."""
    inner = correlation[:, 1:-1]
    top = (inner > correlation[:, :-2]) & (inner >= correlation[:, 2:])
    behind = np.minimum.accumulate(inner, axis=1) < 0.5 * CONFIRMED
    marks = np.where(top & behind, inner, -1.0)
    if not marks.shape[1]:
        return np.zeros(len(correlation), np.int64), np.full(len(correlation), -1.0)
    height = marks.max(axis=1)
    lag = (marks >= (height - 0.1 * np.abs(height))[:, None]).argmax(axis=1) + 1
    return np.where((height > 0) & (lag >= SHORTEST), lag, 0).astype(np.int64), height
