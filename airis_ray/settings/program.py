"""Settings of the program itself: where it listens, limits, its own telemetry, a language model, its tests."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr, field_validator

from airis_ray.settings.values import Group, Port, Seconds


class HttpSettings(Group):
    """Where Serve's ingress listens."""

    host: str = Field("127.0.0.1", description="listen address of the HTTP API and the page")
    port: Port = Field(3000, description="listen port of the HTTP API and the page")


class GrpcSettings(Group):
    """Where OTLP/gRPC listens."""

    port: Port = Field(4317, description="listen port of OTLP/gRPC")


class LimitSettings(Group):
    """Requests that one key may make."""

    requests_per_minute: int = Field(6000, gt=0, description="API requests of one key in a minute")
    ingest_requests_per_minute: int = Field(
        600_000, gt=0, description="ingest requests of one key in a minute"
    )


class LoginSettings(Group):
    """Browser sessions."""

    lifetime: Seconds = Field(43_200.0, ge=60, description="how long a browser session lasts")


class SelfSettings(Group):
    """What the platform reports on itself."""

    telemetry: bool = Field(True, description="send the platform's own telemetry to tenant airis")
    sample_ratio: float = Field(
        0.05, ge=0, le=1, description="share of the platform's own traces that is kept"
    )
    export_interval: Seconds = Field(15.0, gt=0, description="time between two exports of own metrics")


class DeltaSettings(Group):
    """Event deltas."""

    budget: Seconds = Field(
        10.0, gt=0, description="how long one pass over the events may take until only a part of them is read"
    )
    anomalies: int = Field(
        6,
        ge=0,
        le=60,
        description="anomalies on traces and logs whose events are compared by themselves in a minute; 0: none",
    )


class LlmSettings(Group):
    """A language model that proposes the requests of natural-language search in the grammar's place.

    It is told the question, the time and the tenant's names of services, attributes with some values, and metrics.
    """

    url: str | None = Field(
        None,
        description="OpenAI-compatible endpoint, http(s)://host/v1; unset: the grammar alone reads questions",
    )
    model: str = Field("default", min_length=1, description="name of the model at that endpoint")
    api_key: SecretStr | None = Field(None, description="bearer token of that endpoint")
    timeout: Seconds = Field(
        10.0, gt=0, le=60.0, description="longest wait for its answer; past it the grammar's counts"
    )

    @field_validator("url")
    @classmethod
    def _http(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("http://", "https://")):
            raise ValueError("expected an endpoint such as http://127.0.0.1:8000/v1")
        return value


class TestSettings(Group):
    """Read by the tests alone; named here so that a set variable is no unknown one."""

    clickhouse_url: str | None = Field(None, description="a real ClickHouse for the contract suite")
    kafka_bootstrap: str | None = Field(
        None, description="a running Kafka for the tests, else they start one"
    )
    redis_url: str | None = Field(None, description="a running Redis for the tests, else they start one")
    kafka_cache: Path | None = Field(None, description="folder in which tests keep what Kafka is made of")
    data: Path | None = Field(None, description="folder of public data sets for accuracy tests")
    kube_api: Path | None = Field(
        None, description="folder of a built Kubernetes API server (scripts/kube-api)"
    )
    otel_collector: Path | None = Field(
        None, description="folder of a built OpenTelemetry Collector (scripts/otel-collector)"
    )
    schemas: Path | None = Field(None, description="folder of custom resource definitions for tests/kube")
