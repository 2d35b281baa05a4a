"""The application of event deltas over the store of the tests."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest_asyncio

from airis_ray.delta.app import create_app
from airis_ray.settings import Settings
from airis_ray.web.auth import Guard
from tests.support import records
from tests.support.local_store import LocalStore
from tests.unit.search.app import AnyTenant

NOW = records.START + 3600 * 10**9


@pytest_asyncio.fixture(loop_scope="session")
async def http(migrated_store: LocalStore, tenant: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the tenant; ``now`` is an hour after the rows begin."""
    settings = Settings()
    app = create_app(settings, migrated_store, Guard(settings, AnyTenant()), clock=lambda: NOW)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app, raise_app_exceptions=False),
        base_url="http://delta",
        headers={"Authorization": f"Bearer {tenant}"},
    ) as client:
        yield client
