"""``POST /forecast``."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query
from starlette.requests import Request
from starlette.responses import Response

from airis_ray.aiops.answer_forecast import Foreseen
from airis_ray.aiops.asked import Asked
from airis_ray.aiops.batching import Ahead, ForecastWork
from airis_ray.aiops.bodies import JSON, request_body, take
from airis_ray.aiops.forecast.calendar import Calendar
from airis_ray.aiops.models import ForecastAnswer, ForecastOptions, ForecastRequest
from airis_ray.errors import InvalidInput, TooLarge, Unprocessable
from airis_ray.web.arrow import ARROW_CONTENT, ARROW_STREAM, stream_bytes, wants_arrow
from airis_ray.web.auth import Principal, Scope, require

Reader = Annotated[Principal, Depends(require(Scope.READ))]

MIN_POINTS: Final = 4
MAX_VALUES: Final = 2**22
"""Series times steps times columns of one answer."""
_COLUMNS: Final = (
    "An Arrow IPC stream: columns time and value with any label columns, a row a point; or timestamps and values "
    "of lists, a row a series. horizon and levels (80,95) go into the query."
)
_IN_QUERY: Final = "of an Arrow stream; of a JSON body it is a field"
Option = Annotated[str | None, Query(description=_IN_QUERY)]


def router(ahead: Ahead, clock: Callable[[], int]) -> APIRouter:
    """The route; ``ahead`` computes, ``clock`` tells nanoseconds since 1970."""
    routes = APIRouter(tags=["aiops"])

    @routes.post(
        "/forecast",
        summary="What comes next in series, with intervals",
        responses={
            200: {"model": ForecastAnswer, "content": ARROW_CONTENT},
            422: {"description": "no series was good"},
        },
        openapi_extra=request_body(ForecastRequest, _COLUMNS),
    )
    async def post_forecast(
        request: Request,
        principal: Reader,
        horizon: Option = None,
        levels: Annotated[list[str] | None, Query(description=_IN_QUERY)] = None,
        limit: Option = None,
        holidays: Option = None,
        time_zone: Option = None,
    ) -> Response:
        query = {"horizon": horizon, "levels": levels, "limit": limit, "holidays": holidays}
        query["time_zone"] = time_zone
        options, asked = await take(request, ForecastOptions, ForecastRequest, query, clock())
        found = await foreseen(asked, options, ahead)
        if wants_arrow(request):
            return Response(await asyncio.to_thread(stream_bytes, found.table), media_type=ARROW_STREAM)
        return Response(await asyncio.to_thread(found.json), media_type=JSON)

    return routes


async def foreseen(asked: Asked, options: ForecastOptions, ahead: Ahead) -> Foreseen:
    """The forecasts. Raises Unprocessable where no series is good, TooLarge past :data:`MAX_VALUES`."""
    values = len(asked) * options.horizon * (2 + 2 * len(options.levels))
    if values > MAX_VALUES:
        raise TooLarge(
            f"/horizon: {options.horizon} steps of {len(asked)} series are {values} values; at most {MAX_VALUES}"
        )
    calendar = await asyncio.to_thread(calendar_of, options)
    reading = await asyncio.to_thread(asked.read, MIN_POINTS)
    found = await ahead(ForecastWork(reading.batches, options.horizon, options.levels, calendar))
    return await asyncio.to_thread(Foreseen.of, asked, reading, found, options.levels, options.limit)


def calendar_of(options: ForecastOptions) -> Calendar | None:
    """Whose holidays count. Raises Unprocessable for a country or a time zone nobody knows."""
    if options.holidays is None:
        return None
    calendar = Calendar(options.holidays, options.time_zone)
    try:
        calendar.working_days_off(0, 0)
    except InvalidInput:
        detail = f"{options.holidays} in time zone {options.time_zone} is not known"
        raise Unprocessable.field("/holidays", detail) from None
    return calendar
