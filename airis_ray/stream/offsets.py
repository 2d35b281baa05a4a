"""Commits of one consumer: those that come together go together, and are repeated until they count."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from airis_ray.errors import AirisError, Unavailable
from airis_ray.stream.protocol import Committed, Fenced, Lost, Partition

_FIRST_PAUSE: Final = 0.05
_LONGEST_PAUSE: Final = 1.0

_log = logging.getLogger(__name__)


Send = Callable[[Mapping[Partition, Committed]], Awaitable[Mapping[Partition, AirisError]]]


class Offsets:
    """Commits for the partitions that are owned. For the event loop of its consumer."""

    def __init__(self, commit: Send) -> None:
        """``commit`` is :meth:`Consumer.commit`."""
        self._commit = commit
        self._owned: set[Partition] = set()
        self._waiting: dict[Partition, tuple[Committed, asyncio.Future[None]]] = {}
        self._sending: asyncio.Task[None] | None = None

    def own(self, partition: Partition) -> None:
        """From now on commits of ``partition`` count."""
        self._owned.add(partition)

    def disown(self, partition: Partition) -> None:
        """Send no more commits of ``partition``; those that wait to be sent are Fenced."""
        self._owned.discard(partition)
        waiting = self._waiting.pop(partition, None)
        if waiting is not None and not waiting[1].done():
            waiting[1].set_exception(_fenced(partition))

    async def commit(self, partition: Partition, committed: Committed) -> None:
        """Return once the broker keeps it; tried again for as long as the partition is owned. One at a time for each.

        Raises Fenced where it is not owned, or not any more.
        """
        pause = _FIRST_PAUSE
        while True:
            if partition not in self._owned:
                raise _fenced(partition)
            done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting[partition] = (committed, done)
            if self._sending is None:
                self._sending = asyncio.get_running_loop().create_task(self._send())
            try:
                return await done
            except (Unavailable, Fenced):  # in a rebalance a generation is over while the partition stays
                await asyncio.sleep(random.uniform(0.5, 1.0) * pause)
                pause = min(_LONGEST_PAUSE, 2 * pause)

    async def settled(self) -> None:
        """Return when no commit is on its way: what was disowned before will not be committed after."""
        if self._sending is not None:
            await asyncio.wait([self._sending])

    async def _send(self) -> None:
        try:
            while self._waiting:
                taken, self._waiting = self._waiting, {}
                offsets = {partition: committed for partition, (committed, _) in taken.items()}
                try:
                    errors: Mapping[Partition, AirisError] = await self._commit(offsets)
                except AirisError as failure:
                    errors = dict.fromkeys(offsets, failure)
                except Exception as failure:  # whoever waits must hear of it
                    _log.exception("commit failed in an unforeseen way")
                    errors = dict.fromkeys(offsets, Lost(f"a commit failed: {failure!r}"))
                for partition, (_, done) in taken.items():
                    if done.done():  # whoever waited was cancelled
                        continue
                    if (error := errors.get(partition)) is None:
                        done.set_result(None)
                    else:
                        done.set_exception(error)
        finally:
            self._sending = None


def _fenced(partition: Partition) -> Fenced:
    return Fenced(f"{partition} is not this consumer's any more")
