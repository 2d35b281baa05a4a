"""Splunk's HTTP Event Collector under ``/splunk/services/collector``."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from typing import Any, Final

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from airis_ray.errors import InvalidInput
from airis_ray.ingest.answers import reasons
from airis_ray.ingest.bodies import JSON
from airis_ray.ingest.intakes.door import Caller, Door, counted
from airis_ray.ingest.intakes.openapi import body
from airis_ray.telemetry.otlp import Decoded
from airis_ray.telemetry.splunk import Translated, translate_events, translate_raw

_BASE: Final = "/splunk/services/collector"
_METADATA: Final = ("host", "source", "sourcetype", "index", "time")
_CHANNEL: Final = "x-splunk-request-channel"
_MOST_ACKS: Final = 100_000

_SUCCESS: Final = {"text": "Success", "code": 0}


def router(door: Door) -> APIRouter:
    """The routes. An answer is an acknowledgement: what it is given for is durable."""
    routes = APIRouter(tags=["ingest"])
    acks = itertools.count(
        time.time_ns() // 1_000_000
    )  # apart from those of other replicas and of earlier ones
    for end, translate, media in (
        ("", translate_events, JSON),
        ("/event", translate_events, JSON),
        ("/event/1.0", translate_events, JSON),
        ("/raw", translate_raw, "text/plain"),
        ("/raw/1.0", translate_raw, "text/plain"),
    ):
        what = "events" if translate is translate_events else "lines"
        routes.add_api_route(
            f"{_BASE}{end}",
            _endpoint(door, translate, acks),
            methods=["POST"],
            name=f"splunk_{what}{end.replace('/', '_').replace('.', '_')}",
            response_class=Response,
            summary=f"Splunk HTTP Event Collector: {what}",
            description="200 when every event is durable; the first that cannot be read refuses the whole request.",
            openapi_extra=body(f"{what}, one after the other", media),
        )
    for end in ("/health", "/health/1.0"):
        routes.add_api_route(
            f"{_BASE}{end}",
            _health,
            methods=["GET"],
            name=f"splunk{end.replace('/', '_').replace('.', '_')}",
            response_class=Response,
            summary="Splunk HTTP Event Collector: health",
        )
    routes.add_api_route(
        f"{_BASE}/ack",
        _acknowledged,
        methods=["POST"],
        name="splunk_ack",
        response_class=Response,
        summary="Splunk HTTP Event Collector: acknowledgements",
        openapi_extra=body('`{"acks": [1, 2]}`', JSON),
    )
    return routes


def _endpoint(door: Door, translate: Any, acks: itertools.count[int]) -> Callable[..., Any]:
    async def collect(request: Request, principal: Caller) -> Response:
        query = request.query_params
        defaults = {name: query[name] for name in _METADATA if query.get(name)}

        def translated(data: bytes) -> Translated:
            found: Translated = translate(data, defaults, door.rules, door.limit)
            return found

        with counted("splunk", "logs", principal) as outcome:
            async with door.visit(request, principal) as visit:
                found = await door.translate(visit, "logs", translated)
                kept: list[Decoded] = []
                if found.logs:
                    kept.append(await door.keep(visit, "logs", found.logs))
                if found.metrics:
                    kept.append(await door.keep(visit, "metrics", found.metrics))
            if refused := [reasons(decoded) for decoded in kept if decoded.rejected]:
                raise InvalidInput("; ".join(refused))
            outcome.status = 200
        channel = request.headers.get(_CHANNEL) or query.get("channel")
        return _json({**_SUCCESS, "ackId": next(acks)} if channel else _SUCCESS)

    return collect


async def _health(principal: Caller) -> Response:
    return _json({"text": "HEC is healthy", "code": 17})


async def _acknowledged(request: Request, principal: Caller) -> Response:
    """Every answer was given after the commit, so that whatever number it named is acknowledged."""
    try:
        numbers = orjson.loads(await request.body())["acks"]
        return _json({"acks": {str(int(number)): True for number in numbers[:_MOST_ACKS]}})
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        raise InvalidInput('expected {"acks": [numbers]}') from None


def _json(answer: dict[str, Any]) -> Response:
    return Response(orjson.dumps(answer), 200, media_type=JSON)
