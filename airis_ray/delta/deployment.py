"""Ray Serve: event deltas at ``/api/delta``."""

from __future__ import annotations

from fastapi import FastAPI
from ray import serve
from ray.serve import Application

from airis_ray.delta.app import create_app
from airis_ray.launch.deployment import begin_replica, prepared
from airis_ray.settings import Settings
from airis_ray.store.client import open_store
from airis_ray.web.service import service_guard
from airis_ray.web.vitals import Vitals, vitals


@serve.deployment(name="Delta")
@serve.ingress()
class Delta:
    """A replica. Its parts are made on the event loop that serves them, hence not in the constructor."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._app: FastAPI | None = None

    async def __serve_build_asgi_app__(self) -> FastAPI:
        begin_replica()
        store = open_store(self._settings)
        # The application closes the store when Serve shuts the replica down.
        self._app = create_app(self._settings, store, service_guard(self._settings, "delta", store))
        return self._app

    async def follow(self) -> int:
        """Compare the events of anomalies that were not yet; how many still wait. The watcher calls it."""
        return int(await self._app.state.follower.follow()) if self._app is not None else 1

    async def vitals(self) -> Vitals:
        """What this replica tells of itself."""
        return vitals("delta")


def app(args: dict[str, str]) -> Application:
    """Build the application from the environment (``AIRIS_*``)."""
    return Delta.bind(prepared())  # type: ignore[attr-defined] # Serve's decorator adds it
