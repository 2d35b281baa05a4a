from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import httpx
import pyarrow as pa
import pytest

from airis_ray.ingest.app import create_app
from airis_ray.ingest.intake import Intake
from airis_ray.settings import IngestSettings, Settings
from airis_ray.store import Query, Result, Store
from airis_ray.web.auth import ALL_SCOPES, Guard, Principal, Scope


class Keys:
    """Three callers: two tenants that may send, and one that may only read."""

    _principals: ClassVar = {
        "key-a": Principal("a", "tenant-a", frozenset({Scope.INGEST})),
        "key-b": Principal("b", "tenant-b", ALL_SCOPES),
        "key-reader": Principal("r", "tenant-a", frozenset({Scope.READ})),
    }

    async def verify(self, key: str) -> Principal | None:
        return self._principals.get(key)


class Interrupted:
    """A store with a switch: while ``error`` is set no insert succeeds; while ``gate`` is closed none ends."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.error: Exception | None = None
        self.gate = asyncio.Event()
        self.gate.set()
        self.arrived = asyncio.Event()

    async def insert(self, table: str, data: pa.Table | pa.RecordBatch, *, token: str | None = None) -> None:
        self.arrived.set()
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        await self._store.insert(table, data, token=token)

    async def query(self, query: Query) -> Result:
        return await self._store.query(query)

    def stream(self, query: Query) -> AsyncIterator[pa.RecordBatch]:
        return self._store.stream(query)

    async def command(self, sql: str, parameters: Mapping[str, Any] | None = None) -> str:
        return await self._store.command(sql, parameters)

    async def ping(self) -> None:
        await self._store.ping()

    async def close(self) -> None:
        """Left open: one engine serves every test of the run."""


@pytest.fixture
def store(migrated_store: Store) -> Interrupted:
    return Interrupted(migrated_store)


@dataclass
class World:
    """The application with its parts, and a client in front of it."""

    store: Interrupted
    intake: Intake
    guard: Guard
    app: Any
    client: httpx.AsyncClient
    headers: dict[str, str] = field(default_factory=lambda: {"authorization": "Bearer key-a"})

    async def post(self, path: str, body: Any, **headers: str) -> httpx.Response:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.client.post(path, content=body, headers={**self.headers, **names})

    async def count(self, table: str, service: str, tenant: str = "tenant-a") -> int:
        sql = f"SELECT count() AS n FROM {table} WHERE ServiceName = {{service:String}}"
        result = await self.store.query(Query(sql, {"service": service}, tenant=tenant))
        return int(result.table["n"][0].as_py())


@pytest.fixture
async def world(store: Interrupted) -> AsyncIterator[World]:
    settings = Settings(
        ingest=IngestSettings(
            commit_interval=0.02, commit_timeout=5.0, max_body_bytes=1 << 20, max_pending_bytes=2 << 20
        )
    )
    intake = Intake(store, settings)
    guard = Guard(settings, Keys())
    app = create_app(settings, intake, guard)
    transport = httpx.ASGITransport(app, root_path="/v1", raise_app_exceptions=True)
    async with httpx.AsyncClient(transport=transport, base_url="http://airis/v1") as client:
        yield World(store, intake, guard, app, client)
    store.gate.set()
    await intake.close(5.0)
