"""The ingest application on a socket, for the clients of other systems to send to."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from airis_ray.ingest.app import create_app
from airis_ray.ingest.intake import Intake
from airis_ray.settings import IngestSettings, Settings
from airis_ray.store import Query
from airis_ray.web.auth import Guard, Principal, Scope
from tests.support.local_store import Borrowed, LocalStore
from tests.support.loopback import served


class Keys:
    """Any key ``airis_<tenant>`` may send for its tenant."""

    async def verify(self, key: str) -> Principal | None:
        if not key.startswith("airis_"):
            return None
        return Principal(key, key.removeprefix("airis_"), frozenset({Scope.INGEST}))


@dataclass
class Site:
    """Where to send to, with which key, and what arrived. ``url`` ends with ``/v1``."""

    url: str
    key: str
    tenant: str
    store: LocalStore

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2].partition("/")[0])

    async def rows(self, table: str, order: str = "Timestamp") -> list[dict[str, Any]]:
        """The tenant's rows of a table; maps are dictionaries."""
        query = Query(f"SELECT * FROM {table} ORDER BY {order}", tenant=self.tenant)
        table_ = (await self.store.query(query)).table
        return [
            {name: dict(value) if _is_map(value) else value for name, value in row.items()}
            for row in table_.to_pylist()
        ]

    async def arrived(self, table: str, order: str = "Timestamp") -> list[dict[str, Any]]:
        """The rows as soon as there are any: for clients that send in the background."""
        for _ in range(600):
            if rows := await self.rows(table, order):
                return rows
            await asyncio.sleep(0.05)
        raise AssertionError(f"nothing arrived in {table}")

    async def logs(self) -> list[dict[str, Any]]:
        return await self.rows("otel_logs")


def _is_map(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, tuple) and len(item) == 2 for item in value)


@pytest.fixture
async def site(migrated_store: LocalStore) -> AsyncIterator[Site]:
    settings = Settings(ingest=IngestSettings(commit_interval=0.02, max_body_bytes=1 << 20))
    intake = Intake(Borrowed(migrated_store), settings)
    app = create_app(settings, intake, Guard(settings, Keys()))
    tenant = f"t{uuid.uuid4().hex[:12]}"
    async with served(Starlette(routes=[Mount("/v1", app)])) as url:
        yield Site(f"{url}/v1", f"airis_{tenant}", tenant, migrated_store)
    await intake.close(5.0)
