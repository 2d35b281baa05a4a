"""Recordings of browser sessions: into the object store and the store itself, also where telemetry goes by Kafka."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Final

import pyarrow as pa

from airis_ray.errors import AirisError, InvalidInput, Unavailable
from airis_ray.ingest.budget import Budget
from airis_ray.ingest.commit import GroupCommit
from airis_ray.replay.chunks import Chunk
from airis_ray.replay.limits import SessionOver
from airis_ray.replay.objects import Objects
from airis_ray.replay.recorder import Emit, Recorder
from airis_ray.replay.sweeping import Sweeper
from airis_ray.settings import Settings
from airis_ray.store.protocol import Store
from airis_ray.telemetry.otlp import Rejected

Refusal = Callable[[str, int], str | None]
"""Why a record of a service and a time (ns) is not taken in; None: it is."""

_NOWHERE: Final = (
    "recordings are not kept: where AIRIS_CLICKHOUSE_URL is set, AIRIS_REPLAY_URL must name an object store or a "
    "folder that all machines share"
)

_log = logging.getLogger(__name__)


class RecordingLog:
    """Keeps chunks, in group commits of their own, and removes what is too old. Belongs to one event loop."""

    def __init__(self, store: Store, settings: Settings, budget: Budget, emit: Emit) -> None:
        self._commit = GroupCommit(store, settings.ingest, budget, writers=1)
        objects = Objects.of(settings)
        # A folder of this machine's is no place for what replicas on other machines must find.
        self._nowhere = settings.replay.url is None and settings.clickhouse_url is not None
        self._recorder = Recorder(store, settings.replay, objects, self._insert, emit)
        self._sweeper = Sweeper(store, settings, objects)
        self._interval = settings.replay.sweep
        self._task: asyncio.Task[None] | None = None

    async def keep_one(self, chunk: Chunk, tenant: str, refusal: Refusal) -> None:
        """Return once the chunk is durable; raises as :meth:`Recorder.keep`, InvalidInput for times out of bounds."""
        if self._nowhere:
            raise Unavailable(_NOWHERE, retry_after=60.0)
        for at in (chunk.facts.start, chunk.facts.end):
            if (reason := refusal(chunk.origin.service, at * 1_000_000)) is not None:
                raise InvalidInput.field("/events", reason)
        await self._recorder.keep(tenant, [chunk])

    async def keep(self, chunks: Sequence[Chunk], tenant: str, refusal: Refusal) -> list[Rejected]:
        """Keep the chunks out of one OTLP request; what to tell of those whose sessions take nothing more.

        Their records stay in the sessions' table. Whatever else goes wrong is raised.
        """
        if self._nowhere:
            return [Rejected("", _NOWHERE)]
        answers = await asyncio.gather(
            *(self.keep_one(chunk, tenant, refusal) for chunk in chunks), return_exceptions=True
        )
        told: list[Rejected] = []
        for answer in answers:
            if isinstance(answer, SessionOver):
                told.append(Rejected("", str(answer)))
            elif isinstance(answer, BaseException) and not isinstance(answer, InvalidInput):
                raise answer
        return told

    async def summarise(self) -> None:
        """See :meth:`Recorder.summarise`."""
        await self._recorder.summarise()

    def look_after(self) -> None:
        """Sweep and repair now and then from now on."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def close(self, grace: float) -> None:
        """Write what waits, for at most ``grace`` seconds."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        try:
            async with asyncio.timeout(grace):
                await self._recorder.close()
        except TimeoutError:
            _log.warning("summaries of the last sessions were not written")
        await self._commit.close(grace)

    async def _insert(self, table: str, batch: pa.RecordBatch) -> None:
        await self._commit.commit({table: batch})

    async def _run(self) -> None:
        while True:
            try:
                await self._recorder.repair()
                await self._sweeper.sweep()
            except AirisError as error:
                _log.warning("recordings could not be looked after", extra={"reason": str(error)})
            except Exception:
                _log.exception("recordings could not be looked after")
            await asyncio.sleep(self._interval)
