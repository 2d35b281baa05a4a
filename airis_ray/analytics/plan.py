"""Which table answers a question: a roll-up where it holds all that is asked, the raw rows where not, or some
of both.

A roll-up has one row for each combination of its dimensions in a cell of seconds. A cell that lies wholly
inside of one bucket is taken from it; the rows of a cell that a bucket begins or ends in are read raw. The
parts of a :class:`~airis_ray.analytics.measures.Measure` add up over both.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from airis_ray.analytics.buckets import Grid
from airis_ray.analytics.measures import Measure
from airis_ray.analytics.sql import TRUE, Sql, all_of, bind, join, sql, time
from airis_ray.store import histogram

_SECOND: Final = 1_000_000_000

_RAW_SHARE: Final = 0.25
"""Above this share of cells that have to be read raw, all is: one pass over the rows is then cheaper than
two.
"""


@dataclass(frozen=True)
class Clock:
    """The time column of a table: ``fine`` for DateTime64(9), else whole seconds."""

    column: str
    fine: bool = True

    @property
    def nanoseconds(self) -> Sql:
        """Nanoseconds since 1970, Int64."""
        if self.fine:
            return Sql(f"toUnixTimestamp64Nano({self.column})")
        return Sql(f"(toInt64(toUnixTimestamp({self.column})) * {_SECOND})")

    def within(self, start: int, end: int) -> Sql:
        """The condition of ``[start, end)``, in nanoseconds."""
        first, last = self._bound(start), self._bound(end)
        return sql("({} >= {} AND {} < {})", Sql(self.column), first, Sql(self.column), last)

    def _bound(self, moment: int) -> Sql:
        if self.fine:
            return time(moment)
        return whole_second(-(-moment // _SECOND))


def whole_second(seconds: int) -> Sql:
    """A DateTime, which ends in 2106: a later time is that end."""
    return sql("toDateTime({}, 'UTC')", bind(min(seconds, 2**32 - 1), "UInt32"))


@dataclass(frozen=True)
class Rollup:
    """A roll-up of cells of ``cell`` nanoseconds, the columns that it shares with the raw table, and which of
    its rows are meant.
    """

    table: str
    cell: int
    dimensions: frozenset[str]
    filter: Sql = TRUE


TIMESTAMP: Final = Clock("Timestamp")
POINT_TIME: Final = Clock("TimeUnix", fine=False)
_CELL_TIME: Final = Clock("Time", fine=False)

SERVICES: Final = Rollup(
    "airis_services_10s", 10 * _SECOND, frozenset({"ServiceName", "SpanKind", "SpanName"})
)
LOGS: Final = Rollup(
    "airis_logs_10s", 10 * _SECOND, frozenset({"ServiceName", "SeverityText", "SeverityNumber"})
)


def points(kind: str) -> Rollup:
    """The roll-up of the points of metrics of one kind."""
    dimensions = frozenset({"ServiceName", "MetricName", "MetricUnit", "Attributes", "ResourceAttributes"})
    return Rollup("airis_series_1m", 60 * _SECOND, dimensions, sql("MetricKind = {}", bind(kind, "String")))


@dataclass(frozen=True)
class Question:
    """What is asked of one table.

    ``keys`` are the grouped expressions by their names in the answer of :func:`parts`; ``columns`` all
    columns that they and the filter read. ``rollup`` is the one that may answer, None where none may;
    ``raw_filter`` is what its view has filtered by.
    """

    table: str
    clock: Clock
    rollup: Rollup | None
    measure: Measure
    filter: Sql
    keys: Mapping[str, Sql]
    columns: Collection[str]
    grid: Grid
    raw_filter: Sql = TRUE


def labelled(keys: Sequence[Sql]) -> dict[str, Sql]:
    """The names of labels in SQL: ``l0``, ``l1`` …"""
    return {f"l{index}": key for index, key in enumerate(keys)}


def rollup_for(question: Question) -> Rollup | None:
    """The roll-up that answers the question, or None where the raw rows have to."""
    rollup = question.rollup
    if (
        rollup is None
        or question.measure.rolled is None
        or not rollup.dimensions.issuperset(question.columns)
    ):
        return None
    grid = question.grid
    cells = (grid.end - grid.start) / rollup.cell
    return rollup if cells >= 1 and _raw_cells(grid, rollup.cell) <= _RAW_SHARE * cells else None


def _raw_cells(grid: Grid, cell: int) -> int:
    """How many cells are not wholly inside of one bucket."""
    if grid.start % cell == 0 and grid.step % cell == 0:
        return int(grid.end % cell != 0)
    return grid.count + 1


def answer(question: Question, *, rollups: bool = True) -> tuple[Sql, Sql]:
    """:func:`parts` from the best source, and the value over them; ``rollups`` False reads raw rows alone."""
    rollup = rollup_for(question) if rollups else None
    if rollup is None and question.measure.alone is not None:
        question = replace(question, measure=question.measure.alone)
    return parts(question, rollup), question.measure.value


def parts(question: Question, rollup: Rollup | None) -> Sql:
    """A SELECT of the parts: the keys, the bucket ``pb`` (Int64), and the measure's parts, each by its name."""
    grid, clock = question.grid, question.clock
    if rollup is None:
        return _raw(question, clock.within(grid.start, grid.end))
    halves = [_rolled(question, rollup)]
    outside = _outside(clock, grid, rollup.cell)
    if outside is not None:
        halves.append(_raw(question, outside))
    return join(" UNION ALL ", halves)


