"""Ray Serve: the gateway at ``/``."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from fastapi import FastAPI
from ray import serve
from ray.serve import Application

from airis_ray.gateway.app import create_app
from airis_ray.launch.deployment import prepared
from airis_ray.settings import Settings
from airis_ray.store.client import open_store
from airis_ray.store.protocol import Store
from airis_ray.web.service import service_guard


@serve.deployment(name="Gateway")
@serve.ingress()
class Gateway:
    """A replica. Its parts are made on the event loop that serves them, hence not in the constructor."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._store: Store | None = None

    async def __serve_build_asgi_app__(self) -> FastAPI:
        self._store = store = open_store(self._settings)
        guard = service_guard(self._settings, "gateway", store)
        return create_app(self._settings, store, guard, applications=_applications)

    async def __del__(self) -> None:
        if self._store is not None:
            await self._store.close()


async def _applications() -> Mapping[str, str]:
    status = await asyncio.to_thread(serve.status)
    return {name: str(overview.status.value) for name, overview in status.applications.items()}


def app(args: dict[str, str]) -> Application:
    """Build the application from the environment (``AIRIS_*``)."""
    return Gateway.bind(prepared())  # type: ignore[attr-defined] # Serve's decorator adds it
