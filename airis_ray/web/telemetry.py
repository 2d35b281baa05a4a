"""The platform observes itself: its spans, metrics and warnings go by OTLP into its own ingest, tenant ``airis``.

Never in a loop: a request of the tenant ``airis`` makes no span, no metric and no log record, and what the exporters
say of themselves is not exported. Queues are bounded; full ones drop.
"""

from __future__ import annotations

import os
import random
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token
from dataclasses import dataclass
from typing import Any, Final

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from airis_ray import __version__
from airis_ray.settings import Settings
from airis_ray.web import metrics
from airis_ray.web.auth import SELF_TENANT
from airis_ray.web.export import LogExport, MetricExport, Outgoing
from airis_ray.web.key_files import self_key
from airis_ray.web.logs import PROBES, Exchange

_TRACEPARENT: Final = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})", re.ASCII)
_TRACER: ContextVar[trace.Tracer | None] = ContextVar("airis_tracer", default=None)
_QUEUE: Final = 2048  # spans that wait for export; about 2 MB
_CLOSE_SECONDS: Final = 3.0  # a replica has little time to go; what was not sent by then is lost


@dataclass(frozen=True)
class _Begun:
    """A request's span, and what has to be put back when it ends."""

    span: trace.Span
    context: Token[otel_context.Context]
    tracer: Token[trace.Tracer | None]


class Telemetry:
    """Watches the requests of one service; the guard's observer. One per process."""

    def __init__(
        self,
        service: str,
        sample_ratio: float,
        spans: SpanExporter | None = None,
        resource: Resource | None = None,
    ) -> None:
        """``spans`` None keeps metrics alone (what /metrics shows)."""
        self._service = service
        self._ratio = sample_ratio
        self._provider: TracerProvider | None = None
        self._tracer: trace.Tracer | None = None
        self._exports: list[LogExport | MetricExport] = []
        if spans is not None:
            self._provider = TracerProvider(
                resource=resource or service_resource(service), shutdown_on_exit=False
            )
            self._provider.add_span_processor(BatchSpanProcessor(spans, max_queue_size=_QUEUE))
            self._tracer = self._provider.get_tracer("airis_ray", __version__)

    @classmethod
    def start(cls, settings: Settings, service: str) -> Telemetry:
        """Telemetry as the settings want it: sent to this instance's own ingest, or kept for /metrics alone."""
        if not settings.self.telemetry:
            return cls(service, 0.0)
        resource = service_resource(service)
        outgoing = Outgoing(own_ingest(settings), self_key(settings.data_dir))
        telemetry = cls(service, settings.self.sample_ratio, outgoing.spans(), resource)
        telemetry._exports = [
            LogExport(outgoing.logs(), resource),
            MetricExport(outgoing.metrics(), resource, settings.self.export_interval),
        ]
        return telemetry

    def begin(self, exchange: Exchange) -> _Begun | None:
        """Start a span for the request where it is sampled; sets ``exchange.trace_id``."""
        if exchange.tenant == SELF_TENANT:
            return None
        parent = _parent(exchange.traceparent)
        if parent is not None:
            exchange.trace_id = trace.format_trace_id(parent.trace_id)
        if self._tracer is None or exchange.path in PROBES or not self._sampled(parent):
            return None
        context = otel_context.Context()
        if parent is not None:
            context = trace.set_span_in_context(trace.NonRecordingSpan(parent), context)
        span = self._tracer.start_span(
            exchange.method, context, SpanKind.SERVER, start_time=exchange.started_ns
        )
        exchange.trace_id = trace.format_trace_id(span.get_span_context().trace_id)
        return _Begun(span, otel_context.attach(trace.set_span_in_context(span)), _TRACER.set(self._tracer))

    def end(self, exchange: Exchange, begun: _Begun | None) -> None:
        """Count the request and end its span."""
        if exchange.tenant == SELF_TENANT:
            return
        metrics.REQUESTS.labels(exchange.service, exchange.method, exchange.route, str(exchange.status)).inc()
        metrics.SECONDS.labels(exchange.service, exchange.route).observe(exchange.seconds)
        if begun is None:
            return
        _TRACER.reset(begun.tracer)
        otel_context.detach(begun.context)
        begun.span.update_name(f"{exchange.method} {exchange.route}".rstrip())
        begun.span.set_attributes(_attributes(exchange))
        if exchange.status >= 500:
            begun.span.set_status(StatusCode.ERROR)
        begun.span.end()

    def close(self) -> None:
        """Send what waits and stop. Blocks for at most three seconds: whoever receives it may be gone first."""
        parts: list[Callable[[], None]] = [export.close for export in self._exports]
        if self._provider is not None:
            parts.append(self._provider.shutdown)
        threads = [threading.Thread(target=part, daemon=True) for part in parts]
        for thread in threads:
            thread.start()
        deadline = time.monotonic() + _CLOSE_SECONDS
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _sampled(self, parent: trace.SpanContext | None) -> bool:
        if parent is None:
            return random.random() < self._ratio
        # As OpenTelemetry's TraceIdRatioBased, so that every service keeps the same traces.
        return parent.trace_flags.sampled and (parent.trace_id & (2**64 - 1)) < round(self._ratio * 2**64)


@contextmanager
def span(name: str, **attributes: str | int | float | bool) -> Iterator[None]:
    """A span inside the request's span; costs nothing where the request is not sampled."""
    tracer = _TRACER.get()
    if tracer is None or not trace.get_current_span().is_recording():
        yield
        return
    with tracer.start_as_current_span(name, attributes=attributes):
        yield


def own_ingest(settings: Settings) -> str:
    """The base address of this instance's own HTTP interface."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.http.host, settings.http.host)
    return f"http://[{host}]:{settings.http.port}" if ":" in host else f"http://{host}:{settings.http.port}"


def service_resource(service: str) -> Resource:
    """Who reports."""
    return Resource.create(
        {
            "service.name": f"airis-{service}",
            "service.namespace": "airis",
            "service.version": __version__,
            "service.instance.id": f"{socket.gethostname()}-{os.getpid()}",
        }
    )


def _parent(traceparent: str) -> trace.SpanContext | None:
    match = _TRACEPARENT.match(traceparent) if traceparent else None
    if match is None:
        return None
    parent = trace.SpanContext(
        int(match[1], 16), int(match[2], 16), True, trace.TraceFlags(int(match[3], 16))
    )
    return parent if parent.is_valid else None


def _attributes(exchange: Exchange) -> dict[str, Any]:
    attributes: dict[str, Any] = {
        "http.request.method": exchange.method,
        "http.route": exchange.route,
        "http.response.status_code": exchange.status,
        "url.path": exchange.path,
        "client.address": exchange.peer,
        "http.request.body.size": exchange.bytes_in,
        "http.response.body.size": exchange.bytes_out,
        "airis.caller.tenant": exchange.tenant,
        "airis.caller.key": exchange.key_id,
        "airis.request_id": exchange.request_id,
    }
    if exchange.status >= 500:
        attributes["error.type"] = str(exchange.status)
    return attributes
