"""The contract of a cache store; one test suite holds every implementation to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Rate:
    """``amount`` tokens in ``window`` seconds; the whole amount may be taken at once."""

    amount: int
    window: float

    @property
    def per_second(self) -> float:
        return self.amount / self.window


@dataclass(frozen=True)
class Taken:
    """Whether a token was there, and how many (not only whole ones) are left."""

    granted: bool
    level: float


class CacheStore(Protocol):
    """Bytes by name, and token buckets. All methods are safe to call concurrently on one event loop.

    Each raises Unavailable where the store cannot be reached in its time. A name is used for values or for a bucket,
    not for both. Whose data it is has to be in the name.
    """

    async def get(self, key: str) -> bytes | None:
        """The value; None where there is none, or its time is over."""

    async def put(self, key: str, value: bytes, ttl: float) -> None:
        """Keep a value for ``ttl`` seconds (more than 0), in the place of an earlier one."""

    async def delete(self, key: str) -> None:
        """Forget a value; one that is not there is forgotten already."""

    async def take(self, key: str, rate: Rate) -> Taken:
        """Take one token from a bucket, atomically; one not seen before is full."""

    async def ping(self) -> None:
        """Raise Unavailable unless the store answers."""

    async def close(self) -> None:
        """Release what is held."""
