"""A small application behind the guard, and keys of a dictionary."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import httpx
from fastapi import APIRouter, Depends, FastAPI, Request
from pydantic import BaseModel, ConfigDict, Field

from airis_ray.errors import AirisError
from airis_ray.settings import Settings
from airis_ray.web.app import service_app
from airis_ray.web.auth import Guard, Principal, Scope, require
from airis_ray.web.limits import Limits

READER = Principal("k-reader", "acme", frozenset({Scope.READ}))
Reader = Annotated[Principal, Depends(require(Scope.READ))]
INGESTER = Principal("k-ingester", "acme", frozenset({Scope.INGEST}))


class Keys:
    """A key ring of a dictionary, or of an error."""

    def __init__(self, keys: dict[str, Principal] | None = None, error: AirisError | None = None) -> None:
        self.keys = {"reader": READER, "ingester": INGESTER} if keys is None else keys
        self.error = error

    async def verify(self, key: str) -> Principal | None:
        if self.error is not None:
            raise self.error
        return self.keys.get(key)


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")
    query: str = ""
    limit: int = Field(3, ge=1)


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")
    target: Inner
    others: list[Inner] = []
    start: str = Field("now-1h", alias="from")
    choice: Inner | None = None
    when: str | int = "now"


def demo_app(
    guard: Guard, error: Callable[[], Exception] | None = None, settings: Settings | None = None
) -> FastAPI:
    """An application with routes of every kind; ``/boom`` raises ``error()``."""
    app = service_app("demo", settings or Settings(), guard, public=("/open",))
    routes = APIRouter(prefix="/things")

    @app.get("/open")
    async def open_() -> dict[str, bool]:
        return {"open": True}

    @routes.post("/{number}")
    async def post(number: int, body: Body, principal: Reader, window: int = 5) -> dict[str, str]:
        return {"tenant": principal.tenant}

    @routes.get("/write")
    async def write(principal: Annotated[Principal, Depends(require(Scope.WRITE))]) -> dict[str, str]:
        return {}

    @routes.get("/boom")
    async def boom(principal: Reader) -> None:
        raise error() if error else RuntimeError("internal airis_abc_" + "x" * 43)

    @app.post("/raw")
    async def raw(request: Request, principal: Reader) -> dict[str, int]:
        return {"bytes": len(await request.body())}

    app.include_router(routes)
    return app


def client_of(
    app: FastAPI, key: str | None = "reader", peer: str = "127.0.0.1", host: str = "airis"
) -> httpx.AsyncClient:
    headers = {} if key is None else {"authorization": f"Bearer {key}"}
    transport = httpx.ASGITransport(app, client=(peer, 4711))
    return httpx.AsyncClient(transport=transport, base_url=f"http://{host}", headers=headers)


def guard_of(
    keys: Keys | None = None, settings: Settings | None = None, limits: Limits | None = None
) -> Guard:
    return Guard(settings or Settings(), keys or Keys(), limits=limits)
