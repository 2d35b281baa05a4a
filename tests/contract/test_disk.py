"""The disk guard in a running store: this machine's own disk, with thresholds that it is above."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from airis_ray.accounts import TABLE, Counts, Key, Outcome
from airis_ray.errors import StorageFull
from airis_ray.settings import RetentionSettings, Settings
from airis_ray.store import Query
from airis_ray.store.client import ClickHouseStore
from airis_ray.store.migrate import migrate
from tests.support.embedded_store import EmbeddedProcess
from tests.support.records import log


@asynccontextmanager
async def running(folder: Path, **environment: str) -> AsyncIterator[ClickHouseStore]:
    process = await asyncio.to_thread(EmbeddedProcess(folder, None, **environment).start)
    store = ClickHouseStore(process.url, password=process.key)
    try:
        await migrate(store, settings=Settings(retention=RetentionSettings(logs=0)))
        yield store
    finally:
        await store.close()
        await asyncio.to_thread(process.stop)


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Wait for something that another process does."""
    for _ in range(300):
        if await holds():
            return
        await asyncio.sleep(0.1)
    pytest.fail("nothing happened within 30 s")


async def test_the_oldest_days_go_and_are_counted(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    rows = [{"Timestamp": int((now - timedelta(days=age)).timestamp() * 1e9)} for age in (9, 3, 0)]
    environment = {"AIRIS_DISK_DROP_ABOVE": "0.001", "AIRIS_DISK_KEEP": "0", "AIRIS_DISK_INTERVAL": "100ms"}
    async with running(tmp_path, **environment) as store:
        await store.insert("otel_logs", log("t", *rows), token="rows")

        async def only_today_is_left() -> bool:
            sql = "SELECT DISTINCT toString(toDate(Timestamp)) AS day FROM otel_logs"
            return (await store.query(Query(sql))).table["day"].to_pylist() == [f"{now:%Y-%m-%d}"]

        async def both_are_counted() -> bool:
            sql = f"SELECT sum(Records) AS n FROM {TABLE} WHERE Outcome = 'dropped' AND Tenant = 't'"
            return (await store.query(Query(sql))).table["n"].to_pylist() == [2]

        await until(only_today_is_left)
        await until(both_are_counted)


async def test_a_full_disk_refuses_telemetry_and_takes_what_the_platform_needs(tmp_path: Path) -> None:
    environment = {"AIRIS_DISK_REFUSE_ABOVE": "0.001", "AIRIS_DISK_INTERVAL": "100ms"}
    async with running(tmp_path, **environment) as store:
        row = log("t", {"Timestamp": int(datetime.now(UTC).timestamp() * 1e9)})
        problems: list[StorageFull] = []

        async def is_refused() -> bool:
            try:
                await store.insert("otel_logs", row, token=uuid.uuid4().hex)
            except StorageFull as problem:
                problems.append(problem)
            return bool(problems)

        await until(is_refused)  # the first look comes soon after the start
        assert "AIRIS_DISK_REFUSE_ABOVE" in str(problems[0])
        counts = Counts("ingest")
        counts.add(Key(0, "t", "logs", Outcome.REFUSED, "disk_full"), 1)
        await store.insert(TABLE, counts.table())
