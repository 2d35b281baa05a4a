"""Consumers over a broker and a store in memory: every message once, whatever happens to them."""

from __future__ import annotations

import asyncio

from airis_ray.stream.bookmark import Bookmark
from airis_ray.stream.protocol import Partition
from tests.unit.stream.world import LOGS, P0, POISON, World, body, headers, scenario

P1 = Partition(LOGS, 1)


def _bookmark(world: World, partition: Partition = P0) -> Bookmark:
    committed = world.broker.committed("airis-stream", partition)
    assert committed is not None
    return Bookmark.read(committed.metadata)


def test_messages_come_into_the_store_in_batches() -> None:
    async def work(world: World) -> None:
        world.start()
        world.send(25)
        await world.drained()

    world = scenario(work)
    world.assert_exactly_once()
    assert [rows for _, rows, _ in world.store.inserts] == [10, 10, 5]
    assert world.store.accounts == {("read", ""): 25, ("stored", ""): 25}


def test_a_batch_that_is_not_full_waits_for_its_interval_and_no_longer() -> None:
    async def work(world: World) -> None:
        loop = asyncio.get_running_loop()
        world.start()
        await asyncio.sleep(1)
        world.send(3)
        sent = loop.time()
        await world.until(lambda: len(world.store.bodies) == 3)
        assert 2.0 <= loop.time() - sent <= 2.3

    scenario(work)


def test_killed_between_insert_and_commit_the_batch_is_made_again_and_stored_once() -> None:
    async def work(world: World) -> None:
        first = world.start()
        world.send(7)
        world.store.loses_answers = 10**6
        await world.until(lambda: len(world.store.bodies) == 7)
        assert _bookmark(world).last == 6
        await world.kill(first)
        world.store.loses_answers = 0
        world.send(30)  # behind the batch: they must not get into it
        world.start()
        await world.drained()

    world = scenario(work)
    world.assert_exactly_once()
    assert world.store.inserts[0][1] == 7
    assert sum(world.store.accounts.values()) == 2 * 37


def test_killed_between_claim_and_insert_nothing_is_lost() -> None:
    async def work(world: World) -> None:
        first = world.start()
        world.send(7)
        world.store.gate.clear()
        await world.until(world.store.arrived.is_set)
        await world.kill(first)
        world.store.gate.set()
        world.start()
        await world.drained()

    scenario(work).assert_exactly_once()


def test_a_consumer_that_stood_still_inserts_nothing_of_a_partition_that_has_gone() -> None:
    """The first hangs in its insert beyond the session, the second takes over; then the first wakes up."""

    async def work(world: World) -> None:
        first = world.start()
        world.send(7)
        world.store.gate.clear()
        await world.until(world.store.arrived.is_set)
        running = world._running[first]
        sleeping = asyncio.Event()
        poll = first._consumer.poll

        async def asleep(limit: int, seconds: float) -> object:
            await sleeping.wait()
            return await poll(limit, seconds)

        first._consumer.poll = asleep
        await asyncio.sleep(11)
        world.start()
        await asyncio.sleep(1)
        world.store.gate.set()  # both insert the same batch under the same token
        await world.until(lambda: len(world.store.bodies) == 7)
        world.send(20)
        sleeping.set()
        await world.drained()
        assert not running.done()

    scenario(work).assert_exactly_once()


def test_a_rebalance_moves_partitions_without_loss_or_double() -> None:
    async def work(world: World) -> None:
        consumers = [world.start()]
        for turn in range(10):
            world.send(9, partition=P0 if turn % 2 else P1)
            await asyncio.sleep(0.7)
            if turn % 2:
                await world.stop(consumers.pop(0))
            consumers.append(world.start())
            await asyncio.sleep(0.4)
        await world.drained()

    scenario(work).assert_exactly_once()


def test_the_store_down_for_a_minute_costs_nothing_but_time() -> None:
    async def work(world: World) -> None:
        world.start()
        world.store.down = True
        for _ in range(60):
            world.send(5)
            await asyncio.sleep(1)
        assert not world.store.bodies
        world.store.down = False
        await world.drained()

    scenario(work).assert_exactly_once()


def test_the_broker_away_for_a_minute() -> None:
    async def work(world: World) -> None:
        world.start()
        world.send(25)
        await asyncio.sleep(0.1)
        world.broker.down = True
        await asyncio.sleep(60)
        world.broker.down = False
        world.send(25)
        await world.drained()

    scenario(work).assert_exactly_once()


