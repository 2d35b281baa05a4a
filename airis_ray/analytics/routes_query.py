"""The routes of search, fields and SQL."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import orjson
import pyarrow as pa
from fastapi import APIRouter, Body, Depends, Path, Query
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from airis_ray.analytics.facets import FacetQuery, FacetSignal, fields, values
from airis_ray.analytics.hot_keys import HotKeyCache
from airis_ray.analytics.raw_sql import SqlRequest, answer_sql
from airis_ray.analytics.search import SearchRequest, search
from airis_ray.analytics.tables import TABLE_RESPONSES, Stats, list_responses, table_answer
from airis_ray.store import Store
from airis_ray.telemetry.times import parse_range
from airis_ray.web.arrow import wants_arrow
from airis_ray.web.auth import Principal, Scope, require

Reader = Annotated[Principal, Depends(require(Scope.READ))]
From = Annotated[
    str, Query(alias="from", description="start, part of the range: RFC 3339, nanoseconds, now-15m")
]
To = Annotated[str, Query(description="end, not part of the range")]
Prefix = Annotated[str, Query(max_length=1000, description="only what begins so, in any case")]
FieldName = Annotated[str, Path(max_length=1000, description="a column, an alias, or an attribute key")]


class FieldRow(BaseModel):
    """A field that rows of the signal carry."""

    name: str
    type: str
    source: str = Field(description="column, or the map that the key is in")
    count: int | None = Field(description="rows that carry it; null where that is not counted")


class ValueRow(BaseModel):
    """A value of a field."""

    value: str
    count: int


def router(store: Store, clock: Callable[[], int], keys: HotKeyCache) -> APIRouter:
    """The routes, to be included by the application; ``clock`` tells nanoseconds since 1970, ``keys`` which attribute
    keys have a column."""
    routes = APIRouter(tags=["analytics"])

    @routes.post("/search", summary="Rows that match a query", responses=TABLE_RESPONSES)
    async def post_search(
        request: Request, principal: Reader, asked: Annotated[SearchRequest, Body()]
    ) -> Response:
        page = await search(store, asked, principal.tenant, clock(), keys.current())
        return await table_answer(request, page.table, cursor=page.cursor, stats=page.stats)

    @routes.post("/sql", summary="One SELECT", responses=TABLE_RESPONSES)
    async def post_sql(request: Request, principal: Reader, asked: Annotated[SqlRequest, Body()]) -> Response:
        return await answer_sql(store, asked, principal.tenant, request)

    @routes.get("/fields", summary="Fields and how many rows carry them", responses=list_responses(FieldRow))
    async def get_fields(
        request: Request,
        principal: Reader,
        signal: FacetSignal = "logs",
        prefix: Prefix = "",
        from_: From = "now-1h",
        to: To = "now",
        limit: Annotated[int, Query(ge=1, le=10_000)] = 1000,
    ) -> Response:
        asked = FacetQuery(signal, parse_range(from_, to, clock()), prefix, limit)
        return await _listed(request, *await fields(store, principal.tenant, asked))

    @routes.get(
        "/fields/{field:path}/values",
        summary="Values of a field with counts",
        responses=list_responses(ValueRow),
    )
    async def get_values(
        request: Request,
        principal: Reader,
        field: FieldName,
        signal: FacetSignal = "logs",
        prefix: Prefix = "",
        query: Annotated[str, Query(description="search syntax: only rows that match are counted")] = "",
        from_: From = "now-1h",
        to: To = "now",
        limit: Annotated[int, Query(ge=1, le=10_000)] = 100,
    ) -> Response:
        asked = FacetQuery(signal, parse_range(from_, to, clock()), prefix, limit, query)
        found = await values(store, principal.tenant, field, asked, keys.current())
        return await _listed(request, *found)

    return routes


async def _listed(request: Request, table: pa.Table, stats: Stats) -> Response:
    """A short table as a list of objects, or as Arrow."""
    if wants_arrow(request):
        return await table_answer(request, table, stats=stats)
    return Response(orjson.dumps(table.to_pylist()), media_type="application/json")
