"""The contract of a cache store, held against the memory and a real Valkey (or the Redis of AIRIS_TEST_REDIS_URL)."""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import pytest

from airis_ray.cache import CacheStore, MemoryStore, Rate
from airis_ray.cache.redis import RedisStore
from airis_ray.settings import RedisSettings
from tests.support.redis_server import RedisServer

REAL = os.environ.get("AIRIS_TEST_REDIS_URL")
_BOUND = 10.0  # seconds for what has to happen soon on a busy machine


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Subject:
    """A store, and how to wait for its time to pass."""

    def __init__(self, store: CacheStore, clock: Clock | None) -> None:
        self.store = store
        self._clock = clock

    async def until(self, condition: Callable[[], Awaitable[bool]], step: float) -> None:
        """Let time pass until ``condition``; ``step`` seconds at once where the clock is ours."""
        async with asyncio.timeout(_BOUND):
            while not await condition():
                if self._clock is not None:
                    self._clock.now += step
                else:
                    await asyncio.sleep(0.005)


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    if REAL:
        yield REAL
        return
    server = RedisServer().start()
    yield server.url
    server.kill()


@pytest.fixture(params=["memory", "redis"])
async def subject(request: pytest.FixtureRequest) -> AsyncIterator[Subject]:
    if request.param == "memory":
        clock = Clock()
        yield Subject(MemoryStore(clock=clock), clock)
        return
    url = request.getfixturevalue("redis_url")
    settings = RedisSettings(url=url, timeout=5.0, prefix=f"test-{uuid.uuid4().hex}:")
    store = RedisStore(settings)
    yield Subject(store, None)
    await store.close()


@pytest.mark.parametrize("value", [b"", b"x", bytes(range(256)), "결제".encode(), b"y" * 2**20])
async def test_a_value_comes_back_as_it_was(subject: Subject, value: bytes) -> None:
    assert await subject.store.get("a:키") is None
    await subject.store.put("a:키", value, 60.0)
    assert await subject.store.get("a:키") == value
    assert await subject.store.get("a") is None


async def test_the_later_value_counts_and_a_deleted_one_is_gone(subject: Subject) -> None:
    store = subject.store
    await store.put("k", b"1", 60.0)
    await store.put("k", b"2", 60.0)
    assert await store.get("k") == b"2"
    await store.delete("k")
    await store.delete("k")
    assert await store.get("k") is None


async def test_a_value_is_gone_when_its_time_is_over(subject: Subject) -> None:
    store = subject.store
    await store.put("short", b"1", 0.05)
    await store.put("renewed", b"1", 0.05)
    await store.put("renewed", b"2", 600.0)

    async def gone() -> bool:
        return await store.get("short") is None

    await subject.until(gone, 0.02)
    assert await store.get("renewed") == b"2"


async def test_a_bucket_is_full_at_first_and_gives_no_more_than_it_holds(subject: Subject) -> None:
    rate = Rate(5, 3600.0)
    taken = [await subject.store.take("bucket", rate) for _ in range(7)]
    assert [each.granted for each in taken] == [True] * 5 + [False] * 2
    assert [int(each.level + 0.5) for each in taken] == [4, 3, 2, 1, 0, 0, 0]
    assert (await subject.store.take("another", rate)).granted


async def test_a_bucket_fills_again_and_no_further_than_full(subject: Subject) -> None:
    rate = Rate(3, 0.3)
    for _ in range(3):
        await subject.store.take("bucket", rate)

    async def again() -> bool:
        return (await subject.store.take("bucket", rate)).granted

    await subject.until(again, 0.02)
    assert (await subject.store.take("bucket", rate)).level <= 2.0


async def test_takes_at_once_are_counted_one_by_one(subject: Subject) -> None:
    rate = Rate(50, 3600.0)
    taken = await asyncio.gather(*(subject.store.take("bucket", rate) for _ in range(120)))
    assert sum(each.granted for each in taken) == 50


async def test_replicas_share_a_redis(redis_url: str) -> None:
    prefix = f"test-{uuid.uuid4().hex}:"
    one, two = (RedisStore(RedisSettings(url=redis_url, timeout=5.0, prefix=prefix)) for _ in range(2))
    other = RedisStore(RedisSettings(url=redis_url, timeout=5.0, prefix=f"other-{prefix}"))
    await one.put("k", b"v", 60.0)
    assert await two.get("k") == b"v"
    assert await other.get("k") is None
    rate = Rate(2, 3600.0)
    granted = [(await store.take("b", rate)).granted for store in (one, two, one, other)]
    assert granted == [True, True, False, True]
    for store in (one, two, other):
        await store.close()


async def test_it_answers_and_closes(subject: Subject) -> None:
    await subject.store.ping()
    await subject.store.close()
