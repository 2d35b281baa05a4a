"""Roll-ups made again from their base tables.

A materialized view fills its roll-up within the insert. After a crash in the middle of one that nobody
repeated, the rows may be in the base table and not in the roll-up; :func:`differences` finds such intervals
and :func:`rebuild` makes them again. Both read the views' SELECTs from the migrations, restricted in time by
a filter on the base table.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final

from airis_ray.errors import InvalidInput, Unavailable
from airis_ray.store.layout import layout_of
from airis_ray.store.migrate import load
from airis_ray.store.protocol import Query, Store
from airis_ray.store.retention import RETENTION

INTERVALS: Final = {
    "airis_services_10s": 10,
    "airis_logs_10s": 10,
    "airis_facets_15m": 900,
    "airis_series_1m": 60,
}
"""Roll-up → the length of its intervals in seconds."""

_CHUNK: Final = (
    6 * 3600
)  # seconds of base rows that one INSERT … SELECT aggregates in memory; a multiple of each above
_ATTEMPTS: Final = 3
_VIEW: Final = re.compile(r"CREATE MATERIALIZED VIEW IF NOT EXISTS (\w+) TO (\w+) AS\s+(.*)", re.DOTALL)
_LITERAL: Final = re.compile(r"'(\w+)' AS (\w+)")


@dataclass(frozen=True)
class View:
    """One materialized view: its SELECT over ``base``, and the rows of ``target`` that are its own."""

    name: str
    target: str
    base: str
    select: str
    condition: str

    @property
    def measure(self) -> str:
        """The column that counts records."""
        return "Points" if self.target == "airis_series_1m" else "Count"

    def filter(self, start: int, end: int) -> str:
        """The SETTINGS that restrict the base table to ``[start, end)`` in seconds."""
        column = RETENTION[self.base][1]
        condition = f"{column} >= toDateTime({start:d}) AND {column} < toDateTime({end:d})"
        return f"SETTINGS additional_table_filters = {{'{self.base}': '{condition}'}}"


@cache
def views() -> tuple[View, ...]:
    """The views that fill roll-ups, in the migrations' order."""
    statements = [statement for migration in load() for statement in migration.up]
    matches = [match for statement in statements if (match := _VIEW.fullmatch(statement))]
    return tuple(_view(*match.groups()) for match in matches if match[2] in INTERVALS)


def _view(name: str, target: str, select: str) -> View:
    base = next(table for table in re.findall(r"FROM (\w+)", select) if table in RETENTION)
    constants = [f"{column} = '{value}'" for value, column in _LITERAL.findall(select)]
    return View(name, target, base, select, " AND ".join(constants) or "1")


async def differences(store: Store, rollup: str, start: int, end: int) -> list[int]:
    """The beginnings (Unix seconds) of the intervals in ``[start, end)`` that do not hold the base table's
    records.

    ``start`` is taken down and ``end`` up to a whole interval.
    """
    start, end = _aligned(rollup, start, end)
    found: set[int] = set()
    for view in _views_of(rollup):
        found.update(await _differing(store, view, start, end))
    return sorted(found)


async def rebuild(store: Store, rollup: str, start: int, end: int) -> int:
    """Make the intervals of ``[start, end)`` (Unix seconds) again from the base tables; how many rows they
    have.

    Meant for time that has passed: records that arrive for an interval while it is made again may be counted
    twice, which is noticed and repeated. Unavailable where they keep arriving; InvalidInput where rows are spread over
    shards, since a shard can be made again from its own rows alone.
    """
    if (cluster := (await layout_of(store)).cluster) is not None:
        raise InvalidInput(
            f"{rollup} is spread over the shards of {cluster}: roll-ups of such a store are not rebuilt"
        )
    start, end = _aligned(rollup, start, end)
    for view in _views_of(rollup):
        for low, high in _chunks(start, end):
            await _rebuild(store, view, low, high)
    sql = f"SELECT count() AS n FROM {rollup} WHERE {_between(start, end)}"
    return int((await store.query(Query(sql))).table["n"][0].as_py())


async def _rebuild(store: Store, view: View, start: int, end: int) -> None:
    for _ in range(_ATTEMPTS):
        await store.command(f"DELETE FROM {view.target} WHERE {_between(start, end)} AND {view.condition}")
        # A token of its own: what was deleted must not be dropped as a repetition of what was inserted before.
        token = f"insert_deduplication_token = '{uuid.uuid4().hex}'"
        columns = await _columns(store, view)
        await store.command(
            f"INSERT INTO {view.target} ({columns}) SELECT {columns} FROM ({view.select}) "
            f"{view.filter(start, end)}, {token}"
        )
        if not await _differing(store, view, start, end):
            return
    raise Unavailable(f"{view.target}: records of the range keep arriving; rebuild it when they have come")


async def _columns(store: Store, view: View) -> str:
    sql = """
        SELECT arrayStringConcat(groupArray(name), ', ') AS names FROM system.columns
        WHERE database = currentDatabase() AND table = {table:String}
    """
    return str((await store.query(Query(sql, {"table": view.target}))).table["names"][0].as_py())


async def _differing(store: Store, view: View, start: int, end: int) -> list[int]:
    sql = f"""
        SELECT toUnixTimestamp(Time) AS Time
        FROM
        (
            SELECT Tenant, Time, toInt64(sum({view.measure})) AS Records
            FROM {view.target} WHERE {_between(start, end)} AND {view.condition} GROUP BY Tenant, Time
            UNION ALL
            SELECT Tenant, Time, -toInt64(sum({view.measure})) AS Records FROM ({view.select}) GROUP BY Tenant, Time
        )
        GROUP BY Tenant, Time HAVING sum(Records) != 0
        {view.filter(start, end)}
    """
    return [int(value) for value in (await store.query(Query(sql))).table["Time"].to_pylist()]


def _views_of(rollup: str) -> list[View]:
    found = [view for view in views() if view.target == rollup]
    if not found:
        raise InvalidInput(f"{rollup!r} is no roll-up; there are {', '.join(INTERVALS)}")
    return found


def _aligned(rollup: str, start: int, end: int) -> tuple[int, int]:
    step = INTERVALS.get(rollup, 1)
    return start // step * step, -(-end // step) * step


def _chunks(start: int, end: int) -> Iterator[tuple[int, int]]:
    low = start
    while low < end:
        high = min(end, (low // _CHUNK + 1) * _CHUNK)
        yield low, high
        low = high


def _between(start: int, end: int) -> str:
    return f"Time >= toDateTime({start:d}) AND Time < toDateTime({end:d})"
