"""A Redis that is killed, hangs or is started again: nobody waits long, nobody gets another's value."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator

import pytest

from airis_ray.cache import Rate
from airis_ray.cache.redis import RedisStore
from airis_ray.errors import Unavailable
from airis_ray.resilience import BreakerOpen, BreakerPolicy
from airis_ray.settings import RedisSettings
from airis_ray.web.limits import StoreLimits
from tests.support.redis_server import RedisServer

_RATE = Rate(3, 3600.0)
_LONG = BreakerPolicy(failures=3, first_pause=60.0, longest_pause=60.0)
_SHORT = BreakerPolicy(failures=3, first_pause=0.05, longest_pause=0.1)


@pytest.fixture
def server() -> Iterator[RedisServer]:
    valkey = RedisServer().start()
    yield valkey
    valkey.kill()


@pytest.fixture
async def store(server: RedisServer, request: pytest.FixtureRequest) -> AsyncIterator[RedisStore]:
    opened = RedisStore(RedisSettings(url=server.url, timeout=0.3), breaker=request.param)
    yield opened
    await opened.close()


@pytest.mark.parametrize("store", [_LONG], indirect=True)
async def test_a_redis_that_is_gone_costs_no_request(server: RedisServer, store: RedisStore) -> None:
    limits = StoreLimits(store)
    assert [(await limits.take("k", _RATE)).remaining for _ in range(2)] == [2, 1]
    server.kill()
    counted = [await limits.take("k", _RATE) for _ in range(4)]
    assert [each.granted for each in counted] == [True, True, True, False], "counted here, from a full bucket"
    with pytest.raises(BreakerOpen, match="redis is not asked"):
        await store.get("k")
    started = time.perf_counter()
    for _ in range(1000):
        await limits.take("other", Rate(10_000, 60.0))
    assert time.perf_counter() - started < 2.0, "a known outage is not asked about"


@pytest.mark.parametrize("store", [_LONG], indirect=True)
async def test_a_redis_that_hangs_costs_its_bound_a_few_times(server: RedisServer, store: RedisStore) -> None:
    await store.put("k", b"v", 60.0)
    server.pause()
    try:
        for _ in range(3):
            with pytest.raises(Unavailable, match=r"did not answer within 0\.3 s"):
                await store.get("k")
        with pytest.raises(BreakerOpen):
            await store.get("k")
    finally:
        server.resume()
    await _until_answers(store)  # a ping asks all the same, and ends the pause
    assert await store.get("k") == b"v"


@pytest.mark.parametrize("store", [_SHORT], indirect=True)
async def test_a_redis_that_is_started_again_is_found(server: RedisServer, store: RedisStore) -> None:
    await asyncio.gather(*(store.put(f"k{n}", b"v", 60.0) for n in range(20)))
    server.kill()
    for _ in range(3):
        with pytest.raises(Unavailable):
            await store.get("k1")
    server.start()
    async with asyncio.timeout(10):
        while True:
            try:
                assert await store.get("k1") is None  # it kept nothing
                break
            except Unavailable:
                await asyncio.sleep(0.01)
    assert (await store.take("b", _RATE)).granted, "the script is loaded again"


@pytest.mark.parametrize("store", [BreakerPolicy(failures=1000)], indirect=True)
async def test_who_gives_up_leaves_no_answer_for_the_next(server: RedisServer, store: RedisStore) -> None:
    names = [f"k{n}" for n in range(8)]
    await asyncio.gather(*(store.put(name, name.encode(), 600.0) for name in names))
    server.pause()
    given_up = await asyncio.gather(*(store.get(name) for name in names), return_exceptions=True)
    assert all(isinstance(each, Unavailable) for each in given_up)
    server.resume()
    await _until_answers(store)
    for _ in range(3):
        answers = await asyncio.gather(*(store.get(name) for name in reversed(names)))
        assert answers == [name.encode() for name in reversed(names)]


async def _until_answers(store: RedisStore) -> None:
    async with asyncio.timeout(10):
        while True:
            try:
                return await store.ping()
            except Unavailable:
                await asyncio.sleep(0.01)
