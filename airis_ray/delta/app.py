"""The application ``delta`` (Serve mounts it at ``/api/delta``)."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import APIRouter, Body, Depends, FastAPI

from airis_ray.analytics.hot_keys import HotKeyCache
from airis_ray.delta.compare import Comparer
from airis_ray.delta.explain import ExplainAnswer, ExplainRequest, explain
from airis_ray.delta.following import Follower
from airis_ray.delta.models import CompareAnswer, CompareRequest
from airis_ray.settings import Settings
from airis_ray.store import Store
from airis_ray.web.app import service_app
from airis_ray.web.auth import Guard, Principal, Scope, require

Reader = Annotated[Principal, Depends(require(Scope.READ))]


def create_app(
    settings: Settings, store: Store, guard: Guard, clock: Callable[[], int] = time.time_ns
) -> FastAPI:
    """The application; it closes ``store`` when it shuts down. ``clock`` tells nanoseconds since 1970.

    ``state.follower`` is the :class:`Follower` that compares the events of anomalies, for whoever calls it.
    """
    keys = HotKeyCache(store, clock)
    comparer = Comparer(store, settings.delta.budget, time.monotonic)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        keys.current()
        yield
        await keys.close()
        await store.close()

    app = service_app("delta", settings, guard, lifespan)
    app.state.follower = Follower(store, comparer, settings.delta.anomalies, clock=clock, hot=keys.current)
    app.include_router(_router(comparer, keys, clock))
    app.include_router(_explaining(store, settings, keys, clock))
    return app


def _router(comparer: Comparer, keys: HotKeyCache, clock: Callable[[], int]) -> APIRouter:
    routes = APIRouter(tags=["delta"])

    @routes.post("/compare", summary="What some events have in common that others have not")
    async def post_compare(principal: Reader, asked: Annotated[CompareRequest, Body()]) -> CompareAnswer:
        return await comparer.compare(asked, principal.tenant, clock(), keys.current())

    return routes


def _explaining(store: Store, settings: Settings, keys: HotKeyCache, clock: Callable[[], int]) -> APIRouter:
    routes = APIRouter(tags=["delta"])

    @routes.post("/explain", summary="Which combination of values a change goes with")
    async def post_explain(principal: Reader, asked: Annotated[ExplainRequest, Body()]) -> ExplainAnswer:
        return await explain(store, asked, principal.tenant, clock(), keys.current(), settings.delta.budget)

    return routes
