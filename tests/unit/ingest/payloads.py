"""OTLP requests, as SDKs make them."""

from __future__ import annotations

import gzip
import json
import time
import zlib
from typing import Any

import zstandard
from google.protobuf import json_format
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

ENCODERS: dict[str, Any] = {
    "identity": lambda body: body,
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "zstd": lambda body: zstandard.ZstdCompressor().compress(body),
}
TABLES = {"logs": "otel_logs", "traces": "otel_traces", "metrics": "otel_metrics_gauge"}
START_NS = time.time_ns()  # the tables drop rows older than their retention


def request(signal: str, count: int, service: str) -> Any:
    """A request of ``count`` records of one service, whose sender claims to be another tenant."""
    if signal == "logs":
        message: Any = ExportLogsServiceRequest()
        resource = message.resource_logs.add()
        records = resource.scope_logs.add().log_records
    elif signal == "traces":
        message = ExportTraceServiceRequest()
        resource = message.resource_spans.add()
        records = resource.scope_spans.add().spans
    else:
        message = ExportMetricsServiceRequest()
        resource = message.resource_metrics.add()
        metric = resource.scope_metrics.add().metrics.add(name="queue.length")
        records = metric.gauge.data_points
    resource.resource.attributes.add(key="service.name").value.string_value = service
    resource.resource.attributes.add(key="airis.tenant").value.string_value = "somebody else"
    for i in range(count):
        record = records.add()
        if signal == "traces":
            record.trace_id, record.span_id = i.to_bytes(16, "big"), (i + 1).to_bytes(8, "big")
            record.name = "GET /"
            record.start_time_unix_nano, record.end_time_unix_nano = START_NS, START_NS + 1000
            continue
        record.time_unix_nano = START_NS + i
        if signal == "logs":
            record.body.string_value = f"서버 오류 {i}"
        else:
            record.as_double = i / 2
    return message


def spans(count: int, service: str) -> bytes:
    """A traces request in protobuf."""
    return bytes(request("traces", count, service).SerializeToString())


def as_json(message: Any) -> bytes:
    """OTLP/JSON: proto3's mapping, but for ids, which are hexadecimal."""
    document = json_format.MessageToDict(message, use_integers_for_enums=True)
    for resource in document.get("resourceSpans", ()):
        for scope in resource["scopeSpans"]:
            for i, span in enumerate(scope["spans"]):
                span["traceId"] = i.to_bytes(16, "big").hex()
                span["spanId"] = (i + 1).to_bytes(8, "big").hex()
    return json.dumps(document).encode()
