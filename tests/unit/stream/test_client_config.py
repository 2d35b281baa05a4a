from __future__ import annotations

from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient

from airis_ray.errors import Bug
from airis_ray.settings import KafkaSettings, Settings
from airis_ray.stream.client_config import client_config, producer_config

PLAIN = {"AIRIS_KAFKA_BOOTSTRAP": "kafka-0:9092, kafka-1:9092"}


def kafka(environ: dict[str, str]) -> KafkaSettings:
    return Settings.from_env(PLAIN | environ).kafka


def test_every_client_needs_brokers() -> None:
    with pytest.raises(Bug, match="AIRIS_KAFKA_BOOTSTRAP"):
        client_config(KafkaSettings())


def test_without_more_nothing_is_encrypted_and_no_topic_made_by_chance() -> None:
    config = client_config(kafka({}))
    assert config["bootstrap.servers"] == "kafka-0:9092, kafka-1:9092"
    assert config["security.protocol"] == "PLAINTEXT"
    assert config["allow.auto.create.topics"] is False
    assert not [name for name in config if name.startswith(("sasl", "ssl"))]


def test_sasl_and_tls_pass_through(tmp_path: Path) -> None:
    files = {name: tmp_path / f"{name}.pem" for name in ("ca", "certificate", "key")}
    for path in files.values():
        path.touch()
    config = client_config(
        kafka(
            {f"AIRIS_KAFKA_SSL_{name.upper()}_LOCATION": str(path) for name, path in files.items()}
            | {
                "AIRIS_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
                "AIRIS_KAFKA_SASL_MECHANISM": "SCRAM-SHA-256",
                "AIRIS_KAFKA_SASL_USERNAME": "airis",
                "AIRIS_KAFKA_SASL_PASSWORD": "secret",
                "AIRIS_KAFKA_SSL_KEY_PASSWORD": "key secret",
            }
        )
    )
    assert {name: value for name, value in config.items() if name.startswith(("s", "sasl"))} == {
        "security.protocol": "SASL_SSL",
        "socket.keepalive.enable": True,
        "sasl.mechanism": "SCRAM-SHA-256",
        "sasl.username": "airis",
        "sasl.password": "secret",
        "ssl.ca.location": str(files["ca"]),
        "ssl.certificate.location": str(files["certificate"]),
        "ssl.key.location": str(files["key"]),
        "ssl.key.password": "key secret",
    }


def test_a_password_is_in_no_text_of_the_settings() -> None:
    settings = Settings.from_env(PLAIN | {"AIRIS_KAFKA_SASL_PASSWORD": "secret"})
    assert "secret" not in f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}"


def test_a_producer_keeps_number_and_order_and_waits_for_all_copies() -> None:
    config = producer_config(kafka({"AIRIS_KAFKA_DELIVERY_TIMEOUT": "60s"}), 1 << 20)
    assert (config["acks"], config["enable.idempotence"], config["compression.type"]) == ("all", True, "zstd")
    assert config["message.max.bytes"] > 1 << 20
    assert config["request.timeout.ms"] * 3 == config["message.timeout.ms"] == 60_000


def test_librdkafka_knows_every_property() -> None:
    AdminClient(producer_config(kafka({}), 1 << 20))
