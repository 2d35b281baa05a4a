"""The store in this process's memory: bounded, the longest unused goes first."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from airis_ray.cache.protocol import Rate, Taken

_OVERHEAD: Final = 200  # bytes that an entry takes beside its key and value


class MemoryStore:
    """Implements :class:`airis_ray.cache.protocol.CacheStore`; known to this process alone."""

    def __init__(
        self,
        *,
        max_bytes: int = 64 * 2**20,
        max_buckets: int = 10_000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """A value larger than ``max_bytes`` is not kept. A bucket that is forgotten is full, to its user's favour."""
        self._max_bytes = max_bytes
        self._max_buckets = max_buckets
        self._clock = clock
        self._values: OrderedDict[str, tuple[float, bytes]] = OrderedDict()
        self._bytes = 0
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    async def get(self, key: str) -> bytes | None:
        entry = self._values.get(key)
        if entry is None:
            return None
        expires, value = entry
        if self._clock() >= expires:
            self._drop(key)
            return None
        self._values.move_to_end(key)
        return value

    async def put(self, key: str, value: bytes, ttl: float) -> None:
        self._drop(key)
        size = _size(key, value)
        if size > self._max_bytes:
            return
        self._values[key] = (self._clock() + ttl, value)
        self._bytes += size
        while self._bytes > self._max_bytes:
            self._drop(next(iter(self._values)))

    async def delete(self, key: str) -> None:
        self._drop(key)

    async def take(self, key: str, rate: Rate) -> Taken:
        now, amount = self._clock(), float(rate.amount)
        level, seen = self._buckets.pop(key, (amount, now))
        level = min(amount, level + (now - seen) * rate.per_second)
        granted = level >= 1.0
        if granted:
            level -= 1.0
        self._buckets[key] = (level, now)
        if len(self._buckets) > self._max_buckets:
            self._buckets.popitem(last=False)
        return Taken(granted, level)

    async def ping(self) -> None:
        """Memory answers."""

    async def close(self) -> None:
        self._values.clear()
        self._buckets.clear()
        self._bytes = 0

    def _drop(self, key: str) -> None:
        entry = self._values.pop(key, None)
        if entry is not None:
            self._bytes -= _size(key, entry[1])


def _size(key: str, value: bytes) -> int:
    return len(key) + len(value) + _OVERHEAD
