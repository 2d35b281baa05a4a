"""Tabular answers: JSON by default, an Arrow IPC stream for those who accept one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Final

import orjson
import pyarrow as pa
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from airis_ray.analytics.json_rows import columns_of, rows_json
from airis_ray.store import Result
from airis_ray.web.arrow import ARROW_STREAM, arrow_answer, wants_arrow

CURSOR_HEADER: Final = "X-Airis-Cursor"
"""Carries the cursor beside an Arrow stream, which has no place for it."""

_THREAD_ROWS: Final = 500
"""Rows from which on writing JSON takes longer than handing it to a thread, about a millisecond."""


class Column(BaseModel):
    """A column of a table; the type is Arrow's name for it."""

    name: str
    type: str


class StatsModel(BaseModel):
    """What an answer cost."""

    rows_read: int = Field(description="rows that ClickHouse read")
    bytes_read: int = Field(description="bytes that ClickHouse read, uncompressed")
    elapsed_ms: float = Field(description="time in ClickHouse")


class TableModel(BaseModel):
    """A table as JSON."""

    columns: list[Column]
    rows: list[list[Any]] = Field(description="one list per row, in the order of the columns")
    cursor: str | None = Field(
        description="sent with the same request gives the next page; null on the last one"
    )
    stats: StatsModel


TABLE_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "model": TableModel,
        "description": "The table; with an Arrow stream the cursor is in the header X-Airis-Cursor.",
        "content": {ARROW_STREAM: {"schema": {"type": "string", "format": "binary"}}},
    }
}
"""``responses`` of a route that answers a table, for OpenAPI."""


def list_responses(row: type[BaseModel]) -> dict[int | str, dict[str, Any]]:
    """``responses`` of a route that answers a list of objects or an Arrow stream, for OpenAPI."""
    stream = {ARROW_STREAM: {"schema": {"type": "string", "format": "binary"}}}
    return {200: {"model": list[row], "content": stream}}  # type: ignore[valid-type] # a type made at run time


@dataclass(frozen=True)
class Stats:
    """What queries cost; adds up."""

    rows_read: int = 0
    bytes_read: int = 0
    elapsed_ms: float = 0.0

    @classmethod
    def of(cls, result: Result) -> Stats:
        """The cost of one query."""
        return cls(result.rows_read, result.bytes_read, result.elapsed_ms)

    def __add__(self, other: Stats) -> Stats:
        return Stats(
            self.rows_read + other.rows_read,
            self.bytes_read + other.bytes_read,
            self.elapsed_ms + other.elapsed_ms,
        )

    def json(self) -> dict[str, int | float]:
        """As the contract names them."""
        return {
            "rows_read": self.rows_read,
            "bytes_read": self.bytes_read,
            "elapsed_ms": round(self.elapsed_ms, 3),
        }


async def table_answer(
    request: Request, table: pa.Table, *, cursor: str | None = None, stats: Stats | None = None
) -> Response:
    """The table in the form the caller accepts."""
    stats = stats or Stats()
    if wants_arrow(request):
        headers = {} if cursor is None else {CURSOR_HEADER: cursor}
        metadata = {"airis.stats": orjson.dumps(stats.json()).decode()}
        described = table.replace_schema_metadata({**(table.schema.metadata or {}), **metadata})
        return arrow_answer(described.schema, _batches(described), headers)
    render = rows_json(table) if table.num_rows < _THREAD_ROWS else await asyncio.to_thread(rows_json, table)
    head = orjson.dumps(columns_of(table.schema))
    tail = orjson.dumps({"cursor": cursor, "stats": stats.json()})
    return Response(
        b'{"columns":' + head + b',"rows":' + render + b"," + tail[1:], media_type="application/json"
    )


async def _batches(table: pa.Table) -> AsyncIterator[pa.RecordBatch]:
    for batch in table.to_batches():
        yield batch
