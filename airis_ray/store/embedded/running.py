"""The statements that run now: how many at once, under which ids, and how one is stopped."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from airis_ray.store.embedded.engine import Engine
from airis_ray.store.embedded.errors import SAME_QUERY_ID, TOO_MANY_QUERIES, error

_QUEUE_SECONDS = (
    10.0  # a statement that finds no free place for so long is refused, and the client comes back
)
_KILL_EVERY = 0.05  # seconds between two attempts: a statement may not have reached the engine at the first


@dataclass(eq=False)
class Running:
    """One statement. ``tag`` is how the engine knows it."""

    query_id: str
    owner: str
    sql: str
    tag: str = field(default_factory=lambda: uuid.uuid4().hex)
    started: float = field(default_factory=time.monotonic)
    future: asyncio.Future[None] | None = None
    stop: Callable[[], None] | None = None  # ends its wait for more of an INSERT's data

    @property
    def is_done(self) -> bool:
        """Whether its thread has come to the end."""
        return self.future is not None and self.future.done()


class Lane:
    """Places for statements of one kind: reads never wait for writes, short control work for neither.

    One owner holds at most ``each`` of them; what it asks for beyond waits behind its own, and in nobody else's way.
    """

    def __init__(self, places: int, *, each: int | None = None, wait: float = _QUEUE_SECONDS) -> None:
        self._places = asyncio.Semaphore(places)
        self._all, self._each = places, each or places
        self._wait = wait
        self._owners: dict[str | None, _Share] = {}

    @asynccontextmanager
    async def place(self, owner: str | None) -> AsyncIterator[None]:
        """Wait for a place; ClickHouseError (TOO_MANY_SIMULTANEOUS_QUERIES) after ten seconds.

        Without an owner, all places may be held.
        """
        most = self._all if owner is None else self._each
        share = self._owners.setdefault(owner, _Share(asyncio.Semaphore(most)))
        share.users += 1
        try:
            async with AsyncExitStack() as held:
                try:
                    async with asyncio.timeout(self._wait):
                        await held.enter_async_context(share.places)
                        await held.enter_async_context(self._places)
                except TimeoutError:
                    raise error(
                        TOO_MANY_QUERIES, "Too many simultaneous queries: no place became free in time"
                    ) from None
                yield
        finally:
            share.users -= 1
            if not share.users:
                del self._owners[owner]


@dataclass
class _Share:
    """One owner's part of a lane, for as long as it has statements there."""

    places: asyncio.Semaphore
    users: int = 0


class Registry:
    """Query ids in use, and the way to end what runs under them."""

    def __init__(self, engine: Engine, control: ThreadPoolExecutor) -> None:
        self._engine = engine
        self._control = control
        self._running: dict[str, Running] = {}

    @asynccontextmanager
    async def entry(self, query_id: str, owner: str, sql: str) -> AsyncIterator[Running]:
        """Hold a query id while a statement runs; ClickHouseError where it is in use."""
        if query_id in self._running:
            raise error(SAME_QUERY_ID, f"Query with id = {query_id} is already running")
        running = self._running[query_id] = Running(query_id, owner, sql)
        try:
            yield running
        finally:
            del self._running[query_id]

    def find(self, query_ids: list[str], owner: str | None) -> list[Running]:
        """What runs under these ids; of one owner only, unless None."""
        found = [self._running[name] for name in query_ids if name in self._running]
        return [running for running in found if owner is None or running.owner == owner]

    def all(self) -> list[Running]:
        """Everything that runs."""
        return list(self._running.values())

    async def kill(self, running: Running) -> None:
        """End a statement; returns when it has ended. One that waits for its place is left alone."""
        loop = asyncio.get_running_loop()
        if running.stop is not None:
            running.stop()
        while running.future is not None and not running.is_done:
            await loop.run_in_executor(self._control, self._engine.kill, running.tag)
            await asyncio.wait([running.future], timeout=_KILL_EVERY)
