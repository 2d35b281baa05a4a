"""What OTLP answers: ``Export…ServiceResponse``, with ``partial_success`` where records were refused."""

from __future__ import annotations

from typing import Any, Final

from opentelemetry.proto.collector.logs.v1 import logs_service_pb2
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2

from airis_ray.telemetry.otlp import Decoded
from airis_ray.telemetry.tables import Signal

RESPONSES: Final[dict[Signal, Any]] = {
    "logs": logs_service_pb2.ExportLogsServiceResponse,
    "traces": trace_service_pb2.ExportTraceServiceResponse,
    "metrics": metrics_service_pb2.ExportMetricsServiceResponse,
}
REJECTED_FIELDS: Final[dict[Signal, str]] = {
    "logs": "rejected_log_records",
    "traces": "rejected_spans",
    "metrics": "rejected_data_points",
}
JSON_FIELDS: Final[dict[Signal, str]] = {
    "logs": "rejectedLogRecords",
    "traces": "rejectedSpans",
    "metrics": "rejectedDataPoints",
}


def message(signal: Signal, decoded: Decoded) -> Any:
    """The answer as a protobuf message."""
    response = RESPONSES[signal]()
    if decoded.rejected or decoded.reasons:  # without rejected records it is a warning, says OTLP
        setattr(response.partial_success, REJECTED_FIELDS[signal], decoded.rejected)
        response.partial_success.error_message = reasons(decoded)
    return response


def document(signal: Signal, decoded: Decoded) -> dict[str, Any]:
    """The answer in proto3's JSON mapping (64-bit integers are strings there)."""
    if not decoded.rejected and not decoded.reasons:
        return {}
    return {"partialSuccess": {JSON_FIELDS[signal]: str(decoded.rejected), "errorMessage": reasons(decoded)}}


def reasons(decoded: Decoded) -> str:
    """A line for each reason kept, with the JSON pointer to what was rejected."""
    return "\n".join(
        f"{item.pointer}: {item.reason}" if item.pointer else item.reason for item in decoded.reasons
    )
