"""Roll-ups hold what their base tables hold, whatever happens to an insert."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest

from airis_ray.errors import InvalidInput
from airis_ray.store import Query, rollups
from airis_ray.store.histogram import histogram_sql, merged_sql, quantile_sql, raw_quantile_sql
from tests.support.local_store import LocalStore
from tests.support.rows import rows

NS = 10**9
START = 1_790_000_100  # a whole quarter of an hour


def spans(tenant: str, count: int, seed: int = 1) -> pa.RecordBatch:
    rand = random.Random(seed)
    records = [
        {
            "Timestamp": START * NS + rand.randrange(3600 * NS),
            "ServiceName": rand.choice(["cart", "checkout", "결제"]),
            "SpanName": rand.choice(["GET /", "POST /api/checkout"]),
            "SpanKind": rand.choice(["Server", "Client", "SPAN_KIND_SERVER"]),
            "StatusCode": rand.choice(["Unset", "Ok", "Error", "STATUS_CODE_ERROR"]),
            "Duration": rand.choice([0, 1, int(rand.lognormvariate(14, 2)), 2**40]),
            "ResourceAttributes": {"k8s.pod.name": f"pod-{rand.randrange(4)}", "service.version": "2.3.9"},
            "SpanAttributes": {
                "app.country": rand.choice(["KR", "US"]),
                "app.user.id": f"u{rand.randrange(1000)}",
                "app.order.amount": str(rand.randrange(100_000)),
                "url.path": "/" + "x" * 200,
            },
        }
        for _ in range(count)
    ]
    return rows("otel_traces", tenant, records)


def logs(tenant: str, count: int, seed: int = 1) -> pa.RecordBatch:
    rand = random.Random(seed)
    records = [
        {
            "Timestamp": START * NS + rand.randrange(3600 * NS),
            "ServiceName": rand.choice(["cart", "checkout"]),
            "SeverityText": (level := rand.choice(["INFO", "ERROR"])),
            "SeverityNumber": 9 if level == "INFO" else 17,
            "Body": "결제 승인이 거절되었습니다",
            "LogAttributes": {"logger": rand.choice(["a", "b"]), "order.id": str(rand.random())},
        }
        for _ in range(count)
    ]
    return rows("otel_logs", tenant, records)


def points(tenant: str, count: int, seed: int = 1) -> pa.RecordBatch:
    rand = random.Random(seed)
    records = [
        {
            "TimeUnix": START + rand.randrange(3600),
            "ServiceName": "cart",
            "MetricName": rand.choice(["queue.depth", "process.memory.usage"]),
            "MetricUnit": "1",
            "Attributes": {"queue": rand.choice(["a", "b"]), "z": "1"},
            "Value": float(rand.randrange(1000)),
            "Flags": int(rand.random() < 0.1),
        }
        for _ in range(count)
    ]
    return rows("otel_metrics_gauge", tenant, records)


async def answer(store: LocalStore, tenant: str, sql: str) -> list[dict[str, Any]]:
    return list((await store.query(Query(sql, tenant=tenant))).table.to_pylist())


async def test_services_equal_raw(migrated_store: LocalStore, tenant: str) -> None:
    for seed in range(3):
        await migrated_store.insert("otel_traces", spans(tenant, 500, seed))
    failed = "StatusCode IN ('Error', 'STATUS_CODE_ERROR')"
    raw = f"""
        SELECT ServiceName, SpanKind, SpanName, toStartOfInterval(Timestamp, INTERVAL 10 SECOND, 'UTC') AS Time,
            count() AS Count, countIf({failed}) AS Errors, sum(Duration) AS DurationSum,
            min(Duration) AS DurationMin, max(Duration) AS DurationMax, {histogram_sql("Duration")} AS Latency
        FROM otel_traces GROUP BY ALL ORDER BY ALL
    """
    rolled = f"""
        SELECT ServiceName, SpanKind, SpanName, Time, sum(Count) AS Count, sum(Errors) AS Errors,
            sum(DurationSum) AS DurationSum, min(DurationMin) AS DurationMin, max(DurationMax) AS DurationMax,
            {merged_sql("Latency")} AS Latency
        FROM airis_services_10s GROUP BY ALL ORDER BY ALL
    """
    expected = await answer(migrated_store, tenant, raw)
    assert len(expected) > 500
    assert await answer(migrated_store, tenant, rolled) == expected
    per_service = "SELECT ServiceName, {} AS p95 FROM {} GROUP BY ServiceName ORDER BY ServiceName"
    assert await answer(
        migrated_store, tenant, per_service.format(raw_quantile_sql("Duration", 0.95), "otel_traces")
    ) == await answer(
        migrated_store,
        tenant,
        per_service.format(quantile_sql(merged_sql("Latency"), 0.95), "airis_services_10s"),
    )


async def test_logs_equal_raw(migrated_store: LocalStore, tenant: str) -> None:
    for seed in range(3):
        await migrated_store.insert("otel_logs", logs(tenant, 500, seed))
    by = "ServiceName, SeverityText, SeverityNumber"
    raw = f"""
        SELECT {by}, toStartOfInterval(Timestamp, INTERVAL 10 SECOND, 'UTC') AS Time, count() AS Count
        FROM otel_logs GROUP BY ALL ORDER BY ALL
    """
    rolled = f"SELECT {by}, Time, sum(Count) AS Count FROM airis_logs_10s GROUP BY ALL ORDER BY ALL"
    assert await answer(migrated_store, tenant, rolled) == await answer(migrated_store, tenant, raw)


async def test_facets_equal_raw(migrated_store: LocalStore, tenant: str) -> None:
    for seed in range(3):
        await migrated_store.insert("otel_traces", spans(tenant, 500, seed))
    raw = """
        SELECT toString(kv.1) AS Field, count() AS Count
        FROM otel_traces ARRAY JOIN arrayConcat(CAST(SpanAttributes, 'Array(Tuple(String, String))'),
            CAST(ResourceAttributes, 'Array(Tuple(String, String))')) AS kv
        GROUP BY Field ORDER BY Field
    """
    rolled = "SELECT Field, sum(Count) AS Count FROM airis_facets_15m {} GROUP BY Field ORDER BY Field"
    fields = await answer(migrated_store, tenant, rolled.format("WHERE Source != 'column'"))
    assert fields == await answer(migrated_store, tenant, raw)
    values = """
        SELECT Value, sum(Count) AS Count, max(Partial) AS Partial
        FROM airis_facets_15m WHERE Field = '{}' AND Signal = 'traces' GROUP BY Value ORDER BY Value
    """
    country = "SELECT SpanAttributes['app.country'] AS Value, count() AS Count, 0 AS Partial FROM otel_traces"
    assert await answer(migrated_store, tenant, values.format("app.country")) == await answer(
        migrated_store, tenant, f"{country} GROUP BY Value ORDER BY Value"
    )
    status = await answer(migrated_store, tenant, values.format("StatusCode"))
    assert [row["Value"] for row in status] == ["Error", "Ok", "STATUS_CODE_ERROR", "Unset"]


@pytest.mark.parametrize("field", ["app.user.id", "app.order.amount", "url.path"])
async def test_values_without_end_are_counted_and_not_kept(
    migrated_store: LocalStore, tenant: str, field: str
) -> None:
    """A key that names an id, one with a thousand values in a quarter of an hour, and one of long values."""
    await migrated_store.insert("otel_traces", spans(tenant, 4000))
    sql = f"""
        SELECT Value, sum(Count) AS Count, max(Partial) AS Partial
        FROM airis_facets_15m WHERE Field = '{field}' GROUP BY Value
    """
    assert await answer(migrated_store, tenant, sql) == [{"Value": "", "Count": 4000, "Partial": 1}]


async def test_series_equal_raw(migrated_store: LocalStore, tenant: str) -> None:
    for seed in range(3):
        await migrated_store.insert("otel_metrics_gauge", points(tenant, 500, seed))
    raw = """
        SELECT MetricName, MetricUnit, ServiceName, Attributes, SeriesHash,
            toStartOfInterval(TimeUnix, INTERVAL 1 MINUTE, 'UTC') AS Time, count() AS Points, sum(Value) AS Sum,
            min(Value) AS Min, max(Value) AS Max, min((TimeUnix, Value)).2 AS First, max((TimeUnix, Value)).2 AS Last
        FROM otel_metrics_gauge WHERE bitAnd(Flags, 1) = 0 GROUP BY ALL ORDER BY MetricName, SeriesHash, Time
    """
    rolled = """
        SELECT MetricName, MetricUnit, ServiceName, any(a.Attributes) AS Attributes, SeriesHash, Time,
            sum(a.Points) AS Points, sum(a.Sum) AS Sum, min(a.Min) AS Min, max(a.Max) AS Max,
            min(a.First).2 AS First, max(a.Last).2 AS Last
        FROM airis_series_1m AS a
        GROUP BY MetricName, MetricUnit, ServiceName, SeriesHash, Time ORDER BY MetricName, SeriesHash, Time
    """
    assert await answer(migrated_store, tenant, rolled) == await answer(migrated_store, tenant, raw)


async def test_the_order_of_attributes_does_not_make_another_series(
    migrated_store: LocalStore, tenant: str
) -> None:
    point = {"MetricName": "m", "TimeUnix": START, "Value": 1.0}
    batch = rows(
        "otel_metrics_gauge",
        tenant,
        [
            {**point, "Attributes": {"a": "1", "b": "2"}},
            {**point, "Attributes": {"b": "2", "a": "1"}},
            {**point, "Attributes": {"a": "2", "b": "1"}},
        ],
    )
    await migrated_store.insert("otel_metrics_gauge", batch)
    sql = "SELECT count() AS n FROM otel_metrics_gauge GROUP BY SeriesHash ORDER BY n"
    assert await answer(migrated_store, tenant, sql) == [{"n": 1}, {"n": 2}]


async def test_the_same_token_counts_once_also_in_the_views(migrated_store: LocalStore, tenant: str) -> None:
    batch = spans(tenant, 300)
    for _ in range(3):
        await migrated_store.insert("otel_traces", batch, token=f"{tenant}-1")
    await migrated_store.insert("otel_traces", batch, token=f"{tenant}-2")
    sql = """
        SELECT (SELECT count() FROM otel_traces) AS raw, (SELECT sum(Count) FROM airis_services_10s) AS services,
            (SELECT sum(Count) FROM airis_facets_15m WHERE Field = 'app.country') AS facets
    """
    assert await answer(migrated_store, tenant, sql) == [{"raw": 600, "services": 600, "facets": 600}]


async def test_a_repeated_insert_fills_a_view_that_had_missed_it(
    migrated_store: LocalStore, tenant: str
) -> None:
    """What a crash between the base table and a view leaves: the retry with the token heals it."""
    batch = spans(tenant, 300)
    await migrated_store.command("DETACH TABLE airis_services_10s_mv")
    try:
        await migrated_store.insert("otel_traces", batch, token=tenant)
    finally:
        await migrated_store.command("ATTACH TABLE airis_services_10s_mv")
    await migrated_store.insert("otel_traces", batch, token=tenant)
    sql = """
        SELECT (SELECT count() FROM otel_traces) AS raw, (SELECT sum(Count) FROM airis_services_10s) AS services,
            (SELECT sum(Count) FROM airis_facets_15m WHERE Field = 'app.country') AS facets
    """
    assert await answer(migrated_store, tenant, sql) == [{"raw": 300, "services": 300, "facets": 300}]


@pytest.mark.parametrize(
    ("rollup", "table", "make"),
    [
        ("airis_services_10s", "otel_traces", spans),
        ("airis_logs_10s", "otel_logs", logs),
        ("airis_facets_15m", "otel_traces", spans),
        ("airis_series_1m", "otel_metrics_gauge", points),
    ],
)
async def test_rebuild_makes_what_the_views_made(
    migrated_store: LocalStore,
    tenant: str,
    rollup: str,
    table: str,
    make: Callable[[str, int], pa.RecordBatch],
) -> None:
    await migrated_store.insert(table, make(tenant, 2000))
    everything = f"SELECT * FROM {rollup} ORDER BY ALL"
    await migrated_store.command(f"OPTIMIZE TABLE {rollup} FINAL")
    before = await answer(migrated_store, tenant, everything)
    assert await rollups.differences(migrated_store, rollup, START, START + 3600) == []

    await migrated_store.command(
        f"DELETE FROM {rollup} WHERE Tenant = '{tenant}' AND Time < toDateTime({START + 1800})"
    )
    missing = await rollups.differences(migrated_store, rollup, START, START + 3600)
    assert missing
    assert max(missing) < START + 1800

    for _ in range(2):
        assert await rollups.rebuild(migrated_store, rollup, START, START + 3600) >= len(before)
        await migrated_store.command(f"OPTIMIZE TABLE {rollup} FINAL")
        assert await answer(migrated_store, tenant, everything) == before


async def test_rebuild_of_an_unknown_roll_up_names_those_there_are(migrated_store: LocalStore) -> None:
    with pytest.raises(InvalidInput, match="airis_services_10s"):
        await rollups.rebuild(migrated_store, "airis_service_10s", START, START + 10)
