"""The application of analytics over the store of the tests, and a caller of each tenant."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest_asyncio

from airis_ray.analytics.app import create_app
from airis_ray.settings import CacheSettings, Settings
from airis_ray.web.auth import Guard, Principal, Scope
from tests.support import records
from tests.support.local_store import LocalStore

NOW = records.START + 3600 * 10**9


class AnyTenant:
    """A key ring to which every key is the reader of the tenant of that name."""

    async def verify(self, key: str) -> Principal | None:
        return Principal(key, key, frozenset({Scope.READ}))


@pytest_asyncio.fixture(loop_scope="session")
async def http(migrated_store: LocalStore, tenant: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the tenant; ``now`` is an hour after the rows begin."""
    settings = Settings(cache=CacheSettings(answer_ttl=0))  # what a test has just written has to be seen
    app = create_app(settings, migrated_store, Guard(settings, AnyTenant()), clock=lambda: NOW)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app, raise_app_exceptions=False),
        base_url="http://analytics",
        headers={"Authorization": f"Bearer {tenant}"},
    ) as client:
        yield client
