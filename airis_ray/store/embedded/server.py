"""ClickHouse's HTTP interface as an ASGI application over one engine."""

from __future__ import annotations

import asyncio
import logging
import socket
import uuid
from collections.abc import Callable, Mapping, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Protocol, TypeVar

from airis_ray.settings import StoreSettings
from airis_ray.store.embedded import work
from airis_ray.store.embedded.access import Level, Principal, Rights, rights_of
from airis_ray.store.embedded.answer import Answer, Send
from airis_ray.store.embedded.call import Call
from airis_ray.store.embedded.channel import Channel
from airis_ray.store.embedded.commands import kill, own_tables, remember, use
from airis_ray.store.embedded.engine import Engine
from airis_ray.store.embedded.errors import (
    AUTHENTICATION_FAILED,
    READONLY,
    SOCKET_TIMEOUT,
    ClickHouseError,
    error,
    from_engine,
)
from airis_ray.store.embedded.lanes import Lanes
from airis_ray.store.embedded.request import IDLE_SECONDS, Gone, Receive, Request
from airis_ray.store.embedded.running import Registry
from airis_ray.store.embedded.sessions import DEFAULT_TIMEOUT, Pinned, Sessions
from airis_ray.store.embedded.source import read_source
from airis_ray.store.embedded.statement import Statement, Verb
from airis_ray.store.embedded.work import Finished, Item, Piece

_T = TypeVar("_T")
_LOG = logging.getLogger(__name__)


class KeyRing(Protocol):
    """Who a key belongs to."""

    async def verify(self, key: str | None, headers: Mapping[str, str]) -> Principal | Rights | None:
        """The key's principal; PLATFORM for the store's own key; None where the key opens nothing.

        ``headers`` are the request's, by names in lower case. Raises ClickHouseError where they forbid it.
        """


