"""Kafka as the consumers see it: librdkafka's calls in threads, its callbacks on the event loop."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Final, TypeVar

from confluent_kafka import OFFSET_BEGINNING, KafkaError, KafkaException, Message, TopicPartition
from confluent_kafka import Consumer as _Client

from airis_ray.errors import AirisError, Unavailable
from airis_ray.settings import KafkaSettings, StreamSettings
from airis_ray.stream.client_config import client_config
from airis_ray.stream.messages import HEADER_BYTES, Headers
from airis_ray.stream.messages import Message as Outgoing
from airis_ray.stream.producer import Producer
from airis_ray.stream.protocol import Committed, Fenced, Listener, Lost, Partition, Received

_MS: Final = 1000
_CALL_SECONDS: Final = 10.0  # one question to the brokers
_CALLBACK_SECONDS: Final = 60.0  # finishing the batches of what is revoked, with room to spare
_FETCH_BYTES: Final = 16 * 2**20  # of one answer; a larger message comes all the same
_QUEUE_BYTES: Final = 32 * 2**20  # read ahead of the poll loop, all partitions together
_BROWSE: Final = 200

_FENCED: Final = frozenset(
    {
        KafkaError.ILLEGAL_GENERATION,
        KafkaError.UNKNOWN_MEMBER_ID,
        KafkaError.REBALANCE_IN_PROGRESS,
        KafkaError._ASSIGNMENT_LOST,
    }
)
_T = TypeVar("_T")

_log = logging.getLogger(__name__)


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
        "fetch.error.backoff.ms": 200,
        # A topic made anew, or with more partitions, is seen after so long.
        "topic.metadata.refresh.interval.ms": 30_000,
    }


class KafkaBroker:
    """Implements :class:`airis_ray.stream.protocol.Broker`. For one event loop."""

    def __init__(self, kafka: KafkaSettings, stream: StreamSettings, *, max_body_bytes: int) -> None:
        self._kafka = kafka
        self._stream = stream
        self._max_body_bytes = max_body_bytes

    def consumer(self, group: str, topics: Sequence[str], listener: Listener) -> KafkaConsumer:
        """See :class:`airis_ray.stream.protocol.Broker`."""
        return KafkaConsumer(consumer_config(self._kafka, self._stream, group), topics, listener)

    def publisher(self) -> KafkaPublisher:
        """See :class:`airis_ray.stream.protocol.Broker`."""
        # A dead letter tells more than the message that it was.
        return KafkaPublisher(Producer(self._kafka, self._max_body_bytes + 3 * HEADER_BYTES))

    async def browse(self, topic: str) -> AsyncGenerator[Received, None]:
        """See :class:`airis_ray.stream.protocol.Broker`."""
        config = consumer_config(self._kafka, self._stream, "airis-browse")
        client = _Client(config | {"enable.partition.eof": True})
        try:
            open_ = await asyncio.to_thread(_asked, lambda: _begin(client, topic))
            while open_:
                for message in await asyncio.to_thread(_some, client, _BROWSE, 1.0):
                    if (error := message.error()) is None:
                        yield _received(message)
                    elif error.code() == KafkaError._PARTITION_EOF:
                        open_.discard(message.partition())
                    else:
                        raise Unavailable(f"Kafka: {error.str()}")
        finally:
            await asyncio.to_thread(client.close)


class KafkaPublisher:
    """Implements :class:`airis_ray.stream.protocol.Publisher`."""

    def __init__(self, producer: Producer) -> None:
        self._producer = producer

    async def publish(
        self, topic: str, value: bytes, *, key: bytes | None = None, headers: Headers = ()
    ) -> None:
        """See :class:`airis_ray.stream.protocol.Publisher`."""
        held = [(name, content) for name, content in headers if content is not None]
        await self._producer.send(Outgoing(topic, key or b"", value, held))

    async def close(self) -> None:
        """See :class:`airis_ray.stream.protocol.Publisher`."""
        await self._producer.close(0.0)


class KafkaConsumer:
    """Implements :class:`airis_ray.stream.protocol.Consumer`.

    Two threads: polling waits in one, with the listener called back on the event loop meanwhile; commits go by the
    other, so that the listener can wait for them.
    """

    def __init__(self, config: dict[str, Any], topics: Sequence[str], listener: Listener) -> None:
        self._loop = asyncio.get_running_loop()
        self._listener = listener
        self._poller = ThreadPoolExecutor(1, thread_name_prefix="kafka-poll")
        self._committer = ThreadPoolExecutor(1, thread_name_prefix="kafka-commit")
        self._fatal: str | None = None
        self._client = _Client(config | {"error_cb": self._on_error})
        self._client.subscribe(
            list(topics), on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_lost
        )

    async def poll(self, limit: int, seconds: float) -> Sequence[Received]:
        """See :class:`airis_ray.stream.protocol.Consumer`."""
        return await self._loop.run_in_executor(self._poller, self._poll, limit, seconds)

    async def commit(self, offsets: Mapping[Partition, Committed]) -> Mapping[Partition, AirisError]:
        """See :class:`airis_ray.stream.protocol.Consumer`."""
        return await self._loop.run_in_executor(self._committer, self._commit, offsets)

    def pause(self, partitions: Collection[Partition]) -> None:
        """See :class:`airis_ray.stream.protocol.Consumer`."""
        with suppress(KafkaException):  # one that has just been taken away
            self._client.pause(_bare(partitions))

    def resume(self, partitions: Collection[Partition]) -> None:
        """See :class:`airis_ray.stream.protocol.Consumer`."""
        with suppress(KafkaException):
            self._client.resume(_bare(partitions))

    def ends(self, partitions: Collection[Partition]) -> Mapping[Partition, int]:
        """See :class:`airis_ray.stream.protocol.Consumer`."""
        found = {}
        for partition, bare in zip(partitions, _bare(partitions), strict=True):
            marks = self._client.get_watermark_offsets(bare, cached=True)
            if marks is not None and marks[1] >= 0:
                found[partition] = int(marks[1])
        return found

    async def beginning(self, partition: Partition) -> int:
        """See :class:`airis_ray.stream.protocol.Consumer`."""
        (bare,) = _bare([partition])

        def ask() -> int:
            marks = self._client.get_watermark_offsets(bare, timeout=_CALL_SECONDS)
            if marks is None:
                raise Unavailable(f"Kafka did not tell the bounds of {partition}")
            return int(marks[0])

        return await self._loop.run_in_executor(self._committer, _asked, ask)

    async def close(self) -> None:
        """See :class:`airis_ray.stream.protocol.Consumer`."""
        await self._loop.run_in_executor(self._poller, self._client.close)
        self._poller.shutdown(wait=False)
        self._committer.shutdown(wait=False)

    def _poll(self, limit: int, seconds: float) -> list[Received]:
        if self._fatal is not None:
            raise Lost(f"the Kafka client cannot go on: {self._fatal}")
        found = []
        for message in _some(self._client, limit, seconds):
            error = message.error()
            if error is None:
                found.append(_received(message))
            elif error.fatal():
                raise Lost(f"the Kafka client cannot go on: {error.str()}")
            else:  # librdkafka goes on by itself
                _log.warning("Kafka: %s", error.str())
        return found

    def _commit(self, offsets: Mapping[Partition, Committed]) -> dict[Partition, AirisError]:
        asked = [TopicPartition(p.topic, p.number, c.offset, c.metadata) for p, c in offsets.items()]
        try:
            answers = self._client.commit(offsets=asked, asynchronous=False) or []
        except KafkaException as error:
            return dict.fromkeys(offsets, _meaning(error.args[0]))
        errors = {Partition(a.topic, a.partition): a.error for a in answers}
        return {p: _meaning(error) for p, error in errors.items() if error is not None}

    def _on_assign(self, client: _Client, partitions: list[TopicPartition]) -> None:
        found = {
            Partition(p.topic, p.partition): Committed(p.offset, p.metadata or "") if p.offset >= 0 else None
            for p in self._committed(client, partitions)
        }
        starts = self._call(self._listener.assigned(found))
        client.incremental_assign(
            [TopicPartition(p.topic, p.number, starts.get(p, OFFSET_BEGINNING)) for p in found]
        )

    def _on_revoke(self, client: _Client, partitions: list[TopicPartition]) -> None:
        self._call(self._listener.revoked([Partition(p.topic, p.partition) for p in partitions]))
        client.incremental_unassign(partitions)

    def _on_lost(self, client: _Client, partitions: list[TopicPartition]) -> None:
        self._call(self._listener.lost([Partition(p.topic, p.partition) for p in partitions]))
        client.incremental_unassign(partitions)

    def _committed(self, client: _Client, partitions: list[TopicPartition]) -> list[TopicPartition]:
        """What the group has committed; asked until there is an answer, because a wrong start would lose or double."""
        if not partitions:
            return []
        for _ in range(math.ceil(_CALLBACK_SECONDS / _CALL_SECONDS)):
            try:
                answers = client.committed(partitions, timeout=_CALL_SECONDS)
            except KafkaException as error:
                _log.warning("Kafka did not tell the committed offsets: %s", error.args[0].str())
                continue
            if all(answer.error is None for answer in answers):
                return answers
        raise Lost("Kafka does not tell the committed offsets")

    def _call(self, listening: Awaitable[_T]) -> _T:
        """Run a listener's call on the event loop and wait for it in this thread, which is not the loop's."""

        async def run() -> _T:
            return await listening

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(_CALLBACK_SECONDS)

    def _on_error(self, error: KafkaError) -> None:
        if error.fatal():
            self._fatal = error.str()
        else:
            _log.warning("Kafka: %s", error.str())


def _some(client: _Client, limit: int, seconds: float) -> list[Message]:
    """At most ``limit`` messages and errors, as soon as there is one: ``consume`` alone would wait for the last."""
    first = client.poll(seconds)
    return [] if first is None else [first, *client.consume(max(1, limit - 1), 0)]


def _begin(client: _Client, topic: str) -> set[int]:
    """Read every partition of ``topic`` from its beginning; their numbers, none where there is no such topic."""
    found = client.list_topics(topic, timeout=_CALL_SECONDS).topics[topic]
    if found.error is not None and found.error.code() in (
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError._UNKNOWN_TOPIC,
    ):
        return set()
    client.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for number in found.partitions])
    return set(found.partitions)


def _asked(question: Callable[[], _T]) -> _T:
    try:
        return question()
    except KafkaException as error:
        raise Unavailable(f"Kafka: {error.args[0].str()}") from None


def _bare(partitions: Collection[Partition]) -> list[TopicPartition]:
    return [TopicPartition(p.topic, p.number) for p in partitions]


def _received(message: Message) -> Received:
    kind, time = message.timestamp()
    return Received(
        Partition(message.topic() or "", message.partition() or 0),
        message.offset() or 0,
        time if kind and time > 0 else 0,
        message.key(),
        message.value() or b"",
        tuple(message.headers() or ()),  # type: ignore[arg-type] # a list: no serializer is set
    )


def _meaning(error: KafkaError) -> AirisError:
    if error.code() in _FENCED:
        return Fenced(f"Kafka: {error.str()}")
    if error.fatal() or error.code() == KafkaError.FENCED_INSTANCE_ID:
        return Lost(f"Kafka: {error.str()}")
    return Unavailable(f"Kafka: {error.str()}")
