"""How often a caller may ask: a token bucket behind a small interface."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Rate:
    """``amount`` requests in ``window`` seconds; the whole amount may come at once."""

    amount: int
    window: float


@dataclass(frozen=True)
class Allowance:
    """The answer of a limit. ``reset`` is the time in seconds until the whole amount is there again."""

    granted: bool
    rate: Rate
    remaining: int
    reset: float
    retry_after: float

    def headers(self) -> list[tuple[bytes, bytes]]:
        """``RateLimit-*`` as of draft-ietf-httpapi-ratelimit-headers-06."""
        return [
            (b"ratelimit-limit", b"%d" % self.rate.amount),
            (b"ratelimit-remaining", b"%d" % self.remaining),
            (b"ratelimit-reset", b"%d" % -(-self.reset // 1)),
            (b"ratelimit-policy", b"%d;w=%d" % (self.rate.amount, self.rate.window)),
        ]


class Limits(Protocol):
    """Counts requests by name. In-process now; shared by replicas where there is a Redis."""

    async def take(self, name: str, rate: Rate) -> Allowance:
        """Take one request from the bucket ``name``."""


class MemoryLimits:
    """Buckets of this process, at most ``size``; the longest unused is forgotten, which is to its favour."""

    def __init__(self, *, size: int = 10_000, clock: Callable[[], float] = time.monotonic) -> None:
        self._size = size
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    async def take(self, name: str, rate: Rate) -> Allowance:
        now = self._clock()
        per_second = rate.amount / rate.window
        level, seen = self._buckets.pop(name, (float(rate.amount), now))
        level = min(float(rate.amount), level + (now - seen) * per_second)
        granted = level >= 1.0
        if granted:
            level -= 1.0
        self._buckets[name] = (level, now)
        if len(self._buckets) > self._size:
            self._buckets.popitem(last=False)
        reset = (rate.amount - level) / per_second
        return Allowance(granted, rate, int(level), reset, 0.0 if granted else (1.0 - level) / per_second)
