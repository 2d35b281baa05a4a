"""The store's client over ClickHouse's HTTP interface: the embedded store's, and a real server's where
``AIRIS_TEST_CLICKHOUSE_URL`` names one."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from airis_ray.errors import AirisError, InvalidInput, TooLarge
from airis_ray.settings import RetentionSettings, Settings
from airis_ray.store import Query
from airis_ray.store.client import ClickHouseStore
from airis_ray.store.migrate import migrate, plan
from airis_ray.store.secrets import store_key
from tests.support.rows import rows

KEEP = Settings(retention=RetentionSettings(logs=0, traces=0, metrics=0, sessions=0))
REAL = os.environ.get("AIRIS_TEST_CLICKHOUSE_URL")


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The embedded store as a process of its own: its URL and its data folder."""
    folder = tmp_path_factory.mktemp("embedded")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "airis_ray.store.embedded", "--path", str(folder), "--port", str(port)]
    process = subprocess.Popen(command)
    yield f"http://127.0.0.1:{port}", folder
    process.terminate()
    process.wait(30)


async def _reached(url: str, password: str | None) -> ClickHouseStore:
    end = time.monotonic() + 30
    while True:
        try:
            return await ClickHouseStore.connect(url, password=password)
        except AirisError:
            if time.monotonic() > end:
                raise
        await asyncio.sleep(0.1)


@pytest_asyncio.fixture(
    scope="module", loop_scope="session", params=["embedded", *(["real"] if REAL is not None else [])]
)
async def store(request: pytest.FixtureRequest) -> AsyncIterator[ClickHouseStore]:
    if request.param == "real":
        assert REAL is not None
        found = await _reached(REAL, None)
    else:
        url, folder = request.getfixturevalue("embedded")
        found = await _reached(url, store_key(folder))
    await found.create_database()
    # Two instances that start at once.
    await asyncio.gather(*(migrate(found, settings=KEEP) for _ in range(2)))
    yield found
    await found.close()


async def test_migrations_are_done(store: ClickHouseStore) -> None:
    assert await plan(store, settings=KEEP) == []


async def test_rows_go_in_once_and_come_out_for_their_tenant(store: ClickHouseStore, tenant: str) -> None:
    token = uuid.uuid4().hex
    for name in (tenant, f"{tenant}'other"):
        batch = rows(
            "otel_logs", name, [{"Timestamp": 10**18, "Body": "서버에서 오류", "ServiceName": "cart"}] * 3
        )
        for _ in range(2):
            await store.insert("otel_logs", batch, token=f"{token}{name}")
    for name in (tenant, f"{tenant}'other"):
        sql = "SELECT count() AS n, any(Tenant) AS t FROM otel_logs WHERE lower(Body) LIKE {like:String}"
        answer = await store.query(Query(sql, {"like": "%버에%"}, tenant=name))
        assert answer.table.to_pylist() == [{"n": 3, "t": name}]
        assert answer.rows_read > 0
        rolled = await store.query(Query("SELECT sum(Count) AS n FROM airis_logs_10s", tenant=name))
        assert rolled.table.to_pylist() == [{"n": 3}]


async def test_a_database_of_another_name(store: ClickHouseStore, tenant: str) -> None:
    other = ClickHouseStore(f"{store.url}{tenant}", password=store._headers["X-ClickHouse-Key"])
    for _ in range(2):
        await other.create_database()
    assert await other.command("SELECT currentDatabase()") == tenant
    await other.command(f"DROP DATABASE {tenant}")
    await other.close()


async def test_parameters_arrive_as_they_are(store: ClickHouseStore) -> None:
    texts = ["x'\\\t결\n제`\"", "", "{a:b}", "--", "%"]
    sql = "SELECT {one:String} AS one, {all:Array(String)} AS all, {n:UInt64} AS n, {f:Float64} AS f"
    for text in texts:
        answer = await store.query(Query(sql, {"one": text, "all": texts, "n": 2**64 - 1, "f": 0.1}))
        assert answer.table.to_pylist() == [{"one": text, "all": texts, "n": 2**64 - 1, "f": 0.1}]
    long = ["결제" * 10] * 1000
    answer = await store.query(Query("SELECT length({all:Array(String)}) AS n", {"all": long}))
    assert answer.table.to_pylist() == [{"n": 1000}]


@pytest.mark.parametrize(
    ("sql", "settings", "kind"),
    [
        ("SELEC 1", {}, InvalidInput),
        ("SELECT no_such_column", {}, InvalidInput),
        ("SELECT 1 FROM no_such_table", {}, InvalidInput),
        ("SELECT count() FROM numbers(1000000)", {"max_rows_to_read": 10}, TooLarge),
        ("SELECT number FROM numbers(1000000)", {"max_result_bytes": 1000}, TooLarge),
        (
            "SELECT count() FROM numbers(100000000000)",
            {"max_rows_to_read": 0, "max_execution_time": 0.2},
            TooLarge,
        ),
        (
            "SELECT length(groupArray(number)) FROM numbers(100000000)",
            {"max_memory_usage": 10_000_000},
            TooLarge,
        ),
    ],
)
async def test_what_is_wrong_has_its_kind(
    store: ClickHouseStore, sql: str, settings: dict[str, float], kind: type[AirisError]
) -> None:
    with pytest.raises(AirisError) as caught:
        await store.query(Query(sql, settings=settings))
    assert type(caught.value) is kind, caught.value


async def test_an_answer_streams(store: ClickHouseStore) -> None:
    batches = [batch async for batch in store.stream(Query("SELECT number FROM numbers(300000)"))]
    assert sum(batch.num_rows for batch in batches) == 300_000
    assert len(batches) > 1


async def test_an_error_in_the_middle_of_a_stream(store: ClickHouseStore) -> None:
    async def read() -> None:
        async for _ in store.stream(Query("SELECT number, throwIf(number = 3000000) FROM numbers(10000000)")):
            pass

    with pytest.raises(InvalidInput, match="throwIf"):
        await read()


async def test_a_query_that_nobody_waits_for_ends(store: ClickHouseStore) -> None:
    unlimited = {"max_rows_to_read": 0, "max_result_bytes": 0}
    left, given_up = uuid.uuid4().hex, uuid.uuid4().hex
    numbers = "SELECT {} FROM numbers(1000000000000)"
    stream = store.stream(Query(numbers.format("number"), settings=unlimited, query_id=left))
    await anext(stream)
    await stream.aclose()
    endless = Query(numbers.format("sum(cityHash64(number))"), settings=unlimited, query_id=given_up)
    task = asyncio.create_task(store.query(endless))
    await _until(store, lambda queries: any("cityHash64" in query for query in queries))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await _until(store, lambda queries: not queries)


async def _until(store: ClickHouseStore, true: Callable[[list[str]], bool]) -> None:
    """Wait for a state of the endless queries that run."""
    sql = """
        SELECT query FROM system.processes
        WHERE query LIKE '%numbers(1000000000000)%' AND query NOT LIKE '%processes%'
    """
    end = time.monotonic() + 10
    while not true((await store.query(Query(sql))).table["query"].to_pylist()):
        assert time.monotonic() < end
        await asyncio.sleep(0.02)
