"""What a replica of the application ``watch`` runs: turn after turn, each at its time, whatever the last one met."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Final

from airis_ray.aiops.series import SECOND
from airis_ray.aiops.watch.watcher import Watcher, failed
from airis_ray.errors import Bug

_OFFSET: Final = 0.5
"""Of the settling time, on top of it: so that a cell that ends on the minute is judged once it has settled."""
_STUCK: Final = 30
"""Intervals without a turn's end after which only a new process could help."""

_log = logging.getLogger(__name__)


class WatchService:
    """Keeps a watcher turning. For the event loop that made it.

    ``clock`` tells nanoseconds since 1970, ``pause`` waits for seconds; a turn comes every ``interval`` seconds,
    ``settle`` after the cells' ends.
    """

    def __init__(
        self,
        watcher: Watcher,
        *,
        interval: float,
        settle: float,
        clock: Callable[[], int] = time.time_ns,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._watcher = watcher
        self._interval = interval
        self._settle = settle
        self._clock = clock
        self._pause = pause
        self._ended = clock()
        self._task = asyncio.get_running_loop().create_task(self._run())

    def check(self) -> None:
        """Raise where only a new process could help. A store that is down is no reason for one."""
        if self._task.done():
            raise Bug("the watcher has ended")
        if self._clock() - self._ended > _STUCK * self._interval * SECOND:
            raise Bug(f"the watcher's turn has not ended for {_STUCK} intervals")

    async def close(self, grace: float) -> None:
        """Stop turning, and write the states within ``grace`` seconds."""
        self._task.cancel()
        await asyncio.wait([self._task])
        try:
            async with asyncio.timeout(grace):
                await self._watcher.close()
        except TimeoutError:
            _log.warning("the states could not be written in time; the last ones written count")

    def until_next(self) -> float:
        """Seconds until the next cell has settled."""
        shifted = self._clock() / SECOND - self._settle - _OFFSET
        return self._interval - shifted % self._interval

    async def _run(self) -> None:
        await self._restore()
        while True:
            try:
                await self._watcher.turn()
            except Exception as error:  # whatever it is, the next turn goes on where this one stopped
                failed(error)
            self._ended = self._clock()
            await self._pause(self.until_next())

    async def _restore(self) -> None:
        try:
            series = await self._watcher.restore()
            _log.info("the watcher took up its states", extra={"series": series})
        except Exception as error:  # without states, the series are learned again
            failed(error)
