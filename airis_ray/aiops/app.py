"""The application ``aiops`` (Serve mounts it at ``/api/aiops``)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from fastapi import FastAPI

from airis_ray.aiops import anomalies, routes_detect, routes_forecast, routes_models
from airis_ray.aiops.batching import Ahead, Detect, Threads, detecting, forecasting
from airis_ray.aiops.custom.detector import Model
from airis_ray.aiops.custom.loading import Load, Loaded, key_of
from airis_ray.aiops.custom.registry import Registry
from airis_ray.settings import Settings
from airis_ray.store import Store
from airis_ray.web.app import service_app
from airis_ray.web.auth import Guard


def create_app(
    settings: Settings,
    store: Store,
    guard: Guard,
    clock: Callable[[], int] = time.time_ns,
    *,
    threads: Threads | None = None,
    detect: Detect | None = None,
    ahead: Ahead | None = None,
    load: Load | None = None,
) -> FastAPI:
    """The application; it closes ``store`` and ``threads`` when it shuts down.

    ``clock`` tells nanoseconds since 1970. ``detect`` and ``ahead`` compute scores and forecasts, those of
    several requests together where they can; without them each request is computed by itself in a thread. ``load``
    holds users' models ready; without it this application does.
    """
    pool = threads or Threads()
    registry = Registry.of(settings)
    held = Loaded(registry, settings.models)

    async def named(tenant: str, asked: str) -> Model:
        card = await asyncio.to_thread(registry.find, tenant, asked)
        return await (load or held.load)(key_of(tenant, card))

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await held.close()
        pool.close()
        await store.close()

    app = service_app("aiops", settings, guard, lifespan)
    app.include_router(routes_detect.router(detect or detecting(pool, settings.detect.device), named, clock))
    app.include_router(routes_forecast.router(ahead or forecasting(pool), clock))
    app.include_router(routes_models.router(registry, settings.models, store, clock))
    app.include_router(anomalies.router(store, clock))
    return app
