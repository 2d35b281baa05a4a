"""The application ``search`` (Serve mounts it at ``/api/search``)."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import APIRouter, Body, Depends, FastAPI
from starlette.requests import Request
from starlette.types import ASGIApp

from airis_ray.analytics.app import create_app as create_analytics
from airis_ray.search.asking import Asker
from airis_ray.search.catalog import Catalogs
from airis_ray.search.embedding import E5, Embedder
from airis_ray.search.execution import Caller, Executor
from airis_ray.search.llm import ChatModel
from airis_ray.search.models import AskAnswer, AskRequest, SimilarAnswer, SimilarRequest
from airis_ray.search.similar import Similar
from airis_ray.search.templates import Templates
from airis_ray.settings import Settings
from airis_ray.store import Store
from airis_ray.web.app import service_app
from airis_ray.web.auth import Guard, Principal, Scope, require

Reader = Annotated[Principal, Depends(require(Scope.READ))]


def create_app(
    settings: Settings,
    store: Store,
    guard: Guard,
    clock: Callable[[], int] = time.time_ns,
    *,
    applications: Mapping[str, ASGIApp] | None = None,
    embedder: Embedder | None = None,
) -> FastAPI:
    """The application; it closes ``store`` when it shuts down. ``clock`` tells nanoseconds since 1970.

    ``applications`` (by prefix) are those that questions are sent to; analytics, on the same store, unless they are
    named. ``embedder`` makes the vectors of meanings.
    """
    templates = Templates(store, time.monotonic)
    catalogs = Catalogs(store, time.monotonic, templates.texts)
    peers: dict[str, ASGIApp] = dict(
        applications or {"/api/analytics": create_analytics(settings, store, guard, clock)}
    )
    model = ChatModel(settings.llm) if settings.llm.url else None
    similar = Similar(templates, embedder or E5(), clock)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await catalogs.close()
        if model is not None:
            await model.close()
        await store.close()

    app = service_app("search", settings, guard, lifespan)
    peers["/api/search"] = app
    app.include_router(_router(Asker(catalogs, Executor(peers), clock, model), similar))
    return app


def _router(asker: Asker, similar: Similar) -> APIRouter:
    routes = APIRouter(tags=["search"])

    @routes.post(
        "/ask",
        summary="A question in Korean or English as a request, with its result",
        response_model_exclude_none=False,
    )
    async def post_ask(
        request: Request, principal: Reader, asked: Annotated[AskRequest, Body()]
    ) -> AskAnswer:
        return await asker.ask(asked, Caller.of(principal.tenant, request.headers))

    @routes.post("/similar-logs", summary="Log patterns by their meaning")
    async def post_similar(principal: Reader, asked: Annotated[SimilarRequest, Body()]) -> SimilarAnswer:
        return await similar.find(asked, principal.tenant)

    return routes
