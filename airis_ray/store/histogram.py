"""Histograms of logarithmic buckets, the same expressions over raw rows and over roll-ups.

The buckets are those of DDSketch (Masson, Rim and Lee, VLDB 2019): bucket ``i`` holds the values in
``(GAMMA**(i-1), GAMMA**i]``, bucket 0 everything up to 1, and the estimate ``2·GAMMA**i/(GAMMA+1)`` is at
most ``(GAMMA-1)/(GAMMA+1)``, here 1 %, away from any value of its bucket. Histograms merge by addition, so
that a quantile of merged roll-ups equals the quantile of the rows they were made of. Values are whole numbers
≥ 0 (nanoseconds for durations).
"""

from __future__ import annotations

import math
from typing import Final

GAMMA: Final = 1.02
"""Ratio of two neighbouring bucket bounds; a map of a minute's latencies then has some 50 to 200 keys."""

MAP_TYPE: Final = "Map(UInt16, UInt64)"
"""ClickHouse type of a histogram: bucket → count. The largest UInt64 falls in bucket 2241."""

_SCALE: Final = 1 / math.log(GAMMA)


def bucket(value: int) -> int:
    """The bucket of a value, as :func:`bucket_sql` computes it."""
    return math.ceil(math.log(value) * _SCALE) if value > 1 else 0


def estimate(index: int) -> float:
    """The value that stands for a bucket, as :func:`quantile_sql` answers it; never above the largest value
    by 1 %."""
    return 2 * GAMMA**index / (GAMMA + 1)


def bucket_sql(column: str) -> str:
    """SQL of the bucket of an expression of whole numbers; UInt16."""
    return f"toUInt16(ceil(log(greatest({column}, 1)) * {_SCALE!r}))"


def histogram_sql(column: str) -> str:
    """SQL aggregate: the histogram (``MAP_TYPE``) of an expression over a group of raw rows."""
    return f"sumMap(map({bucket_sql(column)}, toUInt64(1)))"


def merged_sql(column: str) -> str:
    """SQL aggregate: the sum of a column of histograms over a group of roll-up rows."""
    return f"sumMap({column})"


def quantile_sql(histogram: str, q: float) -> str:
    """SQL of the q-quantile (0 ≤ q ≤ 1) of one histogram, Float64 in the unit of the values.

    The quantile is the estimate of the bucket of the value of rank ``floor(q·n) + 1`` among n sorted ones, at
    most n; NULL of an empty histogram. ``histogram`` is an expression of type ``MAP_TYPE`` whose keys are
    sorted, as sumMap returns them.
    """
    counts = f"arrayCumSum(mapValues({histogram}))"
    rank = f"least(toInt64({q!r} * {counts}[-1]), {counts}[-1] - 1)"
    index = f"mapKeys({histogram})[arrayFirstIndex(c -> c > {rank}, {counts})]"
    return f"if(empty({histogram}), NULL, {_estimate_sql(index)})"


def raw_quantile_sql(column: str, q: float) -> str:
    """SQL aggregate: the same number as :func:`quantile_sql` of :func:`histogram_sql`, from raw rows ten
    times faster.

    NULL of an empty group.
    """
    return f"if(count() = 0, NULL, {_estimate_sql(f'quantileExact({q!r})({bucket_sql(column)})')})"


def _estimate_sql(index: str) -> str:
    return f"2 * pow({GAMMA!r}, {index}) / {GAMMA + 1!r}"
