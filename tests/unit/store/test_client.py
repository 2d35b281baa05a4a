"""What the client makes of a store that is down, slow, broken or wrong; the rest is the contract suite's."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pyarrow as pa
import pytest
from aiohttp import web

from airis_ray.errors import InvalidInput, TooLarge, Unavailable
from airis_ray.resilience import BreakerOpen, BreakerPolicy, Retry
from airis_ray.settings import Settings
from airis_ray.store import Query
from airis_ray.store import client as client_module
from airis_ray.store.client import ClickHouseStore, open_store
from airis_ray.store.secrets import store_key

TABLE = pa.table({"n": [1, 2, 3]})
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def arrow(table: pa.Table = TABLE) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()


class FaultyStore:
    """A server on loopback that answers what a test says, one handler a request, the last one for the rest."""

    def __init__(self) -> None:
        self.requests: list[tuple[dict[str, str], bytes]] = []
        self.handlers: list[Handler] = []

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.requests.append((dict(request.query), await request.read()))
        handler = self.handlers.pop(0) if len(self.handlers) > 1 else self.handlers[0]
        return await handler(request)

    def statements(self) -> list[str]:
        return [query.get("query") or body.decode() for query, body in self.requests]


@pytest.fixture
async def server() -> AsyncIterator[tuple[FaultyStore, ClickHouseStore]]:
    faulty = FaultyStore()
    application = web.Application(client_max_size=1 << 26)
    application.router.add_post("/", faulty.answer)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    (_, port) = runner.addresses[0][:2]
    store = ClickHouseStore(f"http://127.0.0.1:{port}", breaker=BreakerPolicy(first_pause=1.0))
    yield faulty, store
    await store.close()
    await runner.cleanup()


async def whole(_: web.Request) -> web.Response:
    return web.Response(body=arrow(), headers={"X-ClickHouse-Summary": '{"read_rows":"7","read_bytes":"56"}'})


async def hangup(request: web.Request) -> web.Response:
    assert request.transport is not None
    request.transport.close()
    return web.Response()


def failing(code: int, text: str, status: int = 500) -> Handler:
    async def handler(_: web.Request) -> web.Response:
        body = f"Code: {code}. DB::Exception: {text} (version 26.9.2.1)"
        return web.Response(status=status, text=body, headers={"X-ClickHouse-Exception-Code": str(code)})

    return handler


async def test_an_answer_with_its_cost(server: tuple[FaultyStore, ClickHouseStore]) -> None:
    faulty, store = server
    faulty.handlers = [whole]
    result = await store.query(Query("SELECT n", {"name": "it's\n결제", "list": ["a'", "b"]}, tenant="t'1"))
    assert (result.table, result.rows_read, result.bytes_read) == (TABLE, 7, 56)
    (sent, _) = faulty.requests[0]
    assert sent["param_name"] == "it\\'s\\\n결제"
    assert sent["param_list"] == "['a\\'', 'b']"
    assert "Tenant = \\'t\\\\\\'1\\'" in sent["additional_table_filters"]
    assert sent["max_execution_time"] == "30"
    assert sent["query_id"]


async def test_a_tenant_cannot_set_the_filter(server: tuple[FaultyStore, ClickHouseStore]) -> None:
    faulty, store = server
    for query in (
        Query("SELECT 1 SETTINGS Additional_Table_Filters = {}", tenant="a"),
        Query("SELECT 1", tenant="a", settings={"additional_table_filters": "{}"}),
    ):
        with pytest.raises(InvalidInput, match="additional_table_filters"):
            await store.query(query)
        with pytest.raises(InvalidInput, match="additional_table_filters"):
            _ = [batch async for batch in store.stream(query)]
    assert faulty.requests == []


@pytest.mark.parametrize(
    ("code", "kind"), [(62, InvalidInput), (47, InvalidInput), (241, TooLarge), (396, TooLarge)]
)
async def test_an_error_is_raised_at_once(
    server: tuple[FaultyStore, ClickHouseStore], code: int, kind: type[Exception]
) -> None:
    faulty, store = server
    faulty.handlers = [failing(code, "no")]
    with pytest.raises(kind, match=rf"no \[ClickHouse code {code}\]"):
        await store.query(Query("SELECT"))
    assert len(faulty.requests) == 1


@pytest.mark.parametrize("fault", [hangup, failing(202, "too many", 503), failing(210, "network")])
async def test_reads_and_inserts_are_repeated_while_the_store_is_away(
    server: tuple[FaultyStore, ClickHouseStore], fault: Handler
) -> None:
    faulty, store = server
    faulty.handlers = [fault, fault, whole]
    assert (await store.query(Query("SELECT n"))).table == TABLE
    faulty.handlers = [fault, whole]
    await store.insert("otel_logs", TABLE)
    (first, body), (second, again) = faulty.requests[-2:]
    assert first["insert_deduplication_token"] == second["insert_deduplication_token"]
    assert body == again == arrow()
    ids = [query["query_id"] for query, _ in faulty.requests if "query_id" in query]
    assert len(set(ids)) == len(ids)


async def test_a_command_is_not_repeated(server: tuple[FaultyStore, ClickHouseStore]) -> None:
    faulty, store = server
    faulty.handlers = [hangup, whole]
    with pytest.raises(Unavailable):
        await store.command("ALTER TABLE t ADD COLUMN x UInt8")
    assert len(faulty.requests) == 1


async def test_a_store_that_stays_away(
    server: tuple[FaultyStore, ClickHouseStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    faulty, store = server
    monkeypatch.setattr(client_module, "_RETRY", Retry(within=0.3, first=0.01))
    faulty.handlers = [hangup]
    with pytest.raises(Unavailable, match="cannot be reached"):
        await store.query(Query("SELECT 1"))
    assert len(faulty.requests) > 1


async def test_an_insert_under_the_callers_token_is_tried_once(
    server: tuple[FaultyStore, ClickHouseStore],
) -> None:
    faulty, store = server
    faulty.handlers = [hangup]
    with pytest.raises(Unavailable):
        await store.insert("otel_logs", TABLE, token="t:0:1:2")
    assert len(faulty.requests) == 1


async def test_a_store_that_is_down_is_not_asked_until_a_ping_finds_it(
    server: tuple[FaultyStore, ClickHouseStore],
) -> None:
    faulty, store = server
    faulty.handlers = [failing(210, "network")]
    for _ in range(5):
        with pytest.raises(Unavailable, match="network"):
            await store.insert("otel_logs", TABLE, token="t")
    with pytest.raises(BreakerOpen, match=r"store is not asked for another \d\.\d s: network") as refused:
        await store.command("SELECT 1")
    assert 0 < refused.value.retry_after <= 1.0
    assert len(faulty.requests) == 5
    faulty.handlers = [whole]
    await store.ping()
    assert (await store.query(Query("SELECT n"))).table == TABLE


async def test_a_query_waits_for_the_store_to_be_asked_again(
    server: tuple[FaultyStore, ClickHouseStore],
) -> None:
    faulty, store = server
    faulty.handlers = [*[failing(210, "network")] * 5, whole]
    for _ in range(5):
        with pytest.raises(Unavailable):
            await store.insert("otel_logs", TABLE, token="t")
    assert (await store.query(Query("SELECT n"))).table == TABLE


@pytest.mark.parametrize("code", [62, 252, 394])
async def test_what_concerns_one_statement_leaves_the_store_open(
    server: tuple[FaultyStore, ClickHouseStore], code: int
) -> None:
    faulty, store = server
    faulty.handlers = [failing(code, "no")]
    for _ in range(10):
        with pytest.raises((InvalidInput, Unavailable)):
            await store.insert("otel_logs", TABLE, token="t")
    assert len(faulty.requests) == 10


async def test_inserts_given_up_after_long_tell_a_store_that_hangs(
    server: tuple[FaultyStore, ClickHouseStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    faulty, store = server
    monkeypatch.setattr(client_module, "_INSERT_PATIENCE", 0.0)
    gate = asyncio.Event()

    async def waiting(_: web.Request) -> web.Response:
        await gate.wait()
        return web.Response()

    faulty.handlers = [waiting]
    for _ in range(5):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await store.insert("otel_logs", TABLE, token="t")
    with pytest.raises(BreakerOpen, match="no answer within"):
        await store.insert("otel_logs", TABLE, token="t")
    gate.set()


async def test_nobody_listens() -> None:
    with socket.socket() as taken:  # bound and not listening: connections are refused
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(Unavailable, match=f"the store at {re.escape(url)}/ cannot be reached"):
            await ClickHouseStore.connect(url)


async def test_a_slow_answer_has_an_end(
    server: tuple[FaultyStore, ClickHouseStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    faulty, store = server
    monkeypatch.setattr(client_module, "_RETRY", Retry(within=0.0))
    monkeypatch.setattr(client_module, "_GRACE_SECONDS", 0.05)
    gate = asyncio.Event()

    async def never(request: web.Request) -> web.Response:
        await gate.wait()
        return web.Response()

    faulty.handlers = [never]
    with pytest.raises(Unavailable, match=r"did not answer within 0\.1 s"):
        await store.query(Query("SELECT sleep(3)", settings={"max_execution_time": 0.05}))
    gate.set()


async def test_leaving_a_stream_early_ends_the_query(server: tuple[FaultyStore, ClickHouseStore]) -> None:
    faulty, store = server
    closed = asyncio.Event()

    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(arrow()[:-8])
        batch = arrow()[len(pa.ipc.read_schema(pa.py_buffer(arrow())).serialize()) : -8]
        try:
            while True:
                await response.write(batch)
                await asyncio.sleep(0)
        finally:
            closed.set()

    faulty.handlers = [endless, whole]
    stream = store.stream(Query("SELECT n", query_id="q1"))
    async for batch in stream:
        assert batch.num_rows == 3
        break
    await stream.aclose()
    await asyncio.wait_for(closed.wait(), 5)
    await store.close()
    assert faulty.statements()[-1] == "KILL QUERY WHERE query_id = {id:String} ASYNC"
    assert faulty.requests[-1][0]["param_id"] == "q1"


async def test_giving_up_a_query_ends_it(server: tuple[FaultyStore, ClickHouseStore]) -> None:
    faulty, store = server
    arrived, gate = asyncio.Event(), asyncio.Event()

    async def waiting(request: web.Request) -> web.Response:
        arrived.set()
        await gate.wait()
        return web.Response()

    faulty.handlers = [waiting, whole]
    task = asyncio.create_task(store.query(Query("SELECT n", query_id="q2")))
    await asyncio.wait_for(arrived.wait(), 5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    gate.set()
    await store.close()
    assert faulty.statements()[-1].startswith("KILL QUERY")


async def test_a_stream_that_breaks_off(server: tuple[FaultyStore, ClickHouseStore]) -> None:
    faulty, store = server

    async def half(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(arrow()[:-8])
        assert request.transport is not None
        request.transport.close()
        return response

    faulty.handlers = [half]
    seen: list[pa.RecordBatch] = []

    async def read() -> None:
        async for batch in store.stream(Query("SELECT n")):
            seen.append(batch)  # noqa: PERF401 - kept although the stream fails

    with pytest.raises(Unavailable):
        await read()
    assert len(seen) == 1


async def test_long_parameters_travel_in_a_form(server: tuple[FaultyStore, ClickHouseStore]) -> None:
    faulty, store = server
    faulty.handlers = [whole]
    await store.query(Query("SELECT {ids:Array(String)}", {"ids": ["x" * 100] * 1000}))
    (sent, body) = faulty.requests[0]
    assert "param_ids" not in sent
    assert b'name="param_ids"' in body
    assert b"SELECT {ids:Array(String)}" in body


def test_the_address_in_the_settings(tmp_path: Path) -> None:
    named = open_store(Settings(clickhouse_url="https://me:p%40ss@ch.example/otel?x=1"))
    assert (named.url, named.database) == ("https://ch.example:8443/", "otel")
    assert ClickHouseStore("http://[::1]:8123?database=o").url == "http://[::1]:8123/"
    assert ClickHouseStore("http://h?database=o").database == "o"
    embedded = open_store(Settings(data_dir=tmp_path))
    assert embedded.url == "http://127.0.0.1:8123/"
    assert store_key(tmp_path)
    for wrong in ("h:8123", "clickhouse://h", "http://"):
        with pytest.raises(InvalidInput, match="expected a ClickHouse URL"):
            ClickHouseStore(wrong)
