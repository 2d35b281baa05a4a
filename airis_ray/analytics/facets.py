"""``/fields``: which fields rows carry, and which values these have, with counts.

Whole quarters of an hour come from the roll-up ``airis_facets_15m``, the edges of the range from the rows: the counts
are those of the rows. Where the roll-up cannot tell (values it did not keep, a key in two maps of one record, a
filter), all comes from the rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import pyarrow as pa

from airis_ray.analytics import metric_facets
from airis_ray.analytics.compile import query_filter
from airis_ray.analytics.fields import Field, resolve
from airis_ray.analytics.nodes import Everything
from airis_ray.analytics.ranges import within
from airis_ray.analytics.signals import Kind, Source, source_of
from airis_ray.analytics.sql import Sql, all_of, any_of, begins, bind, join, quote_identifier, sql, text
from airis_ray.analytics.syntax import parse
from airis_ray.analytics.tables import Stats
from airis_ray.errors import InvalidInput
from airis_ray.store import Query, Store
from airis_ray.store.keys import HOT_KEYS, HotKeys
from airis_ray.telemetry.tables import TENANT_ATTRIBUTE
from airis_ray.telemetry.times import SECOND, TimeRange

FacetSignal = Literal["logs", "traces", "sessions", "metrics", "anomalies"]

_ROLLED_COLUMNS: Final = {
    "logs": ("ServiceName", "SeverityText", "ScopeName", "EventName"),
    "traces": ("ServiceName", "SpanName", "SpanKind", "StatusCode", "ScopeName"),
}
"""The columns whose values the roll-up counts."""
_COUNTED: Final = {
    **_ROLLED_COLUMNS,
    "sessions": ("ServiceName", "SeverityText", "ScopeName"),
    "metrics": metric_facets.COLUMNS,
    "anomalies": ("service", "signal", "metric", "kind", "direction", "unit", "model"),
}
_QUARTER: Final = 900 * SECOND
_LEVEL_CELL: Final = 10 * SECOND
_UNLISTED: Final = (Kind.TEXT, Kind.TIME, Kind.DURATION, Kind.MAP, Kind.OTHER)


@dataclass(frozen=True)
class FacetQuery:
    """What facets are asked of: a signal, a range, a beginning (in any case), a filter in the search syntax."""

    signal: FacetSignal
    range: TimeRange
    prefix: str
    limit: int
    query: str = ""


async def fields(store: Store, tenant: str, asked: FacetQuery) -> tuple[pa.Table, Stats]:
    """The fields that rows carry: ``name, type, source, count``, the most frequent first.

    ``source`` is ``column`` or the map that a key is in; ``count`` the rows that carry it (points, of metrics), null
    for columns that have too many values to be worth listing.
    """
    source = source_of(asked.signal)
    counted, stats = await _limited(store, tenant, _fields_of(source, asked), asked)
    return _with_columns(counted, source, asked), stats


def _fields_of(source: Source, asked: FacetQuery) -> Sql:
    if asked.signal == "metrics":
        return metric_facets.metric_fields(asked.range, asked.prefix)
    rolled = _split(asked.range, _QUARTER) if asked.signal in _ROLLED_COLUMNS else None
    parts = [
        _raw_fields(source, asked.signal, condition) for condition in _raw_parts(source, asked.range, rolled)
    ]
    if rolled:
        parts.append(
            sql(
                "SELECT Source, Field, sumIf(Count, Source != 'column' OR Value != '') AS Count"
                " FROM airis_facets_15m WHERE Signal = {} AND {} GROUP BY Source, Field",
                text(asked.signal),
                _cells(rolled),
            )
        )
    return sql(
        "SELECT Field AS name, Source AS source, sum(Count) AS count FROM ({}) WHERE {} AND Field != {} AND Field != ''"
        " GROUP BY Source, Field HAVING count > 0 ORDER BY count DESC, name, source",
        join(" UNION ALL ", parts),
        begins(Sql("Field"), asked.prefix),
        text(TENANT_ATTRIBUTE),
    )


async def values(
    store: Store, tenant: str, name: str, asked: FacetQuery, hot: HotKeys = HOT_KEYS
) -> tuple[pa.Table, Stats]:
    """The values of a field: ``value, count``, the most frequent first; rows without the field are not counted.

    ``hot`` says which attribute keys have a column of their own.
    """
    if asked.signal == "metrics":
        listed = metric_facets.metric_values(name, asked.range, asked.prefix, asked.query)
        return await _limited(store, tenant, listed, asked)
    field = resolve(name, asked.signal, hot=hot)
    if field.kind in _UNLISTED:
        raise InvalidInput.field("/field", f"{field.name} has no values that could be listed")
    stats = Stats()
    rolled: TimeRange | None = None
    part: Sql | None = None
    if isinstance(parse(asked.query), Everything):
        rolled, part, stats = await _rolled_values(store, tenant, field, asked)
    source = source_of(asked.signal)
    matches = query_filter(asked.query, asked.signal, now_ns=asked.range.end_ns, hot=hot)
    parts = [
        _raw_values(source, field, all_of([condition, matches]))
        for condition in _raw_parts(source, asked.range, rolled)
    ]
    statement = sql(
        "SELECT Value AS value, sum(Count) AS count FROM ({}) WHERE {} GROUP BY Value ORDER BY count DESC, value",
        join(" UNION ALL ", [*parts, *([part] if part else [])]),
        begins(Sql("Value"), asked.prefix),
    )
    table, spent = await _limited(store, tenant, statement, asked)
    return table, stats + spent


async def _limited(store: Store, tenant: str, statement: Sql, asked: FacetQuery) -> tuple[pa.Table, Stats]:
    limited = sql("{} LIMIT {}", statement, bind(asked.limit, "UInt64"))
    settings = {"final": 1} if source_of(asked.signal).final else {}
    result = await store.query(Query(limited.text, limited.parameters, tenant=tenant, settings=settings))
    return result.table, Stats.of(result)


async def _rolled_values(
    store: Store, tenant: str, field: Field, asked: FacetQuery
) -> tuple[TimeRange | None, Sql | None, Stats]:
    """The part of the range that a roll-up answers, how, and what it cost to find out; None, None where none does."""
    if asked.signal not in _ROLLED_COLUMNS:
        return None, None, Stats()
    if field.kind is Kind.LEVEL:
        cells = _split(asked.range, _LEVEL_CELL)
        return cells, _level_values(field, cells) if cells else None, Stats()
    quarters = _split(asked.range, _QUARTER)
    places = field.places or (("column", field.name),)
    if quarters is None or (not field.places and field.name not in _ROLLED_COLUMNS[asked.signal]):
        return None, None, Stats()
    where = all_of(
        [
            sql("Signal = {}", text(asked.signal)),
            any_of(sql("(Source = {} AND Field = {})", text(map_), text(key)) for map_, key in places),
            _cells(quarters),
        ]
    )
    probe = sql(
        "SELECT max(Partial) AS partial, uniqExact(Source, Field) AS places FROM airis_facets_15m WHERE {}",
        where,
    )
    result = await store.query(Query(probe.text, probe.parameters, tenant=tenant))
    (found,) = result.table.to_pylist()
    if found["partial"] or found["places"] > 1:
        return None, None, Stats.of(result)
    part = sql(
        "SELECT Value, sum(Count) AS Count FROM airis_facets_15m WHERE {} AND Value != '' GROUP BY Value",
        where,
    )
    return quarters, part, Stats.of(result)


def _level_values(field: Field, cells: TimeRange) -> Sql:
    return sql(
        "SELECT {} AS Value, sum(Count) AS Count FROM airis_logs_10s WHERE {} AND Value != '' GROUP BY Value",
        field.value,
        _cells(cells),
    )


def _raw_values(source: Source, field: Field, condition: Sql) -> Sql:
    value = sql("arrayJoin({})" if field.kind is Kind.STRINGS else "toString({})", field.value)
    return sql(
        "SELECT {} AS Value, count() AS Count FROM {} WHERE {} AND Value != '' GROUP BY Value",
        value,
        Sql(source.table),
        condition,
    )


def _raw_fields(source: Source, signal: str, condition: Sql) -> Sql:
    """How many rows carry each field: of the counted columns those that are not empty, of the maps each key."""
    table = Sql(source.table)
    names = [name for name in _COUNTED[signal] if name in source.columns]
    columns = sql(
        "SELECT 'column' AS Source, Pair.1 AS Field, Pair.2 AS Count FROM (SELECT [{}] AS Pairs FROM {} WHERE {})"
        " ARRAY JOIN Pairs AS Pair",
        join(", ", [sql("({}, countIf({} != ''))", text(name), quote_identifier(name)) for name in names]),
        table,
        condition,
    )
    maps = [
        sql(
            "SELECT {} AS Source, Key AS Field, count() AS Count"
            " FROM {} ARRAY JOIN mapKeys({}) AS Key WHERE {} GROUP BY Key",
            text(name),
            table,
            quote_identifier(name),
            condition,
        )
        for name in source.attributes
    ]
    return join(" UNION ALL ", [columns, *maps])


def _with_columns(counted: pa.Table, source: Source, asked: FacetQuery) -> pa.Table:
    """The counted fields, and behind them the columns that are not counted."""
    counted_rows = [
        {**row, "type": str(source.columns[row["name"]] if row["source"] == "column" else Kind.STRING)}
        for row in counted.to_pylist()
    ]
    listed = {row["name"] for row in counted_rows if row["source"] == "column"} | set(_COUNTED[asked.signal])
    others = [
        {"name": name, "source": "column", "type": str(kind), "count": None}
        for name, kind in source.columns.items()
        if name not in listed
        and kind not in (Kind.MAP, Kind.OTHER)
        and name.lower().startswith(asked.prefix.lower())
    ]
    schema = pa.schema(
        {"name": pa.string(), "type": pa.string(), "source": pa.string(), "count": pa.uint64()}
    )
    return pa.Table.from_pylist([*counted_rows, *others][: asked.limit], schema=schema)


def _split(whole: TimeRange, cell: int) -> TimeRange | None:
    """The whole cells within a range; None where there is none."""
    start, end = -(-whole.start_ns // cell) * cell, whole.end_ns // cell * cell
    return TimeRange(start, end) if start < end else None


def _raw_parts(source: Source, whole: TimeRange, rolled: TimeRange | None) -> list[Sql]:
    """Conditions of the parts of the range that are read from the rows."""
    if rolled is None:
        return [within(source, whole)]
    edges = (TimeRange(whole.start_ns, rolled.start_ns), TimeRange(rolled.end_ns, whole.end_ns))
    return [within(source, edge) for edge in edges if edge.length_ns]


def _cells(part: TimeRange) -> Sql:
    return sql(
        "Time >= toDateTime({}, 'UTC') AND Time < toDateTime({}, 'UTC')",
        bind(part.start_ns // SECOND, "UInt32"),
        bind(part.end_ns // SECOND, "UInt32"),
    )
