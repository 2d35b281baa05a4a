"""Loki's push API: ``POST /loki/api/v1/push``; and ``GET /loki/ready``, which some agents ask first."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from airis_ray.errors import Unsupported
from airis_ray.ingest.answers import reasons
from airis_ray.ingest.bodies import JSON, PROTOBUF
from airis_ray.ingest.intakes.door import Caller, Door, counted
from airis_ray.ingest.intakes.openapi import body
from airis_ray.telemetry import snappy
from airis_ray.telemetry.loki import translate_json, translate_protobuf


def router(door: Door) -> APIRouter:
    """The routes."""
    routes = APIRouter()

    @routes.post(
        "/loki/api/v1/push",
        status_code=204,
        response_class=Response,
        name="loki_push",
        summary="Loki push: JSON and protobuf",
        description=(
            "204 when every line is durable. 400 for a body that cannot be read, of which nothing is kept, and for "
            "lines outside of the time that is taken in, whose neighbours are kept."
        ),
        tags=["ingest"],
        openapi_extra=body("streams of lines; protobuf in snappy, JSON plain or gzip", JSON, PROTOBUF),
    )
    async def push(request: Request, principal: Caller) -> Response:
        with counted("loki", "logs", principal) as outcome:
            json = _is_json(request.headers.get("content-type"))
            async with door.visit(request, principal, "identity" if json else "snappy") as visit:
                translate = _translator(door, json=json, packed=visit.encoding == "snappy")
                otlp = await door.translate(visit, "logs", translate)
                decoded = await door.keep(visit, "logs", otlp)
            outcome.status = 400 if decoded.rejected else 204
            if decoded.rejected:
                return PlainTextResponse(f"{reasons(decoded)}\n", 400)
            return Response(status_code=204)

    @routes.get(
        "/loki/ready", response_class=PlainTextResponse, name="loki_ready", summary="Whether pushes are taken",
        tags=["ingest"],
    )  # fmt: skip
    async def ready(principal: Caller) -> Response:
        return PlainTextResponse("ready\n")

    return routes


def _is_json(content_type: str | None) -> bool:
    media = (content_type or PROTOBUF).partition(";")[0].strip().lower()
    if media not in (JSON, PROTOBUF):
        raise Unsupported(f"Content-Type is {content_type}; expected {JSON} or {PROTOBUF}")
    return media == JSON


def _translator(door: Door, *, json: bool, packed: bool) -> Callable[[bytes], bytes]:
    """``packed`` where the door takes the snappy off; inside of another coding protobuf is in snappy as well."""

    def translate(data: bytes) -> bytes:
        if json:
            return translate_json(data, door.rules, door.limit)
        plain = data if packed else snappy.inflate(data, door.limit)
        return translate_protobuf(plain, door.rules, door.limit)

    return translate
