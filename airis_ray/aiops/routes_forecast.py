"""``POST /forecast``."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from airis_ray.aiops.answer_forecast import Foreseen
from airis_ray.aiops.asked import Asked
from airis_ray.aiops.batching import Ahead, ForecastWork
from airis_ray.aiops.bodies import MIN_POINTS, Listed, Option, Reader, answered, described, take
from airis_ray.aiops.forecast.calendar import Calendar
from airis_ray.aiops.models import ForecastAnswer, ForecastOptions, ForecastRequest
from airis_ray.errors import InvalidInput, TooLarge, Unprocessable

MAX_VALUES: Final = 2**22
"""Series times steps times columns of one answer."""


def router(ahead: Ahead, clock: Callable[[], int]) -> APIRouter:
    """The route; ``ahead`` computes, ``clock`` tells nanoseconds since 1970."""
    routes = APIRouter(tags=["aiops"])

    @routes.post(
        "/forecast",
        summary="What comes next in series, with intervals",
        **described(ForecastRequest, ForecastAnswer),
    )
    async def post_forecast(
        request: Request,
        principal: Reader,
        horizon: Option = None,
        levels: Listed = None,
        limit: Option = None,
        holidays: Option = None,
        time_zone: Option = None,
    ) -> Response:
        query = {"horizon": horizon, "levels": levels, "limit": limit, "holidays": holidays}
        query["time_zone"] = time_zone
        options, asked = await take(request, ForecastOptions, ForecastRequest, query, clock())
        return await answered(request, await foreseen(asked, options, ahead))

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
    answer = await asyncio.to_thread(Foreseen.of, asked, reading, found, options.levels, options.limit)
    asked.need_one()
    return answer


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
