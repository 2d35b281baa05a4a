"""What decoding looks like without a decoder: protobuf's message objects and a Python loop over the records."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

import pyarrow as pa
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from airis_ray.telemetry.tables import LOGS, TENANT_ATTRIBUTE, TRACES, Signal

_KINDS: Final = ("Unspecified", "Internal", "Server", "Client", "Producer", "Consumer")
_CODES: Final = ("Unset", "Ok", "Error")


def spans(payload: bytes, tenant: str) -> pa.RecordBatch:
    """The rows of a traces request."""
    rows = []
    for group in ExportTraceServiceRequest.FromString(payload).resource_spans:
        resource = _pairs(group.resource.attributes)
        common = _common(resource, tenant)
        for scope in group.scope_spans:
            rows += [
                {
                    **common,
                    "Timestamp": span.start_time_unix_nano,
                    "TraceId": span.trace_id.hex(),
                    "SpanId": span.span_id.hex(),
                    "ParentSpanId": span.parent_span_id.hex(),
                    "TraceState": span.trace_state,
                    "SpanName": span.name,
                    "SpanKind": _KINDS[span.kind],
                    "ScopeName": scope.scope.name,
                    "ScopeVersion": scope.scope.version,
                    "SpanAttributes": _pairs(span.attributes),
                    "Duration": span.end_time_unix_nano - span.start_time_unix_nano,
                    "StatusCode": _CODES[span.status.code],
                    "StatusMessage": span.status.message,
                    "Events.Timestamp": [event.time_unix_nano for event in span.events],
                    "Events.Name": [event.name for event in span.events],
                    "Events.Attributes": [_pairs(event.attributes) for event in span.events],
                    "Links.TraceId": [link.trace_id.hex() for link in span.links],
                    "Links.SpanId": [link.span_id.hex() for link in span.links],
                    "Links.TraceState": [link.trace_state for link in span.links],
                    "Links.Attributes": [_pairs(link.attributes) for link in span.links],
                }
                for span in scope.spans
            ]
    return _batch(rows, TRACES)


def logs(payload: bytes, tenant: str) -> pa.RecordBatch:
    """The rows of a logs request."""
    rows = []
    for group in ExportLogsServiceRequest.FromString(payload).resource_logs:
        common = _common(_pairs(group.resource.attributes), tenant)
        for scope in group.scope_logs:
            rows += [
                {
                    **common,
                    "Timestamp": record.time_unix_nano,
                    "TraceId": record.trace_id.hex(),
                    "SpanId": record.span_id.hex(),
                    "TraceFlags": record.flags & 0xFF,
                    "SeverityText": record.severity_text,
                    "SeverityNumber": record.severity_number,
                    "Body": _text(record.body),
                    "ResourceSchemaUrl": group.schema_url,
                    "ScopeSchemaUrl": scope.schema_url,
                    "ScopeName": scope.scope.name,
                    "ScopeVersion": scope.scope.version,
                    "ScopeAttributes": _pairs(scope.scope.attributes),
                    "LogAttributes": _pairs(record.attributes),
                    "EventName": record.event_name,
                }
                for record in scope.log_records
            ]
    return _batch(rows, LOGS)


DECODERS: Final[dict[Signal, Callable[[bytes, str], pa.RecordBatch]]] = {"traces": spans, "logs": logs}


def _common(resource: list[tuple[str, str]], tenant: str) -> dict[str, Any]:
    attributes = [pair for pair in resource if pair[0] != TENANT_ATTRIBUTE] + [(TENANT_ATTRIBUTE, tenant)]
    return {"ServiceName": dict(resource).get("service.name", ""), "ResourceAttributes": attributes}


def _pairs(attributes: Iterable[Any]) -> list[tuple[str, str]]:
    return [(pair.key, _text(pair.value)) for pair in attributes]


def _text(value: Any) -> str:
    """The text of a string or number; the benchmark's requests have no others."""
    return value.string_value if value.HasField("string_value") else str(value.int_value)


def _batch(rows: list[dict[str, Any]], schema: pa.Schema) -> pa.RecordBatch:
    columns = [pa.array([row[field.name] for row in rows], field.type) for field in schema]
    return pa.record_batch(columns, schema=schema)
