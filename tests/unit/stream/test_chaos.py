"""Any mixture of faults, in any order: afterwards every number is in the store once, and the accounts balance."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airis_ray.stream.consumer import StreamConsumer
from airis_ray.stream.protocol import Partition
from tests.unit.stream.world import LOGS, World, body, headers, scenario

PARTITIONS = [Partition(LOGS, 0), Partition(LOGS, 1)]


class Chaos:
    """Does one thing at a time to a world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.consumers: list[StreamConsumer] = []
        self.asleep: dict[StreamConsumer, asyncio.Event] = {}
        self.poisoned = 0
        self.repeated = 0

    async def send(self, count: int) -> None:
        self.world.send(count, partition=PARTITIONS[count % 2])

    async def repeat(self, back: int) -> None:
        """A sender that heard no answer sends a body again."""
        for partition in PARTITIONS:
            log = self.world.broker.log(partition).messages
            if len(log) >= back and log[-back].headers:
                self.world.broker.write(partition, log[-back].value, headers=log[-back].headers)
                self.repeated += 1

    async def poison(self, number: int) -> None:
        self.world.poison(
            partition=PARTITIONS[number % 2], value=b"\xff poison " + str(self.poisoned).encode()
        )
        self.poisoned += 1

    async def start(self, _: int) -> None:
        if len(self.consumers) < 4:
            self.consumers.append(self.world.start())

    async def stop(self, number: int) -> None:
        if awake := [each for each in self.consumers if each not in self.asleep]:
            consumer = awake[number % len(awake)]
            self.consumers.remove(consumer)
            await self.world.stop(consumer)

    async def kill(self, number: int) -> None:
        if self.consumers:
            consumer = self.consumers.pop(number % len(self.consumers))
            self.asleep.pop(consumer, None)
            await self.world.kill(consumer)

    async def fall_asleep(self, number: int) -> None:
        """A consumer stands still: it neither polls nor is heard of, but an insert under way goes on."""
        if self.consumers:
            consumer = self.consumers[number % len(self.consumers)]
            if consumer not in self.asleep:
                self.asleep[consumer] = event = asyncio.Event()
                poll = consumer._consumer.poll

                async def wait(limit: int, seconds: float) -> Any:
                    await event.wait()
                    return await poll(limit, seconds)

                consumer._consumer.poll = wait

    async def wake(self, _: int) -> None:
        for event in self.asleep.values():
            event.set()
        self.asleep.clear()

    async def store_down(self, _: int) -> None:
        self.world.store.down = not self.world.store.down

    async def store_hangs(self, _: int) -> None:
        gate = self.world.store.gate
        gate.clear() if gate.is_set() else gate.set()

    async def answers_lost(self, number: int) -> None:
        self.world.store.loses_answers = number

    async def broker_down(self, _: int) -> None:
        self.world.broker.down = not self.world.broker.down

    async def time_passes(self, number: int) -> None:
        await asyncio.sleep(number * 1.7)

    async def end(self) -> None:
        """Everything works again."""
        self.world.store.down = self.world.broker.down = False
        self.world.store.loses_answers = 0
        self.world.store.gate.set()
        await self.wake(0)
        await self.start(0)
        await self.world.drained(600)


STEPS = [name for name in vars(Chaos) if not name.startswith("_") and name != "end"]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.sampled_from(STEPS), st.integers(1, 9)), min_size=5, max_size=60))
def test_whatever_happens_every_message_counts_once(steps: list[tuple[str, int]]) -> None:
    found: list[Chaos] = []

    async def work(world: World) -> None:
        chaos = Chaos(world)
        found.append(chaos)
        await chaos.start(0)
        for name, number in steps:
            action: Callable[[int], Any] = getattr(chaos, name)
            await action(number)
            await asyncio.sleep(0.03 * number)
        await chaos.end()
        letters = {dict(letter.headers)["airis.dead.offset"] for letter in await world.dead()}
        assert bool(letters) == bool(chaos.poisoned)

    world = scenario(work, batch_rows=7, dead_letter_count=1000)
    world.assert_exactly_once()
    chaos, accounts = found[0], world.store.accounts
    assert accounts["stored", ""] == world.sent
    told = accounts["stored", ""] + accounts["repeated", ""] + accounts["dead_lettered", "malformed"]
    assert told == accounts["read", ""] == world.sent + chaos.poisoned + chaos.repeated


def test_the_same_body_in_both_partitions_is_two_messages() -> None:
    """Repeats are looked for within a partition: a key leads the same body to the same one."""

    async def work(world: World) -> None:
        world.start()
        value = body(0)
        for partition in PARTITIONS:
            world.broker.write(partition, value, headers=headers(value))
        await world.drained()

    assert scenario(work).store.bodies == {"0": 2}
