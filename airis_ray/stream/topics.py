"""The topics: reached, created where they are missing, checked where they exist."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined] # its public names, without __all__
    AdminClient,
    ConfigResource,
    NewTopic,
    ResourceType,
)

from airis_ray.errors import InvalidInput, Unavailable
from airis_ray.settings import KafkaSettings
from airis_ray.stream.client_config import client_config
from airis_ray.stream.messages import HEADER_BYTES, TOPICS, dead_letter_topic, topic_of

_ADMIN_SECONDS: Final = 15.0
_DENIED: Final = (KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.CLUSTER_AUTHORIZATION_FAILED)
_IN_SYNC: Final = 2
"""Copies that an acknowledgement waits for, where there are as many."""


@dataclass(frozen=True)
class Topic:
    """A topic as the settings want it."""

    name: str
    partitions: int
    config: Mapping[str, str]


def wanted_topics(settings: KafkaSettings, max_body_bytes: int) -> list[Topic]:
    """The telemetry topics, each followed by that of its dead letters.

    A dead letter carries its reason beside the original message, so that its limit is a little higher.
    """
    copies = {"min.insync.replicas": str(min(_IN_SYNC, settings.replication)), "cleanup.policy": "delete"}
    topics = []
    for signal in TOPICS:
        name = topic_of(settings, signal)
        for topic, partitions, retention, size in (
            (name, settings.partitions, settings.retention, max_body_bytes + HEADER_BYTES),
            (dead_letter_topic(name), 1, settings.dead_letter_retention, max_body_bytes + 4 * HEADER_BYTES),
        ):
            limits = {"retention.ms": str(int(retention * 1000)), "max.message.bytes": str(size)}
            topics.append(Topic(topic, partitions, copies | limits))
    return topics


def reach(settings: KafkaSettings, seconds: float) -> None:
    """Raise Unavailable, in one sentence with the reason, unless a broker answers; InvalidInput for bad settings."""
    _Admin(settings).metadata(seconds)


def ensure_topics(
    settings: KafkaSettings, max_body_bytes: int, *, seconds: float = _ADMIN_SECONDS
) -> list[str]:
    """Create the topics that are missing and check the others; safe to call from many processes at once.

    Returns a sentence for each thing that differs from the settings and may stay as it is. Raises Unavailable where
    no broker answers, InvalidInput where the topics cannot work as they are or may not be created.
    """
    admin = _Admin(settings)
    metadata = admin.metadata(seconds)
    topics = wanted_topics(settings, max_body_bytes)
    created: set[str] = set()
    if missing := [topic for topic in topics if topic.name not in metadata.topics]:
        if settings.replication > len(metadata.brokers):
            raise InvalidInput(
                f"AIRIS_KAFKA_REPLICATION={settings.replication}: the cluster has {len(metadata.brokers)} brokers"
            )
        created = admin.create(missing, settings.replication, seconds)
        metadata = admin.metadata(seconds)
    existing = [topic for topic in topics if topic.name not in created and topic.name in metadata.topics]
    return [
        note
        for topic, config in zip(existing, admin.configs(existing, seconds), strict=True)
        for note in _differences(topic, len(metadata.topics[topic.name].partitions), config)
    ]


class _Admin:
    """librdkafka's administration client, with the errors of this program."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._bootstrap = settings.bootstrap
        self._reasons: list[str] = []
        try:
            # What goes wrong is in the error; a line for each of 50 attempts to connect would bury it.
            self._client = AdminClient(
                client_config(settings) | {"error_cb": self._note, "logger": _silent()}
            )
        except KafkaException as error:
            raise InvalidInput(f"AIRIS_KAFKA_*: {error.args[0].str()}") from None

    def _note(self, error: KafkaError) -> None:
        self._reasons.append(error.str())

    def metadata(self, seconds: float) -> Any:
        """Brokers and topics of the cluster."""
        return self._told(lambda: self._client.list_topics(timeout=seconds))

    def create(self, topics: list[Topic], replication: int, seconds: float) -> set[str]:
        """Create topics; returns those that were, without those that another process created meanwhile."""
        new = [NewTopic(t.name, t.partitions, replication, config=dict(t.config)) for t in topics]
        futures = self._client.create_topics(new, operation_timeout=seconds, request_timeout=seconds)
        created = set()
        for name, future in futures.items():
            try:
                future.result(seconds + 1)
                created.add(name)
            except KafkaException as error:
                if (code := error.args[0].code()) == KafkaError.TOPIC_ALREADY_EXISTS:
                    continue
                if code in _DENIED:
                    raise InvalidInput(
                        f"the topic {name} is missing and this user may not create it: create it, or allow CREATE"
                    ) from None
                raise Unavailable(f"the topic {name} cannot be created: {error.args[0].str()}") from None
        return created

    def configs(self, topics: list[Topic], seconds: float) -> list[dict[str, str]]:
        """The configuration of each topic; empty where this user may not see it, or the broker does not know it yet."""
        if not topics:
            return []
        resources = [ConfigResource(ResourceType.TOPIC, topic.name) for topic in topics]
        futures = self._client.describe_configs(resources, request_timeout=seconds)
        found = []
        for resource in resources:
            try:
                entries = futures[resource].result(seconds + 1)
            except KafkaException as error:
                if error.args[0].code() not in (*_DENIED, KafkaError.UNKNOWN_TOPIC_OR_PART):
                    raise Unavailable(
                        f"the topic {resource.name} cannot be checked: {error.args[0].str()}"
                    ) from None
                entries = {}
            found.append({name: entry.value for name, entry in entries.items()})
        return found

    def _told(self, call: Callable[[], Any]) -> Any:
        try:
            return call()
        except KafkaException as error:
            self._client.poll(0)  # the reasons are told by the callback
            reason = self._reasons[0] if self._reasons else error.args[0].str()
            raise Unavailable(
                f"AIRIS_KAFKA_BOOTSTRAP: no Kafka broker answers at {self._bootstrap}: {reason}"
            ) from None


def _silent() -> logging.Logger:
    logger = logging.Logger("silent")
    logger.addHandler(logging.NullHandler())
    return logger


def _differences(topic: Topic, partitions: int, config: Mapping[str, str]) -> list[str]:
    """What is told of a topic that exists; raises InvalidInput where it cannot work."""
    if "compact" in config.get("cleanup.policy", ""):
        raise InvalidInput(
            f"the topic {topic.name} is compacted, which would drop telemetry: set its cleanup.policy to delete"
        )
    notes = []
    if partitions != topic.partitions:
        notes.append(
            f"the topic {topic.name} has {partitions} partitions; the settings say {topic.partitions}"
        )
    for name, value in topic.config.items():
        if (found := config.get(name)) is not None and found != value:
            notes.append(f"the topic {topic.name} has {name}={found}; the settings say {value}")
    return notes
