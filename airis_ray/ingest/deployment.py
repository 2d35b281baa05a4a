"""Ray Serve: one deployment answers OTLP over HTTP (its ASGI application) and over gRPC (its method ``Export``)."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from ray import serve
from ray.serve import Application
from ray.serve.grpc_util import RayServegRPCContext

from airis_ray.garbage import collect_rarely
from airis_ray.ingest.app import create_app
from airis_ray.ingest.grpc import Exporter
from airis_ray.ingest.intake import Intake
from airis_ray.launch.deployment import begin_replica, prepared
from airis_ray.settings import Settings
from airis_ray.store.client import open_store
from airis_ray.web.service import service_guard
from airis_ray.web.vitals import Vitals, vitals


@serve.deployment(name="Ingest")
@serve.ingress()
class Ingest:
    """A replica. Its parts are made on the event loop that serves them, hence not in the constructor."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._intake: Intake | None = None
        self._exporter: Exporter | None = None

    async def __serve_build_asgi_app__(self) -> FastAPI:
        store = open_store(self._settings)
        guard = service_guard(self._settings, "ingest", store)
        begin_replica()
        collect_rarely()
        self._intake = Intake(store, self._settings)
        self._exporter = Exporter(self._intake, guard)
        # The application closes the intake, and with it the store, when Serve shuts the replica down.
        return create_app(self._settings, self._intake, guard)

    async def Export(self, request: Any, grpc_context: RayServegRPCContext) -> Any:  # noqa: N802 - gRPC's name
        """The call of all three OTLP services."""
        assert self._exporter is not None
        return await self._exporter.export(request, grpc_context)

    async def check_health(self) -> None:
        """Raise unless this replica works. A store that is down is not its fault and no reason to restart it."""
        if self._intake is not None:
            await self._intake.check()

    async def vitals(self) -> Vitals:
        """What this replica tells of itself."""
        return vitals("ingest")


def app(args: dict[str, str]) -> Application:
    """Build the application from the environment (``AIRIS_*``)."""
    return Ingest.bind(prepared())  # type: ignore[attr-defined] # Serve's decorator adds it
