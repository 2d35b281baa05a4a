"""The page's twelve usual queries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

NS = 10**9


@dataclass(frozen=True)
class Call:
    """One thing the page asks."""

    name: str
    method: str
    path: str
    body: dict[str, Any] | None = None


def calls(end: int, trace_id: str) -> list[Call]:
    """The twelve; ranges end at ``end`` (ns, a whole minute) or, as of a page left open, a moment before."""

    def last(hours: float, off: int = 0) -> dict[str, int]:
        return {"from": end - int(hours * 3600) * NS - off, "to": end - off}

    def of(hours: float) -> str:
        asked = last(hours, off=3_210_987_654)
        return f"?from={asked['from']}&to={asked['to']}"

    def series(hours: float, **body: Any) -> dict[str, Any]:
        return {"signal": "traces", **body, **last(hours)}

    server = "SpanKind:Server"
    checkout = {"query": f"service:frontend and {server}", "group_by": ["http.route"], "field": "duration"}
    errors = {"query": "level:(error or fatal)", "limit": 100, **last(24)}
    korean = {"query": '"결제 승인이 거절"', "limit": 100, **last(24)}
    lag = {"signal": "metrics", "metric": "kafka.consumer.lag", "aggregate": "max", "group_by": ["service"]}
    logs = {"signal": "logs", "group_by": ["level"], **last(24)}
    return [
        Call("services, 1 h", "GET", f"/services{of(1)}"),
        Call("services, 24 h", "GET", f"/services{of(24)}"),
        Call("service map, 15 min", "GET", f"/service-map{of(0.25)}"),
        Call(
            "requests by service, 24 h",
            "POST",
            "/timeseries",
            series(24, aggregate="rate", query=server, group_by=["service"]),
        ),
        Call(
            "error rate of checkout, 6 h",
            "POST",
            "/timeseries",
            series(6, aggregate="error_rate", query=f"service:checkout and {server}"),
        ),
        Call(
            "p95 by service, 6 h",
            "POST",
            "/timeseries",
            series(6, aggregate="p95", field="duration", query=server, group_by=["service"]),
        ),
        Call("p95 by route, 1 h", "POST", "/timeseries", series(1, aggregate="p95", **checkout)),
        Call("logs by level, 24 h", "POST", "/timeseries", logs),
        Call("consumer lag, 6 h", "POST", "/timeseries", {**lag, **last(6)}),
        Call("newest errors, 24 h", "POST", "/search", {"signal": "logs", **errors}),
        Call("a Korean phrase, 24 h", "POST", "/search", {"signal": "logs", **korean}),
        Call("a trace", "GET", f"/traces/{trace_id}"),
    ]
