"""How long the windows are over which courses are compared."""

from __future__ import annotations

from typing import Final

import numpy as np

from airis_ray.aiops.series import Bools, Floats, Ints

USUAL: Final = 125
"""Cells of a window where a series repeats nothing."""
SHORTEST: Final = 6
LONGEST: Final = 300
SHARES: Final = (0.25, 0.5, 1.0, 2.0, 4.0)
"""Window lengths, in seasons."""
LEAST: Final = 8
"""Cells of a window, at least."""
_HEAD: Final = 20_000
"""Cells that are looked at: as many as 66 of the longest seasons."""


def repeats(values: Floats, inside: Bools) -> Ints:
    """[n] cells after which a series resembles itself most: the highest peak of its autocorrelation, or 125."""
    head, within = values[:, :_HEAD], inside[:, :_HEAD]
    count = np.maximum(within.sum(axis=1, keepdims=True), 1)
    mean = np.where(within, head, 0.0).sum(axis=1, keepdims=True) / count
    rest = np.where(within, head - mean, 0.0)
    width = rest.shape[1]
    if width < 2 * SHORTEST:
        return np.full(len(values), USUAL, dtype=np.int64)
    size = 1 << (width + LONGEST + 1).bit_length()
    found = np.full(len(values), USUAL, dtype=np.int64)
    block = max(1, 2**22 // size)
    for at in range(0, len(values), block):
        part = rest[at : at + block]
        likeness = np.fft.irfft(np.abs(np.fft.rfft(part, size)) ** 2, size)[:, : min(LONGEST + 2, width)]
        found[at : at + block] = _peak(likeness)
    return found


def _peak(likeness: Floats) -> Ints:
    inner = likeness[:, SHORTEST:-1]
    before, after = likeness[:, SHORTEST - 1 : -2], likeness[:, SHORTEST + 1 :]
    share = inner / np.maximum(likeness[:, :1], 1e-300)
    top = np.where((inner > before) & (inner > after), share, -2.0)
    best = top.argmax(axis=1)
    height = np.take_along_axis(top, best[:, None], 1)[:, 0]
    return np.where(height > -1.0, best + SHORTEST, USUAL).astype(np.int64)


def windows(period: Ints, lengths: Ints) -> Ints:
    """[n, windows] cells of each window, on a grid of two steps an octave, so that series share computations."""
    wanted = period[:, None] * np.asarray(SHARES)
    bounded = np.clip(wanted, LEAST, np.maximum(lengths[:, None] // 8, LEAST))
    rounded: Ints = np.round(2.0 ** (np.round(np.log2(bounded) * 2) / 2)).astype(np.int64)
    return rounded
