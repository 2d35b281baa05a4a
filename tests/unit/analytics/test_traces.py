"""GET /traces/{trace_id} and GET /metrics."""

from __future__ import annotations

import pytest

from airis_ray.analytics.metrics import metrics
from airis_ray.analytics.models import MetricRow, TraceAnswer
from airis_ray.analytics.traces import trace
from airis_ray.errors import InvalidInput, NotFound
from airis_ray.telemetry.times import TimeRange
from tests.support.local_store import LocalStore
from tests.unit.analytics.builders import batch, counter, log, ns, point, span

TRACE = "0af7651916cd43dd8448eb211c80319c"


async def test_a_trace_with_all_that_belongs_to_it(migrated_store: LocalStore, tenant: str) -> None:
    rows = [
        span(1.5, ms=10, TraceId=TRACE, SpanId="b" * 16, ParentSpanId="a" * 16, SpanKind="Client"),
        {
            **span(
                1, ms=1000, TraceId=TRACE, SpanId="a" * 16, error=True, SpanAttributes={"http.route": "/"}
            ),
            "Events.Timestamp": [ns(1.25)],
            "Events.Name": ["exception"],
            "Events.Attributes": [{"exception.type": "Timeout"}],
            "Links.TraceId": ["c" * 32],
            "Links.SpanId": ["d" * 16],
            "Links.TraceState": ["k=v"],
            "Links.Attributes": [{"reason": "retry"}],
        },
        span(1, ms=10, TraceId="e" * 32, SpanId="f" * 16),
    ]
    await migrated_store.insert("otel_traces", batch("otel_traces", tenant, rows))
    logs = [log(1, TraceId=TRACE), log(2, TraceId=TRACE), log(2, TraceId="e" * 32)]
    await migrated_store.insert("otel_logs", batch("otel_logs", tenant, logs))
    found = await trace(migrated_store, tenant, TRACE.upper())
    answer = TraceAnswer.model_validate(found)
    assert (answer.trace_id, answer.logs, answer.truncated) == (TRACE, 2, False)
    assert [each.span_id for each in answer.spans] == ["a" * 16, "b" * 16]
    assert answer.critical_path == ["a" * 16, "b" * 16]
    root = found["spans"][0]
    assert root["start"] == "2100-01-01T00:30:01.000000000Z"
    assert (root["duration_ns"], root["status"], root["kind"]) == (10**9, "Error", "Server")
    assert root["attributes"] == {"http.route": "/"}
    assert root["events"] == [
        {
            "time": "2100-01-01T00:30:01.250000000Z",
            "name": "exception",
            "attributes": {"exception.type": "Timeout"},
        }
    ]
    assert root["links"] == [
        {"trace_id": "c" * 32, "span_id": "d" * 16, "trace_state": "k=v", "attributes": {"reason": "retry"}}
    ]


async def test_spans_of_one_insert_each_are_all_found(migrated_store: LocalStore, tenant: str) -> None:
    for number in range(12):  # the engine merges every few inserts: parts of one row and of many take turns
        trace_id = f"{number + 1:032x}"
        for span_id, second in (("b" * 16, 1.5), ("a" * 16, 1.25)):
            rows = [span(second, ms=10, TraceId=trace_id, SpanId=span_id)]
            await migrated_store.insert("otel_traces", batch("otel_traces", tenant, rows))
        found = await trace(migrated_store, tenant, trace_id)
        assert [each["span_id"] for each in found["spans"]] == ["a" * 16, "b" * 16]


async def test_a_trace_that_is_not_there(migrated_store: LocalStore, tenant: str) -> None:
    with pytest.raises(NotFound, match="no trace"):
        await trace(migrated_store, tenant, "1" * 32)
    with pytest.raises(InvalidInput, match="32 hexadecimal digits"):
        await trace(migrated_store, tenant, "not-a-trace")


async def test_a_trace_of_another_tenant_is_not_there(migrated_store: LocalStore, tenant: str) -> None:
    rows = [span(1, TraceId="2" * 32, SpanId="a" * 16)]
    await migrated_store.insert("otel_traces", batch("otel_traces", tenant, rows))
    assert (await trace(migrated_store, tenant, "2" * 32))["spans"]
    with pytest.raises(NotFound):
        await trace(migrated_store, f"{tenant}-other", "2" * 32)


async def test_a_short_id_is_a_long_one_with_zeros(migrated_store: LocalStore, tenant: str) -> None:
    rows = [span(1, TraceId="0" * 16 + "3" * 16, SpanId="a" * 16)]
    await migrated_store.insert("otel_traces", batch("otel_traces", tenant, rows))
    assert (await trace(migrated_store, tenant, "3" * 16))["trace_id"] == "0" * 16 + "3" * 16


async def test_metrics_with_kinds_units_and_labels(migrated_store: LocalStore, tenant: str) -> None:
    sums = [
        counter(at, 1, MetricName="orders.placed", MetricUnit="{order}", Attributes={"country": country})
        for at in (0, 70)
        for country in ("KR", "US")
    ]
    gauges = [
        point(5, 1, MetricName="queue.depth", ServiceName="ad", ResourceAttributes={"host.name": "h"}),
        point(-9000, 1, MetricName="long.ago"),
    ]
    await migrated_store.insert("otel_metrics_sum", batch("otel_metrics_sum", tenant, sums))
    await migrated_store.insert("otel_metrics_gauge", batch("otel_metrics_gauge", tenant, gauges))
    asked = TimeRange(ns(0), ns(100))
    orders, queue = await metrics(migrated_store, tenant, asked)
    assert orders == MetricRow(
        name="orders.placed",
        kind="sum",
        unit="{order}",
        monotonic=True,
        labels=["country"],
        resource_labels=["service.name"],
        services=["cart"],
        series=2,
        last_seen="2100-01-01T00:31:10.000000000Z",
    )
    assert (queue.name, queue.kind, queue.monotonic) == ("queue.depth", "gauge", None)
    assert (queue.labels, queue.resource_labels, queue.services) == (
        [],
        ["host.name", "service.name"],
        ["ad"],
    )
    assert [row.name for row in await metrics(migrated_store, tenant, asked, prefix="ORD")] == [
        "orders.placed"
    ]
    assert [row.name for row in await metrics(migrated_store, tenant, asked, service="ad")] == ["queue.depth"]
    assert len(await metrics(migrated_store, tenant, asked, limit=1)) == 1
