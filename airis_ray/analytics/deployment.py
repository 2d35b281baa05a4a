"""Ray Serve: analytics at ``/api/analytics``."""

from __future__ import annotations

from fastapi import FastAPI
from ray import serve
from ray.serve import Application

from airis_ray.analytics.app import create_app
from airis_ray.launch.deployment import begin_replica, prepared
from airis_ray.settings import Settings
from airis_ray.store.client import open_store
from airis_ray.web.service import service_guard
from airis_ray.web.vitals import Vitals, vitals


@serve.deployment(name="Analytics")
@serve.ingress()
class Analytics:
    """A replica. Its parts are made on the event loop that serves them, hence not in the constructor."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def __serve_build_asgi_app__(self) -> FastAPI:
        store = open_store(self._settings)
        # The application closes the store when Serve shuts the replica down.
        guard = service_guard(self._settings, "analytics", store)
        begin_replica()
        return create_app(self._settings, store, guard)

    async def vitals(self) -> Vitals:
        """What this replica tells of itself."""
        return vitals("analytics")


def app(args: dict[str, str]) -> Application:
    """Build the application from the environment (``AIRIS_*``)."""
    return Analytics.bind(prepared())  # type: ignore[attr-defined] # Serve's decorator adds it
