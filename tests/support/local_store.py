"""The engine in the test's own process, behind the Store protocol: unit tests need no server.

chDB opens one path per process, therefore all tests of a run share the one ``migrated_store`` (every
migration applied, session scope) and keep apart by tenant: each asks for ``tenant``, a name no other test
has, puts it into the rows' ``ResourceAttributes['airis.tenant']`` and queries with ``Query(...,
tenant=tenant)``. Both fixtures are in ``tests/conftest.py``. Tables of a test's own get the tenant in their
name and are dropped by it.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import clickhouse_connect
import pyarrow as pa
from clickhouse_connect.driver.exceptions import ClickHouseError

from airis_ray.store import Query, Result, check_tenancy, tenant_filters
from airis_ray.store.codes import error_code, error_from


class LocalStore:
    """One chDB connection on one thread of its own (a connection is never shared between threads)."""

    def __init__(self, path: str) -> None:
        self._pool = ThreadPoolExecutor(max_workers=1)
        self._client = self._pool.submit(clickhouse_connect.get_client, interface="chdb", path=path).result()

    async def query(self, query: Query) -> Result:
        check_tenancy(query)
        start = time.perf_counter()
        settings = dict(query.settings)
        if query.tenant is not None:
            settings["additional_table_filters"] = tenant_filters(query.tenant)
        table = await self._run(self._client.query_arrow, query.sql, dict(query.parameters), settings, True)
        return Result(table, 0, 0, (time.perf_counter() - start) * 1e3)

    async def stream(self, query: Query) -> AsyncIterator[pa.RecordBatch]:
        for batch in (await self.query(query)).table.to_batches():
            yield batch

    async def insert(self, table: str, data: pa.Table | pa.RecordBatch, *, token: str | None = None) -> None:
        if isinstance(data, pa.RecordBatch):
            data = pa.Table.from_batches([data])
        settings = {"insert_deduplication_token": token or uuid.uuid4().hex}
        await self._run(self._client.insert_arrow, table, data, None, settings)

    async def command(self, sql: str, parameters: Mapping[str, Any] | None = None) -> str:
        return str(await self._run(self._client.command, sql, dict(parameters or {})))

    async def ping(self) -> None:
        return None

    async def close(self) -> None:
        await self._run(self._client.close)
        self._pool.shutdown()

    async def _run(self, function: Any, *arguments: Any) -> Any:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, function, *arguments)
        except ClickHouseError as error:
            raise error_from(error_code(str(error)), str(error)) from error


class Borrowed:
    """The one store of the run for an application that would close its own."""

    def __init__(self, store: LocalStore) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def close(self) -> None:
        return None
