"""Who calls, and what they may do.

One :class:`Guard` stands in front of every application and of OTLP/gRPC. It knows nothing of HTTP: the
middleware (:mod:`airis_ray.web.middleware`) and the gRPC servicer ask it.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from fastapi.openapi.models import HTTPBearer
from fastapi.security.base import SecurityBase
from starlette.requests import Request

from airis_ray.cache import CacheStore, MemoryStore, Rate
from airis_ray.errors import Bug, Forbidden, Overloaded, Unauthenticated
from airis_ray.settings import Settings
from airis_ray.web.limits import Allowance, Limits, StoreLimits
from airis_ray.web.logs import Exchange
from airis_ray.web.validation import check_query_names, check_text

DEFAULT_TENANT = "default"
SELF_TENANT = "airis"
"""Tenant of the platform's own telemetry."""


class Scope(StrEnum):
    """What a key may do. Scopes do not imply each other: a key carries each that it needs."""

    INGEST = "ingest"
    READ = "read"
    WRITE = "write"
    ADMIN = "admin"


ALL_SCOPES = frozenset(Scope)


@dataclass(frozen=True)
class Principal:
    """A verified caller."""

    key_id: str
    tenant: str
    scopes: frozenset[Scope]

    @property
    def operator(self) -> bool:
        """Whether this caller runs the platform: an administrator of the tenant ``default``."""
        return self.tenant == DEFAULT_TENANT and Scope.ADMIN in self.scopes

    def check(self, *scopes: Scope) -> None:
        """Raise Forbidden unless every one of ``scopes`` is carried."""
        missing = [scope.value for scope in scopes if scope not in self.scopes]
        if missing:
            held = ", ".join(sorted(self.scopes)) or "none"
            raise Forbidden(f"this needs a key with the scope {' and '.join(missing)}; yours has: {held}")


class KeyRing(Protocol):
    """Whatever knows keys."""

    async def verify(self, key: str) -> Principal | None:
        """The principal of a valid key; None for one that is unknown, expired or revoked.

        Raises Unavailable where that cannot be found out now, Overloaded where too many unknown keys are
        tried.
        """


class Observer(Protocol):
    """Whoever watches the requests of an application; :class:`airis_ray.web.telemetry.Telemetry` does."""

    def begin(self, exchange: Exchange) -> Any:
        """A request was let in or refused; sets ``exchange.trace_id``. The value comes back at the end."""

    def end(self, exchange: Exchange, begun: Any) -> None:
        """The answer is out."""

    def close(self) -> None:
        """The application stops; may block for seconds."""


class Guard:
    """Authenticates callers and counts their requests. One per process; for concurrent use on one loop."""

    def __init__(
        self,
        settings: Settings,
        keys: KeyRing,
        *,
        limits: Limits | None = None,
        cache: CacheStore | None = None,
        observer: Observer | None = None,
        answers_request_id: bool = True,
    ) -> None:
        """``cache`` is where limits are counted unless ``limits`` counts them; the guard's to close.

        ``answers_request_id`` False where the server around the application writes ``x-request-id`` itself.
        """
        self.disabled = settings.auth == "disabled"
        self.observer = observer
        self.answers_request_id = answers_request_id
        self._keys = keys
        self.cache = cache or MemoryStore()
        self._limits = limits or StoreLimits(self.cache)
        self._rates = {
            "api": Rate(settings.limits.requests_per_minute, 60.0),
            "ingest": Rate(settings.limits.ingest_requests_per_minute, 60.0),
        }

    async def close(self) -> None:
        """Send what the observer holds, and release the cache."""
        if self.observer is not None:
            await asyncio.to_thread(self.observer.close)
        await self.cache.close()

    async def authenticate(self, authorization: str | None, peer: str | None) -> Principal:
        """The caller behind an ``Authorization`` header (or gRPC metadata) value.

        ``peer`` is the address the connection came from, as ASGI (``127.0.0.1``) or gRPC
        (``ipv4:127.0.0.1:5120``) writes it. Raises Unauthenticated without valid credentials, Unavailable
        where keys cannot be verified now.
        """
        if self.disabled:
            return local_principal(peer)
        key = _bearer(authorization)
        principal = await self._keys.verify(key)
        if principal is None:
            raise Unauthenticated("the API key is unknown, expired or revoked")
        return principal

    async def admit(self, principal: Principal, limit: str = "api") -> Allowance:
        """Count one request of ``principal`` against the limit ``api`` or ``ingest``.

        Raises OverLimit (with ``retry_after`` in seconds) past it.
        """
        allowance = await self._limits.take(f"{limit}:{principal.key_id}", self._rates[limit])
        if not allowance.granted:
            rate = self._rates[limit]
            raise OverLimit(
                f"this key may make {rate.amount} requests per {rate.window:.0f} s; try again later",
                allowance,
            )
        return allowance


