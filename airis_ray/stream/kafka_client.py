"""What all of our consumers make of librdkafka: their settings, and its messages and errors as ours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

from confluent_kafka import Consumer as Client
from confluent_kafka import KafkaException, Message

from airis_ray.errors import Unavailable
from airis_ray.settings import KafkaSettings, StreamSettings
from airis_ray.stream.client_config import client_config
from airis_ray.stream.protocol import Partition, Received

CALL_SECONDS: Final = 10.0
"""One question to the brokers."""

_MS: Final = 1000
_FETCH_BYTES: Final = 16 * 2**20  # of one answer; a larger message comes all the same
_QUEUE_BYTES: Final = 32 * 2**20  # read ahead of the poll loop, all partitions together
_T = TypeVar("_T")


def consumer_config(kafka: KafkaSettings, stream: StreamSettings, group: str) -> dict[str, Any]:
    """A member of ``group`` that commits by itself alone and keeps its partitions through a rebalance."""
    session = int(stream.session_timeout * _MS)
    return client_config(kafka) | {
        "group.id": group,
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "auto.offset.reset": "earliest",
        "partition.assignment.strategy": "cooperative-sticky",
        "session.timeout.ms": session,
        "heartbeat.interval.ms": max(200, session // 5),
        "max.poll.interval.ms": max(300_000, session),
        "fetch.max.bytes": _FETCH_BYTES,
        "fetch.message.max.bytes": _FETCH_BYTES // 4,
        "queued.max.messages.kbytes": _QUEUE_BYTES // 1024,
        "queued.min.messages": 1000,
        "fetch.wait.max.ms": 100,
        # A commit to a broker that hangs keeps the one thread for so long.
        "socket.timeout.ms": int(CALL_SECONDS * _MS),
        "fetch.error.backoff.ms": 200,
        # A topic made anew, or with more partitions, is seen after so long.
        "topic.metadata.refresh.interval.ms": 30_000,
    }


def some(client: Client, limit: int, seconds: float) -> list[Message]:
    """At most ``limit`` messages and errors, as soon as there is one: ``consume`` alone would wait for the last."""
    first = client.poll(seconds)
    return [] if first is None else [first, *client.consume(max(1, limit - 1), 0)]


def asked(question: Callable[[], _T]) -> _T:
    """The answer to ``question``; raises Unavailable where the brokers give none."""
    try:
        return question()
    except KafkaException as error:
        raise Unavailable(f"Kafka: {error.args[0].str()}") from None


def received(message: Message) -> Received:
    """A message as the consumers see it."""
    kind, written = message.timestamp()
    return Received(
        Partition(message.topic() or "", message.partition() or 0),
        message.offset() or 0,
        written if kind and written > 0 else 0,
        message.key(),
        message.value() or b"",
        tuple(message.headers() or ()),  # type: ignore[arg-type] # a list: no serializer is set
    )
