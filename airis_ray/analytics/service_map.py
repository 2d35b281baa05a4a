"""GET /service-map: who calls whom, from server and consumer spans and their parents in other services."""

from __future__ import annotations

import asyncio
from typing import Final, cast

from airis_ray.analytics import plan
from airis_ray.analytics.fields import resolve
from airis_ray.analytics.measures import FAILED_SPAN
from airis_ray.analytics.models import MapEdge, MapNode, ServiceMap
from airis_ray.analytics.services import services
from airis_ray.analytics.sql import TRUE, Sql, bind, sql, time
from airis_ray.store import Query, Store, histogram
from airis_ray.telemetry.times import TimeRange

MAX_SPANS: Final = 1_000_000
"""Spans in the range above which traces are sampled: what two cores join in about a second."""

MAX_EDGES: Final = 10_000
_MAX_LINKS: Final = 100
"""Links of one consumer span that are followed: the messages of a batch."""

_SLACK_NS: Final = 300_000_000_000
"""How far outside of the range the other end of a call is looked for: a message may wait that long."""

_MILLISECOND: Final = 1_000_000
_CALLED: Final = Sql("SpanKind IN ('Server', 'Consumer', 'SPAN_KIND_SERVER', 'SPAN_KIND_CONSUMER')")
_CALLING: Final = Sql("SpanKind IN ('Client', 'Producer', 'SPAN_KIND_CLIENT', 'SPAN_KIND_PRODUCER')")


async def service_map(
    store: Store, tenant: str, asked: TimeRange, *, max_spans: int = MAX_SPANS
) -> ServiceMap:
    """Nodes and edges of a range.

    An edge counts the server and consumer spans of its target whose parent (or, of consumers, whose linked
    producer) belongs to its source; errors and latencies are the target's. Client and producer spans that no
    service answered lead to a node of the database or queue they name. Above ``max_spans`` traces are sampled
    by the hash of their id, and edges scaled up.
    """
    known, spans = await asyncio.gather(services(store, tenant, asked), _spans(store, tenant, asked))
    every = max(1, -(-spans // max_spans))
    statement = _statement(asked, every)
    rows = (await store.query(Query(statement.text, statement.parameters, tenant))).table.to_pylist()
    nodes = {
        row.name: MapNode(
            name=row.name, kind="service", requests=row.requests, error_rate=row.error_rate, p95_ms=row.p95_ms
        )
        for row in known
    }
    edges = []
    for row in rows:
        figures = {
            "requests": row["n"] * every,
            "error_rate": row["e"] / row["n"],
            "p95_ms": cast(float, row["p95"]) / _MILLISECOND,
        }
        if row["total"]:
            if row["kind"] != "service":
                nodes.setdefault(row["target"], MapNode(name=row["target"], kind=row["kind"], **figures))
        else:
            edges.append(MapEdge(source=row["source"], target=row["target"], **figures))
    return ServiceMap(nodes=list(nodes.values()), edges=edges, sampled=every > 1, sample=1 / every)


async def _spans(store: Store, tenant: str, asked: TimeRange) -> int:
    cell = plan.SERVICES.cell
    statement = sql(
        "SELECT sum(Count) AS n FROM airis_services_10s WHERE {}",
        plan.Clock("Time", fine=False).within(asked.start_ns // cell * cell, asked.end_ns),
    )
    result = await store.query(Query(statement.text, statement.parameters, tenant))
    return int(result.table["n"][0].as_py() or 0)


def _statement(asked: TimeRange, every: int) -> Sql:
    dependencies = sql(
        "multiIf(called, 'service', database != '', 'database', queue != '', 'queue', '') AS kind, "
        "multiIf(called, callee, database != '', database, queue) AS target"
    )
    joined = sql(
        "SELECT caller AS source, {}, if(called, c.took, p.took) AS took, "
        "if(called, c.failed, p.failed) AS failed FROM ({}) AS p LEFT JOIN ({}) AS c ON p.id = c.parent "
        "WHERE if(called, c.inside AND caller != callee, p.inside AND calling AND kind != '')",
        dependencies,
        _callers(asked, every),
        _callees(asked, every),
    )
    counted = sql(
        "SELECT source, target, kind, {} AS hb, count() AS hn, countIf(failed) AS he FROM ({}) "
        "GROUP BY source, target, kind, hb",
        Sql(histogram.bucket_sql("took")),
        joined,
    )
    return sql(
        "SELECT source, target, kind, total, n, e, {} AS p95 FROM "
        "(SELECT toString(source) AS source, target, kind, grouping(source) AS total, "
        "sum(hn) AS n, sum(he) AS e, sumMap(map(hb, hn)) AS h FROM ({}) "
        "GROUP BY GROUPING SETS ((source, target, kind), (target, kind))) "
        "ORDER BY total DESC, n DESC, source, target LIMIT {}",
        Sql(histogram.quantile_sql("h", 0.95)),
        counted,
        Sql(str(MAX_EDGES)),
    )


def _callers(asked: TimeRange, every: int) -> Sql:
    """Every span that may have called: its id, its service, and what it named as the other end."""
    return sql(
        "SELECT cityHash64(TraceId, SpanId) AS id, toString(ServiceName) AS caller, {} AS calling, "
        "toString({}) AS database, toString({}) AS queue, Duration AS took, {} AS failed, {} AS inside "
        "FROM otel_traces WHERE {} AND {}",
        _CALLING,
        resolve("db.system", "traces").value,
        resolve("messaging.destination.name", "traces").value,
        FAILED_SPAN,
        sql("Timestamp >= {}", time(asked.start_ns)),
        _between(max(asked.start_ns - _SLACK_NS, 0), asked.end_ns),
        _sampled("TraceId", every),
    )


def _callees(asked: TimeRange, every: int) -> Sql:
    """Every span that was called, once for its parent and once for each producer it links to."""
    links = sql(
        "if({}, arraySlice(arrayZip(`Links.TraceId`, `Links.SpanId`), 1, {}), [])",
        Sql("SpanKind IN ('Consumer', 'SPAN_KIND_CONSUMER')"),
        Sql(str(_MAX_LINKS)),
    )
    return sql(
        "SELECT cityHash64(parent_span.1, parent_span.2) AS parent, 1 AS called, "
        "toString(ServiceName) AS callee, Duration AS took, {} AS failed, {} AS inside FROM otel_traces "
        "ARRAY JOIN arrayDistinct(arrayConcat([(TraceId, ParentSpanId)], {})) AS parent_span "
        "WHERE {} AND {} AND parent_span.2 != '' AND {}",
        FAILED_SPAN,
        _between(asked.start_ns, asked.end_ns),
        links,
        _between(asked.start_ns, asked.end_ns + _SLACK_NS),
        _CALLED,
        _sampled("parent_span.1", every),
    )


def _between(start: int, end: int) -> Sql:
    return sql("(Timestamp >= {} AND Timestamp < {})", time(start), time(end))


def _sampled(column: str, every: int) -> Sql:
    """By the trace of the caller, so that both ends are taken or neither."""
    return TRUE if every == 1 else sql("cityHash64({}) % {} = 0", Sql(column), bind(every, "UInt64"))
