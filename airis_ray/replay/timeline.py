"""A session's timeline: what its recorder noted, and what traces and logs say of its requests."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from airis_ray.analytics.ranges import key_hint
from airis_ray.analytics.sql import Sql, bind, sql, text, time
from airis_ray.replay.events import SCOPE
from airis_ray.replay.marks import MOST_MARKS, Mark, failed
from airis_ray.replay.summary import Laid, Summary, unhappy_clicks
from airis_ray.store.protocol import Query, Store
from airis_ray.telemetry.times import SECOND, format_time

MOST: Final = 10_000
"""Marks of one timeline."""
_LOGS: Final = 1000
_SLACK_NS: Final = 3600 * SECOND
"""How far clocks of browsers and servers may be apart, and work may go on after its request."""
_MS: Final = 1_000_000

_TRACES: Final = Sql(
    "TraceId AS trace_id, toUnixTimestamp64Nano(min(Timestamp)) AS at, argMin(toString(SpanName), Timestamp) AS name, "
    "groupUniqArray(50)(toString(ServiceName)) AS services, count() AS spans, "
    "countIf(StatusCode IN ('Error', 'STATUS_CODE_ERROR')) AS error_spans, "
    "max(toUnixTimestamp64Nano(Timestamp) + Duration) - min(toUnixTimestamp64Nano(Timestamp)) AS took"
)
_LOG: Final = Sql(
    "TraceId AS trace_id, SpanId AS span_id, toUnixTimestamp64Nano(Timestamp) AS at, toString(ServiceName) AS service, "
    "toString(SeverityText) AS level, substringUTF8(Body, 1, 1000) AS text"
)


async def timeline(
    store: Store, tenant: str, session: str, summary: Summary, laid: Laid, dead_ms: int
) -> dict[str, Any]:
    """The timeline as the API tells it."""
    marks = [{**mark, "tab": each.block.tab} for each in laid.blocks for mark in each.marks]
    short = any(len(each.block.facts.marks) >= MOST_MARKS for each in laid.blocks)
    for clicks in unhappy_clicks(laid, dead_ms):
        marks += clicks
    told = [_mark(mark) for mark in marks]
    if summary.trace_ids:
        traces, logs = await asyncio.gather(_traces(store, tenant, summary), _logs(store, tenant, summary))
        told += traces + logs
        short = short or len(logs) >= _LOGS
    told.sort(key=lambda mark: mark["at_ns"])
    start = summary.start * _MS
    for mark in told:
        at = mark.pop("at_ns")
        mark["time"], mark["offset_ms"] = format_time(at), (at - start) // _MS
    return {
        "id": session,
        "started_at": format_time(start),
        "duration_ms": summary.end - summary.start,
        "marks": told[:MOST],
        "truncated": short or len(told) > MOST,
    }


def _mark(mark: Mark) -> dict[str, Any]:
    told = {name: value for name, value in mark.items() if name not in ("at", "event")}
    if mark["kind"] == "network":
        told["failed"] = failed(mark)
    return {**told, "at_ns": mark["at"] * _MS}


async def _traces(store: Store, tenant: str, summary: Summary) -> list[dict[str, Any]]:
    statement = sql(
        "SELECT {} FROM otel_traces WHERE {} GROUP BY TraceId",
        _TRACES,
        _of(summary, "otel_traces"),
    )
    rows = (await store.query(Query(statement.text, statement.parameters, tenant))).table.to_pylist()
    return [
        {
            "kind": "trace",
            "at_ns": row.pop("at"),
            "duration_ms": row.pop("took") / _MS,
            **row,
            "services": sorted(row["services"]),
        }
        for row in rows
    ]


async def _logs(store: Store, tenant: str, summary: Summary) -> list[dict[str, Any]]:
    statement = sql(
        "SELECT {} FROM otel_logs WHERE {} AND ScopeName != {} ORDER BY Timestamp LIMIT {}",
        _LOG,
        _of(summary, "otel_logs"),
        text(SCOPE),
        bind(_LOGS, "UInt64"),
    )
    rows: Sequence[dict[str, Any]] = (
        await store.query(Query(statement.text, statement.parameters, tenant))
    ).table.to_pylist()
    return [{"kind": "log", "at_ns": row.pop("at"), **row} for row in rows]


def _of(summary: Summary, table: str) -> Sql:
    """The condition that a row belongs to one of the session's traces."""
    start, end = summary.start * _MS - _SLACK_NS, summary.end * _MS + _SLACK_NS
    listed = bind(",".join(summary.trace_ids), "String")
    return sql(
        "TraceId IN splitByChar(',', {}) AND Timestamp >= {} AND Timestamp < {} AND {}",
        listed,
        time(start),
        time(end),
        key_hint(table, start, end),
    )
