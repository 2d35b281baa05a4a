"""The settings: one frozen tree, built once, from ``AIRIS_*`` variables.

A variable's name is ``AIRIS_`` and the path of its field: ``settings.http.port`` is ``AIRIS_HTTP_PORT``.
A variable that names no field is an error that names the nearest one.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Final, Literal, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)

from airis_ray.errors import InvalidInput

_DURATION_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_SIZE_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "ki": 2**10, "mi": 2**20, "gi": 2**30}


def _seconds(value: object) -> object:
    if not isinstance(value, str):
        return value
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|w)?\s*", value)
    if match is None:
        raise ValueError("expected a duration such as 500ms, 15s, 5m, 12h or 30d")
    return float(match[1]) * _DURATION_UNITS[match[2] or "s"]


def _bytes(value: object) -> object:
    if not isinstance(value, str):
        return value
    match = re.fullmatch(r"\s*(\d+)\s*(|k|m|g|ki|mi|gi)b?\s*", value.lower())
    if match is None:
        raise ValueError("expected a size such as 16MiB, 512kB or 1048576")
    return int(match[1]) * _SIZE_UNITS[match[2]]


@lru_cache(maxsize=64)
def _service_retentions(text: str) -> Mapping[tuple[str, SignalKind | None], float]:
    """``checkout=7d,ad/logs=3d`` as seconds by service and signal (None for all signals)."""
    stated: dict[tuple[str, SignalKind | None], float] = {}
    for item in filter(None, map(str.strip, text.split(","))):
        named, equals, duration = item.rpartition("=")
        service, slash, last = named.rpartition("/")
        kind = next((each for each in _KINDS if slash and each == last), None)
        key = (service if kind else named, kind)
        if not equals or not key[0] or not named.isprintable():
            raise ValueError(f"expected service=duration or service/signal=duration, got {item!r}")
        if key in stated:
            raise ValueError(f"{named} is named twice")
        stated[key] = float(str(_seconds(duration)))
    return stated


def _checked_services(text: str) -> str:
    _service_retentions(text)
    return text


SignalKind = Literal["logs", "traces", "metrics", "sessions"]
_KINDS: Final[tuple[SignalKind, ...]] = get_args(SignalKind)

Seconds = Annotated[float, BeforeValidator(_seconds)]
ServiceRetentions = Annotated[str, AfterValidator(_checked_services)]
Bytes = Annotated[int, BeforeValidator(_bytes)]
Port = Annotated[int, Field(ge=1, le=65535)]


class _Group(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


class HttpSettings(_Group):
    """Where Serve's ingress listens."""

    host: str = Field("127.0.0.1", description="listen address of the HTTP API and the page")
    port: Port = Field(3000, description="listen port of the HTTP API and the page")


class GrpcSettings(_Group):
    """Where OTLP/gRPC listens."""

    port: Port = Field(4317, description="listen port of OTLP/gRPC (metadata application=ingest)")


class StoreSettings(_Group):
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


class RetentionSettings(_Group):
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
        stated = _service_retentions(self.services)
        return {
            service: stated.get((service, signal), stated.get((service, None), 0.0))
            for service, kind in stated
            if kind in (None, signal)
        }


class DiskSettings(_Group):
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


class LogSettings(_Group):
    """What is lifted out of plain log lines (of Loki, Elasticsearch, Splunk; OTLP's are kept as they came)."""

    infer_severity: bool = Field(
        True, description="a line without a severity gets the one that its text names"
    )
    parse_json: bool = Field(
        True, description="a line that is a JSON object becomes its message and attributes"
    )


class AccountSettings(_Group):
    """The counts of what became of every record."""

    interval: Seconds = Field(
        5.0, gt=0, description="how often an ingest replica writes its counts: what kill -9 takes with it"
    )


class IngestSettings(_Group):
    """Bounds of the way in."""

    max_body_bytes: Bytes = Field(
        16 * 2**20, gt=0, description="size limit of one request, also after decompression"
    )
    max_pending_bytes: Bytes = Field(
        256 * 2**20, gt=0, description="decoded bytes held before the store; past it 503"
    )
    commit_rows: int = Field(50_000, gt=0, description="rows that close a group before its time is up")
    commit_interval: Seconds = Field(0.2, gt=0, description="longest wait of the first row of a group")
    commit_timeout: Seconds = Field(30.0, gt=0, description="longest wait for a commit before 503")


class KafkaSettings(_Group):
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
        12,
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


class StreamSettings(_Group):
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


class RedisSettings(_Group):
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


class CacheSettings(_Group):
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


class LlmSettings(_Group):
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


class LimitSettings(_Group):
    """Requests that one key may make."""

    requests_per_minute: int = Field(6000, gt=0, description="API requests of one key in a minute")
    ingest_requests_per_minute: int = Field(
        600_000, gt=0, description="ingest requests of one key in a minute"
    )


class SelfSettings(_Group):
    """What the platform reports on itself."""

    telemetry: bool = Field(True, description="send the platform's own telemetry to tenant airis")
    sample_ratio: float = Field(
        0.05, ge=0, le=1, description="share of the platform's own traces that is kept"
    )
    export_interval: Seconds = Field(15.0, gt=0, description="time between two exports of own metrics")


