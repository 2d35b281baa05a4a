"""The signals that can be searched: their tables, columns, and where their attributes are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal

import pyarrow as pa

from airis_ray.errors import Bug
from airis_ray.telemetry import tables

Signal = Literal["logs", "traces", "sessions", "anomalies", "replays", "metrics"]


class Kind(StrEnum):
    """What a field holds, which decides how it is compared."""

    STRING = "string"
    TEXT = "text"
    """Compared without regard to case: bodies."""
    ENUM = "enum"
    """One of a few names, written with or without its protobuf prefix, in any case: SpanKind, StatusCode."""
    LEVEL = "level"
    NUMBER = "number"
    DURATION = "duration"
    """Nanoseconds; a value may carry a unit."""
    TIME = "time"
    BOOL = "bool"
    STRINGS = "strings"
    """A list of strings: equal where one of them is."""
    MAP = "map"
    ATTRIBUTE = "attribute"
    OTHER = "other"


@dataclass(frozen=True)
class Source:
    """Where a signal's rows are and how its columns are named and understood.

    ``time`` is the column that ranges are about, ``text`` what bare words look into, ``attributes`` the maps that an
    attribute key is looked up in, first match first, ``maps`` every map that can be named outright
    (``ScopeAttributes.key``).
    """

    table: str
    columns: Mapping[str, Kind]
    time: str
    text: str
    attributes: tuple[str, ...]
    maps: tuple[str, ...]
    aliases: Mapping[str, str]
    final: bool = False
    """Rows have versions, of which the newest counts."""


_KINDS: Final = {
    "Body": Kind.TEXT,
    "SpanKind": Kind.ENUM,
    "StatusCode": Kind.ENUM,
    "Duration": Kind.DURATION,
}


def _kind(name: str, dtype: pa.DataType) -> Kind:
    checks = (
        (pa.types.is_timestamp, Kind.TIME),
        (pa.types.is_boolean, Kind.BOOL),
        (pa.types.is_integer, Kind.NUMBER),
        (pa.types.is_floating, Kind.NUMBER),
        (pa.types.is_map, Kind.MAP),
        (pa.types.is_string, Kind.STRING),
    )
    if name in _KINDS:
        return _KINDS[name]
    if pa.types.is_list(dtype):
        return Kind.STRINGS if pa.types.is_string(dtype.value_type) else Kind.OTHER
    return next((kind for check, kind in checks if check(dtype)), Kind.OTHER)


def _columns(schema: pa.Schema, **extra: Kind) -> dict[str, Kind]:
    return {field.name: _kind(field.name, field.type) for field in schema} | extra


_SHARED: Final = {
    "service": "ServiceName",
    "scope": "ScopeName",
    "time": "Timestamp",
    "trace": "TraceId",
    "span": "SpanId",
}
_LOG: Final = {**_SHARED, "severity": "level", "body": "Body", "message": "Body", "template": "TemplateId"}
_SPAN: Final = {
    **_SHARED,
    "duration": "Duration",
    "status": "StatusCode",
    "name": "SpanName",
    "kind": "SpanKind",
    "parent": "ParentSpanId",
}
_POINT: Final = {
    "service": "ServiceName",
    "scope": "ScopeName",
    "time": "TimeUnix",
    "metric": "MetricName",
    "name": "MetricName",
    "unit": "MetricUnit",
    "value": "Value",
}

_REPLAY_COUNTS: Final = (
    "duration_ms", "pages", "clicks", "rage_clicks", "dead_clicks", "errors", "console_errors", "requests",
    "failed_requests", "events", "bytes", "stored_bytes", "blocks", "tabs", "gaps", "duplicates",
)  # fmt: skip

_LOG_MAPS: Final = ("LogAttributes", "ResourceAttributes")

SOURCES: Final[Mapping[str, Source]] = {
    "logs": Source(
        "otel_logs",
        _columns(tables.LOGS, TemplateId=Kind.NUMBER, level=Kind.LEVEL),
        "Timestamp",
        "Body",
        _LOG_MAPS,
        (*_LOG_MAPS, "ScopeAttributes"),
        _LOG,
    ),
    "traces": Source(
        "otel_traces",
        _columns(tables.TRACES),
        "Timestamp",
        "SpanName",
        ("SpanAttributes", "ResourceAttributes"),
        ("SpanAttributes", "ResourceAttributes"),
        _SPAN,
    ),
    "sessions": Source(
        "hyperdx_sessions",
        _columns(tables.SESSIONS, level=Kind.LEVEL),
        "Timestamp",
        "Body",
        _LOG_MAPS,
        (*_LOG_MAPS, "ScopeAttributes"),
        {name: column for name, column in _LOG.items() if name != "template"},
    ),
    "anomalies": Source(
        "airis_anomalies",
        {
            "id": Kind.STRING,
            "start": Kind.TIME,
            "end": Kind.TIME,
            "service": Kind.STRING,
            "signal": Kind.STRING,
            "metric": Kind.STRING,
            "score": Kind.NUMBER,
            "direction": Kind.STRING,
            "expected": Kind.NUMBER,
            "actual": Kind.NUMBER,
            "explanation": Kind.TEXT,
            "explanation_ko": Kind.TEXT,
            "kind": Kind.STRING,
            "unit": Kind.STRING,
            "labels": Kind.MAP,
            "model": Kind.STRING,
            "lasting": Kind.BOOL,
        },
        "start",
        "concat(explanation, ' ', explanation_ko)",
        ("labels",),
        ("labels",),
        {"time": "start"},
        final=True,
    ),
    "replays": Source(
        "airis_replay_sessions",
        {
            **dict.fromkeys(("id", "user", "service", "release", "user_agent", "url_first"), Kind.STRING),
            **dict.fromkeys(("start", "end"), Kind.TIME),
            **dict.fromkeys(("urls", "trace_ids"), Kind.STRINGS),
            **dict.fromkeys(_REPLAY_COUNTS, Kind.NUMBER),
        },
        "start",
        "concat(user, ' ', arrayStringConcat(urls, ' '))",
        (),
        (),
        {
            "time": "start",
            "started_at": "start",
            "duration": "duration_ms",
            "trace": "trace_ids",
            "url": "urls",
        },
        final=True,
    ),
    "metrics": Source(
        "otel_metrics_gauge",
        _columns(tables.GAUGE),
        "TimeUnix",
        "MetricName",
        ("Attributes", "ResourceAttributes"),
        ("Attributes", "ResourceAttributes", "ScopeAttributes"),
        _POINT,
    ),
}


def source_of(signal: str, table: str | None = None) -> Source:
    """The source of a signal; metrics have one for each of their tables (the gauges' unless ``table`` says)."""
    if signal not in SOURCES:
        raise Bug(f"no signal {signal}")
    source = SOURCES[signal]
    if table is None or table == source.table:
        return source
    if signal != "metrics":
        raise Bug(f"{table} is no table of {signal}")
    aliases = {name: column for name, column in _POINT.items() if column in tables.SCHEMAS[table].names}
    return Source(
        table,
        _columns(tables.SCHEMAS[table]),
        source.time,
        source.text,
        source.attributes,
        source.maps,
        aliases,
    )
