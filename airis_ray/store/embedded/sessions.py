"""ClickHouse's HTTP sessions: settings and temporary tables that last from one request to the next.

Settings are remembered here and said again to each request's own connection. Only a session that makes a temporary
table keeps a connection, on a thread of its own.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

from airis_ray.store.embedded.engine import Connection, Setup
from airis_ray.store.embedded.errors import SESSION_IS_LOCKED, SESSION_NOT_FOUND, error

DEFAULT_TIMEOUT = 60.0
MAX_TIMEOUT = 3600.0
_MOST = 1000  # sessions that are kept; past it the one unused for longest goes


@dataclass
class Pinned:
    """A connection that only one thread touches."""

    thread: ThreadPoolExecutor
    connection: Connection

    @contextmanager
    def prepared(self, setup: Setup, standing: Setup) -> Iterator[Connection]:
        """The connection with a request's setup for the length of a block, with the session's own afterwards."""
        self.connection.prepare(setup)
        try:
            yield self.connection
        finally:
            self.connection.undo(setup, standing)

    def close(self) -> None:
        """End both."""
        self.thread.submit(self.connection.close)
        self.thread.shutdown(wait=False)


@dataclass
class Session:
    """What lasts between the requests of one session id."""

    settings: dict[str, str] = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=dict)
    database: str | None = None
    pinned: Pinned | None = None
    expires: float = 0.0
    locked: bool = False


class Sessions:
    """The sessions of all callers."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._sessions: dict[tuple[str, str], Session] = {}

    @asynccontextmanager
    async def enter(
        self, owner: str, name: str, *, lasting: float, must_exist: bool
    ) -> AsyncIterator[Session]:
        """Hold a session for one request, making it where it is not there; without a name, one for this request.

        ClickHouseError where it is in use, or must exist and does not.
        """
        if not name:
            yield Session()
            return
        self._expire()
        session = self._sessions.pop((owner, name), None)
        if session is None and must_exist:
            raise error(SESSION_NOT_FOUND, f"Session {name} not found")
        session = self._sessions[owner, name] = session or Session()
        if session.locked:
            raise error(SESSION_IS_LOCKED, f"Session {name} is locked by a concurrent client")
        session.locked = True
        try:
            yield session
        finally:
            session.locked = False
            session.expires = self._clock() + min(lasting, MAX_TIMEOUT)

    def close(self) -> None:
        """End all sessions."""
        for session in self._sessions.values():
            if session.pinned is not None:
                session.pinned.close()
        self._sessions.clear()

    def _expire(self) -> None:
        """Sessions stand in the order of their last use."""
        now = self._clock()
        excess = len(self._sessions) - _MOST
        for key, session in list(self._sessions.items()):
            if session.locked or (session.expires > now and excess <= 0):
                continue
            excess -= 1
            del self._sessions[key]
            if session.pinned is not None:
                session.pinned.close()
