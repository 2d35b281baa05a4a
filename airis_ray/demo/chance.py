"""Random numbers that depend on the seed and on what they are for, and on nothing else."""

from __future__ import annotations

import zlib

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def generator(seed: int, *purpose: str | int) -> np.random.Generator:
    """An independent stream for ``purpose``, the same on every run."""
    words = [zlib.crc32(part.encode()) if isinstance(part, str) else part for part in purpose]
    return np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, *words])))


def pick(shares: tuple[float, ...], uniform: npt.NDArray[np.floating]) -> npt.NDArray[np.int64]:
    """The index that each uniform number falls on when ``shares`` are laid side by side."""
    edges = np.cumsum(shares)
    return np.minimum(np.searchsorted(edges / edges[-1], uniform, side="right"), len(shares) - 1)


def lognormal(rng: np.random.Generator, count: int, median: float, sigma: float, tail: float) -> Floats:
    """Times around ``median``; a share ``tail`` of them takes about twenty times as long."""
    values = median * np.exp(sigma * rng.standard_normal(count))
    if tail:
        values = np.where(rng.random(count) < tail, values * (8.0 + 30.0 * rng.random(count)), values)
    return values
