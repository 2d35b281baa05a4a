"""A front before the store that does to a request what a test says: pass it on, fail it, hold it, or answer nothing."""

from __future__ import annotations

import asyncio
import io
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import aiohttp
from aiohttp import web
from yarl import URL

_START_SECONDS = 10.0
_MAX_BYTES = 1 << 30
_OWN_HEADERS = ("content-length", "transfer-encoding", "connection", "host")


@dataclass(frozen=True)
class Answer:
    """What the store said, or what is said in its place."""

    status: int
    body: bytes
    headers: dict[str, str]


@dataclass(frozen=True)
class Call:
    """A request on its way to the store; ``forward`` has the store answer it."""

    query: str
    token: str
    forward: Callable[[], Awaitable[Answer]]

    def inserts(self, table: str) -> bool:
        """Whether it is an insert into ``table``."""
        return self.query.startswith(f"INSERT INTO `{table}`")


Rule = Callable[[Call], Awaitable[Answer | None]]
"""Answers a call, or None: the connection is closed without an answer."""


async def passing(call: Call) -> Answer:
    """The store's own answer."""
    return await call.forward()


class StoreProxy:
    """A proxy on a loopback port, in a thread of its own. ``rule`` holds from the next request on."""

    def __init__(self, target: str) -> None:
        self._target = target
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._ended: asyncio.Event | None = None
        self._thread = threading.Thread(
            target=self._loop.run_until_complete, args=(self._run(),), daemon=True
        )
        self.rule: Rule = passing
        self.port = 0

    def start(self) -> StoreProxy:
        self._thread.start()
        assert self._ready.wait(_START_SECONDS), "the proxy did not start"
        return self

    def stop(self) -> None:
        assert self._ended is not None
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join(_START_SECONDS)
        self._loop.close()

    @contextmanager
    def following(self, rule: Rule) -> Iterator[None]:
        """``rule`` holds for the block, for requests that come in it."""
        self.rule = rule
        try:
            yield
        finally:
            self.rule = passing

    async def _run(self) -> None:
        self._ended = asyncio.Event()
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector, auto_decompress=False) as self._session:
            app = web.Application(client_max_size=_MAX_BYTES)
            app.router.add_route("*", "/{path:.*}", self._handle)
            runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            self.port = runner.addresses[0][1]
            self._ready.set()
            await self._ended.wait()
            await runner.cleanup()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()

        async def forward() -> Answer:
            headers = {name: v for name, v in request.headers.items() if name.lower() not in ("host",)}
            url = f"{self._target}{request.raw_path}"
            async with self._session.request(
                request.method, URL(url, encoded=True), data=io.BytesIO(body), headers=headers
            ) as answer:
                content = await answer.read()
                return Answer(answer.status, content, dict(answer.headers))

        query = request.query.get("query", "")
        call = Call(query, request.query.get("insert_deduplication_token", ""), forward)
        try:
            answer = await self.rule(call)
        except aiohttp.ClientError:
            answer = None  # the store is away: so are we
        if answer is None:
            if request.transport is not None:
                request.transport.close()
            return web.Response(status=502)
        kept = {name: v for name, v in answer.headers.items() if name.lower() not in _OWN_HEADERS}
        return web.Response(status=answer.status, body=answer.body, headers=kept)
