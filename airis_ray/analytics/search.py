"""``/search``: the rows that a query finds, page by page.

A page is read in two steps. The first reads the columns of the filter and of the order alone, newest slice of the
range first, and tells where the page ends; the second reads the wanted columns of the rows between the page before
and that end. Where a page ends among rows that share all keys, these are ordered by a hash of the whole row: so pages
neither repeat nor skip a row, and reading on is as cheap as starting.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from airis_ray.analytics import cursors
from airis_ray.analytics.compile import query_filter
from airis_ray.analytics.cursors import KeyValue, Position, Tie
from airis_ray.analytics.fields import resolve
from airis_ray.analytics.models import Time
from airis_ray.analytics.ordering import Key, Order, beyond, order_by, order_of, row_hash, up_to
from airis_ray.analytics.ranges import one_of_times, within
from airis_ray.analytics.signals import Kind, Source, source_of
from airis_ray.analytics.sql import FALSE, TRUE, Sql, all_of, bind, join, sql
from airis_ray.analytics.tables import Stats
from airis_ray.store import Query, Store
from airis_ray.store.keys import HOT_KEYS, HotKeys
from airis_ray.telemetry import tables
from airis_ray.telemetry.times import SECOND, TimeRange, parse_range

MAX_ROWS: Final = 10_000

_SLICES: Final = (64, 8, 1)
"""The range is looked through in its nearest 64th, then in the rest of its nearest 8th, then in what is left: a page
of frequent rows reads a fraction of the range, a page of rare ones pays two short queries more."""
_SHORTEST_SLICE: Final = 900 * SECOND
"""Of less than a quarter of an hour the times are read faster than another query is planned."""
_LISTED_TIMES: Final = 500
"""Up to so many rows the second step asks for their times one by one: rows that lie far apart then cost no more than
those that lie together. A longer list would outgrow the URL it travels in."""


class SearchRequest(BaseModel):
    """The body of ``POST /search``."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    signal: Literal["logs", "traces", "sessions", "anomalies"] = Field("logs", description="what is searched")
    query: str = Field("", description="search syntax; empty for everything")
    from_: Time = Field("now-1h", alias="from", description="start, part of the range")
    to: Time = Field("now", description="end, not part of the range")
    limit: int = Field(100, ge=1, le=MAX_ROWS, description="rows of a page")
    order: str | None = Field(None, description="<field> asc|desc; left out: newest first")
    fields: tuple[Annotated[str, StringConstraints(min_length=1)], ...] = Field(
        (), max_length=100, description="columns, aliases or attribute keys; left out: every column"
    )
    cursor: str | None = Field(None, description="cursor of the page before")


@dataclass(frozen=True)
class Page:
    """One page: its rows, the cursor of the next one (None on the last), what it cost."""

    table: pa.Table
    cursor: str | None
    stats: Stats


async def search(
    store: Store, request: SearchRequest, tenant: str, now_ns: int, hot: HotKeys = HOT_KEYS
) -> Page:
    """A page of what the request asks for, of the tenant's rows; ``hot`` says which keys have a column."""
    return await _Search(store, request, tenant, now_ns, hot).page()


@dataclass(frozen=True)
class _End:
    """The keys of a page's rows, with those of its tie that were sent before; whether rows follow, and whether the last
    one's keys are theirs too."""

    keys: list[tuple[KeyValue, ...]]
    more: bool
    cut: bool


