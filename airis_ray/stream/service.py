"""What a replica of the application `stream` runs: one consumer, and a new one where it could not go on."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from typing import Final

from airis_ray.stream.consumer import StreamConsumer
from airis_ray.stream.load import Stats
from airis_ray.stream.protocol import Lost, Partition

_LONGEST_PAUSE: Final = 30.0
_STEADY_SECONDS: Final = 60.0  # whoever ran for so long has not failed in a row
_FAILURES: Final = 5  # in a row; then a new process may help

_log = logging.getLogger(__name__)


class StreamService:
    """Keeps a consumer running. For the event loop that made it; ``make`` makes a consumer."""

    def __init__(self, make: Callable[[], StreamConsumer]) -> None:
        self._make = make
        self._consumer = make()
        self._failures = 0
        self._problem = ""
        self._task = asyncio.get_running_loop().create_task(self._run())

    def stats(self) -> Stats:
        """What the autoscaling policy is told."""
        return self._consumer.stats()

    def readings(self) -> list[tuple[Partition, int, str]]:
        """See :meth:`StreamConsumer.readings`."""
        return self._consumer.readings()

    def check(self) -> None:
        """Raise where only a new process could help."""
        if self._failures >= _FAILURES:
            raise Lost(f"{self._failures} consumers in a row could not go on: {self._problem}")
        if self._task.done():
            raise Lost("the consumer has ended")
        self._consumer.check()

    async def close(self, grace: float) -> None:
        """Finish what is under way within ``grace`` seconds and leave the group."""
        await self._consumer.close(grace)
        self._task.cancel()
        await asyncio.wait([self._task])

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            started = loop.time()
            try:
                return await self._consumer.run()
            except Exception as error:
                _log.exception("the consumer could not go on; a new one begins where it was")
                self._problem = str(error) or repr(error)
                self._failures = 1 if loop.time() - started > _STEADY_SECONDS else self._failures + 1
            await self._discard()
            await asyncio.sleep(min(_LONGEST_PAUSE, 2.0**self._failures) * random.uniform(0.25, 0.5))
            self._consumer = self._make()

    async def _discard(self) -> None:
        try:
            await self._consumer.close(0.0)
        except Exception:
            _log.exception("a consumer that had failed could not be closed")
