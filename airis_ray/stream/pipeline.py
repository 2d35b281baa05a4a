"""One partition's steps at work, for as long as it is assigned: messages go in, and are committed some time later.

Reading (decode, batch) runs ahead while one batch is on its way into the store (claim, insert, commit). An open batch
that is old enough is closed when the way is free; while it is not, the batch grows, for larger inserts are cheaper.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Sequence
from typing import Any

from airis_ray.stream.batch import Collect
from airis_ray.stream.decode import Decode
from airis_ray.stream.protocol import Partition, Received
from airis_ray.stream.steps import Batch, Step


class Pipeline:
    """The steps of one partition. ``position`` is the offset that the group goes on at, ``expected`` that of the next
    message to be read (None: whichever comes), ``newest_ms`` Kafka's latest time of those that were.

    ``failure`` is set when a step raised: nothing goes on then, and what is held stays uncommitted.
    """

    def __init__(
        self,
        partition: Partition,
        decode: Decode,
        collect: Collect,
        writing: Sequence[Step[Batch, Batch]],
        *,
        start: int,
    ) -> None:
        self.partition = partition
        self.position = start
        self.expected: int | None = start
        self.newest_ms = 0
        self.held = 0
        self.failure: BaseException | None = None
        self._decode = decode
        self._collect = collect
        self._steps = writing
        self._inbox: deque[Received] = deque()
        self._changed = asyncio.Event()
        self._pressed = False
        self._writer: asyncio.Task[None] | None = None
        self._reader = asyncio.get_running_loop().create_task(self._read())

    @property
    def remaking(self) -> bool:
        """Whether a batch of an earlier owner is being made again, for which every message has to come."""
        return self._collect.remaking

    @property
    def working(self) -> bool:
        """Whether there is anything to do now but to wait for more."""
        return self._writer is not None or bool(self._inbox)

    def put(self, message: Received) -> None:
        """Take a message in. How much may be held is its owner's to decide."""
        self.expected = message.offset + 1
        self.newest_ms = max(self.newest_ms, message.timestamp_ms)
        self.held += message.size
        self._inbox.append(message)
        self._changed.set()

    def press(self) -> None:
        """Close the open batch as soon as the way into the store is free: room is needed."""
        self._pressed = True
        self._changed.set()

    async def finish(self, grace: float) -> None:
        """Take nothing more; wait for the batch under way for at most ``grace`` seconds, and give up the rest."""
        await _ended(self._reader)
        if self._writer is not None:
            await asyncio.wait([self._writer], timeout=grace)
        await self.abandon()

    async def abandon(self) -> None:
        """Give up everything that is not committed; it stays in the log for whoever comes next."""
        await _ended(self._reader)
        if self._writer is not None:
            await _ended(self._writer)
        self._inbox.clear()
        self.held = 0

    async def _read(self) -> None:
        try:
            while True:
                if self._is_due():
                    self._pressed = False
                    await self._hand_over(await self._collect.flush())
                elif self._inbox:
                    await self._take(self._inbox.popleft())
                else:
                    await self._wait()
        except Exception as error:
            self.failure = self.failure or error

    async def _take(self, message: Received) -> None:
        self.held -= message.size
        for item in await self._decode.take(message):
            self.held += item.nbytes
            await self._hand_over(await self._collect.take(item))

    def _is_due(self) -> bool:
        due = self._collect.due()
        if due is None:
            self._pressed = False
            return False
        if self._writer is not None:
            return False
        return self._pressed or due <= asyncio.get_running_loop().time()

    async def _wait(self) -> None:
        self._changed.clear()
        until = self._collect.due() if self._writer is None else None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(until):
                await self._changed.wait()

    async def _hand_over(self, batches: Sequence[Batch]) -> None:
        for batch in batches:
            while self._writer is not None:
                self._changed.clear()
                await self._changed.wait()
            self._writer = asyncio.get_running_loop().create_task(self._write(batch))

    async def _write(self, batch: Batch) -> None:
        try:
            ready: Sequence[Any] = [batch]
            for step in self._steps:
                ready = [out for item in ready for out in await step.take(item)]
            self.position = batch.last + 1
            self.held -= batch.nbytes
            self._writer = None
        except Exception as error:  # the writer stays: nothing comes after a batch that failed
            self.failure = error
        finally:
            self._changed.set()


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])
