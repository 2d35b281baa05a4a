"""Prometheus remote write 1.0 and 2.0: ``POST /prometheus/write``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from airis_ray.errors import Unsupported
from airis_ray.ingest.answers import reasons
from airis_ray.ingest.bodies import PROTOBUF
from airis_ray.ingest.intakes.door import Caller, Door, counted
from airis_ray.ingest.intakes.openapi import body
from airis_ray.telemetry.prometheus import Translated, translate_v1, translate_v2

_TRANSLATORS: Final[dict[str, Callable[[bytes, int], Translated]]] = {
    "prometheus.WriteRequest": translate_v1,
    "io.prometheus.write.v2.Request": translate_v2,
}
_FIRST: Final = "prometheus.WriteRequest"
_WRITTEN: Final = "x-prometheus-remote-write-{}-written"


def router(door: Door) -> APIRouter:
    """The routes."""
    routes = APIRouter()

    @routes.post(
        "/prometheus/write",
        status_code=204,
        response_class=Response,
        name="prometheus_write",
        summary="Prometheus remote write 1.0 and 2.0",
        description=(
            "204 when every sample is durable. 400 where some were refused: the text says which, the headers "
            "`X-Prometheus-Remote-Write-*-Written` how many were kept, and sending the request again would not help."
        ),
        tags=["ingest"],
        openapi_extra=body(
            "`prometheus.WriteRequest`, or `io.prometheus.write.v2.Request` where Content-Type has `;proto=` with that "
            "name; snappy",
            PROTOBUF,
        ),
    )
    async def write(request: Request, principal: Caller) -> Response:
        with counted("prometheus", "metrics", principal) as outcome:
            translate = _translator(request.headers.get("content-type"))
            async with door.visit(request, principal, "snappy") as visit:
                found = await door.translate(visit, "metrics", lambda data: translate(data, door.limit))
                decoded = await door.keep(visit, "metrics", found.otlp, refused=found.refused)
            refused = found.refused + decoded.rejected
            outcome.status = 400 if refused else 204
            lines = [*found.reasons, *([reasons(decoded)] if decoded.rejected else [])]
            headers = {
                _WRITTEN.format("samples"): str(max(0, found.samples - decoded.rejected)),
                _WRITTEN.format("histograms"): str(found.histograms),
                _WRITTEN.format("exemplars"): str(found.exemplars),
            }
            text = f"{refused} samples were refused:\n" + "\n".join(lines) + "\n" if refused else ""
            return Response(text, outcome.status, headers, "text/plain; charset=utf-8" if refused else None)

    return routes


def _translator(content_type: str | None) -> Callable[[bytes, int], Translated]:
    """By the content type, as the specification of 2.0 has it."""
    media, *parameters = [part.strip() for part in (content_type or PROTOBUF).split(";")]
    names = [part.partition("=")[2].strip('"') for part in parameters if part.lower().startswith("proto=")]
    name = names[0] if names else _FIRST
    if media.lower() != PROTOBUF or name not in _TRANSLATORS:
        raise Unsupported(
            f"Content-Type is {content_type}; expected {PROTOBUF} with proto {' or '.join(_TRANSLATORS)}"
        )
    return _TRANSLATORS[name]
