"""A Kafka for tests: the one that ``AIRIS_TEST_KAFKA_BOOTSTRAP`` names, else one started for the run.

Import the fixture :func:`kafka` into a ``conftest.py`` to use it. Tests share the broker and keep apart by the prefix
of their topics and by the names of their groups (:meth:`Kafka.settings` has a new prefix each time).
"""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition
from confluent_kafka.admin import AdminClient

from airis_ray.settings import KafkaSettings
from scripts.kafka_broker import CACHE, Broker, BrokerError, broker

_ROOT = Path(__file__).parents[2]
_SECONDS = 20.0


@dataclass(frozen=True)
class Kafka:
    """A running broker: where and which. ``broker`` is None for one that others started."""

    bootstrap: str
    kind: str
    broker: Broker | None

    @property
    def real(self) -> bool:
        """Whether this is Apache Kafka: offsets, lag and restarts work as they should."""
        return not self.kind.startswith("Tansu")

    def settings(self, **changes: Any) -> KafkaSettings:
        """Settings for topics that no other test has."""
        prefix = f"t{uuid.uuid4().hex[:12]}."
        usual = {"bootstrap": self.bootstrap, "topic_prefix": prefix, "partitions": 3, "linger": 0.0}
        return KafkaSettings(**(usual | changes))

    def messages(self, topic: str, count: int | None = None) -> list[Message]:
        """See :func:`read_messages`. Tansu tells a topic's end too low, so that more is waited for."""
        return read_messages(self.bootstrap, topic, count, more=0.0 if self.real else 1.0)


def read_messages(
    bootstrap: str, topic: str, count: int | None = None, *, more: float = 0.0
) -> list[Message]:
    """The first ``count`` messages of a topic, or all that it has now; fewer where they do not come within 20 s.

    Without ``count``, further ones are waited for until none came for ``more`` seconds.
    """
    consumer = Consumer(
        {"bootstrap.servers": bootstrap, "group.id": uuid.uuid4().hex, "enable.auto.commit": False}
    )
    try:
        numbers = consumer.list_topics(topic, _SECONDS).topics[topic].partitions
        partitions = [TopicPartition(topic, number, 0) for number in numbers]
        if count is None:
            count = sum(_length(consumer, partition) for partition in partitions)
        else:
            more = 0.0
        consumer.assign(partitions)
        found: list[Message] = []
        while (left := count - len(found)) > 0 or more:
            got = consumer.consume(max(1, left), _SECONDS if left > 0 else more)
            if not got:
                break
            assert all(item.error() is None for item in got), [item.error() for item in got]
            found += got
        return found
    finally:
        consumer.close()


def _length(consumer: Consumer, partition: TopicPartition) -> int:
    """Messages of a partition; a topic that was just made has no leader for a moment."""
    deadline = time.monotonic() + _SECONDS
    while True:
        try:
            low, high = consumer.get_watermark_offsets(partition, _SECONDS)
        except KafkaException as error:
            if error.args[0].code() != KafkaError.NOT_LEADER_FOR_PARTITION or time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return int(high - low)


def cache() -> Path:
    """The folder in which Kafka's jars are kept."""
    return Path(os.environ.get("AIRIS_TEST_KAFKA_CACHE") or _ROOT / CACHE)


@pytest.fixture(scope="session")
def kafka(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kafka]:
    """A broker for the whole run; tests that need one are skipped where none can be had."""
    given = os.environ.get("AIRIS_TEST_KAFKA_BOOTSTRAP")
    if given:
        yield _told(request, Kafka(given, f"given (id {_cluster(given)})", None))
        return
    try:
        node = broker(tmp_path_factory.mktemp("kafka"), cache=cache()).start()
    except BrokerError as error:
        pytest.skip(f"no Kafka here: {error}")
    try:
        yield _told(request, Kafka(node.bootstrap, node.kind, node))
    finally:
        node.kill()


def _told(request: pytest.FixtureRequest, kafka: Kafka) -> Kafka:
    reporter = request.config.pluginmanager.getplugin("terminalreporter")
    if reporter is not None:
        reporter.write_line(f"kafka: {kafka.kind} at {kafka.bootstrap}")
    return kafka


def _cluster(bootstrap: str) -> str | None:
    cluster: str | None = (
        AdminClient({"bootstrap.servers": bootstrap}).list_topics(timeout=_SECONDS).cluster_id
    )
    return cluster
