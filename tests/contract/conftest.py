"""The servers that the contract is held against: the embedded one, and a real ClickHouse where one is named."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import clickhouse_connect
import httpx
import pytest
from clickhouse_connect.driver import Client
from clickhouse_connect.driver.httputil import get_pool_manager

from tests.support.embedded_store import EmbeddedProcess
from tests.support.s3_server import BUCKET, MISSING, S3Server

REAL = os.environ.get("AIRIS_TEST_CLICKHOUSE_URL")


@dataclass(frozen=True)
class Front:
    """A server that speaks ClickHouse's HTTP interface, and a plain HTTP client of it."""

    host: str
    port: int
    user: str
    key: str
    http: httpx.Client

    @classmethod
    @contextmanager
    def at(cls, host: str, port: int, user: str, key: str) -> Iterator[Front]:
        """A server's front, with its key in every request. Compression is asked for by the tests that mean it."""
        headers = {"X-ClickHouse-User": user, "X-ClickHouse-Key": key, "Accept-Encoding": "identity"}
        url = f"http://{host}:{port}"
        with httpx.Client(base_url=url, headers=headers, timeout=60, trust_env=False) as http:
            yield cls(host, port, user, key, http)

    def ask(self, sql: str | bytes, **values: str) -> httpx.Response:
        """POST a statement, with URL parameters."""
        return self.http.post("/", params=values, content=sql, headers={"X-ClickHouse-Key": self.key})

    def text(self, sql: str, **values: str) -> str:
        """The answer of a statement that succeeds."""
        answer = self.ask(sql, **values)
        assert answer.status_code == 200, answer.text
        return answer.text

    def insert(self, data: bytes, sql: str) -> None:
        """Insert data by a statement in the URL."""
        answer = self.ask(data, query=sql)
        assert answer.status_code == 200, answer.text

    @contextmanager
    def client(self, **options: Any) -> Iterator[Client]:
        """clickhouse-connect, over connections of its own."""
        pool = get_pool_manager()
        options = {"username": self.user, "password": self.key, "pool_mgr": pool, **options}
        with clickhouse_connect.get_client(host=self.host, port=self.port, **options) as client:
            yield client
        pool.clear()


@pytest.fixture(scope="session")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedProcess]:
    """The embedded store over a fresh folder."""
    embedded = EmbeddedProcess(tmp_path_factory.mktemp("contract")).start()
    yield embedded
    embedded.stop()


@pytest.fixture(scope="session")
def embedded(process: EmbeddedProcess) -> Iterator[Front]:
    """The embedded server, by its own key."""
    with Front.at("127.0.0.1", process.port, "default", process.key) as front:
        yield front


@pytest.fixture(scope="session", params=["embedded", *(["real"] if REAL else [])])
def front(request: pytest.FixtureRequest) -> Iterator[Front]:
    """Each server in turn."""
    if request.param == "embedded":
        yield request.getfixturevalue("embedded")
        return
    parts = urlsplit(REAL or "")
    host, port = parts.hostname or "127.0.0.1", parts.port or 8123
    with Front.at(host, port, parts.username or "default", unquote(parts.password or "")) as front:
        yield front


@pytest.fixture(scope="session")
def s3() -> Iterator[S3Server]:
    """An S3 server with a bucket."""
    if MISSING:
        pytest.skip(
            f"recordings in S3 are not tried: {', '.join(MISSING)} not installed (the extra dev has them)"
        )
    server = S3Server().start()
    yield server
    server.stop()


@pytest.fixture(params=["local", "s3"])
def blocks_url(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """A place for blocks: a folder, and a prefix of a bucket."""
    if request.param == "local":
        yield str(tmp_path / "blocks")
        return
    server = request.getfixturevalue("s3")
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    yield f"s3://{BUCKET}/{tmp_path.name}/blocks"


@pytest.fixture
def table(front: Front, request: pytest.FixtureRequest) -> Iterator[str]:
    """A table of three columns, gone after the test."""
    name = f"t_{abs(hash(request.node.nodeid)) % 10**10}"
    front.text(
        f"CREATE TABLE {name} (id UInt64, name String, labels Map(String, String)) ENGINE = MergeTree ORDER BY id"
        " SETTINGS non_replicated_deduplication_window = 100"
    )
    yield name
    front.text(f"DROP TABLE {name}")
