"""The gateway: what stands at ``/``."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Annotated, Any, Final

from fastapi import Depends, FastAPI
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from airis_ray import __version__
from airis_ray.errors import Forbidden, Unauthenticated, Unavailable
from airis_ray.gateway import login
from airis_ray.gateway.accounts import router as accounts_router
from airis_ray.gateway.administration import router
from airis_ray.gateway.applications import APPLICATIONS
from airis_ray.gateway.exposition import Exposition
from airis_ray.gateway.models import Part, Readiness, breakers_of
from airis_ray.gateway.openapi import openapi
from airis_ray.gateway.pages import page_endpoint
from airis_ray.gateway.readiness import Applications, Probes, Report
from airis_ray.gateway.recorder import recorder_endpoint
from airis_ray.gateway.replicas import AskAll, Replicas
from airis_ray.settings import Settings
from airis_ray.store.protocol import Store
from airis_ray.web.app import service_app
from airis_ray.web.auth import DEFAULT_TENANT, Guard, Principal, Scope, require
from airis_ray.web.vitals import Vitals

PUBLIC: Final = ("/", "/healthz", "/readyz", "/openapi.json", "/docs", "/recorder.js", login.LOGIN)

_BREAKERS_WAIT: Final = 0.5
"""Seconds that /readyz waits for replicas that are slow to tell; a load balancer waits for /readyz."""


def create_app(
    settings: Settings,
    store: Store,
    guard: Guard,
    *,
    applications: Applications | None = None,
    replicas: AskAll | None = None,
    clock: Callable[[], float] = time.time,
) -> FastAPI:
    """The application. ``applications`` tells the state of the Serve applications, ``replicas`` asks every replica of
    theirs; None where there is no Serve.

    The caller's ``store`` stays his: he closes it.
    """
    app = service_app("gateway", settings, guard, public=PUBLIC)
    probes = Probes(settings, store, applications, cache=guard.cache)
    everywhere = Replicas(replicas)
    exposition = Exposition(store, probes, everywhere)
    app.include_router(router(store, clock))
    app.include_router(login.router(settings, store, guard, clock))
    app.include_router(accounts_router(store, clock))

    # Monitors and balancers ask by HEAD, too.
    @app.head("/healthz", include_in_schema=False)
    @app.get("/healthz", tags=["state"], summary="Alive")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.head("/readyz", include_in_schema=False)
    @app.get(
        "/readyz",
        tags=["state"],
        summary="200 when every needed part is ready",
        responses={503: {"model": Readiness}},
    )
    async def readyz(request: Request) -> JSONResponse:
        report, found = await asyncio.gather(probes.report(), everywhere.vitals(_BREAKERS_WAIT))
        body = _readiness(report, found, open_=await _is_operator(guard, request))
        return JSONResponse(body.model_dump(), 200 if report.ready else 503, {"cache-control": "no-store"})

    @app.get(
        "/metrics",
        tags=["state"],
        summary="Metrics for Prometheus; tenant `default`",
        response_class=Response,
    )
    async def metrics(principal: Annotated[Principal, Depends(require(Scope.READ))]) -> Response:
        if principal.tenant != DEFAULT_TENANT:
            raise Forbidden("metrics of the platform are for keys of the tenant `default`")
        return Response(await exposition.text(), media_type=exposition.media_type)

    @app.head("/openapi.json", include_in_schema=False)
    @app.get("/openapi.json", include_in_schema=False)
    async def document() -> JSONResponse:
        return JSONResponse(await asyncio.to_thread(_document, settings))

    _absent(app)
    for path, page in (("/", "index.html"), ("/docs", "docs.html")):
        app.add_api_route(
            path,
            page_endpoint(page),
            methods=["GET", "HEAD"],
            include_in_schema=False,
            response_class=HTMLResponse,
        )
    app.add_api_route("/recorder.js", recorder_endpoint(), methods=["GET", "HEAD"], include_in_schema=False)
    return app


def _absent(app: FastAPI) -> None:
    """The other applications' paths reach the gateway only while they start or stop: 503, so that senders come back."""

    async def absent(principal: Annotated[Principal, Depends(require())], request: Request) -> Response:
        raise Unavailable(f"what answers {request.url.path} is not running now; try again", retry_after=1.0)

    for application in APPLICATIONS:
        if application.prefix:
            path = f"{application.prefix}/{{path:path}}"
            methods = ["GET", "POST", "PUT", "PATCH", "DELETE"]
            app.add_api_route(path, absent, methods=methods, include_in_schema=False)


def _readiness(report: Report, replicas: Sequence[Vitals], *, open_: bool) -> Readiness:
    parts = {
        name: Part(
            state=found.state,
            detail=(found.detail or found.reason) if open_ else found.reason,
            ms=round(found.ms, 1),
            needed=found.needed,
        )
        for name, found in report.parts.items()
    }
    stopped = [each for replica in replicas for each in replica.readings if each.stopped]
    if stopped:
        reason = f"{len(stopped)} partitions of Kafka are stopped because of too many dead letters"
        detail = "; ".join(each.stopped for each in stopped[:3]) if open_ else reason
        parts["stream"] = Part(state="down", detail=detail, ms=0.0, needed=False)
    breakers = breakers_of(replicas, open_=open_)
    return Readiness(ready=report.ready, version=__version__, parts=parts, breakers=breakers)


async def _is_operator(guard: Guard, request: Request) -> bool:
    """Whether this caller of a public path showed an operator's key; a wrong one is refused as everywhere."""
    authorization = request.headers.get("authorization")
    if authorization is None:
        return False
    try:
        return (
            await guard.authenticate(authorization, request.client.host if request.client else None)
        ).operator
    except Unauthenticated:
        raise
    except Exception:  # the probe must answer also where keys cannot be verified
        return False


@lru_cache(maxsize=1)
def _document(settings: Settings) -> dict[str, Any]:
    return openapi(settings)
