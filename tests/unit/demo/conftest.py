"""A quarter of an hour of the shop at its busiest, read back with the official messages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from airis_ray.demo import Payload, payloads

START = datetime(2026, 10, 30, 11, tzinfo=UTC)
"""Friday, eight in the evening in Korea."""


def plain(value: Any) -> Any:
    """An AnyValue as a Python value."""
    return getattr(value, value.WhichOneof("value"))


def mapping(attributes: Any) -> dict[str, Any]:
    """Attributes as a dictionary; a key may not come twice."""
    out = {item.key: plain(item.value) for item in attributes}
    assert len(out) == len(attributes)
    return out


@dataclass
class Sent:
    """What a run sent: records with their resource's attributes."""

    spans: list[tuple[dict[str, Any], Any]]
    logs: list[tuple[dict[str, Any], Any]]
    recordings: list[tuple[dict[str, Any], Any]]
    metrics: list[tuple[dict[str, Any], Any]]

    def server(self, service: str) -> Iterator[Any]:
        """The spans in which a service answers."""
        return (
            span for resource, span in self.spans if resource["service.name"] == service and span.kind == 2
        )


def read(sent: Iterator[Payload]) -> Sent:
    """Parse payloads; every count must be right."""
    out = Sent([], [], [], [])
    for payload in sent:
        if payload.signal == "traces":
            traces = ExportTraceServiceRequest.FromString(payload.body).resource_spans
            spans = [
                (mapping(r.resource.attributes), s) for r in traces for ss in r.scope_spans for s in ss.spans
            ]
            assert len(spans) == payload.records
            out.spans += spans
        elif payload.signal == "logs":
            found = ExportLogsServiceRequest.FromString(payload.body).resource_logs
            logs = [
                (mapping(r.resource.attributes), s)
                for r in found
                for ss in r.scope_logs
                for s in ss.log_records
            ]
            assert len(logs) == payload.records
            out.logs += [item for item in logs if "rum.sessionId" not in item[0]]
            out.recordings += [item for item in logs if "rum.sessionId" in item[0]]
        else:
            measured = ExportMetricsServiceRequest.FromString(payload.body).resource_metrics
            metrics = [
                (mapping(r.resource.attributes), m)
                for r in measured
                for s in r.scope_metrics
                for m in s.metrics
            ]
            assert sum(len(points(metric)) for _, metric in metrics) == payload.records
            out.metrics += metrics
    return out


def points(metric: Any) -> Any:
    """A metric's data points."""
    return getattr(metric, metric.WhichOneof("data")).data_points


def run(duration: str = "15m", *faults: str, seed: int = 3, rate: float | None = None) -> Sent:
    """A run, parsed."""
    return read(payloads(seed=seed, start=START, duration=duration, rate=rate, faults=faults))


@pytest.fixture(scope="session")
def sent() -> Sent:
    """A quarter of an hour without faults."""
    return run()
