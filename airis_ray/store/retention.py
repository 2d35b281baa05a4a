"""How long each table keeps its rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from airis_ray.settings import RetentionSettings, SignalKind

RETENTION: Final[Mapping[str, tuple[tuple[SignalKind, ...], str]]] = {
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
    "airis_alerts": (("logs",), "Time"),
    "airis_anomalies": (("logs", "traces", "metrics"), "start"),
    "airis_verdicts": (("logs", "traces", "metrics"), "updated"),
    "airis_comparisons": (("logs", "traces"), "start"),
    "airis_replay_blocks": (("sessions",), "Start"),
    "airis_replay_sessions": (("sessions",), "start"),
}
"""Table → the signals it is made of (the longest retention counts), and the column its age is taken from."""

_NO_SERVICE: Final = frozenset(
    {
        "otel_traces_trace_id_ts",
        "airis_facets_15m",
        "airis_anomalies",
        "airis_verdicts",
        "airis_comparisons",
        "airis_replay_blocks",
        "airis_replay_sessions",
    }
)
"""Tables without a column ServiceName: they keep what is kept longest of anybody."""

_FOREVER: Final = 60 * 365 * 86_400
"""Seconds for one service's rows that are kept for ever beside others' that are not. ClickHouse's DateTime, in which
ages are reckoned, ends in 2106."""


def ttl_expression(table: str, retention: RetentionSettings) -> str:
    """The TTL expression of a table as ClickHouse prints it back; the empty string where all rows are kept for ever.

    Services that differ are in the expression and not in a ``DELETE WHERE`` of their own: ClickHouse merges the parts
    of such a TTL again and again (its issue 45608).
    """
    signals, column = RETENTION[table]
    ages = [round(getattr(retention, signal)) for signal in signals]
    services = [
        (name, round(age)) for signal in signals for name, age in retention.by_service(signal).items()
    ]
    if is_by_service(table, retention):
        names = ", ".join(_literal(name) for name, _ in services)
        kept = ", ".join(str(age or _FOREVER) for _, age in services)
        seconds = f"transform(ServiceName, [{names}], [{kept}], {ages[0] or _FOREVER})"
        return f"toDateTime({column}) + toIntervalSecond({seconds})"
    ages += [age for _, age in services]
    return f"toDateTime({column}) + toIntervalSecond({max(ages)})" if all(ages) else ""


def is_by_service(table: str, retention: RetentionSettings) -> bool:
    """Whether rows of one part of a table expire at different ages: then ClickHouse must not wait for whole parts."""
    signals, _ = RETENTION[table]
    return table not in _NO_SERVICE and any(retention.by_service(signal) for signal in signals)


def _literal(name: str) -> str:
    escaped = name.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
