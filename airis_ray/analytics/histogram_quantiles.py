"""Quantiles of OpenTelemetry's histograms, interpolated within their buckets as Prometheus's
histogram_quantile does.

A row is one histogram: buckets with a lower bound, an upper bound and a count, in rising order. Rows lie
behind each other in flat arrays, so that thousands of them are answered at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Rows:
    """Histograms behind each other: bucket ``i`` of ``row[i]`` covers ``(low[i], high[i]]``; ``row`` never
    falls.
    """

    row: Ints
    low: Floats
    high: Floats
    count: Floats


def quantiles(rows: Rows, size: int, q: float, *, logarithmic: bool = False) -> Floats:
    """The q-quantile of each of ``size`` rows; NaN of those without counts.

    Within a bucket values are taken as spread evenly, or for exponential histograms (``logarithmic``) their
    logarithms. The quantile of a bucket without an upper bound is its lower bound, and the other way round.
    """
    answer = np.full(size, np.nan)
    kept = rows.count > 0
    row, low, high, count = rows.row[kept], rows.low[kept], rows.high[kept], rows.count[kept]
    if not len(row):
        return answer
    reached = np.cumsum(count)
    present, first = np.unique(row, return_index=True)
    last = np.append(first[1:], len(row)) - 1
    before = reached[first] - count[first]
    rank = before + q * (reached[last] - before)
    at = np.clip(np.searchsorted(reached, rank, side="left"), first, last)
    share = np.clip((rank - (reached[at] - count[at])) / count[at], 0.0, 1.0)
    answer[present] = _between(low[at], high[at], share, logarithmic)
    return answer


def _between(low: Floats, high: Floats, share: Floats, logarithmic: bool) -> Floats:
    open_above, open_below = np.isinf(high), np.isinf(low)
    low_known = np.where(open_below, np.where(open_above, np.nan, high), low)
    high_known = np.where(open_above, low_known, high)
    even = low_known + (high_known - low_known) * share
    if not logarithmic:
        return even
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = low_known * (high_known / low_known) ** share
    return np.where(low_known * high_known > 0, ratio, even)


def explicit_rows(row: Ints, bounds: Floats, counts: npt.NDArray[np.float64]) -> Rows:
    """Rows of explicit histograms that share their bounds: ``counts`` is (rows, bounds + 1).

    The first bucket starts at 0 where its bound is above 0, as Prometheus takes it.
    """
    below = 0.0 if len(bounds) and bounds[0] > 0 else -np.inf
    low = np.concatenate([[below], bounds])
    high = np.concatenate([bounds, [np.inf]])
    size = len(counts)
    return Rows(np.repeat(row, len(low)), np.tile(low, size), np.tile(high, size), counts.ravel())


def exponential_bounds(index: Ints, scale: Ints) -> tuple[Floats, Floats]:
    """Lower and upper bound of positive exponential buckets: ``(base**index, base**(index+1)]``, base
    2^(2^-scale).
    """
    power = np.exp2(-scale.astype(np.float64))
    return np.exp2(index * power), np.exp2((index + 1) * power)


def merged(parts: list[Rows]) -> Rows:
    """Rows of several sources as one: the buckets of a row sorted by their bounds, equal buckets added.

    Buckets that overlap (histograms of other bounds) are cut at each other's bounds, the counts shared by
    length, so that the merged row is again one of rising buckets.
    """
    row = np.concatenate([part.row for part in parts])
    low = np.concatenate([part.low for part in parts])
    high = np.concatenate([part.high for part in parts])
    count = np.concatenate([part.count for part in parts])
    order = np.lexsort((high, low, row))
    rows = _added(Rows(row[order], low[order], high[order], count[order]))
    mixed = np.unique(rows.row[1:][(np.diff(rows.row) == 0) & (rows.low[1:] < rows.high[:-1])])
    if not len(mixed):
        return rows
    clean = ~np.isin(rows.row, mixed)
    pieces = [_cut(rows, index) for index in mixed]
    return merged([Rows(rows.row[clean], rows.low[clean], rows.high[clean], rows.count[clean]), *pieces])


def _added(rows: Rows) -> Rows:
    if not len(rows.row):
        return rows
    new = np.ones(len(rows.row), dtype=bool)
    new[1:] = (np.diff(rows.row) != 0) | (rows.low[1:] != rows.low[:-1]) | (rows.high[1:] != rows.high[:-1])
    starts = np.flatnonzero(new)
    return Rows(rows.row[starts], rows.low[starts], rows.high[starts], np.add.reduceat(rows.count, starts))


def _cut(rows: Rows, index: int) -> Rows:
    """One row with its overlapping buckets cut at every bound that lies inside of them."""
    chosen = rows.row == index
    low, high, count = rows.low[chosen], rows.high[chosen], rows.count[chosen]
    bounds = np.unique(np.concatenate([low, high]))
    lows, highs, counts = [], [], []
    for start, end, number in zip(low, high, count, strict=True):
        inner = bounds[(bounds > start) & (bounds < end)]
        edges = np.concatenate([[start], inner, [end]])
        if np.isinf(start) or np.isinf(end):
            # A bucket without an end has no length to share by: it counts next to its known bound.
            near = 1 if np.isinf(start) and not np.isinf(end) else 0
            shares = np.zeros(len(edges) - 1)
            shares[-1 if near else 0] = 1.0
        else:
            shares = np.diff(edges) / (end - start) if end > start else np.ones(1)
        lows.append(edges[:-1])
        highs.append(edges[1:])
        counts.append(number * shares)
    order = np.lexsort((np.concatenate(highs), np.concatenate(lows)))
    return Rows(
        np.full(len(order), index, dtype=np.int64),
        np.concatenate(lows)[order],
        np.concatenate(highs)[order],
        np.concatenate(counts)[order],
    )
