"""The store in a Redis (or Valkey): shared by every replica, forgotten without harm.

Each command is bounded by one time for everything: a free connection, the connect, the answer. The breaker sees every
failure, so that a Redis that is down or hangs costs five calls their bound and the others nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from airis_ray.cache.protocol import Rate, Taken
from airis_ray.errors import Unavailable
from airis_ray.resilience import Breaker, BreakerPolicy
from airis_ray.settings import RedisSettings

# The server's clock counts for every replica. Numbers go as text with their decimals: Lua's own form has 14 digits.
_TAKE: Final = """
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
local amount, per_second = tonumber(ARGV[1]), tonumber(ARGV[2])
local kept = redis.call('HMGET', KEYS[1], 'level', 'seen')
local level = tonumber(kept[1]) or amount
local passed = math.max(0, now - (tonumber(kept[2]) or now))
level = math.min(amount, level + passed * per_second)
local granted = 0
if level >= 1 then
  granted = 1
  level = level - 1
end
redis.call('HSET', KEYS[1], 'level', string.format('%.6f', level), 'seen', string.format('%.6f', now))
redis.call('PEXPIRE', KEYS[1], math.ceil((amount - level) / per_second * 1000) + 1000)
return {granted, string.format('%.6f', level)}
"""


class RedisStore:
    """Implements :class:`airis_ray.cache.protocol.CacheStore`. Belongs to the event loop that first uses it."""

    def __init__(self, settings: RedisSettings, *, breaker: BreakerPolicy | None = None) -> None:
        """``settings.url`` is not None. Connects at the first call."""
        assert settings.url is not None
        self._timeout = settings.timeout
        self._prefix = settings.prefix
        self._breaker = Breaker("redis", breaker)
        pool = BlockingConnectionPool.from_url(
            settings.url,
            max_connections=settings.connections,
            timeout=settings.timeout,
            socket_timeout=None,  # the one bound of _ask is enough, and cheaper than a timer for each read
            socket_connect_timeout=settings.timeout,
            # A connection that died unnoticed (Redis was restarted) is replaced at once; each call may run twice.
            retry=Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,)),
            client_name="airis",
            protocol=2,
        )
        self._redis: Redis = Redis.from_pool(pool)
        self._take = self._redis.register_script(_TAKE)

    async def get(self, key: str) -> bytes | None:
        value: bytes | None = await self._ask(lambda: self._redis.get(self._prefix + key))
        return value

    async def put(self, key: str, value: bytes, ttl: float) -> None:
        ms = max(1, round(ttl * 1000))
        await self._ask(lambda: self._redis.set(self._prefix + key, value, px=ms))

    async def delete(self, key: str) -> None:
        await self._ask(lambda: self._redis.delete(self._prefix + key))

    async def take(self, key: str, rate: Rate) -> Taken:
        arguments = [rate.amount, rate.per_second]
        granted, level = await self._ask(lambda: self._take(keys=[self._prefix + key], args=arguments))
        return Taken(granted == 1, float(level))

    async def ping(self) -> None:
        await self._ask(self._redis.ping, force=True)

    async def close(self) -> None:
        await self._redis.aclose(close_connection_pool=True)

    async def _ask(self, command: Callable[[], Awaitable[Any]], *, force: bool = False) -> Any:
        with self._breaker.call(force=force):
            try:
                async with asyncio.timeout(self._timeout):
                    return await command()
            except TimeoutError as error:
                raise Unavailable(f"Redis did not answer within {self._timeout:g} s") from error
            except (RedisError, OSError) as error:
                raise Unavailable(f"Redis does not serve: {error}") from error
