"""What replicas remember for a while: one small store, in memory or in Redis, for limits, cached answers and sessions.

Everything in it may be lost at any time, and nothing waits for it: a store that is down raises Unavailable within
``AIRIS_REDIS_TIMEOUT`` (at once, while its breaker is open), and its users go on without it.
"""

from airis_ray.cache.memory import MemoryStore
from airis_ray.cache.protocol import CacheStore, Rate, Taken
from airis_ray.settings import Settings

__all__ = ["CacheStore", "MemoryStore", "Rate", "Taken", "open_cache"]


def open_cache(settings: Settings) -> CacheStore:
    """The store that the settings name: their Redis, or this process's memory. Sends nothing yet."""
    if settings.redis.url is not None:
        from airis_ray.cache.redis import RedisStore  # a process without a Redis does not pay for its client

        return RedisStore(settings.redis)
    return MemoryStore(max_bytes=settings.cache.memory_bytes)
