"""The application ``analytics`` (Serve mounts it at ``/api/analytics``)."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from fastapi import FastAPI

from airis_ray.analytics import routes_query, routes_series
from airis_ray.analytics.hot_keys import HotKeyCache
from airis_ray.settings import Settings
from airis_ray.store import Store
from airis_ray.web.app import service_app
from airis_ray.web.auth import Guard


def create_app(
    settings: Settings, store: Store, guard: Guard, clock: Callable[[], int] = time.time_ns
) -> FastAPI:
    """The application; it closes ``store`` when it shuts down. ``clock`` tells nanoseconds since 1970."""
    keys = HotKeyCache(store, clock)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        keys.current()
        yield
        await keys.close()
        await store.close()

    app = service_app("analytics", settings, guard, lifespan, answers=guard.cache)
    app.state.hot_keys = keys
    app.include_router(routes_query.router(store, clock, keys))
    app.include_router(routes_series.router(store, clock, keys))
    return app
