"""``/api/accounts``: what became of every record."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from airis_ray.accounts.balance import LATE_SECONDS, Account, State, accounts
from airis_ray.errors import Forbidden
from airis_ray.gateway.models import TenantId
from airis_ray.store.protocol import Store
from airis_ray.telemetry.times import SECOND, format_time, parse_range
from airis_ray.web.auth import Principal, Scope, require

Reader = Annotated[Principal, Depends(require(Scope.READ))]


class AccountInfo(BaseModel):
    """What became of one tenant's records of one signal.

    `received = accepted + refused + expired` (those that ingest refused as too old); `accepted = stored +
    dead_lettered + repeated + expired` (those that expired in Kafka) `+ on_the_way - uncounted`.
    """

    model_config = ConfigDict(extra="forbid")

    tenant: str
    signal: str
    balanced: bool = Field(description="false where the state is `late` or `lost`")
    state: State = Field(
        description=f"`late`: on the way for more than {LATE_SECONDS // 60} minutes; `lost`: one stage counts records "
        "that the next does not"
    )
    received: int
    accepted: int = Field(description="told to the sender as durable")
    refused: dict[str, int] = Field(description="records by reason")
    refused_requests: dict[str, int] = Field(
        description="requests of which nothing was kept, by reason; the records of an unreadable one are not known"
    )
    expired: int = Field(description="older than the retention")
    stored: int
    dead_lettered: int
    repeated: int = Field(description="came twice and are kept once")
    on_the_way: int = Field(description="in Kafka")
    oldest_on_the_way: str | None = Field(description="the minute in which the oldest of those was received")
    uncounted: int = Field(
        description="kept without being counted as accepted: their replica was killed, or the answer was an error"
    )
    missing: int = Field(description="records by which the stages differ")
    dropped: int = Field(description="stored, and dropped with their day because the disk was filling up")


def router(store: Store, clock: Callable[[], float]) -> APIRouter:
    """The call of the accounts."""
    routes = APIRouter(prefix="/api", tags=["state"])

    @routes.get("/accounts", summary="What became of every record; of all tenants for operators")
    async def list_accounts(
        principal: Reader,
        tenant: Annotated[
            TenantId | None, Query(description="one tenant; another's is for operators")
        ] = None,
        start: Annotated[
            str, Query(alias="from", description="received since; counts are kept for 90 days")
        ] = "now-24h",
        end: Annotated[str, Query(alias="to")] = "now",
    ) -> list[AccountInfo]:
        now = clock()
        # A record received in this very second belongs to a period that ends now.
        period = parse_range(start, end, int(now * SECOND) + 1)
        found = await accounts(store, period, now=now, tenant=_allowed(principal, tenant))
        return [_info(account) for account in found]

    return routes


def _allowed(principal: Principal, tenant: str | None) -> str | None:
    """The tenant to tell of; None for all of them."""
    if principal.operator:
        return tenant
    if tenant not in (None, principal.tenant):
        raise Forbidden(f"only an administrator of the tenant `default` may see the accounts of {tenant}")
    return principal.tenant


def _info(account: Account) -> AccountInfo:
    oldest = account.oldest_on_the_way
    return AccountInfo(
        **{
            name: getattr(account, name)
            for name in AccountInfo.model_fields
            if name not in ("refused", "refused_requests", "oldest_on_the_way")
        },
        refused=dict(account.refused),
        refused_requests=dict(account.refused_requests),
        oldest_on_the_way=None if oldest is None else format_time(oldest * SECOND),
    )
