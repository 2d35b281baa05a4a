"""The store over ClickHouse's HTTP interface, embedded or not.

clickhouse-connect formats the parameters; the requests are our own, because its client hands out neither the
cost of an Arrow query nor a way to end one early, and takes twice the time of a short query.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

import aiohttp
import pyarrow as pa
from clickhouse_connect.driver.binding import quote_identifier
from yarl import URL

from airis_ray.errors import AirisError, InvalidInput, StorageFull, Unavailable
from airis_ray.resilience import Breaker, BreakerPolicy, Permit, Retry, is_outage
from airis_ray.settings import Settings, StoreSettings
from airis_ray.store.arrow_stream import ArrowDecoder, read_table
from airis_ray.store.codes import StatementUnavailable
from airis_ray.store.http import (
    BufferPayload,
    ipc_stream,
    query_cost,
    query_parameters,
    raise_for_error,
    url_encoded,
)
from airis_ray.store.protocol import Query, Result, check_tenancy, tenant_filters
from airis_ray.store.secrets import store_key

_CONNECT_SECONDS: Final = 5.0  # a store on the same machine or cluster answers a SYN at once
_GRACE_SECONDS: Final = 5.0  # on top of the query's own limit, so that ClickHouse's error comes before ours
_POOL: Final = 32  # connections; more queries than that wait here and not in the server
_RETRY: Final = Retry(within=4.0, first=0.1)  # the embedded store restarts in about one second
_INSERT_SECONDS: Final = 60.0
_INSERT_PATIENCE: Final = 5.0  # an insert that its caller gave up after so long had a store that hangs
_COMMAND_SECONDS: Final = 900.0  # a roll-up over a month is rebuilt by one command
_OFF_LOOP_BYTES: Final = 1 << 20  # larger answers are decoded in a thread
_URL_BYTES: Final = 16 * 1024  # longer parameters travel in a form: servers bound the length of a URL


class ClickHouseStore:
    """Implements :class:`airis_ray.store.protocol.Store`. Belongs to the event loop that first uses it."""

    def __init__(
        self,
        url: str,
        *,
        user: str | None = None,
        password: str | None = None,
        limits: StoreSettings | None = None,
        breaker: BreakerPolicy | None = None,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise InvalidInput(f"expected a ClickHouse URL such as http://host:8123, got {url!r}")
        self._limits = limits or StoreSettings()
        port = parts.port or (8443 if parts.scheme == "https" else 8123)
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        self.url = f"{parts.scheme}://{host}:{port}/"
        named = parse_qs(parts.query).get("database") or [parts.path.strip("/") or self._limits.database]
        self.database = named[0]
        self._headers = {
            "X-ClickHouse-User": user or unquote(parts.username or "default"),
            "X-ClickHouse-Key": password if password is not None else unquote(parts.password or ""),
        }
        self._local = parts.hostname in ("127.0.0.1", "::1", "localhost")
        self._session: aiohttp.ClientSession | None = None
        self._farewells: set[asyncio.Task[None]] = set()
        self._breaker = Breaker("store", breaker, counts=_is_outage)

    @classmethod
    async def connect(
        cls, url: str, *, password: str | None = None, settings: Settings | None = None
    ) -> ClickHouseStore:
        """A store that has answered; Unavailable where it does not."""
        store = cls(url, password=password, limits=settings.store if settings else None)
        try:
            await store.ping()
        except BaseException:
            await store.close()
            raise
        return store

    async def query(self, query: Query) -> Result:
        """Run a query and hold its whole answer."""

        async def once() -> Result:
            started = time.perf_counter()
            parameters = {**self._query_parameters(query), "wait_end_of_query": "1"}
            async with self._post(parameters, query.sql, self._deadline(query)) as response:
                body = await response.read()
            large = len(body) > _OFF_LOOP_BYTES
            table = await asyncio.to_thread(read_table, body) if large else read_table(body)
            cost = query_cost(response)
            elapsed = cost.get("elapsed_ns", 0) / 1e6 or (time.perf_counter() - started) * 1e3
            return Result(table, cost.get("read_rows", 0), cost.get("read_bytes", 0), elapsed)

        return await _RETRY.run(once)

    async def stream(self, query: Query) -> AsyncIterator[pa.RecordBatch]:
        """Run a query and yield its answer batch by batch; leaving the iterator early cancels the query."""
        parameters = self._query_parameters(query)
        decoder = ArrowDecoder()
        async with self._post(parameters, query.sql, self._deadline(query)) as response:
            try:
                async for chunk in response.content.iter_any():
                    for batch in decoder.feed(chunk):
                        yield batch
            except aiohttp.ClientPayloadError:
                pass  # the server closes behind an error in the middle of an answer: finish() says which
        decoder.finish()

    async def insert(self, table: str, data: pa.Table | pa.RecordBatch, *, token: str | None = None) -> None:
        """Insert by column name; returns once the rows are durable. The same ``token`` twice inserts once.

        Whoever brings a token repeats the insert himself; without one, the insert is repeated here.
        """
        body = await asyncio.to_thread(ipc_stream, data)
        columns = ", ".join(quote_identifier(name) for name in data.schema.names)
        parameters = {
            "query": f"INSERT INTO {quote_identifier(table)} ({columns}) FORMAT ArrowStream",
            "insert_deduplication_token": token or uuid.uuid4().hex,
            "deduplicate_blocks_in_dependent_materialized_views": "1",
            "async_insert": "0",
        }

        async def once() -> None:
            async with self._post(parameters, body, _INSERT_SECONDS, patience=_INSERT_PATIENCE) as response:
                await response.read()

        await (once() if token is not None else _RETRY.run(once))

    async def command(self, sql: str, parameters: Mapping[str, Any] | None = None) -> str:
        """Run DDL or another statement that answers no table."""
        bound = {**query_parameters(parameters or {}), "wait_end_of_query": "1"}
        async with self._post(bound, sql, _COMMAND_SECONDS) as response:
            return (await response.text()).strip()

    async def create_database(self) -> None:
        """Make the database that the URL or the settings name, where it is not there; before the migrations."""
        sql = f"CREATE DATABASE IF NOT EXISTS {quote_identifier(self.database)}"
        async with self._post({"database": "default"}, sql, _COMMAND_SECONDS) as response:
            await response.read()

    async def ping(self) -> None:
        """Raise Unavailable unless the store answers. Asks also while other calls are refused, and ends that."""
        async with self._post({}, "SELECT 1", _CONNECT_SECONDS, force=True) as response:
            await response.read()

    async def close(self) -> None:
        """Release the connections."""
        await asyncio.gather(*self._farewells, return_exceptions=True)
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _query_parameters(self, query: Query) -> dict[str, str]:
        check_tenancy(query)
        limits = self._limits
        parameters = {
            "default_format": "ArrowStream",
            "output_format_arrow_string_as_string": "1",
            "output_format_arrow_compression_method": "none" if self._local else "lz4_frame",
            "cancel_http_readonly_queries_on_client_close": "1",
            "max_execution_time": f"{limits.max_query_seconds:g}",
            "max_memory_usage": str(limits.max_query_memory),
            "max_rows_to_read": str(limits.max_query_rows),
            "max_result_bytes": str(limits.max_result_bytes),
            **{name: str(value) for name, value in query.settings.items()},
            **query_parameters(query.parameters),
            "query_id": query.query_id or uuid.uuid4().hex,
        }
        if query.tenant is not None:
            local = self.database if limits.cluster else None
            parameters["additional_table_filters"] = tenant_filters(query.tenant, local)
        return parameters

    def _deadline(self, query: Query) -> float:
        seconds = query.settings.get("max_execution_time", self._limits.max_query_seconds)
        return float(seconds) + _GRACE_SECONDS

    @asynccontextmanager
    async def _post(
        self,
        parameters: Mapping[str, str],
        body: str | pa.Buffer,
        seconds: float,
        *,
        force: bool = False,
        patience: float | None = None,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """One request; raises what its answer means where that is an error.

        Whoever leaves before the answer is whole ends the query. ``force`` and ``patience`` are the breaker's.
        """
        try:
            with self._breaker.call(force=force, patience=patience) as permit:
                async with self._request(parameters, body, seconds, permit) as response:
                    yield response
        except (GeneratorExit, asyncio.CancelledError):
            self._kill(parameters.get("query_id"))
            raise

    @asynccontextmanager
    async def _request(
        self, parameters: Mapping[str, str], body: str | pa.Buffer, seconds: float, permit: Permit
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        try:
            async with self._open().post(**self._content(parameters, body, seconds)) as response:
                await raise_for_error(response)
                permit.succeeded()  # how long the caller takes to read a stream is his affair
                yield response
        except TimeoutError as error:
            raise Unavailable(f"the store at {self.url} did not answer within {seconds:g} s") from error
        except aiohttp.ClientError as error:
            raise Unavailable(f"the store at {self.url} cannot be reached: {error}") from error

    def _content(
        self, parameters: Mapping[str, str], body: str | pa.Buffer, seconds: float
    ) -> dict[str, Any]:
        """The arguments of a request: parameters in the URL, or in a form where they are long."""
        timeout = aiohttp.ClientTimeout(
            total=None, connect=seconds, sock_connect=_CONNECT_SECONDS, sock_read=seconds
        )
        if not isinstance(body, str):
            return {"url": self._address(parameters), "data": BufferPayload(body), "timeout": timeout}
        bound = {name: value for name, value in parameters.items() if name.startswith("param_")}
        if sum(map(len, bound.values())) < _URL_BYTES:
            return {"url": self._address(parameters), "data": body.encode(), "timeout": timeout}
        form = aiohttp.FormData()
        for name, value in {"query": body, **bound}.items():
            form.add_field(name, value, content_type="text/plain")
        rest = {name: value for name, value in parameters.items() if name not in bound}
        return {"url": self._address(rest), "data": form, "timeout": timeout}

    def _address(self, parameters: Mapping[str, str]) -> URL:
        """The URL with the parameters; the long filter of a tenant is encoded once and not at every query."""
        rest = {name: value for name, value in parameters.items() if name != "additional_table_filters"}
        filters = parameters.get("additional_table_filters")
        tail = f"&additional_table_filters={url_encoded(filters)}" if filters is not None else ""
        return URL(f"{self.url}?{urlencode({'database': self.database, **rest})}{tail}", encoded=True)

    def _kill(self, query_id: str | None) -> None:
        """End a query that nobody waits for; a closed connection alone does not end every query."""
        if query_id is None or self._session is None or self._session.closed:
            return

        async def kill() -> None:
            with suppress(AirisError):
                sql = "KILL QUERY WHERE query_id = {id:String} ASYNC"
                async with self._post(query_parameters({"id": query_id}), sql, _CONNECT_SECONDS) as response:
                    await response.read()

        task = asyncio.get_running_loop().create_task(kill())
        self._farewells.add(task)
        task.add_done_callback(self._farewells.discard)

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=_POOL, keepalive_timeout=30),
                headers=self._headers,
                trust_env=False,
            )
        return self._session


def open_store(settings: Settings) -> ClickHouseStore:
    """The store that the settings name: theirs, or the embedded one with its key. Sends nothing yet."""
    if settings.clickhouse_url is not None:
        return ClickHouseStore(settings.clickhouse_url, limits=settings.store)
    url = f"http://127.0.0.1:{settings.store.port}"
    return ClickHouseStore(url, password=store_key(settings.data_dir), limits=settings.store)


def _is_outage(error: BaseException) -> bool:
    return is_outage(error) and not isinstance(error, StatementUnavailable | StorageFull)
