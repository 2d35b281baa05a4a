from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
from confluent_kafka import KafkaError

from airis_ray.errors import AirisError, Overloaded, TooLarge, Unavailable
from airis_ray.resilience.breaker import BreakerOpen
from airis_ray.settings import KafkaSettings
from airis_ray.stream.messages import Envelope, Message, message
from airis_ray.stream.producer import Producer, failure
from tests.support.kafka import read_messages
from tests.support.kafka_mock import INIT_PRODUCER_ID, PRODUCE, MockCluster, mock_cluster

MAX_BODY = 1 << 20


@pytest.fixture
def cluster() -> Iterator[MockCluster]:
    with mock_cluster() as cluster:
        cluster.create("otlp_logs", 4)
        yield cluster


def settings(cluster: MockCluster, **changes: float) -> KafkaSettings:
    return KafkaSettings(
        **({"bootstrap": cluster.bootstrap, "linger": 0.0, "delivery_timeout": 20.0} | changes)
    )


@asynccontextmanager
async def opened(settings: KafkaSettings, grace: float = 1.0) -> AsyncIterator[Producer]:
    producer = Producer(settings, MAX_BODY)
    try:
        yield producer
    finally:
        await producer.close(grace)


def text(body: bytes) -> Message:
    return message(KafkaSettings(), "logs", body, Envelope("shop", 1))


async def eventually(producer: Producer, body: bytes) -> None:
    """Send until it is taken, as senders do."""
    async with asyncio.timeout(20):
        while True:
            try:
                return await producer.send(text(body))
            except (Unavailable, Overloaded):
                await asyncio.sleep(0.05)


async def test_what_was_sent_is_there(cluster: MockCluster) -> None:
    bodies = [b"%d" % number for number in range(300)]
    async with opened(settings(cluster)) as producer:
        await asyncio.gather(*(producer.send(text(body)) for body in bodies))
        found = read_messages(cluster.bootstrap, "otlp_logs", 300)
    assert sorted(item.value() for item in found) == sorted(bodies)
    # One key, hence one partition, in the order of the calls.
    assert len({item.partition() for item in found}) == 1
    assert [item.value() for item in found] == bodies
    assert found[0].key() == text(b"0").key
    assert found[0].headers() == text(b"0").headers


@pytest.mark.parametrize("code", [KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.NOT_ENOUGH_REPLICAS])
async def test_what_a_broker_refuses_for_now_is_sent_again_and_there_once(
    cluster: MockCluster, code: int
) -> None:
    cluster.fail(PRODUCE, code, code)
    async with opened(settings(cluster, delivery_timeout=20.0)) as producer:
        await producer.send(text(b"body"))
        await producer.send(text(b"last"))
        found = read_messages(cluster.bootstrap, "otlp_logs", 2)
    assert [item.value() for item in found] == [b"body", b"last"]


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (KafkaError.MSG_SIZE_TOO_LARGE, TooLarge),
        (KafkaError.TOPIC_AUTHORIZATION_FAILED, Unavailable),
        (KafkaError.INVALID_REQUIRED_ACKS, Unavailable),
    ],
)
async def test_what_a_broker_refuses_for_good_is_told(
    cluster: MockCluster, code: int, kind: type[AirisError]
) -> None:
    async with opened(settings(cluster)) as producer:
        await producer.send(text(b"first"))
        cluster.fail(PRODUCE, code)
        with pytest.raises(kind):
            await producer.send(text(b"body"))
        await eventually(producer, b"next")


async def test_a_body_over_the_limit_is_refused_before_it_is_sent(cluster: MockCluster) -> None:
    async with opened(settings(cluster)) as producer:
        with pytest.raises(TooLarge, match="smaller"):
            await producer.send(text(bytes(2 * MAX_BODY)))
        await producer.send(text(bytes(MAX_BODY)))


async def test_a_broker_that_is_gone_is_503_and_the_next_one_takes_messages(cluster: MockCluster) -> None:
    async with opened(settings(cluster, delivery_timeout=1.0)) as producer:
        await eventually(producer, b"before")  # a busy machine may need a second for the first one
        cluster.down()
        with pytest.raises(Unavailable, match="did not acknowledge within 1 s") as caught:
            await producer.send(text(b"lost"))
        assert caught.value.retry_after >= 1
        cluster.up()
        await eventually(producer, b"after")


async def test_a_broker_that_does_not_answer_is_503(cluster: MockCluster) -> None:
    async with opened(settings(cluster, delivery_timeout=1.0), grace=0.0) as producer:
        await eventually(producer, b"before")
        cluster.delay(30_000)
        with pytest.raises(Unavailable, match="did not acknowledge"):
            await producer.send(text(b"lost"))


