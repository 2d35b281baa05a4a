"""The application every service starts from."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute, RouteContext, iter_route_contexts
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from airis_ray import __version__
from airis_ray.cache import CacheStore
from airis_ray.errors import AirisError, Bug, NotFound
from airis_ray.settings import Settings
from airis_ray.web.answers import AnswerCache
from airis_ray.web.auth import Guard, Require
from airis_ray.web.middleware import GuardMiddleware
from airis_ray.web.problems import HttpRefusal, Render, problem
from airis_ray.web.validation import invalid_request, unreadable_body

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


def service_app(
    title: str,
    settings: Settings,
    guard: Guard,
    lifespan: Lifespan | None = None,
    *,
    public: Collection[str] = (),
    limit: str = "api",
    render: Render = problem,
    answers: CacheStore | None = None,
) -> FastAPI:
    """A FastAPI application with the guard in front of it and every error mapped.

    ``public`` names the paths (of this application, without its prefix) that need no credentials; every other
    route must depend on :func:`airis_ray.web.auth.require`. ``limit`` is the limit its requests count
    against, ``api`` or ``ingest``. ``render`` writes its errors. ``answers`` keeps costly answers for an application
    that only reads. Documents are the gateway's: the application itself serves none.
    """
    app = FastAPI(
        title=title,
        version=__version__,
        lifespan=_checked(lifespan, guard),
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=lambda route: route.name,
    )
    app.state.public = frozenset(public)
    if answers is not None:
        app.add_middleware(AnswerCache, store=answers, settings=settings.cache)  # behind the guard
    app.add_middleware(
        GuardMiddleware,
        guard=guard,
        service=title,
        public=app.state.public,
        limit=limit,
        render=render,
        max_body=settings.ingest.max_body_bytes,
    )

    async def on_airis_error(request: Request, error: Exception) -> Response:
        if not isinstance(error, AirisError) or isinstance(error, Bug):
            raise error
        return render(request.scope, error)

    async def on_invalid(request: Request, error: Exception) -> Response:
        if not isinstance(error, RequestValidationError):
            raise error
        return render(request.scope, invalid_request(request, error))

    async def on_http_exception(request: Request, error: Exception) -> Response:
        if not isinstance(error, HTTPException):
            raise error
        return render(request.scope, _translated(request, error))

    app.add_exception_handler(AirisError, on_airis_error)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(HTTPException, on_http_exception)
    return app


def routes_of(app: FastAPI) -> Iterator[RouteContext]:
    """Every route of an application, those of included routers with their whole path."""
    return iter_route_contexts(app.routes)


def unguarded_routes(app: FastAPI) -> list[str]:
    """Paths that are neither listed public nor guarded by :func:`require`; must be empty."""
    public: frozenset[str] = app.state.public
    return [
        str(route.path) for route in routes_of(app) if route.path not in public and scopes_of(route) is None
    ]


def scopes_of(route: RouteContext) -> tuple[str, ...] | None:
    """The scopes that a route asks for; None where nothing guards it."""
    original = route.original_route
    if not isinstance(original, APIRoute):
        return None
    pending = [route.dependant]
    while pending:
        dependant = pending.pop()
        if isinstance(dependant.call, Require):
            return tuple(scope.value for scope in dependant.call.scopes)
        pending.extend(dependant.dependencies)
    return None


def _checked(lifespan: Lifespan | None, guard: Guard) -> Lifespan:
    """The lifespan of an application that refuses to start with an unguarded route, and closes its guard."""

    @asynccontextmanager
    async def checked(app: FastAPI) -> AsyncIterator[None]:
        if unguarded := unguarded_routes(app):
            raise Bug(f"routes of {app.title} without require(): {', '.join(unguarded)}")
        async with lifespan(app) if lifespan is not None else nullcontext():
            yield
        await guard.close()

    return checked


def _translated(request: Request, error: HTTPException) -> AirisError:
    if isinstance(error.__cause__, AirisError):  # FastAPI wraps what reading the body raised
        return error.__cause__
    if error.status_code == 400:  # FastAPI's own: what the parser of JSON raised
        return unreadable_body(request, error.__cause__)
    if error.status_code == 404:
        return NotFound(f"there is nothing at {request.method} {request.url.path}")
    if error.status_code == 405:
        allowed = (error.headers or {}).get("Allow", "")
        return HttpRefusal(
            f"{request.method} is not allowed here; allowed: {allowed or 'see /openapi.json'}",
            405,
            error.headers,
        )
    return HttpRefusal(str(error.detail), error.status_code, error.headers)
