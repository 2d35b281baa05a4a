"""The application ``aiops`` (Serve mounts it at ``/api/aiops``)."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from fastapi import FastAPI

from airis_ray.aiops import anomalies, routes_detect, routes_forecast
from airis_ray.aiops.batching import Ahead, Detect, Threads, detecting, forecasting
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
) -> FastAPI:
    """The application; it closes ``store`` and ``threads`` when it shuts down.

    ``clock`` tells nanoseconds since 1970. ``detect`` and ``ahead`` compute scores and forecasts, those of
    several requests together where they can; without them each request is computed by itself in a thread.
    """
    pool = threads or Threads()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        pool.close()
        await store.close()

    app = service_app("aiops", settings, guard, lifespan)
    app.include_router(routes_detect.router(detect or detecting(pool), clock))
    app.include_router(routes_forecast.router(ahead or forecasting(pool), clock))
    app.include_router(anomalies.router(store, clock))
    return app
