"""What a consumer of Kafka may rely on, over each broker: the one in memory, and a real one."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from typing import Any, Protocol

import pytest

from airis_ray.errors import AirisError, TooLarge
from airis_ray.settings import StreamSettings
from airis_ray.stream.kafka import KafkaBroker
from airis_ray.stream.kafka_client import consumer_config
from airis_ray.stream.kafka_consumer import KafkaConsumer
from airis_ray.stream.memory import MemoryBroker
from airis_ray.stream.messages import topic_of
from airis_ray.stream.protocol import Broker, Committed, Consumer, Fenced, Listener, Partition, Received
from airis_ray.stream.topics import ensure_topics
from tests.support.kafka import Kafka

SECONDS = 60.0
SESSION = 6.0
BODY = 1 << 16

pytestmark = pytest.mark.parametrize("backend", ["memory", "kafka"], indirect=True)


class Backend(Protocol):
    """A broker with a telemetry topic of three partitions, and a member that is expelled where it does not poll."""

    broker: Broker
    topic: str

    def brief(self, group: str, listener: Listener) -> Consumer:
        """A consumer that may be silent for a few seconds only."""


class InMemory:
    def __init__(self) -> None:
        self.topic = "otlp_logs"
        self.broker = MemoryBroker({self.topic: 3}, session_timeout=1.0, max_message_bytes=BODY)

    def brief(self, group: str, listener: Listener) -> Consumer:
        return self.broker.consumer(group, [self.topic], listener)


class Real:
    def __init__(self, kafka: Kafka) -> None:
        settings = kafka.settings()
        ensure_topics(settings, BODY)
        self._settings, self._stream = settings, StreamSettings(session_timeout=SESSION)
        self.topic = topic_of(settings, "logs")
        self.broker = KafkaBroker(settings, self._stream, max_body_bytes=BODY)

    def brief(self, group: str, listener: Listener) -> Consumer:
        config = consumer_config(self._settings, self._stream, group)
        return KafkaConsumer(config | {"max.poll.interval.ms": int(SESSION * 1000)}, [self.topic], listener)


@pytest.fixture
async def backend(request: pytest.FixtureRequest) -> Backend:
    return InMemory() if request.param == "memory" else Real(request.getfixturevalue("kafka"))


class Member:
    """A consumer whose listener notes what it is told, and whose polls go on in the background."""

    def __init__(self, backend: Backend, group: str, starts: Mapping[int, int] | None = None) -> None:
        self.consumer = backend.brief(group, self)
        self.owned: dict[Partition, Committed | None] = {}
        self.seen: list[Received] = []
        self.events: list[tuple[str, frozenset[int]]] = []
        self.on_revoke: Callable[[], Awaitable[Any]] | None = None
        self._starts = starts or {}
        self._polling = asyncio.Event()
        self._polling.set()
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def assigned(self, partitions: Mapping[Partition, Committed | None]) -> Mapping[Partition, int]:
        self.owned.update(partitions)
        self._note("assigned", partitions)
        known = {p: committed.offset for p, committed in partitions.items() if committed}
        return known | {p: self._starts[p.number] for p in partitions if p.number in self._starts}

    async def revoked(self, partitions: Collection[Partition]) -> None:
        if self.on_revoke is not None:
            await self.on_revoke()
        self._forget("revoked", partitions)

    async def lost(self, partitions: Collection[Partition]) -> None:
        self._forget("lost", partitions)

    async def close(self) -> None:
        """Leave the group in order."""
        self._task.cancel()
        await asyncio.wait([self._task])
        await self.consumer.close()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for ``condition``."""
        async with asyncio.timeout(SECONDS):
            while not condition():
                if self._task.done():
                    self._task.result()
                await asyncio.sleep(0.02)

    def gone(self) -> set[int]:
        """The partitions that it was told of as revoked or lost."""
        return {number for event, numbers in self.events if event != "assigned" for number in numbers}

    def fall_silent(self) -> None:
        self._polling.clear()

    def wake(self) -> None:
        self._polling.set()

    def _note(self, event: str, partitions: Collection[Partition]) -> None:
        if partitions:
            self.events.append((event, frozenset(p.number for p in partitions)))

    def _forget(self, event: str, partitions: Collection[Partition]) -> None:
        self._note(event, partitions)
        for partition in partitions:
            self.owned.pop(partition, None)

    async def _run(self) -> None:
        while True:
            await self._polling.wait()
            self.seen += await self.consumer.poll(100, 0.1)


@asynccontextmanager
async def member(backend: Backend, group: str, **options: Any) -> AsyncIterator[Member]:
    made = Member(backend, group, **options)
    try:
        yield made
    finally:
        await made.close()


def new_group() -> str:
    return f"g{uuid.uuid4().hex[:12]}"


async def write(backend: Backend, count: int, first: int = 0) -> None:
    publisher = backend.broker.publisher()
    for number in range(first, first + count):
        value = str(number).encode()
        await publisher.publish(backend.topic, value, key=value, headers=[("n", value), ("n", b"twice")])
    await publisher.close()


def numbers(seen: Collection[Received]) -> list[int]:
    return sorted(int(message.value) for message in seen)


async def test_what_was_written_is_read_in_the_order_of_each_partition(backend: Backend) -> None:
    await write(backend, 30)
    async with member(backend, new_group()) as one:
        await one.until(lambda: len(one.seen) == 30)
        assert set(one.owned.values()) == {None}
    assert numbers(one.seen) == list(range(30))
    for number in range(3):
        mine = [m for m in one.seen if m.partition.number == number]
        assert [m.offset for m in mine] == list(range(len(mine)))
        assert mine, "keys spread over the partitions"
    first = one.seen[0]
    assert first.key == first.value
    assert list(first.headers) == [("n", first.value), ("n", b"twice")]
    assert first.timestamp_ms > 0


