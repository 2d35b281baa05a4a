"""Group commit: many requests' rows in one insert, and every caller told when its own rows are durable.

A merge-tree takes 51 k rows/s a core in inserts of 1 k rows and 154 k in inserts of 10 k (measured), so rows
of concurrent requests wait for each other, a lane per table. A group closes when it is full. One that is not
waits while an insert of its lane runs, and then for ``commit_interval``, in which those whom that insert answered
send again. A request to a lane at rest is inserted at once: a lone client does not wait. No more than ``writers``
inserts run at a time, and while all are busy the open groups grow.

Every group has a deduplication token and is retried under it while the store is unavailable: an insert whose
acknowledgement was lost does not double. A group that the store refuses is taken apart, so that one caller's
bad rows fail no neighbour's.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine, Mapping
from typing import Any

import pyarrow as pa

from airis_ray.errors import InvalidInput, Unavailable
from airis_ray.ingest.budget import Budget
from airis_ray.ingest.lanes import GROUP_DAYS, Caller, Lane, Part
from airis_ray.ingest.writer import GroupWriter
from airis_ray.settings import IngestSettings
from airis_ray.store.protocol import Store
from airis_ray.telemetry.admission import days


class GroupCommit:
    """Commits batches to a store in groups. All methods belong to the event loop that made it."""

    def __init__(
        self,
        store: Store,
        settings: IngestSettings,
        budget: Budget,
        *,
        writers: int = 2,
        seed: int | None = None,
    ) -> None:
        self._settings = settings
        self._budget = budget
        self._slots = asyncio.Semaphore(writers)
        self._lanes: dict[str, Lane] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = False
        self._writer = GroupWriter(store, settings, budget, seed=seed)

    async def commit(self, tables: Mapping[str, pa.RecordBatch], kept: set[str] | None = None) -> None:
        """Insert each batch into the table it is named by; returns once the store acknowledged all of them.

        Raises Overloaded or TooLarge where there is no room (nothing was kept), Unavailable where the store did
        not acknowledge within ``commit_timeout`` (the rows may be there or not), InvalidInput where the store
        refused these very rows. A cancelled caller's rows may be there or not. The tables that acknowledged theirs
        are added to ``kept``, also when another did not.
        """
        if self._closing:
            raise Unavailable("this replica is shutting down; send the request again")
        batches = [(table, batch) for table, batch in tables.items() if batch.num_rows]
        if not batches:
            return
        loop = asyncio.get_running_loop()
        caller = Caller(loop.create_future(), len(batches), set() if kept is None else kept)
        parts = [Part(batch, batch.nbytes, days(batch), loop.time(), caller) for _, batch in batches]
        if (most := max(len(part.days) for part in parts)) > GROUP_DAYS:
            raise InvalidInput(
                f"the records of one request lie on {most} different days; at most {GROUP_DAYS} are taken"
            )
        self._budget.take(sum(part.nbytes for part in parts))
        for (table, _), part in zip(batches, parts, strict=True):
            self._enqueue(table, part)
        await caller.done

    async def close(self, grace: float) -> None:
        """Commit what waits, for at most ``grace`` seconds; whoever still waits then gets Unavailable."""
        self._closing = True
        for lane in self._lanes.values():
            lane.changed.set()
        deadline = asyncio.get_running_loop().time() + grace
        while self._tasks and (left := deadline - asyncio.get_running_loop().time()) > 0:
            await asyncio.wait(self._tasks, timeout=left, return_when=asyncio.FIRST_COMPLETED)
        leftover = list(self._tasks)
        for task in leftover:
            task.cancel()
        await asyncio.gather(*leftover, return_exceptions=True)
        for lane in self._lanes.values():
            while lane.parts:
                group = lane.take(self._budget)
                group.settle(group.parts, _shut_down())

    def _enqueue(self, table: str, part: Part) -> None:
        lane = self._lanes.setdefault(table, Lane(table, self._settings.commit_rows))
        lane.add(part)
        if not lane.draining:
            lane.draining = True
            self._spawn(self._drain(lane))

    async def _drain(self, lane: Lane) -> None:
        try:
            while lane.parts:
                # One turn of the loop, so that requests that arrived together go together.
                await asyncio.sleep(0)
                await self._linger(lane)
                await self._slots.acquire()
                self._write(lane)
        finally:
            lane.draining = False

    def _patience(self) -> float:
        """Seconds that a group waits for an insert of its lane: one that hangs must not hold it up."""
        usual = max(5 * self._settings.commit_interval, 2 * self._budget.commit_seconds)
        return min(usual, self._settings.commit_timeout / 4)

    async def _linger(self, lane: Lane) -> None:
        """Return when the lane's group ought to close."""
        loop, interval = asyncio.get_running_loop(), self._settings.commit_interval
        while lane.parts and not lane.full and not self._closing:
            since = lane.parts[0].since
            if lane.inserting:
                due = since + self._patience()
            elif since >= lane.ended_at + interval:
                due = since
            else:
                due = max(since, lane.ended_at) + interval
            if due <= loop.time():
                return
            lane.changed.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(due):
                    await lane.changed.wait()

    def _write(self, lane: Lane) -> None:
        """Insert the lane's group in its own task; whatever becomes of it, its slot and parts are let go."""
        group = lane.take(self._budget)
        lane.inserting += 1

        def finish(_: asyncio.Task[None]) -> None:
            lane.inserting -= 1
            lane.ended_at = asyncio.get_running_loop().time()
            lane.changed.set()
            group.settle(group.unsettled, _shut_down())
            self._slots.release()

        self._spawn(self._writer.write(group)).add_done_callback(finish)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _shut_down() -> Unavailable:
    return Unavailable("this replica shut down before the rows were kept; send them again")
