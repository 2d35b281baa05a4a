"""What the store refuses, and when it is believed."""

from __future__ import annotations

import asyncio

import pytest

from airis_ray.errors import TooLarge
from airis_ray.stream.protocol import Partition
from tests.unit.stream.world import LOGS, World, scenario

P1 = Partition(LOGS, 1)


def test_what_the_store_refuses_is_found_and_set_aside() -> None:
    async def work(world: World) -> None:
        world.store.refuses = lambda value: value == "6"
        world.start()
        world.send(10)
        await world.drained()
        (letter,) = await world.dead()
        assert dict(letter.headers)["airis.dead.reason"] == b"refused"

    world = scenario(work)
    assert sorted(map(int, world.store.bodies)) == [0, 1, 2, 3, 4, 5, 7, 8, 9]
    assert world.store.accounts["dead_lettered", "refused"] == 1


@pytest.mark.parametrize("messages", [10, 1])
def test_a_store_that_refuses_everything_is_to_blame_itself(messages: int) -> None:
    async def work(world: World) -> None:
        world.store.refuses = lambda _: True
        world.start()
        world.send(messages)
        await asyncio.sleep(60)
        assert not await world.dead()
        world.store.refuses = lambda _: False
        await world.drained()

    scenario(work).assert_exactly_once()


def test_a_message_refused_alone_is_set_aside_once_the_store_takes_others() -> None:
    async def work(world: World) -> None:
        world.store.refuses = lambda value: value == "0"
        world.start()
        world.send(1)
        await asyncio.sleep(20)
        assert not await world.dead()
        world.send(3, partition=P1)
        await world.drained()
        assert len(await world.dead()) == 1

    assert sorted(scenario(work).store.bodies) == ["1", "2", "3"]


def test_accounts_that_the_store_refuses_for_a_while_are_not_lost() -> None:
    async def work(world: World) -> None:
        world.store.refuses_accounts = True
        world.start()
        world.send(10)
        await asyncio.sleep(60)
        world.store.refuses_accounts = False
        await world.drained()

    assert scenario(work).store.accounts["stored", ""] == 10


def test_want_of_memory_is_no_fault_of_a_message() -> None:
    async def work(world: World) -> None:
        world.store.refusal = TooLarge("Code: 241. DB::Exception: memory limit exceeded")
        world.store.refuses = lambda value: value == "6"
        world.start()
        world.send(10)
        await asyncio.sleep(60)
        assert not await world.dead()
        world.store.refuses = lambda _: False
        await world.drained()

    scenario(work).assert_exactly_once()
