"""When a session is over: past its size, its length, or after a pause.

What a session has so far is read from the store when its first chunk comes and carried on from there; what other
replicas took in meanwhile is read again after REFRESH_SECONDS, and always before anything is refused. Sessions that are
asked for while a query of their tenant runs are read together by the next.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from airis_ray.errors import FieldError
from airis_ray.replay.chunks import Chunk
from airis_ray.replay.tables import BLOCKS
from airis_ray.settings.replay import ReplaySettings
from airis_ray.store.protocol import Query, Store
from airis_ray.web.problems import HttpRefusal

REFRESH_SECONDS: Final = 60.0
_REMEMBERED: Final = 20_000
"""Sessions whose state is held, some 10 MB."""
_CONFLICT: Final = 409

_READ: Final = f"""
    SELECT
        Session, sum(bytes) AS size, toUnixTimestamp64Milli(min(begun)) AS start,
        toUnixTimestamp64Milli(max(over)) AS end
    FROM (
        SELECT Session, any(Size) AS bytes, min(Start) AS begun, max(End) AS over FROM {BLOCKS}
        WHERE Session IN {{sessions:Array(String)}} GROUP BY Session, Form, Tab, First, Last, Digest
    )
    GROUP BY Session
"""
_AT_ONCE: Final = 500
"""Sessions of one query."""

_Waiting = list[tuple[str, asyncio.Future[dict[str, Any] | None]]]


class SessionOver(HttpRefusal):
    """A session takes nothing more; ``limit`` is ``bytes``, ``minutes`` or ``idle``."""

    def __init__(self, limit: str, message: str) -> None:
        super().__init__(f"this session takes nothing more: {message}; begin a new one", _CONFLICT)
        self.errors = (FieldError(f"/limits/{limit}", message),)


@dataclass
class State:
    """What a session has: bytes, first and last millisecond; ``read`` is when that was asked (monotonic seconds)."""

    size: int
    start: int
    end: int
    read: float

    def add(self, chunk: Chunk) -> None:
        """Carry on with a chunk that was kept."""
        self.size += chunk.size
        self.start = min(self.start, chunk.facts.start)
        self.end = max(self.end, chunk.facts.end)


class Limits:
    """The states of the sessions that send to this replica."""

    def __init__(
        self, store: Store, settings: ReplaySettings, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._store = store
        self._settings = settings
        self._clock = clock
        self._states: OrderedDict[tuple[str, str], State] = OrderedDict()
        self._waiting: dict[str, _Waiting] = {}
        self._asking: dict[str, asyncio.Task[None]] = {}

    async def check(self, tenant: str, chunk: Chunk) -> None:
        """Raise SessionOver where the chunk would go past a limit of its session."""
        key = (tenant, chunk.origin.session)
        state = self._states.get(key)
        if state is None or self._clock() - state.read > REFRESH_SECONDS or self._refusal(state, chunk):
            state = await self._read(tenant, chunk)
            self._states[key] = state
            if (refusal := self._refusal(state, chunk)) is not None:
                raise refusal
        self._states.move_to_end(key)
        while len(self._states) > _REMEMBERED:
            self._states.popitem(last=False)

    def kept(self, tenant: str, chunk: Chunk) -> None:
        """Remember that a chunk was kept."""
        if (state := self._states.get((tenant, chunk.origin.session))) is not None:
            state.add(chunk)

    def _refusal(self, state: State, chunk: Chunk) -> SessionOver | None:
        settings, facts = self._settings, chunk.facts
        if state.size + chunk.size > settings.max_bytes:
            return SessionOver(
                "bytes", f"it has {state.size} of {settings.max_bytes} bytes (AIRIS_REPLAY_MAX_BYTES)"
            )
        length = (max(state.end, facts.end) - min(state.start, facts.start)) / 1000
        if length > settings.max_length:
            return SessionOver(
                "minutes",
                f"it would be {length / 60:.1f} minutes long, more than {settings.max_length / 60:g} "
                "(AIRIS_REPLAY_MAX_LENGTH)",
            )
        pause = max(facts.start - state.end, state.start - facts.end) / 1000
        if pause > settings.max_idle:
            return SessionOver(
                "idle",
                f"nothing came for {pause / 60:.1f} minutes, more than {settings.max_idle / 60:g} "
                "(AIRIS_REPLAY_MAX_IDLE)",
            )
        return None

    async def _read(self, tenant: str, chunk: Chunk) -> State:
        future: asyncio.Future[dict[str, Any] | None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(tenant, []).append((chunk.origin.session, future))
        if tenant not in self._asking:
            self._asking[tenant] = asyncio.get_running_loop().create_task(self._ask(tenant))
        row = await future
        if row is None:
            return State(0, chunk.facts.start, chunk.facts.end, self._clock())
        return State(int(row["size"]), int(row["start"]), int(row["end"]), self._clock())

    async def _ask(self, tenant: str) -> None:
        """Answer those who wait for sessions of a tenant, all at once, until nobody does."""
        asked: _Waiting = []
        try:
            while asked := self._waiting.pop(tenant, []):
                if len(asked) > _AT_ONCE:
                    asked, self._waiting[tenant] = asked[:_AT_ONCE], asked[_AT_ONCE:]
                query = Query(_READ, {"sessions": [session for session, _ in asked]}, tenant)
                rows = (await self._store.query(query)).table.to_pylist()
                found = {row["Session"]: row for row in rows}
                for session, future in asked:
                    if not future.done():  # whoever asked may have gone away
                        future.set_result(found.get(session))
        except Exception as error:
            for _, future in [*asked, *self._waiting.pop(tenant, [])]:
                if not future.done():
                    future.set_exception(error)
        finally:
            del self._asking[tenant]
