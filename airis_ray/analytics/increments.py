"""What cumulative points have grown by from one to the next, with resets found; delta points are taken as
they are.

A series is told by its resource, scope and attributes. The growth counts at the time of the later point.
Growth from nothing counts whole where a series is known to have begun: its StartTimeUnix lies after the point
before, or its value fell. A first point whose beginning lies before what is looked at, or is not known, says nothing
about growth and counts for none. Times are whole seconds: what began and was measured within one second counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from airis_ray.analytics.buckets import Grid
from airis_ray.analytics.plan import POINT_TIME, bucket, names_of, whole_second
from airis_ray.analytics.sql import Sql, all_of, join, sql

_SECOND: Final = 1_000_000_000
_LOOKBACK: Final = (300 * _SECOND, 3600 * _SECOND)
"""The point before the first one is looked for as far back as a step is long, but at least and at most this
long.
"""

CUMULATIVE: Final = 2
DELTA: Final = 1
"""OTLP's numbers of AggregationTemporality."""


@dataclass(frozen=True)
class Points:
    """Which points of a table: ``temporality`` False where it has no such column (all are cumulative then)."""

    table: str
    filter: Sql
    keys: Mapping[str, Sql]
    grid: Grid
    temporality: bool = True


def increments(points: Points, columns: Sequence[str], counter: str | None) -> Sql:
    """A SELECT of one row per point with known growth.

    Its columns: the keys, ``pb``, ``whole`` (1 where the point counts whole, 0 where what was before it is
    taken off), and for each of ``columns`` ``c0`` … with its value and ``p0`` … with that of the point
    before. ``counter`` is the column whose fall is a reset; None where falling is allowed.
    """
    cast = [Sql(f"{column} AS c{place}") for place, column in enumerate(columns)]
    before = [Sql(f"lagInFrame(c{place}) OVER w AS p{place}") for place in range(len(columns))]
    values = Sql("".join(f", c{place}, p{place}" for place in range(len(columns))))
    grid, names = points.grid, names_of(points.keys)
    begin = grid.start - min(max(grid.step, _LOOKBACK[0]), _LOOKBACK[1])
    keys = join("", (sql(", {} AS {}", value, Sql(name)) for name, value in points.keys.items()))
    read = sql(
        "SELECT SeriesHash AS sh, TimeUnix AS pt, StartTimeUnix AS st, {} AS dt{}{}{} FROM {} WHERE {}",
        Sql(f"AggregationTemporality = {DELTA}" if points.temporality else "0"),
        keys,
        Sql(f", {counter} AS cc" if counter else ", 0 AS cc"),
        Sql("".join(f", {each.text}" for each in cast)),
        Sql(points.table),
        all_of([POINT_TIME.within(max(begin, 0), grid.end), points.filter]),
    )
    stepped = sql(
        "SELECT *, lagInFrame(pt) OVER w AS bt, lagInFrame(st) OVER w AS bs, lagInFrame(cc) OVER w AS bc{} "
        "FROM ({}) "
        "WINDOW w AS (PARTITION BY sh, dt ORDER BY pt, st, cc ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)",
        Sql("".join(f", {each.text}" for each in before)),
        read,
    )
    judged = sql(
        "SELECT *, multiIf(dt, 1, toUnixTimestamp(bt) = 0, if({}, 1, 2), "
        # Where the first point's start was not known, the second names the first one's time: that is no reset.
        "cc < bc OR (st > bs AND (st > bt OR st = bt AND toUnixTimestamp(bs) != 0) AND st <= pt), 1, 0) AS whole "
        "FROM ({})",
        sql("toUnixTimestamp(st) != 0 AND st <= pt AND st >= {}", whole_second(max(begin, 0) // _SECOND)),
        stepped,
    )
    moment = bucket(Sql("(toInt64(toUnixTimestamp(pt)) * 1000000000)"), grid)
    first = whole_second(-(-grid.start // _SECOND))
    return sql(
        "SELECT {} AS pb{}, whole{} FROM ({}) WHERE whole != 2 AND pt >= {}",
        moment,
        names,
        values,
        judged,
        first,
    )
