"""What one caller does keeps nobody else waiting: stalled data, slow queries, a store that is told to stop."""

from __future__ import annotations

import hashlib
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import pytest_asyncio

from airis_ray.settings import RetentionSettings, Settings
from airis_ray.store.client import ClickHouseStore
from airis_ray.store.migrate import migrate
from tests.contract.conftest import Front
from tests.support.embedded_store import EmbeddedProcess

SLOW = "SELECT sum(sipHash64(number, {})) FROM numbers(1900000000)"


@contextmanager
def _stalled(port: int, key: str, sql: str) -> Iterator[None]:
    """An INSERT whose data never come to their end, past what the store holds before it begins."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        head = (
            f"POST /?query={sql.replace(' ', '+')} HTTP/1.1\r\nHost: localhost\r\nX-ClickHouse-Key: {key}\r\n"
        )
        connection.sendall(f"{head}Content-Length: {1 << 30}\r\n\r\n".encode() + b"1\n" * (5 << 20))
        yield


def _key(front: Front, tenant: str, scopes: list[str]) -> str:
    key = f"airis_{uuid.uuid4().hex[:12]}_{'x' * 43}"
    digest = hashlib.sha256(key.encode()).hexdigest()
    front.text(
        "INSERT INTO airis_keys (Id, Hash, Tenant, Name, Scopes, Created, CreatedBy, Version) VALUES"
        f" ('{key[6:18]}', '{digest}', '{tenant}', 'test', {scopes}, now(), 'test', 1)"
    )
    return key


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def migrated(embedded: Front) -> Front:
    """The store with its tables."""
    store = await ClickHouseStore.connect(f"http://{embedded.host}:{embedded.port}", password=embedded.key)
    await migrate(
        store, settings=Settings(retention=RetentionSettings(logs=0, traces=0, metrics=0, sessions=0))
    )
    await store.close()
    return embedded


def _within(seconds: float, front: Front, sql: str, expected: str) -> None:
    end = time.monotonic() + seconds
    while front.text(sql) != expected:
        assert time.monotonic() < end
        time.sleep(0.05)


def test_stalled_data_leave_the_platform_its_writers(process: EmbeddedProcess, migrated: Front) -> None:
    key = _key(migrated, "default", ["read", "write"])
    writer = replace(migrated, key=key)
    writer.text("CREATE TABLE stalling (id UInt64) ENGINE = MergeTree ORDER BY id")
    with ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(_stalled(process.port, key, "INSERT INTO stalling FORMAT TSV"))
        _within(
            20,
            migrated,
            "SELECT count() > 0 FROM system.processes WHERE query LIKE 'INSERT INTO stall%'",
            "1\n",
        )
        started = time.monotonic()
        migrated.insert(b"7\n", "INSERT INTO stalling FORMAT TSV")
        assert time.monotonic() - started < 5
    writer.text("DROP TABLE stalling")


def test_slow_queries_of_one_key_leave_places_to_others(migrated: Front) -> None:
    slow = replace(migrated, key=_key(migrated, "acme", ["read"]))
    other = replace(migrated, key=_key(migrated, "other", ["read"]))
    ids = [uuid.uuid4().hex for _ in range(6)]
    answers: list[httpx.Response] = []

    def ask(number: int) -> None:
        values = {"query_id": ids[number], "max_execution_time": "6", "max_threads": "1"}
        answers.append(slow.ask(SLOW.format(number), **values))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    _within(10, migrated, "SELECT count() FROM system.processes WHERE query LIKE 'SELECT sum(sip%'", "3\n")
    started = time.monotonic()
    for _ in range(20):  # by the last of them every slow one has come as far as it may
        assert other.text("SELECT 1") == "1\n"
        assert migrated.text("SELECT count() > 0 FROM airis_keys") == "1\n"
    assert time.monotonic() - started < 3
    for query_id in ids:
        migrated.text(f"KILL QUERY WHERE query_id = '{query_id}' SYNC")
    for thread in threads:
        thread.join(30)


def test_a_store_with_stalled_data_stops(tmp_path: Path) -> None:
    process = EmbeddedProcess(tmp_path).start()
    with Front.at("127.0.0.1", process.port, "default", process.key) as front:
        front.text("CREATE TABLE stalling (id UInt64) ENGINE = MergeTree ORDER BY id")
        with _stalled(process.port, process.key, "INSERT INTO stalling FORMAT TSV"):
            _within(
                20,
                front,
                "SELECT count() > 0 FROM system.processes WHERE query LIKE 'INSERT INTO stall%'",
                "1\n",
            )
            assert process.stop() == 0


def test_a_store_that_is_open_refuses_web_pages(tmp_path: Path) -> None:
    process = EmbeddedProcess(tmp_path, AIRIS_AUTH="disabled").start()
    page = {"Content-Type": "text/plain", "Origin": "https://evil.example"}
    with httpx.Client(base_url=process.url, trust_env=False) as http:
        assert http.post("/", content="SELECT 1").text == "1\n"
        for headers in (page, {"Host": "evil.example"}):
            assert http.post("/", content="SELECT 1", headers=headers).status_code == 403
    assert process.stop() == 0
