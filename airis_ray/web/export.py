"""How the platform's own telemetry leaves the process: OTLP/HTTP, in threads, with bounded queues."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import requests
from opentelemetry import context as otel_context
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider, ReadableLogRecord
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, LogRecordExporter, LogRecordExportResult
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Gauge,
    Histogram,
    HistogramDataPoint,
    Metric,
    MetricExporter,
    MetricExportResult,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.core import Metric as Family

from airis_ray import __version__
from airis_ray.web import metrics
from airis_ray.web.auth import SELF_TENANT
from airis_ray.web.logs import CURRENT, redact

_TIMEOUT: Final = 5.0  # seconds of one export with its retries
_QUEUE: Final = 1024  # log records that wait
_CUMULATIVE: Final = AggregationTemporality.CUMULATIVE
_UNEXPORTED: Final = ("opentelemetry", "urllib3", "requests")
"""Loggers of the exporters themselves: exporting their failures would fail again."""

_SEVERITY: Final = {
    logging.WARNING: (SeverityNumber.WARN, "WARN"),
    logging.ERROR: (SeverityNumber.ERROR, "ERROR"),
    logging.CRITICAL: (SeverityNumber.FATAL, "FATAL"),
}


class _Spans(OTLPSpanExporter):
    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = super().export(spans)
        _count("traces", result.name)
        return result


class _Logs(OTLPLogExporter):
    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        result = super().export(batch)
        _count("logs", result.name)
        return result


class _Metrics(OTLPMetricExporter):
    def export(
        self, metrics_data: MetricsData, timeout_millis: float | None = 10_000, **options: Any
    ) -> MetricExportResult:
        result = super().export(metrics_data, timeout_millis, **options)
        _count("metrics", result.name)
        return result


class Outgoing:
    """Makes exporters to one OTLP/HTTP address with one key."""

    def __init__(self, base: str, key: str) -> None:
        self._base = base
        self._headers = {"authorization": f"Bearer {key}"}

    def spans(self) -> SpanExporter:
        return _Spans(**self._options("traces"))

    def logs(self) -> LogRecordExporter:
        return _Logs(**self._options("logs"))

    def metrics(self) -> MetricExporter:
        return _Metrics(**self._options("metrics"))

    def _options(self, signal: str) -> dict[str, Any]:
        session = requests.Session()
        session.trust_env = False  # a proxy of the environment has no business with our own address
        return {
            "endpoint": f"{self._base}/v1/{signal}",
            "headers": self._headers,
            "timeout": _TIMEOUT,
            "compression": Compression.Gzip,
            "session": session,
        }


class LogExport:
    """Sends this process's warnings and errors, but for those about the export itself."""

    def __init__(self, exporter: LogRecordExporter, resource: Resource) -> None:
        self._provider = LoggerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_log_record_processor(BatchLogRecordProcessor(exporter, max_queue_size=_QUEUE))
        self._handler = _Handler(self._provider)
        logging.getLogger().addHandler(self._handler)

    def close(self) -> None:
        """Send what waits and stop. Blocks."""
        logging.getLogger().removeHandler(self._handler)
        self._provider.shutdown()


class _Handler(logging.Handler):
    def __init__(self, provider: LoggerProvider) -> None:
        super().__init__(logging.WARNING)
        self._provider = provider

    def emit(self, record: logging.LogRecord) -> None:
        exchange = CURRENT.get()
        if record.name.startswith(_UNEXPORTED) or (exchange is not None and exchange.tenant == SELF_TENANT):
            return
        level = max((level for level in _SEVERITY if level <= record.levelno), default=logging.WARNING)
        number, text = _SEVERITY[level]
        attributes: dict[str, str] = {}
        if exchange is not None:
            attributes = {"airis.request_id": exchange.request_id, "airis.caller.tenant": exchange.tenant}
        if record.exc_info and record.exc_info[1] is not None:
            error = record.exc_info[1]
            attributes["exception.type"] = type(error).__name__
            attributes["exception.message"] = redact(str(error))
            attributes["exception.stacktrace"] = redact("".join(traceback.format_exception(error)))
        self._provider.get_logger(record.name).emit(
            LogRecord(
                timestamp=int(record.created * 1e9),
                observed_timestamp=time.time_ns(),
                context=otel_context.get_current(),
                severity_number=number,
                severity_text=text,
                body=redact(record.getMessage()),
                attributes=attributes,
            )
        )


