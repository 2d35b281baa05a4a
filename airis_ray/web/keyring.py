"""What the guard asks: keys in files, keys in the store behind a cache, and both in a row."""

from __future__ import annotations

import asyncio
import hmac
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol, TypeVar

from airis_ray.cache import MemoryStore, Rate
from airis_ray.errors import AirisError, Overloaded, Unavailable
from airis_ray.settings import Settings
from airis_ray.web.auth import ALL_SCOPES, DEFAULT_TENANT, SELF_TENANT, KeyRing, Principal, Scope
from airis_ray.web.key_files import ADMIN_KEY, SELF_KEY
from airis_ray.web.keys import KeyRecord, digest, key_id_of
from airis_ray.web.limits import StoreLimits

_T = TypeVar("_T")
_LOG = logging.getLogger(__name__)

_FRESH = 2.0  # seconds that an answer is given without asking again
_MAX_AGE = 4.0  # seconds until an answer has to be asked for again: a revoked key is out within 5
_GRACE = 60.0  # seconds that a key seen before keeps opening while the store is down
_LOOKUP = 2.0  # seconds that a look-up may take
_FLUSH = 60.0  # seconds between two notes of when keys were used
_UNKNOWN = Rate(100, 1.0)  # look-ups of ids not seen before: guessing keys must not become load on the store


class KeySource(Protocol):
    """Where keys are looked up; :class:`airis_ray.web.keys.KeyTable` is one."""

    async def find(self, key_id: str) -> KeyRecord | None:
        """The state of a key."""

    async def note_uses(self, uses: dict[str, float]) -> None:
        """Keep when keys were last used."""


class FileKey:
    """The key in a file of the data folder, as one principal. A changed file counts within seconds."""

    def __init__(
        self, path: Path, principal: Principal, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._path = path
        self._principal = principal
        self._clock = clock
        self._checked = float("-inf")
        self._stamp: tuple[int, int] | None = None
        self._digest: str | None = None

    async def verify(self, key: str) -> Principal | None:
        now = self._clock()
        if now - self._checked >= _FRESH:
            self._checked = now
            self._read()
        known = self._digest
        return self._principal if known is not None and hmac.compare_digest(known, digest(key)) else None

    def _read(self) -> None:
        try:
            status = self._path.stat()
            stamp = (status.st_mtime_ns, status.st_ino)
            if stamp != self._stamp:
                text = self._path.read_text(encoding="utf-8").strip()
                self._digest = digest(text) if text else None
                self._stamp = stamp
        except OSError:
            self._stamp = self._digest = None


@dataclass(slots=True)
class _Entry:
    record: KeyRecord | None
    asked: float


class CachedKeys:
    """Keys of a :class:`KeySource` behind a small cache; bounded, for concurrent use on one loop.

    A key in use is asked for again in the background before its answer grows old, so that no request waits.
    While the source is down, keys seen in the last minute go on to open, and others raise Unavailable.
    """

    def __init__(
        self,
        source: KeySource,
        *,
        size: int = 4096,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._source = source
        self._size = size
        self._clock = clock
        self._wall_clock = wall_clock
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._unknown: OrderedDict[str, _Entry] = OrderedDict()
        self._asking: dict[str, asyncio.Task[KeyRecord | None]] = {}
        self._limits = StoreLimits(MemoryStore(max_buckets=1, clock=clock))
        self._uses: dict[str, float] = {}
        self._flushed = clock()
        self._tasks: set[asyncio.Task[Any]] = set()

    async def verify(self, key: str) -> Principal | None:
        key_id = key_id_of(key)
        if key_id is None:
            return None
        record = await self._record(key_id)
        if record is None or not hmac.compare_digest(record.hash, digest(key)):
            return None
        now = self._wall_clock()
        if not record.valid_at(datetime.fromtimestamp(now, UTC)):
            return None
        self._note(key_id, now)
        return record.principal

    async def _record(self, key_id: str) -> KeyRecord | None:
        entry = self._entries.get(key_id) or self._unknown.get(key_id)
        age = self._clock() - entry.asked if entry else float("inf")
        if entry is not None and age < _FRESH:
            return entry.record
        if entry is not None and entry.record is not None and age < _MAX_AGE:
            self._ask(key_id)
            return entry.record
        if key_id not in self._entries and key_id not in self._asking:
            await self._count_unknown()
        try:
            return await asyncio.shield(self._ask(key_id))
        except Unavailable:
            if entry is not None and entry.record is not None and age < _GRACE:
                return entry.record
            raise

    def _ask(self, key_id: str) -> asyncio.Task[KeyRecord | None]:
        """Look a key up; those who ask while it is looked up share the answer."""
        task = self._asking.get(key_id)
        if task is None:
            task = self._asking[key_id] = self._spawn(self._look_up(key_id))
            task.add_done_callback(lambda done: self._answered(key_id, done))
        return task

    async def _look_up(self, key_id: str) -> KeyRecord | None:
        asked = self._clock()
        try:
            async with asyncio.timeout(_LOOKUP):
                record = await self._source.find(key_id)
        except TimeoutError:
            raise Unavailable("the store does not answer; keys cannot be verified now") from None
        except AirisError as error:  # down, or its tables are not made yet
            raise Unavailable("the store is not ready; keys cannot be verified now") from error
        entries, other = (self._unknown, self._entries) if record is None else (self._entries, self._unknown)
        other.pop(key_id, None)
        entries[key_id] = _Entry(record, asked)
        entries.move_to_end(key_id)
        if len(entries) > self._size:
            entries.popitem(last=False)
        return record

    def _answered(self, key_id: str, task: asyncio.Task[KeyRecord | None]) -> None:
        self._asking.pop(key_id, None)
        if not task.cancelled():
            task.exception()  # those who wait have it; in the background nobody does

    async def _count_unknown(self) -> None:
        allowance = await self._limits.take("unknown", _UNKNOWN)
        if not allowance.granted:
            raise Overloaded("too many unknown keys are being tried; try again", retry_after=1.0)

    def _note(self, key_id: str, now: float) -> None:
        self._uses[key_id] = now
        if self._clock() - self._flushed >= _FLUSH:
            self._flushed = self._clock()
            uses, self._uses = self._uses, {}
            self._spawn(self._flush(uses))

    async def _flush(self, uses: dict[str, float]) -> None:
        try:
            await self._source.note_uses(uses)
        except AirisError as error:  # it is approximate by design
            _LOG.debug("last use of keys not kept", extra={"reason": str(error)})

    def _spawn(self, work: Coroutine[Any, Any, _T]) -> asyncio.Task[_T]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


class KeyChain:
    """Several rings asked in turn; the first that knows a key answers."""

    def __init__(self, *rings: KeyRing) -> None:
        self._rings = rings

    async def verify(self, key: str) -> Principal | None:
        for ring in self._rings:
            if (principal := await ring.verify(key)) is not None:
                return principal
        return None


def api_keys(settings: Settings, source: KeySource) -> KeyRing:
    """The keys that the HTTP and gRPC interfaces take: the admin's, the platform's own, those in the store."""
    admin = Principal("admin", DEFAULT_TENANT, ALL_SCOPES)
    own = Principal("self", SELF_TENANT, frozenset({Scope.INGEST}))
    return KeyChain(
        FileKey(settings.data_dir / ADMIN_KEY, admin),
        FileKey(settings.data_dir / SELF_KEY, own),
        CachedKeys(source),
    )