class TestSettings(_Group):
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
    schemas: Path | None = Field(None, description="folder of custom resource definitions for tests/kube")


class Settings(_Group):
    """All settings. Build with :meth:`from_env`."""

    data_dir: Path = Field(Path(".airis"), description="folder of everything that is kept on this machine")
    clickhouse_url: str | None = Field(None, description="ClickHouse to use in place of the embedded store")
    auth: Literal["enabled", "disabled"] = Field(
        "enabled", description="disabled only on a loopback listen address"
    )
    url: str | None = Field(
        None, description="AIRIS-Ray that the client and the commands ask (this machine's)"
    )
    key: SecretStr | None = Field(
        None, description="API key of the client and the commands (the admin key of the data folder)"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="level of the program's log"
    )
    http: HttpSettings = HttpSettings()
    grpc: GrpcSettings = GrpcSettings()
    store: StoreSettings = StoreSettings()
    retention: RetentionSettings = RetentionSettings()
    disk: DiskSettings = DiskSettings()
    logs: LogSettings = LogSettings()
    accounts: AccountSettings = AccountSettings()
    ingest: IngestSettings = IngestSettings()
    kafka: KafkaSettings = KafkaSettings()
    redis: RedisSettings = RedisSettings()
    cache: CacheSettings = CacheSettings()
    stream: StreamSettings = StreamSettings()
    llm: LlmSettings = LlmSettings()
    limits: LimitSettings = LimitSettings()
    self: SelfSettings = SelfSettings()
    test: TestSettings = TestSettings()

    @model_validator(mode="after")
    def _auth_needs_loopback(self) -> Settings:
        if self.auth == "disabled" and self.http.host not in ("127.0.0.1", "::1", "localhost"):
            raise ValueError(
                f"AIRIS_AUTH=disabled is accepted on a loopback address only; AIRIS_HTTP_HOST is {self.http.host}"
            )
        return self

    @model_validator(mode="after")
    def _kafka_credentials(self) -> Settings:
        kafka = self.kafka
        if kafka.security_protocol.startswith("SASL") and not (kafka.sasl_username and kafka.sasl_password):
            raise ValueError(
                f"AIRIS_KAFKA_SECURITY_PROTOCOL={kafka.security_protocol} needs AIRIS_KAFKA_SASL_USERNAME and "
                "AIRIS_KAFKA_SASL_PASSWORD"
            )
        if (kafka.ssl_certificate_location is None) != (kafka.ssl_key_location is None):
            raise ValueError(
                "AIRIS_KAFKA_SSL_CERTIFICATE_LOCATION and AIRIS_KAFKA_SSL_KEY_LOCATION go together: "
                "one of them is not set"
            )
        return self

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Read the settings.

        Raises InvalidInput with one sentence that names the variable, what came and what was expected.
        """
        environ = os.environ if environ is None else environ
        known = dict(variables())
        tree: dict[str, Any] = {}
        for name, value in environ.items():
            if not name.startswith("AIRIS_"):
                continue
            if name not in known:
                raise InvalidInput(_unknown(name, list(known)))
            _put(tree, known[name], value)
        try:
            return cls.model_validate(tree)
        except ValidationError as error:
            raise InvalidInput(_sentence(error)) from None


def variables() -> Iterator[tuple[str, tuple[str, ...]]]:
    """Every variable's name with the path of its field."""
    for name, field in Settings.model_fields.items():
        annotation = field.annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            for leaf in annotation.model_fields:
                yield f"AIRIS_{name}_{leaf}".upper(), (name, leaf)
        else:
            yield f"AIRIS_{name}".upper(), (name,)


def described(settings: Settings) -> list[dict[str, str]]:
    """Every variable with its value, default and meaning; URLs without their passwords."""
    rows = []
    for name, path in variables():
        value: Any = settings
        group: type[BaseModel] = Settings
        for step in path:
            field, value = group.model_fields[step], getattr(value, step)
            group = type(value) if isinstance(value, BaseModel) else group
        shown = _without_password("" if value is None else str(value))
        default = "" if field.default is None else str(field.default)
        rows.append(
            {"variable": name, "value": shown, "default": default, "meaning": field.description or ""}
        )
    return rows


def _put(tree: dict[str, Any], path: tuple[str, ...], value: str) -> None:
    for step in path[:-1]:
        tree = tree.setdefault(step, {})
    tree[path[-1]] = value


def _without_password(text: str) -> str:
    return re.sub(r"//[^@/]*@", "//***@", text)


def _unknown(name: str, known: list[str]) -> str:
    nearest = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    hint = f"; did you mean {nearest[0]}?" if nearest else "; `airis settings` lists those there are"
    return f"{name} is no setting of AIRIS-Ray{hint}"


def _sentence(error: ValidationError) -> str:
    parts = []
    for item in error.errors():
        name = "_".join(["AIRIS", *(str(step) for step in item["loc"])]).upper()
        message = item["msg"].removeprefix("Value error, ")
        shown = _without_password(repr(item["input"]))
        parts.append(f"{name}={shown}: {message}" if item["loc"] else message)
    return "; ".join(parts)