class MetricExport:
    """Sends the process's Prometheus metrics every ``interval`` seconds, in a thread of its own."""

    def __init__(
        self,
        exporter: MetricExporter,
        resource: Resource,
        interval: float,
        *,
        registry: CollectorRegistry = REGISTRY,
    ) -> None:
        self._exporter = exporter
        self._resource = resource
        self._interval = interval
        self._registry = registry
        self._started_ns = time.time_ns()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="airis-metrics", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Send once more and stop. Blocks."""
        self._closing.set()
        self._thread.join(_TIMEOUT)
        self._exporter.shutdown()

    def _run(self) -> None:
        while not self._closing.wait(self._interval):
            self._export()
        self._export()

    def _export(self) -> None:
        found = otlp_metrics(self._registry, self._started_ns, time.time_ns())
        scope = ScopeMetrics(InstrumentationScope("airis_ray", __version__), found, "")
        data = MetricsData([ResourceMetrics(self._resource, [scope], "")])
        with contextlib.suppress(Exception):  # counted by the exporter's wrapper; the next one may go through
            self._exporter.export(data)


def otlp_metrics(registry: CollectorRegistry, started_ns: int, now_ns: int) -> list[Metric]:
    """What a Prometheus registry holds as OTLP metrics: counters, gauges and histograms, cumulative."""
    found = []
    for family in registry.collect():
        points: Callable[..., Iterator[Any]] = _histograms if family.type == "histogram" else _numbers
        data_points = list(points(family, started_ns, now_ns))
        if not data_points:
            continue
        data: Sum | Gauge | Histogram
        if family.type == "histogram":
            data = Histogram(data_points, _CUMULATIVE)
        elif family.type == "counter":
            data = Sum(data_points, _CUMULATIVE, True)
        elif family.type in ("gauge", "unknown"):
            data = Gauge(data_points)
        else:
            continue
        found.append(Metric(family.name, family.documentation, family.unit or _unit(family.name), data))
    return found


def _numbers(family: Family, started_ns: int, now_ns: int) -> Iterator[NumberDataPoint]:
    wanted = f"{family.name}_total" if family.type == "counter" else family.name
    for sample in family.samples:
        if sample.name == wanted:
            yield NumberDataPoint(sample.labels, started_ns, now_ns, float(sample.value))


def _histograms(family: Family, started_ns: int, now_ns: int) -> Iterator[HistogramDataPoint]:
    grouped: dict[tuple[tuple[str, str], ...], dict[str, Any]] = {}
    for sample in family.samples:
        labels = tuple(sorted((name, value) for name, value in sample.labels.items() if name != "le"))
        series = grouped.setdefault(labels, {"buckets": []})
        if sample.name.endswith("_bucket"):
            series["buckets"].append((float(sample.labels["le"]), int(sample.value)))
        elif sample.name.endswith("_sum"):
            series["sum"] = float(sample.value)
    for labels, series in grouped.items():
        buckets = sorted(series["buckets"])
        totals = [total for _, total in buckets]
        counts = [total - before for total, before in zip(totals, [0, *totals], strict=False)]
        bounds = [bound for bound, _ in buckets if bound != float("inf")]
        yield HistogramDataPoint(
            attributes=dict(labels),
            start_time_unix_nano=started_ns,
            time_unix_nano=now_ns,
            count=totals[-1] if totals else 0,
            sum=series.get("sum", 0.0),
            bucket_counts=counts,
            explicit_bounds=bounds,
            min=None,  # type: ignore[arg-type] # Prometheus keeps no extremes; None leaves the fields out
            max=None,  # type: ignore[arg-type] # as above
        )


def _unit(name: str) -> str:
    return {"seconds": "s", "bytes": "By"}.get(name.rpartition("_")[2], "1")


def _count(signal: str, outcome: str) -> None:
    metrics.SELF_EXPORTS.labels(signal, "sent" if outcome == "SUCCESS" else "failed").inc()
