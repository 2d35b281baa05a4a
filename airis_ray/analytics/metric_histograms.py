"""Quantiles of histogram metrics: increments of their buckets added up by ClickHouse, interpolated here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from airis_ray.analytics.histogram_quantiles import (
    Rows,
    explicit_rows,
    exponential_bounds,
    merged,
    quantiles,
)
from airis_ray.analytics.increments import Points, increments
from airis_ray.analytics.models import TimeseriesRequest
from airis_ray.analytics.plan import names_of
from airis_ray.analytics.series import Series, read_labels, spread
from airis_ray.analytics.sql import Sql, sql
from airis_ray.analytics.tables import Stats
from airis_ray.errors import TooLarge
from airis_ray.store import Query, Store

MAX_HISTOGRAMS: Final = 200_000
"""Histograms (series times buckets) that one answer is interpolated from; some 100 MB of bucket counts."""

_EXPONENTIAL: Final = (
    "Count",
    "Scale",
    "ZeroCount",
    "PositiveOffset",
    "PositiveBucketCounts",
    "NegativeOffset",
    "NegativeBucketCounts",
)


async def bucket_quantiles(
    store: Store, tenant: str, points: Points, kind: str, request: TimeseriesRequest, q: float
) -> Series:
    """The q-quantile of the observations in each bucket of time; NaN where there are none.

    Raises TooLarge past MAX_HISTOGRAMS.
    """
    statement = _explicit(points) if kind == "histogram" else _exponential(points)
    limited = sql("{} LIMIT {}", statement, Sql(str(MAX_HISTOGRAMS + 1)))
    result = await store.query(Query(limited.text, limited.parameters, tenant))
    table = result.table.combine_chunks()
    if table.num_rows > MAX_HISTOGRAMS:
        raise TooLarge(
            f"more than {MAX_HISTOGRAMS} histograms lie behind this answer; narrow the query, group by less, "
            "or ask for a longer step"
        )
    names = request.group_by
    placed = _placed(table, len(names), points.grid.count)
    size = len(placed.labels) * placed.width
    rows = _explicit_rows(table, placed) if kind == "histogram" else _exponential_rows(table, placed)
    found = quantiles(rows, size, q, logarithmic=kind != "histogram").reshape(
        len(placed.labels), placed.width
    )
    total, values = found[:, 0], found[:, 1:]
    best = sorted(range(len(total)), key=lambda row: (np.isnan(total[row]), -total[row], placed.labels[row]))
    chosen = best[: request.limit]
    labels = [placed.labels[row] for row in chosen]
    if not names and not labels:
        labels, values, chosen = [()], np.full((1, points.grid.count), np.nan), [0]
    return Series(points.grid, names, labels, values[chosen], stats=Stats.of(result))


@dataclass(frozen=True)
class _Placed:
    """Which cell of (series, whole range and buckets) each row of the answer belongs to."""

    labels: list[tuple[str, ...]]
    width: int
    cell: npt.NDArray[np.int64]


def _placed(table: pa.Table, labels: int, buckets: int) -> _Placed:
    known: dict[tuple[str, ...], int] = {}
    series = [known.setdefault(key, len(known)) for key in read_labels(table, labels)]
    cell = np.array(series, dtype=np.int64) * (buckets + 1) + _ints(table["b"]) + 1
    return _Placed(list(known), buckets + 1, cell)


def _explicit(points: Points) -> Sql:
    """Bucket counts by label, time and bounds."""
    keys = list(points.keys)
    grown = increments(points, ["BucketCounts", "ExplicitBounds"], "Count")
    grouped = names_of(points.keys)
    # Other bounds without a restart in between: what was added since is not known.
    parts = sql(
        "SELECT pb{}, c1 AS eb, sumForEach(arrayMap((c, p) -> toInt64(c) - if(whole = 1, 0, toInt64(p)), c0, "
        "if(whole = 1, c0, p0))) AS bc FROM ({}) WHERE whole = 1 OR c1 = p1 AND length(c0) = length(p0) "
        "GROUP BY pb{}, eb",
        grouped,
        grown,
        grouped,
    )
    values = Sql("any(eb) AS bounds, sumForEach(bc) AS counts, cityHash64(eb) AS shape")
    return _labelled(keys, spread(parts, [*keys, "eb"], values))


def _exponential(points: Points) -> Sql:
    """Bucket counts by label, time and scale, as maps from index to count."""
    keys = list(points.keys)
    grown = increments(points, _EXPONENTIAL, "Count")
    grouped = names_of(points.keys)
    sides = (
        "[(1, c1, c2, c3, c4, c5, c6), (-1, p1, p2, p3, p4, p5, p6)]",
        "arrayMap(i -> toInt32(x.{offset} + i), range(toInt32(length(x.{counts}))))",
        "arrayMap(c -> x.1 * toInt64(c), x.{counts})",
    )
    positive = ", ".join(side.format(offset=4, counts=5) for side in sides[1:])
    negative = ", ".join(side.format(offset=6, counts=7) for side in sides[1:])
    parts = sql(
        "SELECT pb{}, x.2 AS scale, sum(x.1 * toInt64(x.3)) AS z, {}, {} FROM ({}) ARRAY JOIN {} AS x "
        "WHERE x.1 = 1 OR whole = 0 GROUP BY pb{}, scale",
        grouped,
        Sql(f"sumMap({positive}) AS ps"),
        Sql(f"sumMap({negative}) AS ns"),
        grown,
        Sql(sides[0]),
        grouped,
    )
    values = Sql(
        "sum(z) AS zeros, sumMap(ps.1, ps.2) AS pm, sumMap(ns.1, ns.2) AS nm, "
        "pm.1 AS pi, pm.2 AS pc, nm.1 AS ni, nm.2 AS nc"
    )
    return _labelled(keys, spread(parts, [*keys, "scale"], values))


def _labelled(keys: list[str], statement: Sql) -> Sql:
    return sql(
        "SELECT {} * FROM ({})",
        Sql("".join(f"toString({key}) AS s{key}, " for key in keys)),
        statement,
    )


def _explicit_rows(table: pa.Table, placed: _Placed) -> Rows:
    shapes = _ints(table["shape"].cast(pa.uint64()))
    parts = []
    for shape in np.unique(shapes):
        chosen = np.flatnonzero(shapes == shape)
        bounds = np.array(table["bounds"][int(chosen[0])].as_py(), dtype=float)
        counts = _flat(table["counts"].take(chosen)).reshape(len(chosen), -1).astype(float)
        if counts.shape[1] == len(bounds) + 1:
            parts.append(explicit_rows(placed.cell[chosen], bounds, counts))
    return merged(parts) if parts else _none()


def _exponential_rows(table: pa.Table, placed: _Placed) -> Rows:
    scale = _ints(table["scale"])
    lowest = np.full(len(placed.labels) * placed.width, np.iinfo(np.int64).max)
    np.minimum.at(lowest, placed.cell, scale)
    zero = np.zeros(len(placed.cell))
    parts = [Rows(placed.cell, zero, zero, _ints(table["zeros"]).astype(float))]
    for indexes, counts, negative in (("pi", "pc", False), ("ni", "nc", True)):
        row = np.repeat(np.arange(len(placed.cell)), _lengths(table[indexes]))
        cell = placed.cell[row]
        # A histogram of a higher scale splits each bucket of a lower one in two for every step between them.
        index = _flat(table[indexes]).astype(np.int64) >> (scale[row] - lowest[cell])
        low, high = exponential_bounds(index, lowest[cell])
        if negative:
            low, high = -high, -low
        parts.append(Rows(cell, low, high, _flat(table[counts]).astype(float)))
    return merged(parts)


def _none() -> Rows:
    empty = np.zeros(0)
    return Rows(np.zeros(0, dtype=np.int64), empty, empty, empty)


def _ints(column: Any) -> npt.NDArray[np.int64]:
    found: npt.NDArray[np.int64] = column.to_numpy().astype(np.int64)
    return found


def _list_array(column: pa.ChunkedArray) -> pa.ListArray:
    array = column.combine_chunks()
    return array.chunk(0) if isinstance(array, pa.ChunkedArray) else array


def _flat(column: pa.ChunkedArray) -> npt.NDArray[Any]:
    found: npt.NDArray[Any] = _list_array(column).flatten().to_numpy(zero_copy_only=False)
    return found


def _lengths(column: pa.ChunkedArray) -> npt.NDArray[Any]:
    found: npt.NDArray[Any] = np.diff(_list_array(column).offsets.to_numpy())
    return found
