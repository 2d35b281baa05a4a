"""Whose keys the embedded store takes: its own, the administrator's file, and those in its own table."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from airis_ray.errors import Forbidden
from airis_ray.store.embedded.access import DEFAULT_TENANT, PLATFORM, Principal, Rights
from airis_ray.store.embedded.engine import Engine, Setup
from airis_ray.store.embedded.errors import ACCESS_DENIED, ClickHouseError, error
from airis_ray.web.auth import check_browser

_FRESH = 2.0  # seconds that a look-up's answer is used again: a revoked key is out within them
_MOST = 1000  # look-ups remembered
_SQL = """
SELECT Id, Tenant, arrayStringConcat(Scopes, ',') FROM airis_keys FINAL
WHERE Hash = {hash:String} AND Revoked IS NULL AND (Expires IS NULL OR Expires > now64(3))
"""


@dataclass(frozen=True)
class KeyHolder:
    """A principal as the table of keys describes it."""

    key_id: str
    tenant: str
    scopes: frozenset[str]


_ADMIN = KeyHolder("admin", DEFAULT_TENANT, frozenset({"ingest", "read", "write", "admin"}))


class StoreKeys:
    """Implements :class:`airis_ray.store.embedded.server.KeyRing` over the engine's own tables."""

    def __init__(
        self,
        engine: Engine,
        *,
        store_key: str,
        admin_file: Path,
        open_to_all: bool,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engine = engine
        self._store_key = store_key
        self._admin_file = admin_file
        self._open_to_all = open_to_all
        self._clock = clock
        self._seen: dict[str, tuple[float, Principal | None]] = {}

    async def verify(self, key: str | None, headers: Mapping[str, str]) -> Principal | Rights | None:
        """The store's own key opens everything; without authentication, whoever reaches the loopback does.

        ClickHouseError (ACCESS_DENIED) where that is a foreign web page in a browser of this machine.
        """
        if key is not None and hmac.compare_digest(key.encode(), self._store_key.encode()):
            return PLATFORM
        if self._open_to_all:
            _check_browser(headers)
            return _ADMIN
        if not key:
            return None
        digest = hashlib.sha256(key.encode()).hexdigest()
        checked, principal = self._seen.get(digest, (float("-inf"), None))
        if self._clock() - checked > _FRESH:
            principal = await asyncio.to_thread(self._look_up, key, digest)
            while len(self._seen) >= _MOST:
                del self._seen[next(iter(self._seen))]
            self._seen.pop(digest, None)
            self._seen[digest] = (self._clock(), principal)
        return principal

    def _look_up(self, key: str, digest: str) -> Principal | None:
        if self._is_admin(key):
            return _ADMIN
        try:
            with self._engine.connected(Setup(parameters={"hash": digest})) as connection:
                row = bytes(connection.run(_SQL, "TabSeparatedRaw")).decode().strip("\n")
        except ClickHouseError:
            return None  # the table is made by the first migration
        if not row:
            return None
        key_id, tenant, scopes = row.split("\t")
        return KeyHolder(key_id, tenant, frozenset(scopes.split(",")))

    def _is_admin(self, key: str) -> bool:
        try:
            return hmac.compare_digest(self._admin_file.read_text().strip().encode(), key.encode())
        except OSError:
            return False


def _check_browser(headers: Mapping[str, str]) -> None:
    try:
        check_browser({name.encode("latin-1"): value.encode("latin-1") for name, value in headers.items()})
    except Forbidden as problem:
        raise error(ACCESS_DENIED, str(problem)) from None
