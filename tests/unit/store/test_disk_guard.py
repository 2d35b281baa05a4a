"""The disk guard over real partitions; only the disk is made up."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, date, datetime, timedelta

import pytest

from airis_ray.errors import AirisError
from airis_ray.settings import DiskSettings, RetentionSettings, Settings
from airis_ray.store import Query
from airis_ray.store.disk import Usage, usage_of
from airis_ray.store.embedded.disk_guard import DiskGuard, Partition
from airis_ray.store.embedded.errors import ClickHouseError
from airis_ray.store.embedded.statement import parse
from airis_ray.store.migrate import migrate
from tests.support.local_store import LocalStore
from tests.unit.store.test_migrate import OwnDatabase

TODAY = date(2026, 3, 10)
CLOCK = datetime(2026, 3, 10, 12, tzinfo=UTC).timestamp()
GB = 10**9


class Disk:
    """A disk of 100 GB. What the guard drops does not empty it: a test says how full it is."""

    def __init__(self, used: float) -> None:
        self.used = used

    def __call__(self) -> Usage:
        return Usage(int(self.used * GB), int((100 - self.used) * GB))


class Store:
    """Tables of a test's own, for the guard's thread."""

    def __init__(self, tables: OwnDatabase) -> None:
        self._tables = tables
        self._loop = asyncio.get_running_loop()
        self.broken: str | None = None

    def run(self, sql: str) -> Sequence[Sequence[str]]:
        return asyncio.run_coroutine_threadsafe(self._run(sql), self._loop).result(30)

    async def _run(self, sql: str) -> Sequence[Sequence[str]]:
        if self.broken is not None and self.broken in sql:
            raise ClickHouseError(60, "there is no such table")
        try:
            if not sql.lstrip().startswith("SELECT"):
                await self._tables.command(sql)
                return []
            rows = (await self._tables.query(Query(sql))).table.to_pylist()
        except AirisError as problem:
            raise ClickHouseError(1002, str(problem)) from None
        return [[str(value) for value in row.values()] for row in rows]

    async def fill(self, table: str, *days: int, column: str = "Timestamp", tenants: str = "t") -> None:
        """A row of each tenant on each day, counted from today."""
        for day in days:
            at = TODAY + timedelta(days=day)
            for tenant in tenants:
                await self._tables.command(
                    f"INSERT INTO {table} ({column}, ResourceAttributes) "
                    f"VALUES ('{at} 06:00:00', map('airis.tenant', '{tenant}'))"
                )

    async def days(self, table: str) -> list[int]:
        """Days that have rows, counted from today."""
        sql = "SELECT DISTINCT partition FROM system.parts WHERE active AND database = currentDatabase() "
        rows = await self._run(f"{sql} AND table = '{table}'")
        return sorted((date.fromisoformat(row[0]) - TODAY).days for row in rows)

    async def rows(self, sql: str) -> Sequence[Sequence[str]]:
        return await self._run(sql)


@pytest.fixture
async def store(migrated_store: LocalStore, tenant: str) -> AsyncIterator[Store]:
    await migrated_store.command(f"CREATE DATABASE {tenant}")
    tables = OwnDatabase(migrated_store, tenant)
    keep = RetentionSettings(logs=0, traces=0, metrics=0, sessions=0)
    await migrate(tables, settings=Settings(retention=keep))
    yield Store(tables)
    await migrated_store.command(f"DROP DATABASE {tenant}")


def guard(store: Store, disk: Disk, **settings: float) -> DiskGuard:
    # Kilobytes of tests are no share of 100 GB: without `keep` they count as what fills it.
    return DiskGuard(store.run, DiskSettings(**{"keep": 0, **settings}), disk, clock=lambda: CLOCK)


async def look(guard: DiskGuard) -> list[Partition]:
    return await asyncio.to_thread(guard.look)


async def test_nothing_goes_below_the_threshold(store: Store) -> None:
    await store.fill("otel_logs", -9, -1, 0)
    assert await look(guard(store, Disk(70.0))) == []
    assert await store.days("otel_logs") == [-9, -1, 0]


async def test_the_oldest_days_go_over_all_tables_and_the_newest_of_each_stays(store: Store) -> None:
    await store.fill("otel_logs", -9, -8, 0, tenants="ab")
    await store.fill("otel_traces", -9, -7)
    await store.fill("otel_metrics_gauge", -20, column="TimeUnix")
    await store.fill("hyperdx_sessions", -3, 0)
    dropped = await look(guard(store, Disk(71.0)))
    assert [partition.day for partition in dropped] == sorted(partition.day for partition in dropped)
    assert await store.days("otel_logs") == [0]
    assert await store.days("otel_traces") == [-7]
    assert await store.days("otel_metrics_gauge") == [-20]  # its only one
    assert await store.days("hyperdx_sessions") == [0]
    assert await store.days("airis_logs_10s") == [0]  # roll-ups go with their days
    counted = await store.rows(
        "SELECT Tenant, Signal, sum(Records) FROM airis_accounts WHERE Outcome = 'dropped' AND Stage = 'store' "
        "GROUP BY Tenant, Signal ORDER BY Tenant, Signal"
    )
    assert [list(row) for row in counted] == [
        ["a", "logs", "2"],
        ["b", "logs", "2"],
        ["t", "logs", "1"],
        ["t", "traces", "1"],
    ]
    told = await store.rows(
        "SELECT Table, Partition, Rows, Used FROM airis_disk_drops WHERE Table = 'otel_logs'"
    )
    assert sorted(list(row) for row in told) == [
        ["otel_logs", "2026-03-01", "2", "0.71"],
        ["otel_logs", "2026-03-02", "2", "0.71"],
    ]
    assert await look(guard(store, Disk(99.0))) == []


async def test_today_stays_also_where_a_clock_runs_ahead(store: Store) -> None:
    await store.fill("otel_logs", -1, 0, 1)
    await look(guard(store, Disk(99.0)))
    assert await store.days("otel_logs") == [0, 1]


async def test_no_more_goes_than_is_needed(store: Store) -> None:
    """Sizes are reckoned and not measured, so that a disk that empties late loses no more than it must."""
    await asyncio.to_thread(store.run, "SYSTEM STOP MERGES airis_facets_15m")
    await store.fill("otel_logs", -9, -8, -7, 0)
    sql = "SELECT sum(bytes_on_disk) FROM system.parts WHERE database = currentDatabase()"
    day = float((await store.rows(f"{sql} AND active AND partition = '2026-03-01'"))[0][0])
    behind = (await store.rows(f"{sql} AND NOT active"))[0][0]
    left_behind = 0.0 if behind == "None" else float(behind)
    await look(guard(store, Disk(70 + (1.5 * day + left_behind) / GB)))
    assert await store.days("otel_logs") == [-7, 0]


async def test_what_others_fill_the_disk_with_is_not_made_up_for(store: Store) -> None:
    await store.fill("otel_logs", -9, 0)
    assert await look(guard(store, Disk(90.0), keep=0.01)) == []
    assert await store.days("otel_logs") == [-9, 0]


async def test_a_drop_that_fails_is_counted_once_and_tried_again(store: Store) -> None:
    await store.fill("otel_logs", -9, 0)
    watch = guard(store, Disk(71.0))
    store.broken = "ALTER TABLE"
    for _ in range(2):
        with pytest.raises(ClickHouseError):
            await look(watch)
    store.broken = None
    await look(watch)
    assert await store.days("otel_logs") == [0]
    counted = await store.rows("SELECT sum(Records) FROM airis_accounts")
    assert counted[0][0] == "1"


async def test_a_disk_that_fills_up_waits_for_no_table_of_counts(store: Store) -> None:
    await store.fill("otel_logs", -9, 0)
    store.broken = "airis_accounts"
    await look(guard(store, Disk(71.0)))
    assert await store.days("otel_logs") == [0]


async def test_a_full_disk_takes_no_telemetry_and_takes_it_again(store: Store) -> None:
    disk = Disk(94.0)
    watch = guard(store, disk)
    insert = parse(b"INSERT INTO default.otel_logs (Body) FORMAT ArrowStream\n", complete=True)
    await look(watch)
    watch.check(insert)
    disk.used = 95.5
    await look(watch)
    with pytest.raises(
        ClickHouseError, match=r"95\.5% full: above 95% \(AIRIS_DISK_REFUSE_ABOVE\)"
    ) as refused:
        watch.check(insert)
    assert refused.value.code == 243
    for sql in (
        b"INSERT INTO `airis_keys` (Id) FORMAT ArrowStream\n",
        b"INSERT INTO default.airis_accounts (Time) FORMAT ArrowStream\n",
        b"SELECT * FROM otel_logs",
        b"ALTER TABLE otel_logs DROP PARTITION '2026-03-01'",
    ):
        watch.check(parse(sql, complete=True))
    for sql in (
        b"INSERT INTO TABLE mine (airis_keys) VALUES (1)",
        b"INSERT INTO mine SELECT * FROM airis_keys",
    ):
        with pytest.raises(ClickHouseError):
            watch.check(parse(sql, complete=True))
    disk.used = 60.0
    await look(watch)
    watch.check(insert)


async def test_it_goes_on_looking_whatever_goes_wrong(store: Store) -> None:
    stopped, looks = threading.Event(), 0

    def measure() -> Usage:
        nonlocal looks
        looks += 1
        if looks == 1:
            raise OSError("the folder is away")
        if looks == 2:
            raise ValueError("a bug")
        stopped.set()
        return Usage(1, 1)

    watch = DiskGuard(store.run, DiskSettings(interval=0.001), measure)
    await asyncio.wait_for(asyncio.to_thread(watch.run, stopped), 10)
    assert looks == 3


def test_the_usage_of_a_folder(tmp_path: object) -> None:
    usage = usage_of(tmp_path)
    assert 0 < usage.share < 1
    assert usage.size == usage.used + usage.free
    assert Usage(0, 0).share == 1.0