class OverLimit(Overloaded):
    """Overloaded by the caller's own limit."""

    def __init__(self, message: str, allowance: Allowance) -> None:
        super().__init__(message, retry_after=allowance.retry_after)
        self.allowance = allowance


class Require(SecurityBase):
    """The dependency that :func:`require` makes; OpenAPI shows it as the security of the operation."""

    def __init__(self, scopes: Iterable[Scope]) -> None:
        self.scopes = tuple(scopes)
        self.model = HTTPBearer(description="an API key, `Authorization: Bearer airis_…`")
        self.scheme_name = "key"

    async def __call__(self, request: Request) -> Principal:
        principal = request.scope.get("state", {}).get("principal")
        if not isinstance(principal, Principal):
            raise Bug(f"{request.url.path} is guarded, but no guard stands in front of it")
        principal.check(*self.scopes)
        check_query_names(request)
        await check_text(request)
        return principal


def require(*scopes: Scope) -> Require:
    """A FastAPI dependency: ``principal: Annotated[Principal, Depends(require(Scope.READ))]``.

    Every route needs one (or is listed public): a route without it is refused when its application starts.
    """
    return Require(scopes)


def local_principal(peer: str | None) -> Principal:
    """The caller where authentication is switched off: anybody on this machine, nobody else."""
    if not is_loopback(peer):
        raise Unauthenticated(
            f"AIRIS_AUTH=disabled lets in callers on this machine alone; this one came from {peer or '?'}"
        )
    return Principal("local", DEFAULT_TENANT, ALL_SCOPES)


def is_loopback(peer: str | None) -> bool:
    """Whether an address, as ASGI or gRPC writes it, is this machine's own."""
    if not peer:
        return False
    host = peer.strip()
    if host.startswith(("ipv4:", "ipv6:")):
        host = host[5:].replace("%5B", "[").replace("%5D", "]")
    if host.startswith("["):
        host = host[1:].partition("]")[0]
    elif host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost"
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)


def check_browser(headers: Mapping[bytes, bytes]) -> None:
    """Raise Forbidden for a request that a foreign web page made a browser on this machine send.

    Where authentication is off, the address alone lets a caller in, and a browser has it too. So the page
    must be our own (``Origin``, ``Sec-Fetch-Site``), under a name that nobody outside can point here
    (``Host``: DNS rebinding).
    """
    for name in (b"origin", b"host"):
        if headers.get(name) == b"null":  # a page without an origin: a sandboxed frame, a file, a data URL
            raise Forbidden(f"AIRIS_AUTH=disabled takes no requests of the {name.decode()} null")
        value = headers.get(name, b"").decode("latin1").rpartition("//")[2]
        host = value.partition("/")[0] if value.startswith("[") else value.partition("/")[0].partition(":")[0]
        if host and "." in host and not host.endswith(".localhost") and not is_loopback(host):
            raise Forbidden(f"AIRIS_AUTH=disabled takes no requests of the {name.decode()} {value}")
    if (
        headers.get(b"sec-fetch-site") == b"cross-site"
    ):  # a picture or a script of that page: no Origin is sent
        raise Forbidden("AIRIS_AUTH=disabled takes no requests that another site's page made")


def _bearer(authorization: str | None) -> str:
    if authorization is None or not authorization.strip():
        raise Unauthenticated("no credentials: send `Authorization: Bearer <API key>`")
    scheme, _, key = authorization.strip().partition(" ")
    if scheme.lower() != "bearer" or not key.strip():
        raise Unauthenticated("the Authorization header must be `Bearer <API key>`")
    key = key.strip()
    if key.startswith("eyJ"):
        raise Unauthenticated("JSON Web Tokens are not accepted by this server yet; send an API key")
    return key
