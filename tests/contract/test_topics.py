"""The topics on a real Kafka: made once, checked afterwards, over a protected listener as well."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic, ResourceType

from airis_ray.errors import InvalidInput, Unavailable
from airis_ray.settings import KafkaSettings
from airis_ray.stream.messages import Envelope, message
from airis_ray.stream.producer import Producer
from airis_ray.stream.topics import ensure_topics, reach, wanted_topics
from scripts.kafka_broker import ApacheKafka, free_port
from tests.support.kafka import Kafka, cache

MAX_BODY = 1 << 20
SECONDS = 20.0


@pytest.fixture
def settings(kafka: Kafka) -> KafkaSettings:
    if not kafka.real:
        pytest.skip(f"{kafka.kind} tells no topic's configuration")
    return kafka.settings(partitions=2)


def config_of(settings: KafkaSettings, topic: str) -> dict[str, str]:
    resource = ConfigResource(ResourceType.TOPIC, topic)
    client = AdminClient({"bootstrap.servers": settings.bootstrap})
    wait_for(client, topic)
    return {
        name: entry.value
        for name, entry in client.describe_configs([resource])[resource].result(SECONDS).items()
    }


def make(settings: KafkaSettings, topic: str, **config: str) -> None:
    """A topic of one partition, known to the broker when this returns."""
    name = settings.topic_prefix + topic
    client = AdminClient({"bootstrap.servers": settings.bootstrap})
    named = {key.replace("_", "."): value for key, value in config.items()}
    client.create_topics([NewTopic(name, 1, 1, config=named)])[name].result(SECONDS)
    wait_for(client, name)


def wait_for(client: AdminClient, topic: str) -> None:
    """Return when the broker knows a topic that was just made."""
    deadline = time.monotonic() + SECONDS
    while topic not in client.list_topics(timeout=SECONDS).topics:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_what_is_missing_is_made_as_the_settings_say(settings: KafkaSettings) -> None:
    assert ensure_topics(settings, MAX_BODY) == []
    for topic in wanted_topics(settings, MAX_BODY):
        found = config_of(settings, topic.name)
        assert {name: found[name] for name in topic.config} == topic.config
    assert ensure_topics(settings, MAX_BODY) == []


def test_many_may_make_them_at_once(settings: KafkaSettings) -> None:
    with ThreadPoolExecutor(4) as pool:
        for notes in pool.map(lambda _: ensure_topics(settings, MAX_BODY), range(4)):
            assert notes == []


def test_what_differs_is_told(settings: KafkaSettings) -> None:
    make(settings, "otlp_logs", max_message_bytes="1000")
    notes = ensure_topics(settings, MAX_BODY)
    name = f"{settings.topic_prefix}otlp_logs"
    assert f"the topic {name} has 1 partitions; the settings say 2" in notes
    assert any(note.startswith(f"the topic {name} has max.message.bytes=1000; ") for note in notes)


def test_a_compacted_topic_is_refused(settings: KafkaSettings) -> None:
    make(settings, "otlp_spans", cleanup_policy="compact")
    with pytest.raises(InvalidInput, match="otlp_spans is compacted"):
        ensure_topics(settings, MAX_BODY)


def test_more_copies_than_brokers_are_refused(settings: KafkaSettings) -> None:
    with pytest.raises(InvalidInput, match="AIRIS_KAFKA_REPLICATION=9"):
        ensure_topics(settings.model_copy(update={"replication": 9}), MAX_BODY)


@pytest.fixture(scope="module")
def protected(tmp_path_factory: pytest.TempPathFactory, kafka: Kafka) -> Iterator[dict[str, Any]]:
    """A broker that also listens with TLS and asks for a password; the settings that reach it."""
    if not kafka.kind.startswith("Apache") or kafka.broker is None:
        pytest.skip("only an Apache Kafka of our own is started again with TLS")
    folder, secure = tmp_path_factory.mktemp("protected"), f"127.0.0.1:{free_port()}"
    store, authority = _certificate(folder)
    plain = 'org.apache.kafka.common.security.plain.PlainLoginModule required user_airis="secret";'
    broker = ApacheKafka(
        folder / "data",
        cache=cache(),
        extra=[
            f"listeners=PLAINTEXT://127.0.0.1:{{port}},SECURE://{secure},CONTROLLER://127.0.0.1:{{controller}}",
            f"advertised.listeners=PLAINTEXT://127.0.0.1:{{port}},SECURE://{secure}",
            "sasl.enabled.mechanisms=PLAIN",
            f"listener.name.secure.plain.sasl.jaas.config={plain}",
            f"listener.name.secure.ssl.keystore.location={store}",
            "listener.name.secure.ssl.keystore.password=password",
            "listener.name.secure.ssl.keystore.type=PKCS12",
        ],
    ).start()
    yield {
        "bootstrap": secure,
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "PLAIN",
        "sasl_username": "airis",
        "sasl_password": "secret",
        "ssl_ca_location": authority,
        "partitions": 1,
    }
    broker.kill()


def _certificate(folder: Path) -> tuple[Path, Path]:
    """A key store for 127.0.0.1 and its certificate, by Java's own tool."""
    store, certificate = folder / "keys.p12", folder / "ca.pem"
    tool = ["keytool", "-keystore", str(store), "-storepass", "password", "-alias", "kafka"]
    make = [
        "-genkeypair",
        "-keyalg",
        "EC",
        "-dname",
        "CN=kafka",
        "-ext",
        "san=ip:127.0.0.1",
        "-storetype",
        "PKCS12",
    ]
    subprocess.run([*tool, *make], check=True, capture_output=True, timeout=60)
    export = ["-exportcert", "-rfc", "-file", str(certificate)]
    subprocess.run([*tool, *export], check=True, capture_output=True, timeout=60)
    return store, certificate


async def test_tls_and_a_password_pass_through(protected: dict[str, Any]) -> None:
    settings = KafkaSettings(**protected)
    assert ensure_topics(settings, MAX_BODY) == []
    producer = Producer(settings, MAX_BODY)
    await producer.send(message(settings, "logs", b"body", Envelope("shop", 1)))
    await producer.close(5.0)


@pytest.mark.parametrize(
    ("change", "tells"),
    [
        ({"sasl_password": "wrong"}, "Authentication failed"),
        ({"ssl_ca_location": None}, "certificate verify failed"),
        ({"security_protocol": "PLAINTEXT"}, "AIRIS_KAFKA_BOOTSTRAP: no Kafka broker answers"),
    ],
)
def test_who_is_not_let_in_is_told_why(protected: dict[str, Any], change: dict[str, Any], tells: str) -> None:
    with pytest.raises(Unavailable) as caught:
        reach(KafkaSettings(**protected | change), 4.0)
    assert tells in str(caught.value)
    assert "secret" not in str(caught.value)
