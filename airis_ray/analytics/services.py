"""GET /services: requests, errors and latencies of every service, and its logs."""

from __future__ import annotations

import asyncio
from typing import Final

from airis_ray.analytics import plan
from airis_ray.analytics.buckets import Grid
from airis_ray.analytics.measures import FAILED_LOG, FAILED_SPAN, REQUEST_SPAN, Measure
from airis_ray.analytics.models import ServiceRow
from airis_ray.analytics.sql import TRUE, Sql, sql
from airis_ray.store import Query, Store, histogram
from airis_ray.telemetry.times import TimeRange

_MILLISECOND: Final = 1_000_000

_SPANS: Final = Measure(
    {"n": Sql("count()"), "e": sql("countIf({})", FAILED_SPAN)},
    {"n": Sql("sum(Count)"), "e": Sql("sum(Errors)"), "h": Sql(histogram.merged_sql("Latency"))},
    TRUE,
    latency=True,
)
_LOGS: Final = Measure(
    {"n": Sql("count()"), "e": sql("countIf({})", FAILED_LOG)},
    {"n": Sql("sum(Count)"), "e": sql("sumIf(Count, {})", FAILED_LOG)},
    TRUE,
)


async def services(store: Store, tenant: str, asked: TimeRange, *, rollups: bool = True) -> list[ServiceRow]:
    """Every service that sent spans or logs in the range, the busiest first.

    Requests are the spans of kind Server and Consumer; a service without any has no error rate and no
    latencies.
    """
    spans, logs = await asyncio.gather(
        _rows(store, tenant, _span_statement(asked, rollups)),
        _rows(store, tenant, _log_statement(asked, rollups)),
    )
    by_name = {str(row["name"]): row for row in spans}
    logs_of = {str(row["name"]): row for row in logs}
    rows = [_service(name, by_name.get(name, {}), logs_of.get(name, {})) for name in by_name | logs_of]
    return sorted(rows, key=lambda row: (-row.requests, -row.logs, row.name))


def _service(name: str, spans: dict[str, object], logs: dict[str, object]) -> ServiceRow:
    latencies = {f"p{n}_ms": _in_ms(spans.get(f"p{n}")) for n in (50, 95, 99)}
    return ServiceRow.model_validate(
        {
            "name": name,
            "requests": spans.get("requests", 0),
            "error_rate": spans.get("error_rate"),
            **latencies,
            "logs": logs.get("logs", 0),
            "error_logs": logs.get("errors", 0),
        }
    )


def _in_ms(nanoseconds: object) -> float | None:
    return nanoseconds / _MILLISECOND if isinstance(nanoseconds, float) else None


async def _rows(store: Store, tenant: str, statement: Sql) -> list[dict[str, object]]:
    result = await store.query(Query(statement.text, statement.parameters, tenant))
    rows: list[dict[str, object]] = result.table.to_pylist()
    return rows


def _span_statement(asked: TimeRange, rollups: bool) -> Sql:
    question = plan.Question(
        "otel_traces",
        plan.TIMESTAMP,
        plan.SERVICES,
        _SPANS,
        TRUE,
        {"l0": Sql("ServiceName"), "l1": REQUEST_SPAN},
        {"ServiceName", "SpanKind"},
        _whole(asked),
    )
    parts, _ = plan.answer(question, rollups=rollups)
    quantiles = ", ".join(f"{histogram.quantile_sql('h', n / 100)} AS p{n}" for n in (50, 95, 99))
    return sql(
        "SELECT name, requests, if(requests = 0, NULL, errors / requests) AS error_rate, {} FROM "
        "(SELECT toString(l0) AS name, sumIf(n, l1) AS requests, sumIf(e, l1) AS errors, "
        "sumMapIf(h, l1) AS h FROM ({}) GROUP BY name)",
        Sql(quantiles),
        parts,
    )


def _log_statement(asked: TimeRange, rollups: bool) -> Sql:
    question = plan.Question(
        "otel_logs",
        plan.TIMESTAMP,
        plan.LOGS,
        _LOGS,
        TRUE,
        {"l0": Sql("ServiceName")},
        {"ServiceName"},
        _whole(asked),
    )
    parts, _ = plan.answer(question, rollups=rollups)
    return sql("SELECT toString(l0) AS name, sum(n) AS logs, sum(e) AS errors FROM ({}) GROUP BY name", parts)


def _whole(asked: TimeRange) -> Grid:
    return Grid(asked.start_ns, asked.end_ns, asked.length_ns)