def test_no_more_is_held_than_allowed_and_reading_goes_on_when_there_is_room() -> None:
    async def work(world: World) -> None:
        consumer = world.start()
        world.store.gate.clear()
        most = 0
        for _ in range(100):
            world.send(20, per_message=5)
            await asyncio.sleep(0.2)
            most = max(most, consumer.held)
        assert most < 60_000
        assert world.lag > 1000
        world.store.gate.set()
        await world.drained()

    scenario(work, max_pending_bytes=20_000, batch_rows=100).assert_exactly_once()


def test_a_batch_begun_before_is_made_again_although_there_is_no_room() -> None:
    async def work(world: World) -> None:
        world.send(50, per_message=10)
        first = world.start()
        world.store.gate.clear()
        await world.until(world.store.arrived.is_set)
        await world.kill(first)
        world.store.gate.set()
        world.settings = world.settings.model_copy(
            update={"stream": world.settings.stream.model_copy(update={"max_pending_bytes": 100})}
        )
        world.start()
        await world.drained()

    scenario(work, batch_rows=400).assert_exactly_once()


def test_a_body_sent_twice_counts_once_also_across_owners() -> None:
    async def work(world: World) -> None:
        first = world.start()
        world.send(12)
        await world.drained()
        again = body(3)
        world.broker.write(P0, again, headers=headers(again))
        await world.drained()
        await world.stop(first)
        world.start()
        again = body(5)
        world.broker.write(P0, again, headers=headers(again))
        await world.drained()
        world.send(3)
        await world.drained()

    world = scenario(work)
    world.assert_exactly_once()
    assert world.store.accounts["repeated", ""] == 2


def test_without_an_id_two_messages_are_two() -> None:
    async def work(world: World) -> None:
        world.start()
        value = body(0)
        for _ in range(2):
            world.broker.write(P0, value, headers=headers(value, identity=False))
        await world.drained()

    assert scenario(work).store.bodies == {"0": 2}


def test_poison_is_set_aside_and_its_neighbours_are_stored() -> None:
    async def work(world: World) -> None:
        world.start()
        world.send(5)
        world.poison()
        world.send(5)
        await world.drained()
        (letter,) = await world.dead()
        found = dict(letter.headers)
        assert found["airis.dead.reason"] == b"malformed"
        assert (found["airis.dead.topic"], found["airis.dead.offset"]) == (b"otlp_logs", b"5")
        assert b"not an OTLP" in (found["airis.dead.exception"] or b"")

    world = scenario(work)
    world.assert_exactly_once()
    assert world.store.accounts["dead_lettered", "malformed"] == 1


def test_too_much_poison_stops_the_partition_and_no_restart_goes_past_it() -> None:
    async def work(world: World) -> None:
        consumer = world.start()
        world.send(5)
        for number in range(100):
            world.poison(value=POISON + bytes([number]))
        world.send(5, partition=P1)
        await world.until(lambda: bool(consumer.stopped))
        assert P0 in consumer.stopped
        await world.until(lambda: len(world.store.bodies) == 10)
        offset = world.broker.committed("airis-stream", P0)
        count = len(await world.dead())
        assert count <= 20
        for _ in range(3):
            await world.stop(consumer)
            consumer = world.start()
            await world.until(lambda current=consumer: bool(current.stopped))
        assert len(await world.dead()) == count
        assert world.broker.committed("airis-stream", P0).offset == offset.offset

    scenario(work, dead_letter_count=20, dead_letter_ratio=0.5)


def test_messages_that_retention_took_from_a_batch_do_not_hold_it_up() -> None:
    async def work(world: World) -> None:
        first = world.start()
        world.send(8)
        world.store.gate.clear()
        await world.until(world.store.arrived.is_set)
        await world.kill(first)
        world.store.gate.set()
        world.broker.cut(P0, 20)
        world.broker.log(P0).begin = 20
        world.send(4)
        world.start()
        await world.until(lambda: len(world.store.bodies) == 4)

    scenario(work)


def test_a_topic_made_anew_is_read_from_its_beginning() -> None:
    async def work(world: World) -> None:
        world.start()
        world.send(30)
        await world.drained()
        log = world.broker.log(P0)
        log.messages.clear()
        log.begin = 0
        await asyncio.sleep(5)
        world.send(30)
        await world.until(lambda: len(world.store.bodies) == 60)

    scenario(work)
