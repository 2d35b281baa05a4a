"""Tests and intervals for shares: exact where chi-square would be wrong, vectorised over many claims.

All take arrays of equal shape (or what broadcasts to it): ``a`` of ``n`` rows in the target, ``b`` of ``m`` rows in
the baseline meet a claim. Nothing here looks at more than these four counts.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaln, log_ndtr

Floats = NDArray[np.float64]

_DEVIATIONS: Final = 10.0
"""Standard deviations of a tail that are added up, and with them 40 terms of a short one."""
_NORMAL_VARIANCE: Final = 1e4
"""From this variance on, of a hypergeometric count, its tails are the normal distribution's, to 1 % above 1e-6."""
Z95: Final = 1.959963984540054


def fisher(a: ArrayLike, n: ArrayLike, b: ArrayLike, m: ArrayLike) -> Floats:
    """Two-sided p-values of Fisher's exact test: twice the smaller tail, at most 1.

    Where the variance is above 1e4, the normal approximation with continuity correction.
    """
    hits, size, other, rest = (
        np.atleast_1d(each).astype(np.float64) for each in np.broadcast_arrays(a, n, b, m)
    )
    whole, marked = size + rest, hits + other
    mean = np.divide(size * marked, whole, out=np.zeros_like(whole), where=whole > 0)
    spread = mean * (whole - marked) * rest
    variance = np.divide(spread, whole * (whole - 1), out=np.zeros_like(whole), where=whole > 1)
    # The tail away from the mean; below it, the upper tail of the other side's count is the same.
    upper = hits >= mean
    x, draws = np.where(upper, hits, other), np.where(upper, size, rest)
    centre = np.where(upper, mean, marked - mean)
    result = np.zeros_like(whole)
    wide = variance > _NORMAL_VARIANCE
    z = (x[wide] - 0.5 - centre[wide]) / np.sqrt(variance[wide])
    result[wide] = log_ndtr(-z)
    exact = ~wide
    if exact.any():
        terms = int(_DEVIATIONS * np.sqrt(variance[exact].max())) + 40
        result[exact] = _log_tail(x[exact], whole[exact], marked[exact], draws[exact], terms)
    return np.minimum(1.0, 2.0 * np.exp(result))


def _log_tail(x: Floats, whole: Floats, marked: Floats, draws: Floats, terms: int) -> Floats:
    """log P(X >= x) of hypergeometric counts."""
    first = _log_choose(marked, x) + _log_choose(whole - marked, draws - x) - _log_choose(whole, draws)
    step = np.arange(terms, dtype=np.float64)
    at = x[:, None] + step
    # P(k + 1) / P(k); 0 once the support ends.
    above = np.maximum((marked[:, None] - at) * (draws[:, None] - at), 0.0)
    below = (at + 1) * np.maximum(whole[:, None] - marked[:, None] - draws[:, None] + at + 1, 1e-300)
    ended = (at >= np.minimum(marked, draws)[:, None]).cumsum(axis=1) > 0
    ratio = np.where(ended, 0.0, above / below)
    return np.asarray(first + np.log1p(np.cumprod(ratio, axis=1).sum(axis=1)))


def _log_choose(n: Any, k: Any) -> Any:
    return gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)


def log_odds(a: ArrayLike, n: ArrayLike, b: ArrayLike, m: ArrayLike) -> tuple[Floats, Floats]:
    """The log odds ratio with half a row added to each cell (Haldane, Anscombe), and its standard error (Woolf)."""
    hits, size, other, rest = (np.asarray(each, np.float64) for each in (a, n, b, m))
    cells = (hits + 0.5, size - hits + 0.5, other + 0.5, rest - other + 0.5)
    ratio = np.log(cells[0]) - np.log(cells[1]) - np.log(cells[2]) + np.log(cells[3])
    error = np.sqrt(sum((1.0 / cell for cell in cells), np.zeros_like(ratio)))
    return np.asarray(ratio), np.asarray(error)


def difference(a: ArrayLike, n: ArrayLike, b: ArrayLike, m: ArrayLike) -> tuple[Floats, Floats, Floats]:
    """``a / n - b / m`` with its 95 % interval: Newcombe 1998, method 10 (of two Wilson intervals)."""
    first, first_low, first_high = _wilson(a, n)
    second, second_low, second_high = _wilson(b, m)
    gap = first - second
    low = gap - np.hypot(first - first_low, second_high - second)
    high = gap + np.hypot(first_high - first, second - second_low)
    return gap, low, high


def _wilson(a: ArrayLike, n: ArrayLike) -> tuple[Floats, Floats, Floats]:
    hits, size = np.asarray(a, np.float64), np.maximum(np.asarray(n, np.float64), 1.0)
    share, z2 = hits / size, Z95**2
    centre = (share + z2 / (2 * size)) / (1 + z2 / size)
    half = Z95 / (1 + z2 / size) * np.sqrt(share * (1 - share) / size + z2 / (4 * size**2))
    return share, np.minimum(share, centre - half), np.maximum(share, centre + half)


def least_rows(n: int, m: int, level: float) -> int:
    """Rows that a claim must have in all before any split of them between the sides could reach ``level``.

    What has fewer can never be significant, whatever is found, and need not be counted among the tests (Tarone 1990).
    """
    rows = np.arange(1, min(n + m, 64) + 1, dtype=np.float64)
    with np.errstate(invalid="ignore"):
        all_of_one = np.maximum(
            *(np.where(rows <= side, _log_choose(side, rows), -np.inf) for side in (float(n), float(m)))
        )
        smaller = np.minimum(
            *(np.where(rows <= side, _log_choose(side, rows), all_of_one) for side in (float(n), float(m)))
        )
    best = np.log(2) + smaller - _log_choose(float(n + m), rows)
    reached = np.flatnonzero(best <= np.log(level))
    return int(rows[reached[0]]) if reached.size else int(rows[-1]) + 1


def adjusted(p_values: ArrayLike) -> Floats:
    """q-values: Benjamini and Hochberg 1995, the smallest rate of false discoveries at which each one counts."""
    p = np.asarray(p_values, np.float64)
    if not p.size:
        return p
    order = np.argsort(p)
    scaled = p[order] * p.size / np.arange(1, p.size + 1)
    q = np.empty_like(p)
    q[order] = np.minimum(1.0, np.minimum.accumulate(scaled[::-1])[::-1])
    return q
