"""Spans, logs and points by the seconds after one moment, for tests of series."""

from __future__ import annotations

from typing import Any, Final

from tests.support.records import START, batch

__all__ = ["SECOND", "T0", "batch", "counter", "log", "ns", "point", "span"]

SECOND: Final = 1_000_000_000
T0: Final = START + 1800 * SECOND
"""On the grid of every roll-up."""


def span(at: float, **columns: Any) -> dict[str, Any]:
    """A span of ``ms`` milliseconds that starts ``at`` seconds after T0; ``error`` makes it fail."""
    row = {"Timestamp": ns(at), "SpanKind": "Server", "SpanName": "GET /", "ServiceName": "cart"}
    row["Duration"] = round(columns.pop("ms", 1) * 1_000_000)
    row["StatusCode"] = "Error" if columns.pop("error", False) else "Unset"
    return row | columns


def log(at: float, **columns: Any) -> dict[str, Any]:
    """A log record ``at`` seconds after T0."""
    row = {"Timestamp": ns(at), "ServiceName": "cart", "SeverityText": "INFO", "SeverityNumber": 9}
    return row | columns


def point(at: float, value: float | None = None, **columns: Any) -> dict[str, Any]:
    """A point of a metric ``at`` seconds after T0; ``start`` is that of its StartTimeUnix."""
    row: dict[str, Any] = {"MetricName": "m", "ServiceName": "cart", "TimeUnix": ns(at)}
    if value is not None:
        row["Value"] = value
    start = columns.pop("start", None)
    row["StartTimeUnix"] = 0 if start is None else ns(start)
    return row | columns


def counter(at: float, value: float, **columns: Any) -> dict[str, Any]:
    """A point of a cumulative monotonic sum."""
    return point(at, value, **{"AggregationTemporality": 2, "IsMonotonic": True, **columns})


def ns(at: float) -> int:
    """Nanoseconds since 1970 of the seconds after T0."""
    return T0 + round(at * SECOND)
