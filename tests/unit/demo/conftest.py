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


def read(sent: Iterator[Payload], only: frozenset[str] | None = None) -> Sent:
    """Parse payloads, of some services or of all; then every count must be right."""

    def wanted(groups: Any) -> list[tuple[dict[str, Any], Any]]:
        named = [(mapping(group.resource.attributes), group) for group in groups]
        return [item for item in named if only is None or item[0]["service.name"] in only]

    out = Sent([], [], [], [])
    for payload in sent:
        if payload.signal == "traces":
            traces = wanted(ExportTraceServiceRequest.FromString(payload.body).resource_spans)
            found = [(r, span) for r, group in traces for scope in group.scope_spans for span in scope.spans]
            out.spans += found
            count = len(found)
        elif payload.signal == "logs":
            logs = wanted(ExportLogsServiceRequest.FromString(payload.body).resource_logs)
            found = [
                (r, item) for r, group in logs for scope in group.scope_logs for item in scope.log_records
            ]
            out.logs += [item for item in found if "rum.sessionId" not in item[0]]
            out.recordings += [item for item in found if "rum.sessionId" in item[0]]
            count = len(found)
        else:
            measured = wanted(ExportMetricsServiceRequest.FromString(payload.body).resource_metrics)
            found = [
                (r, metric)
                for r, group in measured
                for scope in group.scope_metrics
                for metric in scope.metrics
            ]
            out.metrics += found
            count = sum(len(points(metric)) for _, metric in found)
        assert count == payload.records or only is not None
    return out


def points(metric: Any) -> Any:
    """A metric's data points."""
    return getattr(metric, metric.WhichOneof("data")).data_points


def run(
    duration: str, *faults: str, seed: int = 3, rate: float | None = None, only: str | None = None
) -> Sent:
    """A run, parsed: of all services, or of those named in ``only``."""
    sent = payloads(seed=seed, start=START, duration=duration, rate=rate, faults=faults)
    return read(sent, None if only is None else frozenset(only.split()))


@pytest.fixture(scope="session")
def sent() -> Sent:
    """A quarter of an hour without faults."""
    return run("15m")
