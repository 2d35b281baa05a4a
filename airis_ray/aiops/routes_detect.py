"""``POST /detect``."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query
from starlette.requests import Request
from starlette.responses import Response

from airis_ray.aiops.answer_detect import Detected
from airis_ray.aiops.asked import Asked
from airis_ray.aiops.batching import Detect, DetectWork
from airis_ray.aiops.bodies import JSON, request_body, take
from airis_ray.aiops.detect.tails import RATE
from airis_ray.aiops.models import DetectAnswer, DetectOptions, DetectRequest
from airis_ray.errors import InvalidInput, Unprocessable
from airis_ray.telemetry.times import parse_duration
from airis_ray.web.arrow import ARROW_CONTENT, ARROW_STREAM, stream_bytes, wants_arrow
from airis_ray.web.auth import Principal, Scope, require

Reader = Annotated[Principal, Depends(require(Scope.READ))]

MIN_POINTS: Final = 4
"""Fewer say nothing of what is usual."""
_COLUMNS: Final = (
    "An Arrow IPC stream: columns time and value with any label columns, a row a point; or timestamps and values "
    "of lists, a row a series. sensitivity and season go into the query."
)
_IN_QUERY: Final = "of an Arrow stream; of a JSON body it is a field"


def router(detect: Detect, clock: Callable[[], int]) -> APIRouter:
    """The route; ``detect`` computes, ``clock`` tells nanoseconds since 1970."""
    routes = APIRouter(tags=["aiops"])

    @routes.post(
        "/detect",
        summary="Anomalies in series",
        responses={
            200: {"model": DetectAnswer, "content": ARROW_CONTENT},
            422: {"description": "no series was good"},
        },
        openapi_extra=request_body(DetectRequest, _COLUMNS),
    )
    async def post_detect(
        request: Request,
        principal: Reader,
        sensitivity: Annotated[str | None, Query(description=_IN_QUERY)] = None,
        season: Annotated[str | None, Query(description=_IN_QUERY)] = None,
    ) -> Response:
        query = {"sensitivity": sensitivity, "season": season}
        options, asked = await take(request, DetectOptions, DetectRequest, query, clock())
        found = await judged(asked, options, detect)
        if wants_arrow(request):
            return Response(await asyncio.to_thread(stream_bytes, found.table), media_type=ARROW_STREAM)
        return Response(await asyncio.to_thread(found.json), media_type=JSON)

    return routes


async def judged(asked: Asked, options: DetectOptions, detect: Detect) -> Detected:
    """The judgement of every point. Raises Unprocessable where no series is good."""
    rate, season = rate_of(options.sensitivity), season_of(options.season)
    reading = await asyncio.to_thread(asked.read, MIN_POINTS)
    found = await detect(DetectWork(reading.batches, rate, season))
    return await asyncio.to_thread(Detected.of, asked, reading, found)


def rate_of(sensitivity: float) -> float:
    """The share of usual points that may be called anomalies: the default at 0.5, ten times as many at 0.75."""
    return float(RATE * 10 ** ((sensitivity - 0.5) / 0.25))


def season_of(text: str) -> int | None:
    """Nanoseconds; 0 for ``none``, None for ``auto``. Raises Unprocessable for anything that is no duration."""
    if text in ("auto", "none"):
        return None if text == "auto" else 0
    try:
        return parse_duration(text, pointer="/season")
    except InvalidInput as error:
        raise Unprocessable(f"{error}, auto or none", errors=error.errors) from None
