"""The real OpenTelemetry SDK sends over HTTP and gRPC; what it sent is found."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter as GrpcLogs
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter as GrpcMetrics
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcSpans
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter as HttpLogs
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter as HttpMetrics
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpSpans
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode

from tests.serve.conftest import Instance


@pytest.fixture(params=["http", "http-gzip", "grpc", "grpc-named"])
def exporters(request: pytest.FixtureRequest, air: Instance) -> tuple[object, object, object]:
    bearer = f"Bearer {air.key}"
    if request.param.startswith("grpc"):
        named = [("application", "ingest")] if request.param == "grpc-named" else []
        target = {
            "endpoint": f"http://127.0.0.1:{air.grpc_port}",
            "insecure": True,
            "headers": (("authorization", bearer), *named),
        }
        return GrpcSpans(**target), GrpcLogs(**target), GrpcMetrics(**target)
    compression = Compression.Gzip if request.param == "http-gzip" else Compression.NoCompression
    made = [
        make(endpoint=f"{air.url}/v1/{signal}", headers={"Authorization": bearer}, compression=compression)
        for make, signal in ((HttpSpans, "traces"), (HttpLogs, "logs"), (HttpMetrics, "metrics"))
    ]
    return made[0], made[1], made[2]


def test_what_the_sdk_sends_is_found(air: Instance, exporters: tuple[object, object, object]) -> None:
    spans, logs, metrics = exporters
    service = f"sdk-{uuid.uuid4().hex[:8]}"
    resource = Resource.create({"service.name": service, "service.version": "1.2.3"})

    tracer_provider = TracerProvider(resource=resource)
    tracer_provider.add_span_processor(SimpleSpanProcessor(spans))
    tracer = tracer_provider.get_tracer("test", "1.0")
    logger_provider = LoggerProvider(resource=resource)
    logger_provider.add_log_record_processor(SimpleLogRecordProcessor(logs))
    log = logger_provider.get_logger("shop")
    with tracer.start_as_current_span("POST /order", kind=SpanKind.SERVER) as root:
        root.set_attribute("app.country", "KR")
        with tracer.start_as_current_span("charge", kind=SpanKind.CLIENT) as child:
            child.record_exception(ValueError("한도초과"))
            child.set_status(Status(StatusCode.ERROR, "declined"))
            log.emit(
                LogRecord(
                    severity_number=SeverityNumber.ERROR,
                    severity_text="ERROR",
                    body="결제 승인이 거절되었습니다: 사유=한도초과",
                )
            )
    meter_provider = MeterProvider([PeriodicExportingMetricReader(metrics)], resource=resource)
    meter = meter_provider.get_meter("test")
    meter.create_counter("orders.placed", unit="1").add(3, {"app.country": "KR"})
    meter.create_histogram("http.server.request.duration", unit="s").record(0.2)
    for provider in (tracer_provider, logger_provider, meter_provider):
        provider.shutdown()

    with air.connect() as client:
        # A 2xx answer means committed, so nothing has to be waited for.
        found = client.traces(f"service:{service}", "now-5m", "now+5m").arrow().to_pylist()
        assert sorted(row["SpanName"] for row in found) == ["POST /order", "charge"]
        failed = client.traces(f"service:{service} status:error", "now-5m", "now+5m").arrow().to_pylist()
        assert [row["StatusMessage"] for row in failed] == ["declined"]
        told = client.logs(f"service:{service} 한도초과", "now-5m", "now+5m").arrow().to_pylist()
        assert [row["TraceId"] for row in told] == [failed[0]["TraceId"]]
        trace = client.trace(failed[0]["TraceId"])
        assert len(trace["spans"]) == 2
        assert trace["logs"] == 1
        assert trace["critical_path"]
        points = client.sql(
            "SELECT Value FROM otel_metrics_sum WHERE ServiceName = {s:String} AND MetricName = 'orders.placed'",
            s=service,
        )
        assert points.arrow().to_pylist() == [{"Value": 3.0}]
        names = {row["name"] for row in client.metrics().arrow().to_pylist()}
        assert {"orders.placed", "http.server.request.duration"} <= names


@pytest.mark.parametrize("make", [HttpSpans])
def test_a_wrong_key_stores_nothing(air: Instance, make: Callable[..., HttpSpans]) -> None:
    exporter = make(endpoint=f"{air.url}/v1/traces", headers={"Authorization": "Bearer airis_no_nothing"})
    provider = TracerProvider(resource=Resource.create({"service.name": "intruder"}))
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    provider.get_tracer("t").start_span("x").end()
    provider.shutdown()
    with air.connect() as client:
        assert len(client.traces("service:intruder", "now-5m", "now+5m")) == 0