class Server:
    """The ASGI application. Belongs to one event loop; :meth:`close` ends its threads."""

    def __init__(
        self,
        engine: Engine,
        keys: KeyRing,
        limits: StoreSettings,
        *,
        check: Callable[[Statement], None] = lambda _: None,
        idle: float = IDLE_SECONDS,
    ) -> None:
        """``check`` raises ClickHouseError for a statement that may not run now.

        ``idle``: seconds that a request's body may pause.
        """
        self.engine = engine
        self._keys = keys
        self._limits = limits
        self._check = check
        self._idle = idle
        self._lanes = Lanes(limits)
        self._threads = ThreadPoolExecutor(self._lanes.places, "statement")
        self._control = ThreadPoolExecutor(1, "control")
        self._registry = Registry(engine, self._control)
        self._sessions = Sessions()
        self._name = socket.gethostname()

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        answer = Answer(send, version=self.engine.version, time_zone=self.engine.time_zone, server=self._name)
        try:
            request = Request.of(scope, receive, idle=self._idle)
            if request.path in ("/ping", "/replicas_status"):
                await answer.text("Ok.\n")
            elif request.path not in ("/", "/query"):
                await answer.text(f"There is no handle {request.path}\n", 404)
            else:
                await self._handle(request, answer)
        except ClickHouseError as problem:
            if problem.code == SOCKET_TIMEOUT:
                answer.header("connection", "close")  # what may still come is no request
            await answer.fail(problem)
        except Gone:
            return
        except Exception as problem:
            _LOG.exception("a request failed for no reason of ClickHouse's")
            await answer.fail(from_engine(f"{type(problem).__name__}: {problem}"))

    async def close(self) -> None:
        """Stop what runs, and end the threads and sessions."""
        await asyncio.gather(*(self._registry.kill(running) for running in self._registry.all()))
        self._sessions.close()
        self._threads.shutdown()
        self._control.shutdown()

    async def _handle(self, request: Request, answer: Answer) -> None:
        rights = await self._rights(request)
        source = await read_source(request)
        if source is None:
            await answer.text("Ok.\n")
            return
        query_id = request.values.get("query_id") or str(uuid.uuid4())
        answer.header("x-clickhouse-query-id", query_id)
        if request.method == "GET" and source.statement.verb in (Verb.INSERT, Verb.OTHER):
            raise error(READONLY, "Cannot execute query in readonly mode: send what writes by POST")
        name, check = request.values.get("session_id", ""), request.flag("session_check")
        lasting = request.number("session_timeout", DEFAULT_TIMEOUT)
        async with (
            self._sessions.enter(rights.owner, name, lasting=lasting, must_exist=check) as session,
            self._registry.entry(query_id, rights.owner, source.statement.sql) as running,
        ):
            finished = await self._run(Call(request, answer, rights, source, session, running, self._limits))
        # Only now, so that the client's next request finds its session and its query id free.
        await answer.finish(finished)

    async def _rights(self, request: Request) -> Rights:
        found = await self._keys.verify(request.key, request.headers)
        if found is None:
            raise error(AUTHENTICATION_FAILED, "Authentication failed: the key is wrong, or there is none")
        return found if isinstance(found, Rights) else rights_of(found)

    async def _run(self, call: Call) -> Finished:
        tables = frozenset[str]()
        if call.rights.level is Level.WRITER:
            tables = await self._in_control(own_tables, self.engine)
        call.authorize(tables)
        self._check(call.statement)
        verb = call.statement.verb
        if verb in (Verb.SET, Verb.USE):
            change = remember if verb is Verb.SET else use
            await self._in_control(
                change, self.engine, call.statement, call.setup(), call.session, call.rights
            )
            return Finished()
        if verb is Verb.KILL:
            call.instead(await kill(self._registry, call.statement, call.rights))
        async with self._lanes.place(call):
            if call.is_insert:
                await asyncio.to_thread(call.judge_values)
            return await self._execute(call)

    async def _in_control(self, function: Callable[..., _T], *arguments: object) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._control, function, *arguments)

    async def _execute(self, call: Call) -> Finished:
        loop = asyncio.get_running_loop()
        channel: Channel[Item] = Channel(loop)
        pinned = await self._pinned(call)
        connect = partial(self.engine.connected, call.setup())
        if pinned is not None:
            connect = partial(pinned.prepared, call.setup(), call.standing())
        job = call.job(connect, channel, loop)
        threads = pinned.thread if pinned else self._threads
        call.running.stop = call.request.body.stop if call.is_insert else None
        call.running.future = loop.run_in_executor(threads, work.guarded, job, channel)
        try:
            return await self._deliver(call, channel)
        finally:
            channel.close()
            if not call.is_insert and not call.running.is_done:
                await asyncio.shield(self._registry.kill(call.running))
            await call.running.future

    async def _deliver(self, call: Call, channel: Channel[Item]) -> Finished:
        """Hand all but the answer's end to the client.

        Raises the statement's error, and Gone where the client leaves before a reading statement is done.
        """
        gone = None if call.is_insert else asyncio.ensure_future(call.request.body.gone())
        try:
            while True:
                item = await _unless(gone, channel)
                if isinstance(item, Piece):
                    await call.answer.piece(item.data)
                elif isinstance(item, Finished):
                    return item
                else:
                    raise item.problem
        finally:
            if gone is not None:
                gone.cancel()

    async def _pinned(self, call: Call) -> Pinned | None:
        """The session's own connection, where it has or now needs one."""
        session = call.session
        if session.pinned is None and call.needs_pin:
            thread = ThreadPoolExecutor(1, "session")
            loop = asyncio.get_running_loop()
            session.pinned = Pinned(
                thread, await loop.run_in_executor(thread, self.engine.connect, call.standing())
            )
        return session.pinned


async def _unless(gone: asyncio.Future[None] | None, channel: Channel[Item]) -> Item:
    """The channel's next item; Gone where the client leaves first."""
    if gone is None or channel.has_items:
        return await channel.get()
    item = asyncio.ensure_future(channel.get())
    await asyncio.wait((item, gone), return_when=asyncio.FIRST_COMPLETED)
    if item.done():
        return item.result()
    item.cancel()
    raise Gone
