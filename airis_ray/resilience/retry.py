"""A call tried again while its part is away."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from airis_ray.errors import Unavailable
from airis_ray.resilience.breaker import BreakerOpen

_T = TypeVar("_T")


@dataclass(frozen=True)
class Retry:
    """How long and how often; only for calls that have the same effect twice as once. Times in seconds.

    No attempt begins later than ``within`` after the first. The pause before the second is at most ``first``,
    doubled by each until ``longest``, with full jitter; the clock is the event loop's.
    """

    within: float
    first: float = 0.1
    longest: float = 3.0

    async def run(self, once: Callable[[], Awaitable[_T]]) -> _T:
        """The value of the first attempt that is not Unavailable; the last one's error when the time is up."""
        loop = asyncio.get_running_loop()
        end = loop.time() + self.within
        longest = self.first
        while True:
            try:
                return await once()
            except Unavailable as error:
                pause = random.uniform(0, longest)
                if isinstance(error, BreakerOpen):  # sooner would be refused unasked
                    pause += error.retry_after
                if loop.time() + pause > end:
                    raise
            await asyncio.sleep(pause)
            longest = min(self.longest, longest * 2)
