"""Settings of the stream between ingest and the store: the brokers and the consumers."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, field_validator

from airis_ray.settings.values import Bytes, Group, Seconds


class KafkaSettings(Group):
    """The stream between ingest and the store; without ``bootstrap`` ingest writes to the store itself."""

    bootstrap: str | None = Field(None, description="Kafka brokers, host:port with commas between them")
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="how the brokers are spoken to"
    )
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        "SCRAM-SHA-512", description="how the program authenticates itself (SASL_*)"
    )
    sasl_username: str | None = Field(None, description="user name at the brokers (SASL_*)")
    sasl_password: SecretStr | None = Field(None, description="password at the brokers (SASL_*)")
    ssl_ca_location: Path | None = Field(
        None, description="certificates that sign the brokers'; the system's unless set"
    )
    ssl_certificate_location: Path | None = Field(None, description="the program's own certificate (PEM)")
    ssl_key_location: Path | None = Field(None, description="private key of that certificate (PEM)")
    ssl_key_password: SecretStr | None = Field(None, description="password of that private key")
    topic_prefix: str = Field(
        "",
        pattern=r"^[A-Za-z0-9._-]{0,200}$",
        description="what the names otlp_logs, otlp_spans and otlp_metrics begin with",
    )
    tenant: str = Field(
        "default",
        pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$",
        description="tenant of messages without the header airis.tenant (those of a Collector)",
    )
    partitions: int = Field(
        4,  # as many as consumers that serve_config.yaml allows; each makes inserts of its own
        ge=1,
        le=1000,
        description="partitions of a topic when it is created: as many consumers can share it",
    )
    replication: int = Field(
        1, ge=1, le=16, description="copies of a topic when it is created; 3 on a cluster"
    )
    retention: Seconds = Field(
        7 * 86400.0, gt=0, description="how long a topic keeps messages, when it is created"
    )
    dead_letter_retention: Seconds = Field(
        30 * 86400.0, gt=0, description="how long the dead letters' topics keep them, when they are created"
    )
    queue_bytes: Bytes = Field(
        128 * 2**20,
        ge=2**20,
        le=2**31,
        description="bodies that one ingest replica holds for the brokers; past it 429",
    )
    delivery_timeout: Seconds = Field(
        30.0, ge=1.0, description="longest wait for the brokers' acknowledgement before 503"
    )
    linger: Seconds = Field(0.005, ge=0, le=1.0, description="wait of a message for others to go with it")

    @field_validator("bootstrap")
    @classmethod
    def _hosts_and_ports(cls, value: str | None) -> str | None:
        if value is None:
            return None
        for broker in value.split(","):
            host, _, port = broker.strip().rpartition(":")
            if not host or "/" in broker or not port.isdigit() or not 0 < int(port) < 65536:
                raise ValueError("expected brokers such as kafka-0:9092,kafka-1:9092")
        return value


class StreamSettings(Group):
    """The consumers that take telemetry from Kafka to the store; unused without ``AIRIS_KAFKA_BOOTSTRAP``."""

    group: str = Field(
        "airis-stream",
        pattern=r"^[A-Za-z0-9._-]{1,200}$",
        description="consumer group; another name reads the topics anew, and stores everything again",
    )
    batch_rows: int = Field(100_000, gt=0, description="rows that close a batch before its time is up")
    batch_interval: Seconds = Field(2.0, gt=0, description="longest wait of the first message of a batch")
    max_pending_bytes: Bytes = Field(
        256 * 2**20, gt=0, description="bytes that one consumer holds; past it nothing more is read"
    )
    session_timeout: Seconds = Field(
        10.0, ge=1.0, description="silence after which a consumer's partitions go to others"
    )
    finish_timeout: Seconds = Field(
        5.0, ge=0, description="longest time that a partition is held back for the batch under way"
    )
    repeats: int = Field(
        10_000, ge=0, description="messages of a partition among which the same body counts once; 0: none"
    )
    repeat_bytes: Bytes = Field(
        128 * 2**20, gt=0, description="bytes that these messages have at most: as many are read at a start"
    )
    dead_letter_count: int = Field(
        50, ge=0, description="unreadable messages out of 1,000 that are set aside whatever their share is"
    )
    dead_letter_ratio: float = Field(
        0.1, ge=0, le=1, description="share of unreadable messages past which a partition is stopped"
    )
