"""OTLP/HTTP: ``POST /logs``, ``/traces`` and ``/metrics``, and the other ways in (Serve mounts them at ``/v1``)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Annotated, Final, get_args

import orjson
from fastapi import Depends, FastAPI
from starlette.requests import Request
from starlette.responses import Response

from airis_ray.errors import AirisError
from airis_ray.ingest import answers, metrics
from airis_ray.ingest.bodies import JSON, PROTOBUF, check_length, content_encoding, media_type, read_body
from airis_ray.ingest.intake import Intake, Payload
from airis_ray.ingest.intakes import add_intakes
from airis_ray.ingest.intakes.refusals import render
from airis_ray.ingest.openapi import operation
from airis_ray.ingest.origins import allow_origins
from airis_ray.settings import Settings
from airis_ray.telemetry.tables import Signal
from airis_ray.web.app import service_app
from airis_ray.web.auth import Guard, Principal, Scope, require
from airis_ray.web.problems import kind_of

CLOSE_SECONDS: Final = 15.0
"""Longest time that shutting down waits for commits; below Serve's graceful_shutdown_timeout_s of 20."""

Export = Callable[[Request, Principal], Awaitable[Response]]


def create_app(settings: Settings, intake: Intake, guard: Guard) -> FastAPI:
    """The application; it closes ``intake`` when it shuts down."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        intake.look_after()
        yield
        await intake.close(CLOSE_SECONDS)

    app = service_app("ingest", settings, guard, lifespan, limit="ingest", render=render)
    for signal in get_args(Signal):
        app.add_api_route(
            f"/{signal}",
            _endpoint(signal, intake),
            methods=["POST"],
            name=f"export_{signal}",
            response_class=Response,
            **operation(signal, settings.ingest.max_body_bytes),
        )
    add_intakes(app, intake, settings)
    allow_origins(app, settings.ingest.origins)
    return app


def _endpoint(signal: Signal, intake: Intake) -> Callable[..., Awaitable[Response]]:
    async def export(
        request: Request, principal: Annotated[Principal, Depends(require(Scope.INGEST))]
    ) -> Response:
        status = 500
        try:
            response = await _export(signal, intake, request, principal)
            status = response.status_code
        except AirisError as error:
            status = kind_of(error).status
            raise
        finally:
            metrics.REQUESTS.labels(
                tenant=principal.tenant, signal=signal, transport="http", status=str(status)
            ).inc()
        return response

    return export


async def _export(signal: Signal, intake: Intake, request: Request, principal: Principal) -> Response:
    media = media_type(request.headers.get("content-type"))
    encoding = content_encoding(request.headers.getlist("content-encoding"))
    check_length(request.headers.get("content-length"), intake.max_body_bytes)
    with intake.reservation() as held:
        chunks = await read_body(request.stream(), intake.max_body_bytes, held)
        payload = Payload(chunks, encoding, media, request.headers.get("traceparent"))
        decoded = await intake.accept(signal, payload, principal.tenant, held)
    if media == JSON:
        return Response(orjson.dumps(answers.document(signal, decoded)), media_type=JSON)
    return Response(answers.message(signal, decoded).SerializeToString(), media_type=PROTOBUF)
