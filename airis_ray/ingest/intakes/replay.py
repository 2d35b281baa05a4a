"""Recordings of browser sessions, chunk by chunk: ``POST /replay``."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.requests import Request

from airis_ray.ingest.bodies import inflate
from airis_ray.ingest.intakes.door import Caller, Door, counted

_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["session_id", "events"],
    "properties": {
        "session_id": {"type": "string", "maxLength": 128},
        "events": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["type", "timestamp"],
                "properties": {"type": {"type": "integer"}, "timestamp": {"type": "number"}, "data": {}},
            },
        },
        "metadata": {
            "type": "object",
            "description": "other fields are kept as the session's attributes",
            "properties": {
                "sequence": {"type": "integer", "minimum": 0, "description": "the chunk's number in its tab"},
                **{
                    name: {"type": "string"}
                    for name in ("tab", "user", "url", "user_agent", "service", "release", "reason")
                },
            },
        },
    },
}


class EventsAccepted(BaseModel):
    """The answer."""

    accepted: int = Field(description="events that are durable")


def router(door: Door) -> APIRouter:
    """The route."""
    routes = APIRouter(tags=["ingest"])

    @routes.post(
        "/replay",
        status_code=202,
        name="replay",
        summary="A chunk of a recording by rrweb",
        description=(
            "The values of inputs, e-mail addresses, card and resident-registration numbers are masked before anything "
            "is written. The same chunk may be sent again. 409: the session is past its size, length or idle time."
        ),
        openapi_extra={
            "requestBody": {"required": True, "content": {"application/json": {"schema": _SCHEMA}}}
        },
    )
    async def take(request: Request, principal: Caller) -> EventsAccepted:
        with counted("replay", "replay", principal) as outcome:
            async with door.visit(request, principal) as visit:
                accepted = await door.intake.accept_recording(
                    lambda: inflate(visit.encoding, b"".join(visit.chunks), door.limit),
                    principal.tenant,
                    visit.size,
                )
            outcome.status = 202
        return EventsAccepted(accepted=accepted)

    return routes
