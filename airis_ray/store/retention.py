"""How long each table keeps its rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from airis_ray.settings import RetentionSettings

_Signal = Literal["logs", "traces", "metrics", "sessions"]

RETENTION: Final[Mapping[str, tuple[tuple[_Signal, ...], str]]] = {
    "otel_logs": (("logs",), "Timestamp"),
    "otel_traces": (("traces",), "Timestamp"),
    "otel_traces_trace_id_ts": (("traces",), "Start"),
    "otel_metrics_gauge": (("metrics",), "TimeUnix"),
    "otel_metrics_sum": (("metrics",), "TimeUnix"),
    "otel_metrics_histogram": (("metrics",), "TimeUnix"),
    "otel_metrics_exponential_histogram": (("metrics",), "TimeUnix"),
    "otel_metrics_summary": (("metrics",), "TimeUnix"),
    "hyperdx_sessions": (("sessions",), "TimestampTime"),
    "airis_services_10s": (("traces",), "Time"),
    "airis_logs_10s": (("logs",), "Time"),
    "airis_facets_15m": (("logs", "traces"), "Time"),
    "airis_series_1m": (("metrics",), "Time"),
}
"""Table → the signals it is made of (the longest retention counts), and the column its age is taken from."""


def ttl_expression(table: str, retention: RetentionSettings) -> str:
    """The TTL expression of a table as ClickHouse prints it back; the empty string where rows are kept for
    ever."""
    signals, column = RETENTION[table]
    ages = [round(getattr(retention, signal)) for signal in signals]
    return f"toDateTime({column}) + toIntervalSecond({max(ages)})" if all(ages) else ""
