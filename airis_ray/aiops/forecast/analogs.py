"""What came after the moments of the past that looked most like now (Lorenz 1969)."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from airis_ray.aiops.forecast.history import Histories
from airis_ray.aiops.series import Floats, Ints

Spectrum = npt.NDArray[np.complex128]

NEIGHBOURS: Final = 12
"""Past moments whose continuations are averaged, the nearer ones counting more."""
SEASONS: Final = 2
"""Points compared, in lengths of the series' shortest season."""
FADE: Final = 8.0
"""Steps over which the gap between the last value and the past moments closes."""
PLAIN: Final = 24
"""The same where there is no season."""
LONGEST: Final = 600
"""Points compared at most."""


def forecast(histories: Histories, origins: Ints, known: int, horizon: int) -> Floats:
    """[n, o, h]; looks at no point behind an origin. Newer points of a window count more than older ones.

    ``known``: columns that every series has, at least.
    Windows are compared less their means, and what followed is moved by the difference of the means.
    """
    n, width = histories.values.shape
    length = _length(histories, known)
    weights = np.linspace(0.2, 1.0, length)
    weights /= weights.sum()
    size = 1 << (width + length).bit_length()
    spectrum, kernel = np.fft.rfft(histories.values, size), np.fft.rfft(weights, size)
    means = _slide(spectrum, kernel, size, length, width)
    powers = _slide(np.fft.rfft(histories.values**2, size), kernel, size, length, width) - means**2
    found, columns = np.empty((n, origins.shape[1], horizon)), np.arange(width)
    for place in range(origins.shape[1]):
        at = origins[:, place]
        back = np.maximum(at[:, None] - length + 1 + np.arange(length), 0)
        window = histories.values[np.arange(n)[:, None], back]
        mean = window @ weights[:, None]
        cross = _slide(spectrum, np.fft.rfft(window * weights, size), size, length, width) - means * mean
        distance = powers - 2 * cross + (window**2) @ weights[:, None] - mean**2
        seen = (columns >= (histories.first + length - 1)[:, None]) & (columns <= (at - horizon)[:, None])
        distance = np.where(seen, np.maximum(distance, 0.0), np.inf)
        found[:, place] = _continued(histories, at, distance, mean - means, horizon)
    return found


def _length(histories: Histories, known: int) -> int:
    """Points compared; the same for all series, which have the same seasons."""
    shortest = np.where(histories.sure, histories.periods, np.iinfo(np.int64).max).min(axis=1)
    wanted = np.where(histories.season > 0, shortest * SEASONS, PLAIN)
    return int(np.clip(wanted.max(initial=4), 4, min(LONGEST, max(known // 4, 4))))


def _slide(series: Spectrum, kernel: Spectrum, size: int, length: int, width: int) -> Floats:
    """[n, t] the product of ``kernel`` with the window that ends at each column."""
    product = np.fft.irfft(series * np.conj(kernel), size)
    return np.roll(product, length - 1, axis=1)[:, :width]


def _continued(histories: Histories, at: Ints, distance: Floats, shift: Floats, horizon: int) -> Floats:
    """[n, h] the weighted mean of what followed, moved to begin at the last value; that alone if nothing is known."""
    rows, steps = np.arange(len(at))[:, None], np.arange(1, horizon + 1)
    count = min(NEIGHBOURS, distance.shape[1])
    best = np.argpartition(distance, count - 1, axis=1)[:, :count]
    near = np.take_along_axis(distance, best, axis=1)
    usable = np.isfinite(near)
    count_usable = np.maximum(usable.sum(axis=1, keepdims=True), 1)
    typical = np.where(usable, near, 0.0).sum(axis=1, keepdims=True) / count_usable
    weight = np.where(usable, np.exp(-near / np.maximum(typical, 1e-300)), 0.0) + usable * 1e-9
    total = weight.sum(axis=1, keepdims=True)
    weight /= np.where(total > 0, total, 1.0)
    after = histories.values[rows[:, :, None], np.minimum(best[:, :, None] + steps, histories.width - 1)]
    last = histories.values[rows[:, 0], at]
    level = (weight * np.take_along_axis(shift, best, axis=1)).sum(axis=1)
    gap = last - (weight * histories.values[rows, best]).sum(axis=1) - level
    mean = np.einsum("nk,nkh->nh", weight, after) + level[:, None] + gap[:, None] * np.exp(-steps / FADE)
    return np.where(total > 0, mean, last[:, None])
