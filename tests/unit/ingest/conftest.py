from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, ClassVar

import httpx
import pyarrow as pa
import pytest

from airis_ray.ingest.app import create_app
from airis_ray.ingest.intake import Intake
from airis_ray.settings import IngestSettings, Settings
from airis_ray.store import Query
from airis_ray.store.migrate import migrate
from airis_ray.web.auth import ALL_SCOPES, Guard, Principal, Scope
from tests.support.local_store import LocalStore


class Keys:
    """Three callers: two tenants that may send, and one that may only read."""

    _principals: ClassVar = {
        "key-a": Principal("a", "tenant-a", frozenset({Scope.INGEST})),
        "key-b": Principal("b", "tenant-b", ALL_SCOPES),
        "key-reader": Principal("r", "tenant-a", frozenset({Scope.READ})),
    }

    async def verify(self, key: str) -> Principal | None:
        return self._principals.get(key)


class Interrupted(LocalStore):
    """The local store with a switch: while ``error`` is set no insert succeeds; ``gate`` closed, none ends."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.error: Exception | None = None
        self.gate = asyncio.Event()
        self.gate.set()
        self.arrived = asyncio.Event()

    async def insert(self, table: str, data: pa.Table | pa.RecordBatch, *, token: str | None = None) -> None:
        self.arrived.set()
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        await super().insert(table, data, token=token)

    async def close(self) -> None:
        """Left open: one engine serves the tests of this folder."""

    async def really_close(self) -> None:
        await super().close()


@pytest.fixture(scope="package")
async def engine(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Interrupted]:
    store = Interrupted(str(tmp_path_factory.mktemp("store")))
    await migrate(store, settings=Settings())
    yield store
    await store.really_close()


@pytest.fixture
def store(engine: Interrupted) -> Interrupted:
    engine.error = None
    engine.gate.set()
    engine.arrived.clear()
    return engine


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
            commit_interval=0.02, commit_timeout=1.0, max_body_bytes=1 << 20, max_pending_bytes=2 << 20
        )
    )
    intake = Intake(store, settings.ingest)
    guard = Guard(settings, Keys())
    app = create_app(settings, intake, guard)
    transport = httpx.ASGITransport(app, root_path="/v1", raise_app_exceptions=True)
    async with httpx.AsyncClient(transport=transport, base_url="http://airis/v1") as client:
        yield World(store, intake, guard, app, client)
    store.gate.set()
    await intake.close(5.0)
