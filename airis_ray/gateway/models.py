"""Bodies and answers of the gateway's calls."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from airis_ray.gateway.tenants import TENANT_ID, Tenant
from airis_ray.telemetry.times import format_time
from airis_ray.web.audit import Event
from airis_ray.web.auth import Principal, Scope
from airis_ray.web.keys import KeyRecord
from airis_ray.web.vitals import Vitals

TenantId = Annotated[str, Field(pattern=TENANT_ID, description="lower-case letters, digits, `-` and `_`")]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NewKey(_Model):
    """What a new key shall be."""

    name: str = Field(min_length=1, max_length=100, description="what the key is for")
    scopes: list[Scope] = Field(min_length=1, description="what it may do; scopes do not imply each other")
    tenant: TenantId | None = Field(None, description="the caller's own, unless an operator names another")
    expires: str | None = Field(
        None, description="a time, or a duration from now such as `90d`; never by default"
    )


class Key(_Model):
    """A key without its secret."""

    id: str
    tenant: str
    name: str
    scopes: list[Scope]
    created: str
    created_by: str = Field(description="id of the key that made it")
    expires: str | None
    revoked: str | None
    last_used: str | None = Field(description="to about a minute")


class CreatedKey(Key):
    """A new key with its text, which is shown this once."""

    key: str


class Login(_Model):
    """What a browser session is begun with."""

    key: SecretStr = Field(description="an API key; the session has its rights, and ends with it")


class Me(_Model):
    """Who the caller is."""

    key_id: str
    tenant: str
    scopes: list[Scope]
    operator: bool = Field(description="may manage other tenants")


class NewTenant(_Model):
    """A tenant to make."""

    id: TenantId
    name: str = Field("", max_length=200)


class TenantInfo(_Model):
    """A tenant."""

    id: str
    name: str
    created: str | None
    created_by: str
    keys: int = Field(description="keys that are not revoked")


class AuditEvent(_Model):
    """Something that was done."""

    time: str
    tenant: str
    actor: str = Field(description="id of the key that did it")
    action: str
    target: str
    detail: dict[str, str]
    request_id: str
    peer: str


class Part(_Model):
    """The state of one part. ``detail`` says more to an operator than to a caller without credentials."""

    state: Literal["ready", "waiting", "down"]
    detail: str = ""
    ms: float = Field(description="how long the probe took")
    needed: bool = Field(True, description="false: the rest is ready without it")


class Breaker(_Model):
    """How one replica's calls to one part go. ``replica`` and ``reason`` are for an operator."""

    part: str = Field(description="whom the calls go to: store, kafka, redis")
    service: str = Field(description="whose calls they are")
    replica: str = ""
    state: Literal["closed", "half-open", "open"] = Field(
        description="closed: calls pass; open: they are suspended; half-open: one is tried"
    )
    failures: int = Field(description="calls in a row that the part did not answer")
    seconds: float = Field(description="how long calls have passed, or have not")
    retry_in: float = Field(description="seconds until the next one is tried; 0 while they pass")
    reason: str = ""


class Readiness(_Model):
    """Whether everything needed is ready. The breakers inform and decide nothing."""

    ready: bool
    version: str
    parts: dict[str, Part]
    breakers: list[Breaker] = []


def breakers_of(replicas: Sequence[Vitals], *, open_: bool) -> list[Breaker]:
    """Every replica's breakers; ``open_`` tells also which replica it is and why."""
    return [
        Breaker(
            part=report.name,
            service=replica.service,
            replica=replica.replica if open_ else "",
            state=report.state,
            failures=report.failures,
            seconds=round(report.seconds, 1),
            retry_in=round(report.retry_in, 1),
            reason=report.reason if open_ else "",
        )
        for replica in replicas
        for report in replica.breakers
    ]


def key_of(record: KeyRecord) -> Key:
    return Key.model_validate(_key_fields(record))


def created_key_of(record: KeyRecord, text: str) -> CreatedKey:
    return CreatedKey.model_validate(_key_fields(record) | {"key": text})


def me_of(principal: Principal) -> Me:
    return Me(
        key_id=principal.key_id,
        tenant=principal.tenant,
        scopes=sorted(principal.scopes),
        operator=principal.operator,
    )


def tenant_of(tenant: Tenant) -> TenantInfo:
    created = None if tenant.created is None else format_time(int(tenant.created.timestamp()) * 10**9)
    return TenantInfo(
        id=tenant.id, name=tenant.name, created=created, created_by=tenant.created_by, keys=tenant.keys
    )


def event_of(event: Event) -> AuditEvent:
    return AuditEvent(
        time=format_time(event.time_ns),
        tenant=event.tenant,
        actor=event.actor,
        action=event.action,
        target=event.target,
        detail=event.detail,
        request_id=event.request_id,
        peer=event.peer,
    )


def _key_fields(record: KeyRecord) -> dict[str, object]:
    times = {name: getattr(record, name) for name in ("created", "expires", "revoked", "last_used")}
    return {
        "id": record.id,
        "tenant": record.tenant,
        "name": record.name,
        "scopes": sorted(record.scopes),
        "created_by": record.created_by,
        **{name: at and format_time(round(at.timestamp() * 1000) * 10**6) for name, at in times.items()},
    }