class _Search:
    def __init__(self, store: Store, request: SearchRequest, tenant: str, now_ns: int, hot: HotKeys) -> None:
        self.store = store
        self.tenant = tenant
        self.limit = request.limit
        self.source = source_of(request.signal)
        self.order = order_of(request.order, request.signal, hot)
        self.request = cursors.digest(request.signal, request.query, request.from_, request.to, request.order)
        position = None if request.cursor is None else cursors.decode(request.cursor, self.request)
        if position and len(position.key) != len(self.order.keys):
            raise cursors.not_ours()
        self.key = position.key if position else None
        self.tie = position.tie if position else None
        self.now_ns = position.now_ns if position else now_ns
        self.range = (
            TimeRange(position.start_ns, position.end_ns)
            if position
            else parse_range(request.from_, request.to, now_ns)
        )
        self.filter = query_filter(request.query, request.signal, now_ns=self.now_ns, hot=hot)
        self.names = list(dict.fromkeys(request.fields)) or _default_fields(self.source)
        self.fields = [resolve(name, request.signal, hot=hot) for name in self.names]
        self.stats = Stats()

    async def page(self) -> Page:
        end = await self.end_of_page()
        hashed = end.cut or self.tie is not None
        table = await self.rows(end, hashed)
        if table.num_rows > self.limit and not hashed:
            # Rows came in since the first step; which of them fit in is for the hash to say.
            hashed = True
            table = await self.rows(end, hashed)
        late = table.num_rows > self.limit
        table = table.slice(0, self.limit)
        cursor = None
        if table.num_rows and (end.more or late):
            cursor = cursors.encode(self.position_after(table, tied=end.cut or late), self.request)
        shown = table.select([f"_c{n}" for n in range(len(self.names))]).rename_columns(self.names)
        return Page(shown, cursor, self.stats)

    async def end_of_page(self) -> _End:
        """The first step: the keys of the page's rows, and what follows them."""
        wanted = self.limit + (self.tie.same_key if self.tie else 0)
        found: list[tuple[KeyValue, ...]] = []
        for part in _slices(self.searched_range(), self.order) if self.order.by_time else [self.range]:
            found += await self.probe(part, wanted - len(found) + 1)
            if len(found) > wanted:
                return _End(found[:wanted], more=True, cut=found[wanted] == found[wanted - 1])
        return _End(found, more=False, cut=False)

    async def probe(self, part: TimeRange, limit: int) -> list[tuple[KeyValue, ...]]:
        """The keys of the next rows in a part of the range."""
        start = beyond(self.order.keys, self.key, inclusive=self.tie is not None) if self.key else TRUE
        statement = sql(
            "SELECT {} FROM {} WHERE {} ORDER BY {} LIMIT {}",
            join(", ", [key.exported for key in self.order.keys]),
            Sql(self.source.table),
            all_of([within(self.source, part), self.filter, start]),
            order_by(self.order.keys),
            bind(limit, "UInt64"),
        )
        table = await self.run(statement)
        return list(zip(*(column.to_pylist() for column in table.columns), strict=True))

    async def rows(self, end: _End, hashed: bool) -> pa.Table:
        """The second step: wanted columns ``_c0``…, keys ``_k0``…; one row more than the limit where there is one."""
        keys = self.order.keys
        if hashed:
            keys = (*keys, row_hash(self.source, _hashed(self.source)))
        columns = [sql("{} AS {}", field.value, Sql(f"_c{n}")) for n, field in enumerate(self.fields)]
        exported = [sql("{} AS {}", key.exported, Sql(f"_k{n}")) for n, key in enumerate(keys)]
        statement = sql(
            "SELECT {} FROM {} WHERE {} ORDER BY {} LIMIT {} OFFSET {}",
            join(", ", [*columns, *exported]),
            Sql(self.source.table),
            all_of([self.stretch(end), self.filter, self.start(keys)]) if end.keys else FALSE,
            order_by(keys),
            bind(self.limit + 1, "UInt64"),
            bind(self.tie.same_row if self.tie else 0, "UInt64"),
        )
        return await self.run(statement)

    def stretch(self, end: _End) -> Sql:
        """The condition that a row is not behind the page, in the form that reads the least."""
        times = sorted({int(key[-1]) for key in end.keys})
        conditions = [within(self.source, TimeRange(times[0], times[-1] + 1))]
        if end.more:
            conditions.append(up_to(self.order.keys, end.keys[-1]))
        if len(times) <= _LISTED_TIMES:
            conditions.append(one_of_times(self.source, times))
        return all_of(conditions)

    def start(self, keys: tuple[Key, ...]) -> Sql:
        """The condition that a row was not sent yet (but for those of the tie that OFFSET leaves out)."""
        if self.key is None:
            return TRUE
        if self.tie is None:
            return beyond(self.order.keys, self.key, inclusive=False)
        return beyond(keys, (*self.key, self.tie.row_hash), inclusive=True)

    def position_after(self, table: pa.Table, *, tied: bool) -> Position:
        """Where the page with these rows ended; ``tied`` if rows with the last one's keys follow."""
        count = len(self.order.keys) + tied
        rows = list(zip(*(table.column(f"_k{n}").to_pylist() for n in range(count)), strict=True))
        key = rows[-1][: len(self.order.keys)]
        tie = None
        if tied:
            row_hash = rows[-1][-1]
            same_key = _run_length([row[:-1] for row in rows])
            same_row = _run_length(rows)
            # The page before may have ended among the same rows.
            if self.tie and same_key == len(rows) and self.key == key:
                same_key += self.tie.same_key
                if same_row == len(rows) and self.tie.row_hash == row_hash:
                    same_row += self.tie.same_row
            tie = Tie(row_hash, same_key, same_row)
        return Position(self.range.start_ns, self.range.end_ns, self.now_ns, key, tie)

    def searched_range(self) -> TimeRange:
        """The range without what lies before the position, of an order by time."""
        if self.key is None:
            return self.range
        at = int(self.key[0])
        if self.order.descending:
            return TimeRange(self.range.start_ns, at + 1)
        return TimeRange(at, self.range.end_ns)

    async def run(self, statement: Sql) -> pa.Table:
        settings = {"final": 1} if self.source.final else {}
        query = Query(statement.text, statement.parameters, tenant=self.tenant, settings=settings)
        result = await self.store.query(query)
        self.stats += Stats.of(result)
        return result.table


def _default_fields(source: Source) -> list[str]:
    return [name for name, kind in source.columns.items() if kind is not Kind.LEVEL]


def _hashed(source: Source) -> list[str]:
    """The columns that tell rows apart: those that are inserted, none that is filled in later."""
    inserted = tables.SCHEMAS.get(source.table)
    return [name for name in _default_fields(source) if inserted is None or name in inserted.names]


def _slices(whole: TimeRange, order: Order) -> Iterator[TimeRange]:
    """The range in parts, the one that comes first in the order first."""
    done = 0
    for share in _SLICES:
        length = min(max(whole.length_ns // share, _SHORTEST_SLICE), whole.length_ns)
        if length <= done:
            continue
        if order.descending:
            yield TimeRange(whole.end_ns - length, whole.end_ns - done)
        else:
            yield TimeRange(whole.start_ns + done, whole.start_ns + length)
        done = length


def _run_length(rows: list[Any]) -> int:
    """How many rows at the end equal the last."""
    count = 0
    for row in reversed(rows):
        if row != rows[-1]:
            break
        count += 1
    return count
