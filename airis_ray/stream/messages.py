"""What a message of the telemetry topics is: the one place that writes and reads its key, value and headers.

The value is an OTLP ``Export…ServiceRequest`` in protobuf, as the OpenTelemetry Collector's Kafka exporter writes it
(encoding ``otlp_proto``): a Collector may feed the same topics. Its messages have none of the headers below and
belong to the tenant of ``AIRIS_KAFKA_TENANT``, unless its setting ``record_headers`` names an ``airis.tenant``.

============================ =========================================================================================
``airis.tenant``             the tenant's id
``content-type``             ``application/x-protobuf``
``airis.received``           when ingest took the request in, decimal nanoseconds since 1970: the time of records that
                             carry none, so that a batch decoded again has the same rows
``airis.records``            records that ingest's own decode accepted, decimal
``airis.id``                 what makes a request sent twice the same message twice; left out where that may have been
                             two events
``traceparent``              the W3C trace context of the request, where it had one
============================ =========================================================================================
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final, TypeVar

from airis_ray.errors import InvalidInput
from airis_ray.settings import KafkaSettings
from airis_ray.telemetry.otlp.result import RecordError
from airis_ray.telemetry.otlp.wire import LEN, fields
from airis_ray.telemetry.tables import Signal

PROTOBUF: Final = "application/x-protobuf"

TENANT: Final = "airis.tenant"
CONTENT_TYPE: Final = "content-type"
RECEIVED: Final = "airis.received"
RECORDS: Final = "airis.records"
ID: Final = "airis.id"
TRACEPARENT: Final = "traceparent"

TOPICS: Final[dict[Signal, str]] = {"logs": "otlp_logs", "traces": "otlp_spans", "metrics": "otlp_metrics"}
"""Topic of each signal, without the prefix of the settings."""

DEAD_LETTERS: Final = ".dlq"

HEADER_BYTES: Final = 4096
"""More than key, headers and record overhead of a message ever take: what its limits must leave beside the body."""

_TENANT: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_TRACEPARENT: Final = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_ID: Final = re.compile(r"[0-9a-f]{32}")
_MAX_NS: Final = (1 << 63) - 1

Headers = Sequence[tuple[str, bytes | None]]

T = TypeVar("T")


@dataclass(frozen=True)
class Message:
    """What is handed to Kafka for one request."""

    topic: str
    key: bytes
    value: bytes
    headers: list[tuple[str, bytes]]


@dataclass(frozen=True)
class Envelope:
    """What a message says of its value. ``records`` and ``id`` are None where the sender did not say."""

    tenant: str
    received_ns: int
    records: int | None = None
    id: str | None = None
    traceparent: str | None = None


def topic_of(settings: KafkaSettings, signal: Signal) -> str:
    """The topic of a signal."""
    return settings.topic_prefix + TOPICS[signal]


def signals_by_topic(settings: KafkaSettings) -> dict[str, Signal]:
    """The telemetry topics with the signal that each carries."""
    return {topic_of(settings, signal): signal for signal in TOPICS}


def dead_letter_topic(topic: str) -> str:
    """Where the messages of ``topic`` go that nobody can read."""
    return topic + DEAD_LETTERS


def message(
    settings: KafkaSettings,
    signal: Signal,
    body: bytes,
    envelope: Envelope,
) -> Message:
    """``body`` (OTLP protobuf) as it goes to Kafka. Messages of one tenant and resource keep their order."""
    return Message(
        topic_of(settings, signal), partition_key(envelope.tenant, body), body, write_headers(envelope)
    )


def write_headers(envelope: Envelope) -> list[tuple[str, bytes]]:
    """The headers of a message; a trace context that is none is left out."""
    headers = {
        TENANT: envelope.tenant,
        CONTENT_TYPE: PROTOBUF,
        RECEIVED: str(envelope.received_ns),
        RECORDS: None if envelope.records is None else str(envelope.records),
        ID: envelope.id,
        TRACEPARENT: _trace_context(envelope.traceparent),
    }
    return [(name, value.encode()) for name, value in headers.items() if value is not None]


def read_headers(headers: Headers | None, *, tenant: str, timestamp_ms: int) -> Envelope:
    """The envelope of a message that anybody may have written.

    ``tenant`` is that of messages without the header, ``timestamp_ms`` Kafka's own time of the message. Raises
    InvalidInput with the header, what it was and what it should be. Of a header given twice the last one counts.
    A damaged trace context is no reason to refuse anything, nor is a content type: a Collector passes on those of
    its own senders.
    """
    found = {name.lower(): value for name, value in headers or () if value is not None}
    return Envelope(
        tenant=_checked(found, TENANT, _TENANT, "lower-case letters, digits, - and _") or tenant,
        received_ns=_number(found, RECEIVED, max(0, timestamp_ms) * 1_000_000),
        records=_number(found, RECORDS, None),
        id=_checked(found, ID, _ID, "32 hexadecimal digits"),
        traceparent=_trace_context(found.get(TRACEPARENT, b"").decode("latin-1")),
    )


def message_id(tenant: str, signal: Signal, body: bytes) -> str:
    """The ``airis.id`` of a request: the same for the same bytes of the same tenant."""
    digest = blake2b(f"{tenant}\0{signal}\0".encode(), digest_size=16)
    digest.update(body)
    return digest.hexdigest()


def partition_key(tenant: str, body: bytes) -> bytes:
    """The tenant, NUL, and eight bytes that stand for the first resource of ``body``."""
    return tenant.encode() + b"\0" + blake2b(_first_resource(body), digest_size=8).digest()


def _first_resource(body: bytes) -> bytes:
    """The bytes of the first ``Resource``: field 1 of the first entry of field 1; empty where there is none."""
    start, end = 0, len(body)
    try:
        for _ in range(2):
            start, end = next(
                (a, b) for number, kind, a, b in fields(body, start, end) if (number, kind) == (1, LEN)
            )
    except (StopIteration, RecordError):
        return b""
    return body[start:end]


def _trace_context(value: str | None) -> str | None:
    return value if value is not None and _TRACEPARENT.fullmatch(value) else None


def _text(found: dict[str, bytes], name: str) -> str | None:
    value = found.get(name)
    try:
        return None if value is None else value.decode()
    except UnicodeDecodeError:
        raise InvalidInput(f"header {name} is {value!r}; expected UTF-8") from None


def _checked(found: dict[str, bytes], name: str, pattern: re.Pattern[str], expected: str) -> str | None:
    value = _text(found, name)
    if value is not None and not pattern.fullmatch(value):
        raise InvalidInput(f"header {name} is {value[:80]!r}; expected {expected}")
    return value


def _number(found: dict[str, bytes], name: str, default: T) -> int | T:
    value = _text(found, name)
    if value is None:
        return default
    if not (value.isascii() and value.isdigit() and len(value) <= 19 and int(value) <= _MAX_NS):
        raise InvalidInput(f"header {name} is {value[:80]!r}; expected decimal digits below 2^63")
    return int(value)
