"""Anomalies on traces and logs get their comparison: the watcher tells that there are new ones, another service looks.

What is compared and what is kept is that service's own matter; it finds the anomalies in the store. So a call says no
more than "look", and one that is lost is made good by the next.
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
_FAILURES: Final = 5
"""Calls in a row that may fail until the next anomaly is waited for."""
_log = logging.getLogger(__name__)


class Explaining:
    """Calls ``look`` once there is something new, a minute apart, until it answers that nothing waits.

    For the event loop that made it; ``pause`` waits for seconds.
    """

    def __init__(
        self,
        look: Callable[[], Awaitable[int]],
        *,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._look = look
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
                metrics.ERRORS.labels(type(error).__name__).inc()
                _log.warning("anomalies could not be compared", extra={"reason": repr(error)})
            if waiting:
                self._news.set()
            await self._pause(_EACH * random.uniform(1, 1 + failures))