async def test_the_group_goes_on_at_what_was_committed_and_is_told_the_words_beside_it(
    backend: Backend,
) -> None:
    group = new_group()
    await write(backend, 30)
    async with member(backend, group) as one:
        await one.until(lambda: len(one.seen) == 30)
        ends = one.consumer.ends(list(one.owned))
        kept = {p: Committed(max(0, ends[p] - 2), f'{{"of": {p.number}}}') for p in one.owned}
        assert not await one.consumer.commit(kept)
    async with member(backend, group) as two:
        left = sum(min(2, end) for end in ends.values())
        await two.until(lambda: len(two.seen) == left)
        assert two.owned == kept


async def test_reading_begins_where_the_listener_says(backend: Backend) -> None:
    group = new_group()
    await write(backend, 30)
    async with member(backend, group) as one:
        await one.until(lambda: len(one.seen) == 30)
        ends = one.consumer.ends(list(one.owned))
        await one.consumer.commit({p: Committed(ends[p]) for p in one.owned})
    async with member(backend, group, starts={0: 1, 1: 0}) as two:
        partition = {p.number: p for p in ends}
        await two.until(lambda: len(two.seen) == ends[partition[0]] - 1 + ends[partition[1]])
        assert min(m.offset for m in two.seen if m.partition.number == 0) == 1


async def test_members_share_the_partitions_and_who_keeps_one_hears_nothing(backend: Backend) -> None:
    group = new_group()
    async with member(backend, group) as one:
        await one.until(lambda: len(one.owned) == 3)
        async with member(backend, group) as two:
            await two.until(lambda: bool(two.owned))
            await one.until(lambda: len(one.owned) == 2)
            assert not set(one.owned) & set(two.owned)
            assert [event for event in one.events if event[0] != "assigned"] == [
                ("revoked", frozenset(p.number for p in two.owned))
            ]
            await write(backend, 30)
            await one.until(lambda: len(one.seen) + len(two.seen) == 30)
            assert numbers([*one.seen, *two.seen]) == list(range(30))
        await one.until(lambda: len(one.owned) == 3)


async def test_what_is_committed_while_a_partition_is_revoked_counts(backend: Backend) -> None:
    group = new_group()
    await write(backend, 30)
    async with member(backend, group) as one:
        await one.until(lambda: len(one.seen) == 30)
        kept = {p: Committed(1, "at the last moment") for p in one.owned}

        async def commit() -> None:
            assert not await one.consumer.commit(kept)

        one.on_revoke = commit
        async with member(backend, group) as two:
            await two.until(lambda: bool(two.owned))
            assert set(two.owned.values()) == {Committed(1, "at the last moment")}
            one.on_revoke = None


async def test_a_member_that_was_silent_loses_its_partitions_and_can_commit_no_more(backend: Backend) -> None:
    group = new_group()
    await write(backend, 30)
    async with member(backend, group) as one:
        await one.until(lambda: len(one.seen) == 30)
        assert not await one.consumer.commit(dict.fromkeys(one.owned, Committed(1)))
        stale = list(one.owned)
        one.fall_silent()
        async with member(backend, group) as two:
            await two.until(lambda: len(two.owned) == 3)
            assert not await two.consumer.commit(dict.fromkeys(two.owned, Committed(2)))
            errors: Mapping[Partition, AirisError] = await one.consumer.commit(
                dict.fromkeys(stale, Committed(0, "of the past"))
            )
            assert {type(error) for error in errors.values()} == {Fenced}
            assert set(errors) == set(stale)
            one.wake()
            await one.until(lambda: one.gone() == {0, 1, 2})
            assert "lost" in dict(one.events)
            await one.until(lambda: len(one.owned) >= 1)
            assert set(one.owned.values()) == {Committed(2)}


async def test_nothing_of_a_paused_partition_comes_until_it_is_resumed(backend: Backend) -> None:
    async with member(backend, new_group()) as one:
        await one.until(lambda: len(one.owned) == 3)
        paused = [p for p in one.owned if p.number == 0]
        one.consumer.pause(paused)
        await write(backend, 30)
        others = [p for p in one.owned if p.number]
        await one.until(lambda: len(one.seen) == sum(one.consumer.ends(others).values()) > 0)
        await asyncio.sleep(0.5)
        assert {m.partition.number for m in one.seen} == {1, 2}
        one.consumer.resume(paused)
        await one.until(lambda: len(one.seen) == 30)
    assert numbers(one.seen) == list(range(30))


async def test_bounds_of_a_partition(backend: Backend) -> None:
    await write(backend, 30)
    async with member(backend, new_group()) as one:
        await one.until(lambda: len(one.seen) == 30)
        assert sum(one.consumer.ends(list(one.owned)).values()) == 30
        assert [await one.consumer.beginning(p) for p in one.owned] == [0, 0, 0]


async def test_browsing_shows_everything_and_changes_nothing(backend: Backend) -> None:
    await write(backend, 30)
    found = [message async for message in backend.broker.browse(backend.topic)]
    assert numbers(found) == list(range(30))
    assert [m async for m in backend.broker.browse("there-is-no-such-topic")] == []


async def test_what_is_too_large_is_refused(backend: Backend) -> None:
    publisher = backend.broker.publisher()
    with pytest.raises(TooLarge):
        await publisher.publish(backend.topic, bytes(2 * BODY))
    await publisher.publish(backend.topic, b"fits")
    await publisher.close()
