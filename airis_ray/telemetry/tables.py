"""The Arrow schemas of the telemetry tables, column for column what is inserted.

The columns are those of the OpenTelemetry ClickHouse exporter (newest generation). Columns that ClickHouse fills in
by itself (``Tenant``, ``TemplateId``, materialized attribute keys) are not part of them.
"""

from __future__ import annotations

from typing import Final, Literal

import pyarrow as pa

Signal = Literal["logs", "traces", "metrics"]

TENANT_ATTRIBUTE: Final = "airis.tenant"
"""Resource attribute that carries the tenant; set by ingest, never taken from the sender."""

_NS: Final = pa.timestamp("ns", tz="UTC")
_S: Final = pa.timestamp("s", tz="UTC")
_STR: Final = pa.string()
_MAP: Final = pa.map_(pa.string(), pa.string())
_F64: Final = pa.float64()
_U64: Final = pa.uint64()


def _schema(columns: dict[str, pa.DataType]) -> pa.Schema:
    return pa.schema([pa.field(name, kind, nullable=False) for name, kind in columns.items()])


LOGS: Final = _schema(
    {
        "Timestamp": _NS,
        "TraceId": _STR,
        "SpanId": _STR,
        "TraceFlags": pa.uint8(),
        "SeverityText": _STR,
        "SeverityNumber": pa.uint8(),
        "ServiceName": _STR,
        "Body": _STR,
        "ResourceSchemaUrl": _STR,
        "ResourceAttributes": _MAP,
        "ScopeSchemaUrl": _STR,
        "ScopeName": _STR,
        "ScopeVersion": _STR,
        "ScopeAttributes": _MAP,
        "LogAttributes": _MAP,
        "EventName": _STR,
    }
)

SESSIONS: Final = pa.schema([field for field in LOGS if field.name != "EventName"])
"""Recordings of browser sessions: log records that ingest sends to a table of their own."""

TRACES: Final = _schema(
    {
        "Timestamp": _NS,
        "TraceId": _STR,
        "SpanId": _STR,
        "ParentSpanId": _STR,
        "TraceState": _STR,
        "SpanName": _STR,
        "SpanKind": _STR,
        "ServiceName": _STR,
        "ResourceAttributes": _MAP,
        "ScopeName": _STR,
        "ScopeVersion": _STR,
        "SpanAttributes": _MAP,
        "Duration": _U64,
        "StatusCode": _STR,
        "StatusMessage": _STR,
        "Events.Timestamp": pa.list_(_NS),
        "Events.Name": pa.list_(_STR),
        "Events.Attributes": pa.list_(_MAP),
        "Links.TraceId": pa.list_(_STR),
        "Links.SpanId": pa.list_(_STR),
        "Links.TraceState": pa.list_(_STR),
        "Links.Attributes": pa.list_(_MAP),
    }
)

_METRIC: Final[dict[str, pa.DataType]] = {
    "ResourceAttributes": _MAP,
    "ResourceSchemaUrl": _STR,
    "ScopeName": _STR,
    "ScopeVersion": _STR,
    "ScopeAttributes": _MAP,
    "ScopeDroppedAttrCount": pa.uint32(),
    "ScopeSchemaUrl": _STR,
    "ServiceName": _STR,
    "MetricName": _STR,
    "MetricDescription": _STR,
    "MetricUnit": _STR,
    "Attributes": _MAP,
    "StartTimeUnix": _S,
    "TimeUnix": _S,
    "Flags": pa.uint32(),
}

_EXEMPLARS: Final[dict[str, pa.DataType]] = {
    "Exemplars.FilteredAttributes": pa.list_(_MAP),
    "Exemplars.TimeUnix": pa.list_(_NS),
    "Exemplars.Value": pa.list_(_F64),
    "Exemplars.SpanId": pa.list_(_STR),
    "Exemplars.TraceId": pa.list_(_STR),
}

GAUGE: Final = _schema({**_METRIC, "Value": _F64, **_EXEMPLARS})

SUM: Final = _schema(
    {**_METRIC, "Value": _F64, **_EXEMPLARS, "AggregationTemporality": pa.int32(), "IsMonotonic": pa.bool_()}
)

HISTOGRAM: Final = _schema(
    {
        **_METRIC,
        "Count": _U64,
        "Sum": _F64,
        "BucketCounts": pa.list_(_U64),
        "ExplicitBounds": pa.list_(_F64),
        **_EXEMPLARS,
        "Min": _F64,
        "Max": _F64,
        "AggregationTemporality": pa.int32(),
    }
)

EXPONENTIAL_HISTOGRAM: Final = _schema(
    {
        **_METRIC,
        "Count": _U64,
        "Sum": _F64,
        "Scale": pa.int32(),
        "ZeroCount": _U64,
        "PositiveOffset": pa.int32(),
        "PositiveBucketCounts": pa.list_(_U64),
        "NegativeOffset": pa.int32(),
        "NegativeBucketCounts": pa.list_(_U64),
        **_EXEMPLARS,
        "Min": _F64,
        "Max": _F64,
        "AggregationTemporality": pa.int32(),
    }
)

SUMMARY: Final = _schema(
    {
        **_METRIC,
        "Count": _U64,
        "Sum": _F64,
        "ValueAtQuantiles.Quantile": pa.list_(_F64),
        "ValueAtQuantiles.Value": pa.list_(_F64),
    }
)

SCHEMAS: Final[dict[str, pa.Schema]] = {
    "otel_logs": LOGS,
    "otel_traces": TRACES,
    "otel_metrics_gauge": GAUGE,
    "otel_metrics_sum": SUM,
    "otel_metrics_histogram": HISTOGRAM,
    "otel_metrics_exponential_histogram": EXPONENTIAL_HISTOGRAM,
    "otel_metrics_summary": SUMMARY,
    "hyperdx_sessions": SESSIONS,
}

TABLES_OF: Final[dict[Signal, tuple[str, ...]]] = {
    "logs": ("otel_logs",),
    "traces": ("otel_traces",),
    "metrics": tuple(name for name in SCHEMAS if name.startswith("otel_metrics_")),
}
"""What a signal's requests are decoded into."""
