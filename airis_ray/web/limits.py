"""How often a caller may ask: a token bucket behind a small interface."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from airis_ray.cache import CacheStore, MemoryStore, Rate
from airis_ray.errors import Unavailable


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
    """Counts requests by name."""

    async def take(self, name: str, rate: Rate) -> Allowance:
        """Take one request from the bucket ``name``."""


class StoreLimits:
    """Limits over a cache store: shared by every replica where that is a Redis, else this process's own.

    While a shared store is away each process counts by itself, beginning with full buckets: no request fails for it.
    """

    def __init__(self, store: CacheStore, *, meanwhile: CacheStore | None = None) -> None:
        """``meanwhile`` counts while ``store`` is away; a memory store of its own unless given."""
        self._store = store
        self._meanwhile = meanwhile or MemoryStore()

    async def take(self, name: str, rate: Rate) -> Allowance:
        key = f"limit:{name}"
        try:
            taken = await self._store.take(key, rate)
        except Unavailable:  # its breaker and /readyz tell
            taken = await self._meanwhile.take(key, rate)
        return Allowance(
            granted=taken.granted,
            rate=rate,
            remaining=int(taken.level),
            reset=(rate.amount - taken.level) / rate.per_second,
            retry_after=0.0 if taken.granted else (1.0 - taken.level) / rate.per_second,
        )
