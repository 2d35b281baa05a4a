"""Kafka as the consumers see it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import Final

from confluent_kafka import OFFSET_BEGINNING, KafkaError, TopicPartition
from confluent_kafka import Consumer as Client

from airis_ray.errors import Unavailable
from airis_ray.settings import KafkaSettings, StreamSettings
from airis_ray.stream.kafka_client import CALL_SECONDS, asked, consumer_config, received, some
from airis_ray.stream.kafka_consumer import KafkaConsumer
from airis_ray.stream.messages import HEADER_BYTES, Headers, Message
from airis_ray.stream.producer import Producer
from airis_ray.stream.protocol import Listener, Received

_BROWSE: Final = 200


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
        client = Client(config | {"enable.partition.eof": True})
        try:
            open_ = await asyncio.to_thread(asked, lambda: _begin(client, topic))
            while open_:
                for message in await asyncio.to_thread(some, client, _BROWSE, 1.0):
                    if (error := message.error()) is None:
                        yield received(message)
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
        await self._producer.send(Message(topic, key or b"", value, held))

    async def close(self) -> None:
        """See :class:`airis_ray.stream.protocol.Publisher`."""
        await self._producer.close(0.0)


def _begin(client: Client, topic: str) -> set[int]:
    """Read every partition of ``topic`` from its beginning; their numbers, none where there is no such topic."""
    found = client.list_topics(topic, timeout=CALL_SECONDS).topics[topic]
    if found.error is not None and found.error.code() in (
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError._UNKNOWN_TOPIC,
    ):
        return set()
    client.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for number in found.partitions])
    return set(found.partitions)
