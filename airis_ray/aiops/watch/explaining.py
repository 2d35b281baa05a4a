"""Anomalies on traces and logs get their comparison: the watcher tells that there are new ones, another service looks.

What is compared and what is kept is that service's own matter; it finds the anomalies in the store. So a call says no
more than "look", and one that is lost is made good by the next. What waited when the watcher ended is looked for when
it starts again.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from typing import Final

from airis_ray.aiops.watch import metrics
from airis_ray.aiops.watch.findings import Finding

SIGNALS: Final = frozenset({"traces", "logs"})
"""Whose anomalies have events to compare."""
_EACH: Final = 60.0
"""Seconds between two calls at least: more often nothing more would be compared."""
_LONGEST: Final = 300.0
"""Seconds that a call may take; a replica may have to start first."""
_LONGEST_PAUSE: Final = 600.0
"""Seconds between two calls at most, jitter apart, however many failed."""
_FAILURES: Final = 40
"""Calls in a row that may fail until the next anomaly is waited for: after six hours nothing waits any more."""
_log = logging.getLogger(__name__)


class Explaining:
    """Calls ``look`` once there is something new, a minute apart, until it answers that nothing waits.

    ``waits`` says once, at the start, whether something is left from before. For the event loop that made it; ``pause``
    waits for seconds.
    """

    def __init__(
        self,
        look: Callable[[], Awaitable[int]],
        waits: Callable[[], Awaitable[bool]],
        *,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._look = look
        self._waits = waits
        self._pause = pause
        self._news = asyncio.Event()
        self._task = asyncio.get_running_loop().create_task(self._run())

    def told(self, finding: Finding) -> None:
        """Hear of a version of an anomaly that is kept."""
        if finding.subject.signal in SIGNALS:
            self._news.set()

    async def close(self) -> None:
        """Call no more."""
        self._task.cancel()
        await asyncio.wait([self._task])

    async def _run(self) -> None:
        await self._resume()
        failures = 0
        while True:
            await self._news.wait()
            self._news.clear()
            try:
                async with asyncio.timeout(_LONGEST):
                    waiting = await self._look()
                failures = 0
            except Exception as error:  # the comparison is an extra: whatever it met, the watcher goes on
                failures += 1
                waiting = int(failures < _FAILURES)
                _tell(error)
            if waiting:
                self._news.set()
            await self._pause(_after(failures))

    async def _resume(self) -> None:
        """Find out whether something waits from before; the store may come up later than the watcher."""
        for _ in range(_FAILURES):
            try:
                async with asyncio.timeout(_LONGEST):
                    if await self._waits():
                        self._news.set()
                return
            except Exception as error:  # as above
                _tell(error)
            if self._news.is_set():
                return
            await self._pause(_after(0))


def _tell(error: Exception) -> None:
    metrics.ERRORS.labels(type(error).__name__).inc()
    _log.warning("anomalies could not be compared", extra={"reason": repr(error)})


def _after(failures: int) -> float:
    """Seconds to the next call: a minute, after failures twice as long each time, with jitter."""
    return min(_EACH * 2.0 ** min(failures, 10), _LONGEST_PAUSE) * random.uniform(1, 1.5)
