"""``POST /detect``."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from airis_ray.aiops.answer_detect import Detected
from airis_ray.aiops.asked import Asked
from airis_ray.aiops.batching import Detect, DetectWork
from airis_ray.aiops.bodies import MIN_POINTS, Option, Reader, answered, described, take
from airis_ray.aiops.custom.detector import Model
from airis_ray.aiops.detect.tails import RATE
from airis_ray.aiops.models import DetectAnswer, DetectOptions, DetectRequest
from airis_ray.errors import InvalidInput, Unprocessable
from airis_ray.telemetry.times import parse_duration

Named = Callable[[str, str], Awaitable[Model]]
"""The model of a tenant by its name, or name@version. Raises NotFound."""


def router(detect: Detect, named: Named, clock: Callable[[], int]) -> APIRouter:
    """The route; ``detect`` computes, ``named`` finds users' models, ``clock`` tells nanoseconds since 1970."""
    routes = APIRouter(tags=["aiops"])

    @routes.post("/detect", summary="Anomalies in series", **described(DetectRequest, DetectAnswer))
    async def post_detect(
        request: Request,
        principal: Reader,
        sensitivity: Option = None,
        season: Option = None,
        together: Option = None,
        model: Option = None,
    ) -> Response:
        query = {"sensitivity": sensitivity, "season": season, "together": together, "model": model}
        options, asked = await take(request, DetectOptions, DetectRequest, query, clock())
        chosen = None if options.model is None else await named(principal.tenant, options.model)
        return await answered(request, await judged(asked, options, chosen, detect))

    return routes


async def judged(asked: Asked, options: DetectOptions, model: Model | None, detect: Detect) -> Detected:
    """The judgement of every point. Raises Unprocessable where no series is good."""
    rate, season = rate_of(options.sensitivity), season_of(options.season)
    if options.together is not None:
        if model is not None:
            raise Unprocessable.field(
                "/together", f"{model.id} judges each series by itself; name one of the two"
            )
        asked.put_together(options.together)
    reading = await asyncio.to_thread(asked.read, MIN_POINTS)
    work = DetectWork(reading.batches, rate, season, model, together=options.together is not None)
    return await asyncio.to_thread(Detected.of, asked, reading, await detect(work))


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