async def test_brokers_that_stay_away_are_left_alone(cluster: MockCluster) -> None:
    async with opened(settings(cluster, delivery_timeout=1.0), grace=0.0) as producer:
        cluster.down()
        results = await asyncio.gather(*(producer.send(text(b"x")) for _ in range(5)), return_exceptions=True)
        assert all(isinstance(result, Unavailable) for result in results)
        with pytest.raises(BreakerOpen, match="kafka is not asked"):
            await producer.send(text(b"x"))


async def test_brokers_that_no_caller_waits_for_long_enough_are_left_alone(cluster: MockCluster) -> None:
    """SDKs give up before the delivery does: their requests are cancelled."""
    async with opened(settings(cluster, delivery_timeout=3.0), grace=0.0) as producer:
        cluster.down()
        sending = [asyncio.create_task(producer.send(text(b"x"))) for _ in range(5)]
        _, waiting = await asyncio.wait(sending, timeout=1.5)
        assert len(waiting) == 5
        for task in sending:
            task.cancel()
        await asyncio.wait(sending)
        with pytest.raises(BreakerOpen, match="kafka is not asked"):
            await producer.send(text(b"x"))


async def test_a_full_queue_is_429_until_the_brokers_take_from_it(cluster: MockCluster) -> None:
    bodies = [b"%d" % number + bytes(MAX_BODY // 2) for number in range(4)]
    async with opened(settings(cluster, queue_bytes=1 << 20, delivery_timeout=20.0)) as producer:
        await producer.send(text(b"before"))
        cluster.delay(1_000)
        sent = asyncio.gather(*(producer.send(text(body)) for body in bodies), return_exceptions=True)
        results = await sent
        refused = [result for result in results if result is not None]
        assert refused
        assert all(isinstance(result, Overloaded) and result.retry_after for result in refused)
        cluster.delay(0)
        await eventually(producer, bodies[0])  # librdkafka counts a message until its callback returned
        found = read_messages(cluster.bootstrap, "otlp_logs", 1 + 4 - len(refused) + 1)
    assert len(found) == 1 + 4 - len(refused) + 1


async def test_a_producer_that_met_a_fatal_error_is_replaced(cluster: MockCluster) -> None:
    cluster.fail(INIT_PRODUCER_ID, KafkaError.CLUSTER_AUTHORIZATION_FAILED)
    async with opened(settings(cluster)) as producer:
        with pytest.raises(Unavailable):
            await producer.send(text(b"refused"))
        await producer.send(text(b"taken"))
        assert [item.value() for item in read_messages(cluster.bootstrap, "otlp_logs", 1)] == [b"taken"]


async def test_closing_sends_what_waits(cluster: MockCluster) -> None:
    async with opened(settings(cluster), grace=10.0) as producer:
        await producer.send(text(b"before"))
        cluster.delay(300)
        waiting = [asyncio.ensure_future(producer.send(text(b"%d" % number))) for number in range(3)]
        await asyncio.sleep(0)  # they are handed over
    await asyncio.gather(*waiting)
    with pytest.raises(Unavailable, match="shutting down"):
        await producer.send(text(b"late"))


async def test_closing_gives_up_after_its_grace(cluster: MockCluster) -> None:
    async with opened(settings(cluster), grace=0.1) as producer:
        cluster.down()
        waiting = asyncio.ensure_future(producer.send(text(b"lost")))
        await asyncio.sleep(0)
    with pytest.raises(Unavailable, match="shut down before"):
        await waiting


async def test_a_caller_that_went_away_leaves_nothing_behind(cluster: MockCluster) -> None:
    async with opened(settings(cluster)) as producer:
        await producer.send(text(b"before"))
        cluster.delay(200)
        gone = asyncio.ensure_future(producer.send(text(b"gone")))
        await asyncio.sleep(0)
        gone.cancel()
        await producer.send(text(b"after"))
        assert gone.cancelled()
    assert "kafka-producer" not in {thread.name for thread in threading.enumerate()}


def test_every_error_has_a_kind_and_a_time_to_come_back() -> None:
    for code in (
        KafkaError._MSG_TIMED_OUT,
        KafkaError._PURGE_QUEUE,
        KafkaError._PURGE_INFLIGHT,
        KafkaError._FATAL,
    ):
        error = failure(KafkaError(code), 30.0)
        assert isinstance(error, Unavailable)
        assert error.retry_after
    full = failure(KafkaError(KafkaError._QUEUE_FULL), 30.0)
    assert isinstance(full, Overloaded)
    assert full.retry_after
