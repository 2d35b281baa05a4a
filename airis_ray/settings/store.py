"""Settings of what keeps telemetry: the store, retention, the disk, answers that are given again."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field, field_validator

from airis_ray.settings.values import (
    Bytes,
    Group,
    Port,
    Seconds,
    ServiceRetentions,
    SignalKind,
    service_retentions,
)


class StoreSettings(Group):
    """The embedded store and what a query may cost, embedded or not."""

    port: Port = Field(8123, description="loopback port of the embedded store's ClickHouse interface")
    database: str = Field(
        "default", pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", description="database of the tables"
    )
    cluster: str | None = Field(
        None,
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*$",
        description="ClickHouse's name of the shards that a new store spreads tenants' rows over",
    )
    max_query_seconds: Seconds = Field(30.0, gt=0, description="time limit of one query")
    max_query_memory: Bytes = Field(2 * 2**30, gt=0, description="memory limit of one query")
    max_query_rows: int = Field(2_000_000_000, gt=0, description="rows one query may read")
    max_result_bytes: Bytes = Field(512 * 2**20, gt=0, description="size limit of one answer")
    readers: int = Field(4, ge=1, le=64, description="reading connections of the embedded store")
    writers: int = Field(2, ge=1, le=64, description="writing connections of the embedded store")


class RetentionSettings(Group):
    """How long each signal is kept (0 keeps it for ever), and which services differ."""

    logs: Seconds = Field(30 * 86400.0, ge=0, description="retention of logs")
    traces: Seconds = Field(30 * 86400.0, ge=0, description="retention of spans")
    metrics: Seconds = Field(30 * 86400.0, ge=0, description="retention of metrics")
    sessions: Seconds = Field(30 * 86400.0, ge=0, description="retention of browser sessions")
    services: ServiceRetentions = Field(
        "",
        description="retention of services, such as checkout=7d,ad/logs=3d; longer or shorter than the signal's",
    )

    def by_service(self, signal: SignalKind) -> Mapping[str, float]:
        """The seconds (0 for ever) of the services that differ from the signal's; ``ad/logs`` wins over ``ad``."""
        stated = service_retentions(self.services)
        return {
            service: stated.get((service, signal), stated.get((service, None), 0.0))
            for service, kind in stated
            if kind in (None, signal)
        }


class DiskSettings(Group):
    """When the embedded store's disk guard acts. The shares are of the file system of the data folder."""

    drop_above: float = Field(
        0.70, gt=0, le=1, description="used share of the disk above which the oldest days of telemetry go"
    )
    refuse_above: float = Field(
        0.95, gt=0, le=1, description="used share of the disk above which ingest answers 507; 1 never"
    )
    keep: float = Field(
        0.01, ge=0, le=1, description="share of the disk that the store may have, whatever else fills it"
    )
    interval: Seconds = Field(15.0, gt=0, description="time between two looks at the disk")


class RedisSettings(Group):
    """The store that replicas share; without ``url`` each process remembers for itself."""

    url: str | None = Field(
        None, description="Redis or Valkey to use in place of the in-process cache, redis://host:6379"
    )
    timeout: Seconds = Field(
        0.2, gt=0, description="longest wait for Redis; past it limits and cached answers do without"
    )
    connections: int = Field(32, ge=1, le=1000, description="connections of one replica to Redis")
    prefix: str = Field(
        "airis:",
        pattern=r"^[\x21-\x7e]{0,100}$",
        description="what the names of all keys in Redis begin with",
    )

    @field_validator("url")
    @classmethod
    def _redis_url(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("redis://", "rediss://", "unix://")):
            raise ValueError("expected redis://host:6379, rediss://… (TLS) or unix:///path")
        return value


class CacheSettings(Group):
    """Answers of analytics that are given again without asking the store."""

    answer_ttl: Seconds = Field(
        10.0, ge=0, description="longest time that an answer is given again; 0 asks the store each time"
    )
    answer_factor: float = Field(
        5.0, gt=0, description="an answer that took one second to find is given again for so many seconds"
    )
    answer_from: Seconds = Field(0.25, ge=0, description="answers that were found faster are not kept")
    answer_bytes: Bytes = Field(2**20, gt=0, description="larger answers are not kept")
    memory_bytes: Bytes = Field(64 * 2**20, gt=0, description="memory of one replica's cache without Redis")
