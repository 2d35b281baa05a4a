"""``/sql``: one SELECT of the caller's own, over the caller's own rows."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Annotated, Final

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from starlette.requests import Request
from starlette.responses import Response

from airis_ray.analytics.tables import Stats, table_answer
from airis_ray.analytics.wire_types import Convert, ambiguous, converters
from airis_ray.errors import FieldError, InvalidInput
from airis_ray.store import Query, Store
from airis_ray.store.guard import check_select
from airis_ray.store.lexer import scan
from airis_ray.web.arrow import arrow_answer, wants_arrow

MAX_JSON_ROWS: Final = 100_000
"""Rows of an answer in JSON, which is held in memory; an Arrow stream is bounded by its bytes alone."""

_SQL_LENGTH: Final = 100_000

Scalar = bool | int | float | str | None
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}$")]


class SqlRequest(BaseModel):
    """The body of ``POST /sql``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sql: str = Field(min_length=1, max_length=_SQL_LENGTH, description="one SELECT")
    parameters: dict[Name, Scalar | list[Scalar]] = Field(
        default_factory=dict, description="values of {name:Type} in the SQL"
    )


async def answer_sql(store: Store, request: SqlRequest, tenant: str, http: Request) -> Response:
    """Run the SELECT with the tenant's rights and answer its table.

    Raises InvalidInput at ``/sql`` where it is refused, with the position; TooLarge past a limit of time, rows, memory
    or size.
    """
    _checked(request.sql)
    query = Query(request.sql, request.parameters, tenant=tenant)
    try:
        return await (_streamed if wants_arrow(http) else _whole)(store, query, http)
    except InvalidInput as error:
        raise _of_sql(error) from error


async def _whole(store: Store, query: Query, http: Request) -> Response:
    limited = Query(
        query.sql,
        query.parameters,
        tenant=query.tenant,
        settings={"max_result_rows": MAX_JSON_ROWS, "result_overflow_mode": "throw"},
    )
    result = await store.query(limited)
    convert = await _converter(store, query, result.table.schema)
    return await table_answer(http, convert(result.table), stats=Stats.of(result))


async def _streamed(store: Store, query: Query, http: Request) -> Response:
    batches = store.stream(query)
    # The first batch before the answer begins: most errors come with it, and then still have a status of their own.
    first = await anext(aiter(batches), None)
    if first is None:
        empty = Query(f"SELECT * FROM ({_bare(query.sql)}) LIMIT 0", query.parameters, tenant=query.tenant)
        table = (await store.query(empty)).table
        return await table_answer(http, (await _converter(store, query, table.schema))(table))
    convert = await _converter(store, query, first.schema)
    return arrow_answer(convert(pa.Table.from_batches([first])).schema, _converted(first, batches, convert))


async def _converted(
    first: pa.RecordBatch, rest: AsyncIterator[pa.RecordBatch], convert: Callable[[pa.Table], pa.Table]
) -> AsyncIterator[pa.RecordBatch]:
    for batch in convert(pa.Table.from_batches([first])).to_batches():
        yield batch
    async for received in rest:
        for batch in convert(pa.Table.from_batches([received])).to_batches():
            yield batch


async def _converter(store: Store, query: Query, schema: pa.Schema) -> Callable[[pa.Table], pa.Table]:
    """What makes times of numbers, where ClickHouse's types show that they are times (see wire_types)."""
    if not any(ambiguous(field.type) for field in schema):
        return lambda table: table
    described = Query(f"DESCRIBE ({_bare(query.sql)})", query.parameters, tenant=query.tenant)
    types = (await store.query(described)).table.column("type").to_pylist()
    converts: Mapping[int, Convert] = converters(types)

    def convert(table: pa.Table) -> pa.Table:
        for index, each in converts.items():
            table = table.set_column(index, table.schema.field(index).name, each(table.column(index)))
        return table

    return convert if converts else lambda table: table


def _bare(sql: str) -> str:
    """The statement without what may follow it, so that it can stand in parentheses."""
    end = max((token.end for token in scan(sql) if not token.is_sign(";")), default=0)
    return sql[:end]


def _checked(sql: str) -> None:
    try:
        check_select(sql)
    except InvalidInput as error:
        raise _of_sql(error) from error


def _of_sql(error: InvalidInput) -> InvalidInput:
    """The same error with its field: of the parameters where it is one of them, else of the SQL."""
    if error.errors:
        return error
    missing = re.search(r"Substitution `?(\w+)`? is not set", str(error))
    pointer = f"/parameters/{missing[1]}" if missing else "/sql"
    return type(error)(str(error), errors=(FieldError(pointer, str(error)),))
