"""Two tenants with the same kinds of telemetry, and what a call of theirs is."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

ARROW = {"accept": "application/vnd.apache.arrow.stream"}


@dataclass
class Party:
    """A tenant. ``secret`` is in every name and value it sends, and must reach nobody else."""

    tenant: str
    key: str
    secret: str = field(default_factory=lambda: f"zq{uuid.uuid4().hex[:16]}")
    trace: str = field(default_factory=lambda: uuid.uuid4().hex)
    key_id: str = ""
    anomaly: str = ""

    @property
    def service(self) -> str:
        return f"svc-{self.secret}"

    @property
    def metric(self) -> str:
        return f"metric.{self.secret}"

    @property
    def model(self) -> str:
        return f"model-{self.secret}"


@dataclass(frozen=True)
class Call:
    """One request. ``shows`` where the answer holds the caller's own secret: the test would else prove nothing."""

    path: str = ""
    params: dict[str, Any] = field(default_factory=dict)
    json: Any = None
    content: bytes | str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    shows: bool = False


Calls = Callable[[Party, Party], list[Call]]
"""The calls that the first party makes, also for what is the second's."""

Routes = dict[tuple[str, str], Calls]
"""Of an application's routes, by method and path."""


def none(me: Party, other: Party) -> list[Call]:
    return [Call()]


def payload(signal: str, party: Party, claims: str | None = None) -> dict[str, Any]:
    """An OTLP/JSON request; ``claims`` is a tenant that the sender says it were."""
    now = time.time_ns()
    text = {"stringValue": party.secret}
    attributes = [
        {"key": "app.user.id", "value": text},
        {"key": f"key.{party.secret}", "value": text},
    ]
    resource: list[dict[str, Any]] = [
        {"key": "service.name", "value": {"stringValue": party.service}},
        {"key": "deployment.environment.name", "value": text},
        {"key": "k8s.pod.name", "value": text},
    ]
    if claims is not None:
        resource.append({"key": "airis.tenant", "value": {"stringValue": claims}})
    if signal == "logs":
        records = [
            {
                "timeUnixNano": str(now - i),
                "severityText": "ERROR",
                "severityNumber": 17,
                "traceId": party.trace,
                "spanId": "00000000000000aa",
                "body": {"stringValue": f"결제 실패 payment failed {party.secret}"},
                "attributes": attributes,
            }
            for i in range(3)
        ]
        return {
            "resourceLogs": [{"resource": {"attributes": resource}, "scopeLogs": [{"logRecords": records}]}]
        }
    if signal == "traces":
        spans = [
            {
                "traceId": party.trace,
                "spanId": f"{number:016x}",
                "parentSpanId": parent,
                "name": f"GET /{party.secret}",
                "kind": kind,
                "startTimeUnixNano": str(now - 2_000_000),
                "endTimeUnixNano": str(now - 1_000_000 + number),
                "attributes": attributes,
                "status": {"code": 2, "message": party.secret},
            }
            for number, parent, kind in ((0xAA, "", 2), (0xAB, "00000000000000aa", 3))
        ]
        return {"resourceSpans": [{"resource": {"attributes": resource}, "scopeSpans": [{"spans": spans}]}]}
    return {
        "resourceMetrics": [
            {"resource": {"attributes": resource}, "scopeMetrics": [{"metrics": _metrics(party, now)}]}
        ]
    }


def _metrics(party: Party, now: int) -> list[dict[str, Any]]:
    point = {
        "timeUnixNano": str(now),
        "startTimeUnixNano": str(now - 10**9),
        "attributes": [{"key": f"label.{party.secret}", "value": {"stringValue": party.secret}}],
    }
    total = {"aggregationTemporality": 2}
    return [
        {"name": party.metric, "unit": "1", "gauge": {"dataPoints": [{**point, "asDouble": 1.5}]}},
        {
            "name": f"{party.metric}.sum",
            "sum": {**total, "isMonotonic": True, "dataPoints": [{**point, "asInt": "3"}]},
        },
        {
            "name": f"{party.metric}.histogram",
            "histogram": {
                **total,
                "dataPoints": [
                    {**point, "count": "2", "sum": 3.0, "bucketCounts": ["1", "1"], "explicitBounds": [1.0]}
                ],
            },
        },
    ]
