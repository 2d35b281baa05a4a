"""``/api/keys``, ``/api/tenants``, ``/api/audit``."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from starlette.requests import Request

from airis_ray.errors import Forbidden, InvalidInput
from airis_ray.gateway.models import (
    AuditEvent,
    CreatedKey,
    Key,
    NewKey,
    NewTenant,
    TenantId,
    TenantInfo,
    created_key_of,
    event_of,
    key_of,
    tenant_of,
)
from airis_ray.gateway.tenants import Tenants
from airis_ray.store.protocol import Store
from airis_ray.telemetry.times import LAST, SECOND, parse_duration, parse_range, parse_time
from airis_ray.web.audit import Audit
from airis_ray.web.auth import Principal, Scope, require
from airis_ray.web.keys import KeyTable
from airis_ray.web.paging import cursor_number, link_next, read_cursor

Admin = Annotated[Principal, Depends(require(Scope.ADMIN))]
Limit = Annotated[int, Query(ge=1, le=1000, description="most rows of one answer")]
Cursor = Annotated[
    str | None, Query(description="where to go on: from the `Link` header of the answer before")
]
TenantFilter = Annotated[TenantId | None, Query(description="another tenant's; for operators")]


def router(store: Store, clock: Callable[[], float] = time.time) -> APIRouter:
    """The calls by which administrators manage their tenant, and operators all of them."""
    whole = APIRouter(prefix="/api")
    whole.include_router(_keys(store, clock))
    whole.include_router(_tenants(store, clock))
    whole.include_router(_audit(store, clock))

    return whole


def _keys(store: Store, clock: Callable[[], float]) -> APIRouter:
    keys, tenants, audit = (
        KeyTable(store, clock=clock),
        Tenants(store, clock=clock),
        Audit(store, clock=clock),
    )
    routes = APIRouter(prefix="/keys", tags=["keys"])

    @routes.get("", summary="Keys of a tenant, newest first, without their secrets")
    async def list_keys(
        request: Request,
        response: Response,
        principal: Admin,
        tenant: TenantFilter = None,
        revoked: Annotated[bool, Query(description="also revoked ones")] = False,
        limit: Limit = 100,
        cursor: Cursor = None,
    ) -> list[Key]:
        before = None
        if cursor is not None:
            created, key_id = read_cursor(cursor, 2)
            before = (datetime.fromtimestamp(cursor_number(created, LAST // 1_000_000) / 1000, UTC), key_id)
        found = await keys.list(_allowed(principal, tenant), limit=limit + 1, before=before, revoked=revoked)
        if len(found) > limit:
            last = found[limit - 1]
            link_next(request, response, str(round(last.created.timestamp() * 1000)), last.id)
        return [key_of(record) for record in found[:limit]]

    @routes.post("", status_code=201, summary="Make a key; its text is in this answer and nowhere else")
    async def create_key(body: NewKey, principal: Admin) -> CreatedKey:
        tenant = _allowed(principal, body.tenant)
        if not await tenants.exists(tenant):  # an operator names a new one: it is made with its first key
            await audit.record(principal, "tenant.create", tenant, tenant=tenant, detail={"name": ""})
            await tenants.create(tenant, "", principal.key_id)
        expires = _expiry(body.expires, clock())
        detail = {"name": body.name, "scopes": " ".join(sorted(body.scopes)), "expires": body.expires or ""}
        await audit.record(principal, "key.create", body.name, tenant=tenant, detail=detail)
        record, text = await keys.create(
            tenant=tenant, name=body.name, scopes=body.scopes, created_by=principal.key_id, expires=expires
        )
        return created_key_of(record, text)

    @routes.delete("/{key_id}", summary="Revoke a key; it opens nothing any more within 5 s")
    async def revoke_key(key_id: str, principal: Admin) -> Key:
        record = await keys.get(key_id, None if principal.operator else principal.tenant)
        if record.revoked is None:
            await audit.record(
                principal, "key.revoke", key_id, tenant=record.tenant, detail={"name": record.name}
            )
        revoked = await keys.revoke(record)
        await keys.end_sessions(record)
        return key_of(revoked)

    return routes


def _tenants(store: Store, clock: Callable[[], float]) -> APIRouter:
    tenants, audit = Tenants(store, clock=clock), Audit(store, clock=clock)
    routes = APIRouter(prefix="/tenants", tags=["tenants"])

    @routes.get("", summary="Every tenant; for operators")
    async def list_tenants(principal: Admin) -> list[TenantInfo]:
        _operators_only(principal)
        return [tenant_of(tenant) for tenant in await tenants.all()]

    @routes.post("", status_code=201, summary="Make a tenant; for operators")
    async def create_tenant(body: NewTenant, principal: Admin) -> TenantInfo:
        _operators_only(principal)
        await audit.record(principal, "tenant.create", body.id, tenant=body.id, detail={"name": body.name})
        return tenant_of(await tenants.create(body.id, body.name, principal.key_id))

    return routes


def _audit(store: Store, clock: Callable[[], float]) -> APIRouter:
    audit = Audit(store, clock=clock)
    routes = APIRouter(prefix="/audit", tags=["audit"])

    @routes.get("", summary="Who did what, newest first")
    async def list_events(
        request: Request,
        response: Response,
        principal: Admin,
        tenant: TenantFilter = None,
        start: Annotated[str, Query(alias="from")] = "now-30d",
        end: Annotated[str, Query(alias="to")] = "now",
        limit: Limit = 100,
        cursor: Cursor = None,
    ) -> list[AuditEvent]:
        # What is recorded in this very moment belongs to a period that ends now.
        period = parse_range(start, end, int(clock() * SECOND) + 1)
        before = None if cursor is None else cursor_number(read_cursor(cursor, 1)[0])
        found = await audit.events(_allowed(principal, tenant), period, limit=limit + 1, before_ns=before)
        if len(found) > limit:
            link_next(request, response, str(found[limit - 1].time_ns))
        return [event_of(event) for event in found[:limit]]

    return routes


def _allowed(principal: Principal, tenant: str | None) -> str:
    if tenant is not None and tenant != principal.tenant and not principal.operator:
        raise Forbidden(f"only an administrator of the tenant `default` may manage the tenant {tenant}")
    return tenant or principal.tenant


def _operators_only(principal: Principal) -> None:
    if not principal.operator:
        raise Forbidden("only an administrator of the tenant `default` manages tenants")


def _expiry(value: str | None, now: float) -> datetime | None:
    if value is None:
        return None
    now_ns = int(now * SECOND)
    relative = value.strip()[:1].isdigit() and value.strip()[-1:].isalpha() and "T" not in value.upper()
    at = (
        now_ns + parse_duration(value, pointer="/expires")
        if relative
        else parse_time(value, now_ns, pointer="/expires")
    )
    if at <= now_ns or at > LAST:
        raise InvalidInput.field("/expires", f"{value} is not in the future, or beyond 2262")
    return datetime.fromtimestamp(at // 1_000_000 / 1000, UTC)