def _raw(question: Question, when: Sql) -> Sql:
    table = Sql(question.table)
    moment = bucket(question.clock.nanoseconds, question.grid)
    condition = all_of([when, question.raw_filter, question.filter])
    keys, names = _named(question.keys), names_of(question.keys)
    listed = _named(question.measure.raw)
    if not question.measure.latency:
        return sql(
            "SELECT {} AS pb{}{} FROM {} WHERE {} GROUP BY pb{}",
            moment,
            keys,
            listed,
            table,
            condition,
            names,
        )
    # Counting rows per histogram bucket, then making maps of counts, is many times faster than maps of rows.
    return sql(
        "SELECT pb{}{}, mapFromArrays(groupArray(hb), groupArray(hn)) AS h FROM "
        "(SELECT {} AS pb{}{}, {} AS hb, count() AS hn FROM {} WHERE {} GROUP BY pb{}, hb) GROUP BY pb{}",
        names,
        Sql("".join(f", sum({name}) AS {name}" for name in question.measure.raw)),
        moment,
        keys,
        listed,
        Sql(histogram.bucket_sql("Duration")),
        table,
        condition,
        names,
        names,
    )


def _rolled(question: Question, rollup: Rollup) -> Sql:
    grid, cell = question.grid, rollup.cell
    start = _CELL_TIME.nanoseconds
    conditions = [
        _CELL_TIME.within(-(-grid.start // cell) * cell, grid.end // cell * cell),
        rollup.filter,
        question.filter,
    ]
    if not _aligned(grid, cell):
        conditions.append(sql("{} = {}", bucket(start, grid), bucket(_cell_end(start, cell), grid)))
    return sql(
        "SELECT {} AS pb{}{} FROM {} WHERE {} GROUP BY pb{}",
        bucket(start, grid),
        _named(question.keys),
        _named(question.measure.rolled or {}),
        Sql(rollup.table),
        all_of(conditions),
        names_of(question.keys),
    )


def _outside(clock: Clock, grid: Grid, cell: int) -> Sql | None:
    """The rows that :func:`_rolled` leaves out; None where there are none."""
    if _aligned(grid, cell):
        first, last = -(-grid.start // cell) * cell, grid.end // cell * cell
        edges = [(grid.start, min(first, grid.end)), (max(last, first), grid.end)]
        ranges = [clock.within(start, end) for start, end in edges if start < end]
        return sql("({})", join(" OR ", ranges)) if ranges else None
    moment = clock.nanoseconds
    begin = sql("({} - {} % {})", moment, moment, bind(cell, "Int64"))
    end = _cell_end(begin, cell)
    return sql(
        "{} AND ({} < {} OR {} >= {} OR {} != {})",
        clock.within(grid.start, grid.end),
        begin,
        bind(grid.start, "Int64"),
        end,
        bind(grid.end, "Int64"),
        bucket(begin, grid),
        bucket(end, grid),
    )


def _aligned(grid: Grid, cell: int) -> bool:
    """Whether every boundary between two buckets is one between two cells."""
    return grid.count == 1 or (grid.start % cell == 0 and grid.step % cell == 0)


def _cell_end(start: Sql, cell: int) -> Sql:
    """The last nanosecond of the cell."""
    return sql("({} + {})", start, bind(cell - 1, "Int64"))


def bucket(moment: Sql, grid: Grid) -> Sql:
    """The number of the bucket that nanoseconds since 1970 fall in, Int64."""
    if grid.count == 1:
        return Sql("toInt64(0)")
    return sql("intDiv({} - {}, {})", moment, bind(grid.start, "Int64"), bind(grid.step, "Int64"))


def names_of(keys: Mapping[str, Sql]) -> Sql:
    """``, l0, l1``: the keys' names behind what a SELECT or a GROUP BY begins with."""
    return Sql("".join(f", {name}" for name in keys))


def _named(expressions: Mapping[str, Sql]) -> Sql:
    return join("", (Sql(", ") + value + Sql(f" AS {name}") for name, value in expressions.items()))
