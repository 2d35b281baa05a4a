"""GET /traces/{trace_id}: the spans of a trace, its critical path and how many logs belong to it."""

from __future__ import annotations

import asyncio
import re
from typing import Any, Final

import pyarrow as pa

from airis_ray.analytics.critical_path import PathSpan, critical_path
from airis_ray.analytics.sql import Sql, sql, text
from airis_ray.errors import InvalidInput, NotFound
from airis_ray.store import Query, Store
from airis_ray.telemetry.times import format_time

MAX_SPANS: Final = 100_000
"""Spans of one answer; a trace of more is told to be truncated."""

_ID: Final = re.compile(r"[0-9a-f]{32}|[0-9a-f]{16}", re.ASCII)
_LOG_SLACK: Final = Sql("3600")
"""Seconds around a trace in which its logs are looked for."""

_COLUMNS: Final = """
    SpanId AS span_id, ParentSpanId AS parent_span_id, toString(SpanName) AS name, toString(SpanKind) AS kind,
    toString(ServiceName) AS service, toUnixTimestamp64Nano(Timestamp) AS start, Duration AS duration_ns,
    toString(StatusCode) AS status, StatusMessage AS status_message, TraceState AS trace_state,
    ScopeName AS scope_name, toString(ScopeVersion) AS scope_version,
    SpanAttributes AS attributes, ResourceAttributes AS resource_attributes,
    arrayMap(t -> toUnixTimestamp64Nano(t), `Events.Timestamp`) AS event_times, `Events.Name` AS event_names,
    `Events.Attributes` AS event_attributes, `Links.TraceId` AS link_traces, `Links.SpanId` AS link_spans,
    `Links.TraceState` AS link_states, `Links.Attributes` AS link_attributes"""


async def trace(store: Store, tenant: str, trace_id: str) -> dict[str, Any]:
    """The trace of this id (hexadecimal, 32 digits or 16), its spans by their start.

    Raises InvalidInput for what is no id and NotFound where no span has it.
    """
    wanted = trace_id.lower()
    if not _ID.fullmatch(wanted):
        raise InvalidInput.field(
            "/trace_id", f"{trace_id[:80]!r} is no trace id; expected 32 hexadecimal digits"
        )
    wanted = wanted.zfill(32)
    table, logs = await asyncio.gather(
        _spans(store, tenant, wanted, bounded=True), _logs(store, tenant, wanted)
    )
    if not table.num_rows:
        # The table of times is filled by a view, which may lag behind a crash: the spans themselves decide.
        table = await _spans(store, tenant, wanted, bounded=False)
    if not table.num_rows:
        raise NotFound(f"there is no trace {trace_id}")
    spans = [_span(row) for row in table.slice(0, MAX_SPANS).to_pylist()]
    answer = {
        "trace_id": wanted,
        "spans": spans,
        "critical_path": critical_path([_path_span(span) for span in spans]),
        "logs": logs,
    }
    if table.num_rows > MAX_SPANS:
        answer["truncated"] = True
    for span in spans:
        span["start"] = format_time(span["start"])
    return answer


async def _spans(store: Store, tenant: str, trace_id: str, *, bounded: bool) -> pa.Table:
    # DateTime64(9) as the column: held against whole seconds, the index over Timestamp loses parts of a single row.
    when = sql(
        "AND Timestamp >= (SELECT toDateTime64(min(Start), 9) FROM otel_traces_trace_id_ts WHERE TraceId = {}) "
        "AND Timestamp < (SELECT toDateTime64(max(End) + 1, 9) FROM otel_traces_trace_id_ts WHERE TraceId = {})",
        text(trace_id),
        text(trace_id),
    )
    statement = sql(
        "SELECT {} FROM otel_traces WHERE TraceId = {} {} ORDER BY Timestamp, span_id LIMIT {}",
        Sql(_COLUMNS),
        text(trace_id),
        when if bounded else Sql(""),
        Sql(str(MAX_SPANS + 1)),
    )
    return (await store.query(Query(statement.text, statement.parameters, tenant))).table


async def _logs(store: Store, tenant: str, trace_id: str) -> int:
    statement = sql(
        "SELECT count() AS n FROM otel_logs WHERE TraceId = {} "
        "AND Timestamp >= (SELECT toDateTime64(min(Start) - {}, 9) FROM otel_traces_trace_id_ts WHERE TraceId = {}) "
        "AND Timestamp < (SELECT toDateTime64(max(End) + {}, 9) FROM otel_traces_trace_id_ts WHERE TraceId = {})",
        text(trace_id),
        _LOG_SLACK,
        text(trace_id),
        _LOG_SLACK,
        text(trace_id),
    )
    return int((await store.query(Query(statement.text, statement.parameters, tenant))).table["n"][0].as_py())


def _span(row: dict[str, Any]) -> dict[str, Any]:
    events = zip(row.pop("event_times"), row.pop("event_names"), row.pop("event_attributes"), strict=True)
    links = zip(
        *(row.pop(f"link_{name}") for name in ("traces", "spans", "states", "attributes")), strict=True
    )
    return {
        **row,
        "attributes": dict(row["attributes"]),
        "resource_attributes": dict(row["resource_attributes"]),
        "events": [
            {"time": format_time(time), "name": name, "attributes": dict(attributes)}
            for time, name, attributes in events
        ],
        "links": [
            {"trace_id": trace_id, "span_id": span_id, "trace_state": state, "attributes": dict(attributes)}
            for trace_id, span_id, state, attributes in links
        ],
    }


def _path_span(span: dict[str, Any]) -> PathSpan:
    resource = span["resource_attributes"]
    process = f"{span['service']}\0{resource.get('service.instance.id', '')}\0{resource.get('host.name', '')}"
    kind = str(span["kind"]).removeprefix("SPAN_KIND_").title()
    start = int(span["start"])
    end = start + int(span["duration_ns"])
    return PathSpan(span["span_id"], span["parent_span_id"], start, end, kind, process)
