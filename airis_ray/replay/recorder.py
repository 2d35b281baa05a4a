"""Takes chunks in: into the object store, then their rows into the store; after that the sessions' summaries.

A chunk is durable when :meth:`Recorder.keep` returns: its block is in the object store and its row acknowledged.
Sessions' summaries follow within ``AIRIS_REPLAY_INTERVAL``. A replica that is killed in between leaves a summary
behind its chunks: the session's next chunk, or the look every hour, makes it anew. The events of rules that its
last second of chunks would have made are then missing; the timeline has them.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import pyarrow as pa

from airis_ray.errors import AirisError
from airis_ray.replay import metrics
from airis_ray.replay.chunks import Chunk
from airis_ray.replay.events import log_records, new_marks
from airis_ray.replay.limits import Limits
from airis_ray.replay.objects import Objects, path_of
from airis_ray.replay.summary import Block, summarise
from airis_ray.replay.tables import BLOCKS, SESSIONS, block_row, read_blocks, session_rows
from airis_ray.settings.replay import ReplaySettings
from airis_ray.store.protocol import Query, Store

Insert = Callable[[str, pa.RecordBatch], Awaitable[None]]
Emit = Callable[[str, bytes], Awaitable[None]]

_AT_ONCE: Final = 100
"""Sessions that are summarised by one query and one insert."""
_REST_SECONDS: Final = 0.05
"""A session is left alone for so long for each of its chunks: half a minute for one of an hour."""
_MOST_WAITING: Final = 100_000

_BEHIND: Final = f"""
    SELECT b.Tenant AS Tenant, b.Session AS Session
    FROM (
        SELECT Tenant, Session, sum(Copies) AS copies, max(Received) AS received FROM {BLOCKS}
        WHERE Received >= now64(3) - INTERVAL 1 DAY GROUP BY Tenant, Session
    ) AS b
    LEFT JOIN (SELECT Tenant, id, max(Version) AS version FROM {SESSIONS} GROUP BY Tenant, id) AS s
        ON b.Tenant = s.Tenant AND b.Session = s.id
    WHERE b.copies > s.version AND b.received < now64(3) - INTERVAL 1 MINUTE LIMIT 10000
"""

_log = logging.getLogger(__name__)


class Recorder:
    """The intake of one process. Belongs to the event loop of its first call."""

    def __init__(
        self,
        store: Store,
        settings: ReplaySettings,
        objects: Objects,
        insert: Insert,
        emit: Emit,
    ) -> None:
        """``insert`` puts a batch into a table and returns when it is acknowledged; ``emit`` takes an OTLP request of
        logs of a tenant in."""
        self._store = store
        self._settings = settings
        self._objects = objects
        self._insert = insert
        self._emit = emit
        self._limits = Limits(store, settings)
        self._rest: dict[tuple[str, str], float] = {}
        self._fresh: dict[tuple[str, str], set[str]] = defaultdict(set)
        self._task: asyncio.Task[None] | None = None

    async def keep(self, tenant: str, chunks: Sequence[Chunk]) -> None:
        """Return once every chunk is durable.

        Raises SessionOver where a session takes nothing more, else what the object store and ``insert`` raise; then
        some of the chunks may be kept, and sending them again does no harm.
        """
        for chunk in chunks:
            await self._limits.check(tenant, chunk)
        await asyncio.gather(*(self._keep(tenant, chunk) for chunk in chunks))

    async def _keep(self, tenant: str, chunk: Chunk) -> None:
        path = path_of(tenant, chunk)
        await self._objects.put(path, chunk.block)
        await self._insert(BLOCKS, block_row(tenant, chunk, path, time.time_ns() // 1_000_000))
        self._limits.kept(tenant, chunk)
        metrics.EVENTS.labels(tenant=tenant, form=chunk.origin.form).inc(chunk.events)
        metrics.BYTES.labels(tenant=tenant, kind="recorded").inc(chunk.size)
        metrics.BYTES.labels(tenant=tenant, kind="stored").inc(len(chunk.block))
        if len(self._fresh) < _MOST_WAITING:
            self._fresh[tenant, chunk.origin.session].add(chunk.digest)
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def summarise(self, *, due: bool = False) -> None:
        """Write the summaries of the sessions that got chunks since the last time, and emit what is new in them.

        ``due``: only of those that have not just been summarised. A summary reads all chunks of its session; long ones
        wait for some more chunks, so that each chunk costs about the same.
        """
        now = time.monotonic()
        self._rest = {key: until for key, until in self._rest.items() if until > now}
        waiting = {key: digests for key, digests in self._fresh.items() if not due or key not in self._rest}
        for key in waiting:
            del self._fresh[key]
        tenants: dict[str, list[str]] = defaultdict(list)
        for tenant, session in waiting:
            tenants[tenant].append(session)
        for tenant, sessions in tenants.items():
            for start in range(0, len(sessions), _AT_ONCE):
                part = sessions[start : start + _AT_ONCE]
                try:
                    await self._write(tenant, {session: waiting[tenant, session] for session in part})
                except AirisError as error:
                    _log.debug("summaries of sessions wait for the store", extra={"reason": str(error)})
                    for session in part:
                        self._fresh[tenant, session] |= waiting[tenant, session]

    async def repair(self) -> None:
        """Take up the sessions whose summary is behind their chunks: their replica was killed."""
        for row in (await self._store.query(Query(_BEHIND))).table.to_pylist():
            self._fresh[row["Tenant"], row["Session"]] |= set()
        await self.summarise()

    async def close(self) -> None:
        """Write what is left to write; a store that does not take it keeps nobody waiting."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        await self.summarise()
        self._objects.close()

    async def _write(self, tenant: str, fresh: dict[str, set[str]]) -> None:
        """``fresh`` holds, by session, the digests of the chunks that came here since the last time."""
        found = await read_blocks(self._store, tenant, list(fresh))
        dead_ms = round(self._settings.dead_click * 1000)
        rows = [
            (session, summarise(blocks, dead_ms), [block.facts.start for block in blocks])
            for session, blocks in found.items()
        ]
        if not rows:
            return
        await self._store.insert(SESSIONS, session_rows(tenant, rows), token=uuid.uuid4().hex)
        for session, summary, _ in rows:
            blocks = found[session]
            self._rest[tenant, session] = time.monotonic() + _REST_SECONDS * len(blocks)
            before = [block for block in blocks if not _came(block, fresh[session])]
            if fresh[session] and (marks := new_marks(before, blocks, dead_ms)):
                try:
                    await self._emit(tenant, log_records(session, summary, marks))
                except AirisError as error:
                    metrics.LOST_EVENTS.inc()
                    _log.warning("events of a session were not written", extra={"reason": str(error)})

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._settings.interval)
            try:
                await self.summarise(due=True)
            except Exception:
                _log.exception("summaries of sessions could not be written")


def _came(block: Block, fresh: set[str]) -> bool:
    """Whether a block came just now, and for the first time."""
    return block.digest in fresh and block.copies == 1
