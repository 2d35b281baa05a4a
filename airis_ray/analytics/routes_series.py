"""The routes of series, services, the service map, traces and metrics."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Final

import orjson
import pyarrow as pa
from fastapi import APIRouter, Body, Depends, Path, Query
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from airis_ray.analytics.hot_keys import HotKeyCache
from airis_ray.analytics.metrics import metrics
from airis_ray.analytics.models import (
    MapEdge,
    MetricRow,
    ServiceMap,
    ServiceRow,
    TimeseriesAnswer,
    TimeseriesRequest,
    TraceAnswer,
)
from airis_ray.analytics.service_map import service_map
from airis_ray.analytics.services import services
from airis_ray.analytics.tables import table_answer
from airis_ray.analytics.timeseries import timeseries
from airis_ray.analytics.traces import trace
from airis_ray.store import Store
from airis_ray.telemetry.times import parse_range
from airis_ray.web.arrow import ARROW_STREAM, wants_arrow
from airis_ray.web.auth import Principal, Scope, require

Reader = Annotated[Principal, Depends(require(Scope.READ))]
From = Annotated[
    str, Query(alias="from", description="start, part of the range: RFC 3339, nanoseconds, now-15m")
]
To = Annotated[str, Query(description="end, not part of the range")]

_POINTS_ON_LOOP: Final = 20_000
"""Points up to which an answer is written on the event loop; that takes about a millisecond."""

_ARROW: Final[dict[Any, pa.DataType]] = {
    int: pa.int64(),
    float | None: pa.float64(),
    bool | None: pa.bool_(),
    list[str]: pa.list_(pa.string()),
}


def router(store: Store, clock: Callable[[], int], keys: HotKeyCache) -> APIRouter:
    """The routes, to be included by the application; ``clock`` tells nanoseconds since 1970, ``keys`` which attribute
    keys have a column."""
    routes = APIRouter(tags=["analytics"])

    @routes.post(
        "/timeseries", summary="Series over logs, traces or metrics", responses=_answers(TimeseriesAnswer)
    )
    async def post_timeseries(
        request: Request, principal: Reader, asked: Annotated[TimeseriesRequest, Body()]
    ) -> Response:
        series = await timeseries(store, principal.tenant, asked, clock(), hot=keys.current())
        if wants_arrow(request):
            return await table_answer(request, series.as_table(), stats=series.stats)
        small = series.values.size <= _POINTS_ON_LOOP
        body = series.as_json() if small else await asyncio.to_thread(series.as_json)
        return Response(body, media_type="application/json")

    @routes.get("/services", summary="Services and how they do", responses=_answers(list[ServiceRow]))
    async def get_services(
        request: Request, principal: Reader, from_: From = "now-1h", to: To = "now"
    ) -> Response:
        rows = await services(store, principal.tenant, parse_range(from_, to, clock()))
        return await _listed(request, ServiceRow, rows)

    @routes.get("/service-map", summary="Who calls whom", responses=_answers(ServiceMap))
    async def get_service_map(
        request: Request, principal: Reader, from_: From = "now-1h", to: To = "now"
    ) -> Response:
        """As an Arrow stream: the edges."""
        found = await service_map(store, principal.tenant, parse_range(from_, to, clock()))
        if wants_arrow(request):
            return await table_answer(request, _table(MapEdge, found.edges))
        return Response(orjson.dumps(found.model_dump()), media_type="application/json")

    @routes.get("/traces/{trace_id}", summary="A trace", responses=_answers(TraceAnswer, arrow=False))
    async def get_trace(
        principal: Reader, trace_id: Annotated[str, Path(description="32 hexadecimal digits")]
    ) -> Response:
        found = await trace(store, principal.tenant, trace_id)
        return Response(orjson.dumps(found), media_type="application/json")

    @routes.get("/metrics", summary="Metrics and their labels", responses=_answers(list[MetricRow]))
    async def get_metrics(
        request: Request,
        principal: Reader,
        from_: From = "now-1h",
        to: To = "now",
        prefix: Annotated[str, Query(description="beginning of the name, in any case")] = "",
        service: Annotated[str, Query(description="metrics of this service alone")] = "",
        limit: Annotated[int, Query(ge=1, le=10_000)] = 1000,
    ) -> Response:
        asked = parse_range(from_, to, clock())
        rows = await metrics(store, principal.tenant, asked, prefix=prefix, service=service, limit=limit)
        return await _listed(request, MetricRow, rows)

    return routes


async def _listed(request: Request, model: type[BaseModel], rows: Sequence[BaseModel]) -> Response:
    if wants_arrow(request):
        return await table_answer(request, _table(model, rows))
    return Response(orjson.dumps([row.model_dump() for row in rows]), media_type="application/json")


def _table(model: type[BaseModel], rows: Sequence[BaseModel]) -> pa.Table:
    """Rows with the columns of their model, also where there are none; what is no number is text."""
    columns = [
        (name, _ARROW.get(field.annotation, pa.string())) for name, field in model.model_fields.items()
    ]
    return pa.Table.from_pylist([row.model_dump() for row in rows], schema=pa.schema(columns))


def _answers(model: Any, *, arrow: bool = True) -> dict[int | str, dict[str, Any]]:
    """``responses`` of a route that writes its own body, for OpenAPI."""
    answer: dict[str, Any] = {"model": model}
    if arrow:
        answer["content"] = {ARROW_STREAM: {"schema": {"type": "string", "format": "binary"}}}
    return {200: answer}
