"""The application ``replay`` (Serve mounts it at ``/api/replay``)."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from fastapi import FastAPI

from airis_ray.replay.objects import Objects
from airis_ray.replay.routes import Sessions, router
from airis_ray.settings import Settings
from airis_ray.store import Store
from airis_ray.web.app import service_app
from airis_ray.web.auth import Guard


def create_app(
    settings: Settings, store: Store, guard: Guard, clock: Callable[[], int] = time.time_ns
) -> FastAPI:
    """The application; it closes ``store`` when it shuts down. ``clock`` tells nanoseconds since 1970."""
    objects = Objects.of(settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        objects.close()
        await store.close()

    app = service_app("replay", settings, guard, lifespan)
    app.include_router(router(Sessions(store, settings, objects, clock)))
    return app
