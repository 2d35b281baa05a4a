"""Webhooks of alerts: ``POST /alerts/{source}``."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.requests import Request

from airis_ray.errors import NotFound
from airis_ray.ingest.intakes.door import Caller, Door, counted
from airis_ray.ingest.intakes.openapi import body
from airis_ray.telemetry.alerts import SOURCES
from airis_ray.telemetry.otlp.json_mapping import load


class AlertsAccepted(BaseModel):
    """The answer."""

    accepted: int = Field(description="alerts that are durable")


def router(door: Door) -> APIRouter:
    """The routes."""
    routes = APIRouter(tags=["ingest"])

    @routes.post(
        "/alerts/{source}",
        status_code=202,
        name="alerts",
        summary="Alerts of other systems: alertmanager, grafana, generic",
        description=(
            "Webhooks of Alertmanager and Grafana as they send them; `generic` takes an object, or a list "
            "of them, with a `name` and, as far as known, `status`, `severity`, `service`, `description`, "
            "`starts_at`, `ends_at`, `labels`, `annotations`, `fingerprint`, `url`. Other fields become annotations."
        ),
        openapi_extra=body("the webhook's body", "application/json"),
    )
    async def take(source: str, request: Request, principal: Caller) -> AlertsAccepted:
        with counted("alerts", "alerts", principal) as outcome:
            reader = SOURCES.get(source)
            if reader is None:
                raise NotFound(f"there is no source of alerts {source!r}; known: {', '.join(SOURCES)}")
            async with door.visit(request, principal) as visit:
                found = await door.translate(visit, None, lambda data: reader(load(data)))
                await door.intake.accept_alerts(found, source, principal.tenant)
            outcome.status = 202
        return AlertsAccepted(accepted=len(found))

    return routes
