"""``/models``: models of one's own are registered, listed, rolled back and deleted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request

from airis_ray.aiops.bodies import Reader
from airis_ray.aiops.custom.admission import Wanted, examine, keep
from airis_ray.aiops.custom.card import NAME, VERSION, Card, Output, Version, Width
from airis_ray.aiops.custom.registry import Entry, Registry
from airis_ray.errors import Overloaded, Unsupported
from airis_ray.settings import ModelSettings
from airis_ray.store import Store
from airis_ray.web.audit import Audit
from airis_ray.web.auth import Principal, Scope, require

OCTETS: Final = "application/octet-stream"
_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "description": "an ONNX graph of standard operators, all of it in this one file",
        "content": {OCTETS: {"schema": {"type": "string", "format": "binary"}}},
    }
}

Writer = Annotated[Principal, Depends(require(Scope.WRITE))]
InPath = Annotated[str, Path(pattern=NAME)]
VersionInPath = Annotated[str, Path(pattern=VERSION)]


class ModelVersion(Card):
    """A version of a model."""

    serving: bool = Field(description="whether it answers to the name alone")


class ModelOut(BaseModel):
    """A model with all its versions, the newest first."""

    name: str
    serving: str = Field(description="the version that answers to the name alone")
    before: tuple[str, ...] = Field(description="what served earlier, the latest last")
    versions: list[ModelVersion]


class RollBack(BaseModel):
    """The body of a rollback."""

    model_config = ConfigDict(extra="forbid")

    version: Version | None = Field(None, description="unset: the one that served before")


def router(registry: Registry, settings: ModelSettings, store: Store, clock: Callable[[], int]) -> APIRouter:
    """The routes; ``clock`` tells nanoseconds since 1970."""
    routes = APIRouter(prefix="/models", tags=["aiops"])

    @routes.get("", summary="The tenant's own models")
    async def get_models(principal: Reader) -> list[ModelOut]:
        entries = await asyncio.to_thread(registry.entries, principal.tenant)
        return [_told(name, entry) for name, entry in entries.items()]

    _add_registration(routes, registry, settings, Audit(store, clock=lambda: clock() / 1e9), clock)
    _add_changes(routes, registry, Audit(store, clock=lambda: clock() / 1e9))
    return routes


def _add_registration(
    routes: APIRouter, registry: Registry, settings: ModelSettings, audit: Audit, clock: Callable[[], int]
) -> None:
    turn = asyncio.Lock()

    @routes.post(
        "/{name}",
        status_code=201,
        summary="Register a model; it serves once it passed the checks that every detector passes",
        openapi_extra=_BODY,
        responses={422: {"description": "it is no such graph, or failed a check; each is named"}},
    )
    async def post_model(
        request: Request,
        principal: Writer,
        name: InPath,
        width: Annotated[Width, Query()],
        output: Annotated[Output, Query(description="what the graph gives of windows [n, width] of float32")],
        version: Annotated[Version | None, Query(description="unset: the next number")] = None,
    ) -> ModelVersion:
        media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media != OCTETS:
            raise Unsupported(f"Content-Type is {media or 'missing'}; expected {OCTETS}")
        artefact = await request.body()
        wanted = Wanted(principal.tenant, name, version, width, output, artefact, principal.key_id)
        if turn.locked():
            raise Overloaded("another model is being checked; try again later", retry_after=10.0)
        async with turn:
            card = await asyncio.to_thread(examine, wanted, registry, settings, clock())
            detail = {"sha256": card.sha256, "bytes": str(card.bytes)}
            await audit.record(principal, "model.register", card.id, tenant=principal.tenant, detail=detail)
            await asyncio.to_thread(keep, wanted, card, registry)
        return ModelVersion(**card.model_dump(), serving=True)


def _add_changes(routes: APIRouter, registry: Registry, audit: Audit) -> None:
    @routes.post("/{name}/rollback", summary="Let an earlier version serve again")
    async def post_rollback(principal: Writer, name: InPath, body: RollBack) -> ModelOut:
        await asyncio.to_thread(registry.entry, principal.tenant, name)
        detail = {"version": body.version or ""}
        await audit.record(principal, "model.rollback", name, tenant=principal.tenant, detail=detail)
        await asyncio.to_thread(registry.roll_back, principal.tenant, name, body.version)
        return _told(name, await asyncio.to_thread(registry.entry, principal.tenant, name))

    async def delete(principal: Principal, name: str, version: str | None) -> Response:
        await asyncio.to_thread(registry.entry, principal.tenant, name)
        target = name if version is None else f"{name}@{version}"
        await audit.record(principal, "model.delete", target, tenant=principal.tenant)
        await asyncio.to_thread(registry.delete, principal.tenant, name, version)
        return Response(status_code=204)

    @routes.delete("/{name}", status_code=204, summary="Delete a model with all its versions")
    async def delete_model(principal: Writer, name: InPath) -> Response:
        return await delete(principal, name, None)

    @routes.delete(
        "/{name}/versions/{version}", status_code=204, summary="Delete a version that does not serve"
    )
    async def delete_version(principal: Writer, name: InPath, version: VersionInPath) -> Response:
        return await delete(principal, name, version)


def _told(name: str, entry: Entry) -> ModelOut:
    versions = [
        ModelVersion(**card.model_dump(), serving=card.version == entry.serving.version)
        for card in entry.cards
    ]
    return ModelOut(name=name, serving=entry.serving.version, before=entry.serving.before, versions=versions)
