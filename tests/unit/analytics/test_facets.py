"""Fields and their values: the roll-up and the rows give the same counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import pytest

from airis_ray.aiops.watch.findings import Finding, Subject, write
from airis_ray.analytics.facets import FacetQuery, FacetSignal, fields, values
from airis_ray.errors import InvalidInput
from airis_ray.telemetry.times import TimeRange
from tests.support import records
from tests.support.local_store import LocalStore

MINUTE = 60 * 10**9
START = records.START


def log_rows() -> list[dict[str, Any]]:
    """Two hours, a row a minute."""
    return [
        {
            "Timestamp": START + n * MINUTE,
            "ServiceName": ("cart", "ad", "")[n % 3],
            "SeverityText": ("INFO", "warning", "", "ERROR")[n % 4],
            "SeverityNumber": (9, 13, 17, 0)[n % 4],
            "LogAttributes": {"app.country": "KR"}
            if n % 5 == 0
            else {"request.id": str(n), "both": f"log{n % 2}"},
            "ResourceAttributes": {
                "k8s.node.name": f"node-{n % 6}",
                **({"both": "resource"} if n % 2 else {}),
            },
        }
        for n in range(120)
    ]


def span_rows() -> list[dict[str, Any]]:
    return [
        {
            "Timestamp": START + n * MINUTE,
            "ServiceName": "frontend",
            "SpanKind": ("Server", "Client")[n % 2],
            "StatusCode": ("Unset", "Error", "Unset")[n % 3],
            "SpanAttributes": {"http.response.status_code": str(200 + n % 3)}
            if n % 4
            else {"http.status_code": "404"},
            "Events.Name": ["exception"] if n % 10 == 0 else [],
            "Events.Timestamp": [1] if n % 10 == 0 else [],
            "Events.Attributes": [{}] if n % 10 == 0 else [],
        }
        for n in range(120)
    ]


@pytest.fixture
async def stored(migrated_store: LocalStore, tenant: str) -> LocalStore:
    await migrated_store.insert("otel_logs", records.log(tenant, *log_rows()))
    await migrated_store.insert("otel_traces", records.span(tenant, *span_rows()))
    return migrated_store


RANGES = (
    TimeRange(START, START + 120 * MINUTE),
    TimeRange(START + 7 * MINUTE + 1, START + 98 * MINUTE),
    TimeRange(START + 15 * MINUTE, START + 30 * MINUTE),
    TimeRange(START + 16 * MINUTE, START + 29 * MINUTE),
)


def asked(part: TimeRange, signal: FacetSignal = "logs", **more: Any) -> FacetQuery:
    return FacetQuery(**{"signal": signal, "range": part, "prefix": "", "limit": 1000, **more})


def within(listed: Iterable[dict[str, Any]], part: TimeRange) -> list[dict[str, Any]]:
    return [row for row in listed if part.start_ns <= row["Timestamp"] < part.end_ns]


def looked_up(row: dict[str, Any], record: str, *keys: str) -> str:
    found = [row.get(each, {}).get(key, "") for key in keys for each in (record, "ResourceAttributes")]
    return next((value for value in found if value), "")


LEVELS = {"INFO": "info", "warning": "warn", "": "error", "ERROR": "error"}


@pytest.mark.parametrize("part", RANGES)
async def test_values_are_counted_as_in_the_rows(stored: LocalStore, tenant: str, part: TimeRange) -> None:
    expected = {
        "service": [row["ServiceName"] for row in within(log_rows(), part)],
        "level": [LEVELS[row["SeverityText"]] for row in within(log_rows(), part)],
        "SeverityNumber": [str(row["SeverityNumber"]) for row in within(log_rows(), part)],
        "k8s.node.name": [
            looked_up(row, "LogAttributes", "k8s.node.name") for row in within(log_rows(), part)
        ],
        "app.country": [looked_up(row, "LogAttributes", "app.country") for row in within(log_rows(), part)],
        "both": [looked_up(row, "LogAttributes", "both") for row in within(log_rows(), part)],
        "request.id": [looked_up(row, "LogAttributes", "request.id") for row in within(log_rows(), part)],
        "ResourceAttributes.both": [
            row["ResourceAttributes"].get("both", "") for row in within(log_rows(), part)
        ],
        "nobody.has.this": [],
    }
    for name, listed in expected.items():
        table, _ = await values(stored, tenant, name, asked(part))
        found = {row["value"]: row["count"] for row in table.to_pylist()}
        assert found == Counter(value for value in listed if value), name


@pytest.mark.parametrize("part", RANGES)
async def test_values_of_spans(stored: LocalStore, tenant: str, part: TimeRange) -> None:
    kept = within(span_rows(), part)
    either = ("http.status_code", "http.response.status_code")
    expected = {
        "kind": [row["SpanKind"] for row in kept],
        "status": [row["StatusCode"] for row in kept],
        "http.status_code": [looked_up(row, "SpanAttributes", *either) for row in kept],
        "Events.Name": [name for row in kept for name in row["Events.Name"]],
    }
    for name, listed in expected.items():
        table, _ = await values(stored, tenant, name, asked(part, "traces"))
        assert {row["value"]: row["count"] for row in table.to_pylist()} == Counter(listed), name


@pytest.mark.parametrize("part", RANGES)
async def test_fields_are_counted_as_in_the_rows(stored: LocalStore, tenant: str, part: TimeRange) -> None:
    table, stats = await fields(stored, tenant, asked(part))
    found = {(row["source"], row["name"]): row["count"] for row in table.to_pylist()}
    expected: Counter[tuple[str, str]] = Counter()
    for row in within(log_rows(), part):
        expected.update(("column", name) for name in ("ServiceName", "SeverityText") if row[name])
        expected.update((map_, key) for map_ in ("LogAttributes", "ResourceAttributes") for key in row[map_])
        if row["ServiceName"]:
            expected[("ResourceAttributes", "service.name")] += 1
    assert {key: count for key, count in found.items() if count is not None} == expected
    assert found[("column", "level")] is None
    assert stats.elapsed_ms > 0
    counts = [row["count"] for row in table.to_pylist() if row["count"] is not None]
    assert counts == sorted(counts, reverse=True)


async def test_beginnings_limits_and_filters(stored: LocalStore, tenant: str) -> None:
    whole = RANGES[0]
    table, _ = await fields(stored, tenant, asked(whole, prefix="K8S."))
    assert table.column("name").to_pylist() == ["k8s.node.name"]
    table, _ = await fields(stored, tenant, asked(whole, limit=3))
    assert table.num_rows == 3
    table, _ = await values(stored, tenant, "service", asked(whole, prefix="C"))
    assert table.to_pylist() == [{"value": "cart", "count": 40}]
    table, _ = await values(stored, tenant, "service", asked(whole, query="app.country:KR", limit=1))
    assert table.to_pylist() == [{"value": "ad", "count": 8}]


async def test_sessions_come_from_the_rows(stored: LocalStore, tenant: str) -> None:
    for signal in ("sessions", "traces"):
        table, _ = await fields(stored, f"{tenant}-other", asked(RANGES[0], signal))
        assert set(table.column("count").to_pylist()) == {None}
    table, _ = await values(stored, tenant, "level", asked(RANGES[0], "sessions"))
    assert table.num_rows == 0


async def test_an_anomaly_counts_once(migrated_store: LocalStore, tenant: str) -> None:
    subject, span = Subject("cart", "traces", "error_rate", labels=(("pod", "a"),)), (START, START + MINUTE)
    for version, score in enumerate((0.6, 0.9)):
        found = Finding(
            tenant, 1, subject, *span, "level", score, "above", 0.1, 0.5, "more", "많다", "robust"
        )
        await write(migrated_store, [found], now_ns=version * MINUTE)
    table, _ = await fields(migrated_store, tenant, asked(RANGES[0], "anomalies"))
    counts = {row["name"]: row["count"] for row in table.to_pylist()}
    assert counts["service"] == counts["metric"] == counts["pod"] == 1
    assert counts["score"] is None
    for name, expected in (("service", "cart"), ("direction", "above"), ("pod", "a"), ("lasting", "true")):
        table, _ = await values(migrated_store, tenant, name, asked(RANGES[0], "anomalies"))
        assert table.to_pylist() == [{"value": expected, "count": 1}], name


async def test_metrics_are_counted_by_their_points(migrated_store: LocalStore, tenant: str) -> None:
    gauges = [
        {
            "TimeUnix": START + n * 30 * 10**9,
            "MetricName": ("cpu", "Memory")[n % 2],
            "MetricUnit": ("1", "By")[n % 2],
            "ServiceName": "cart",
            "Attributes": {"core": str(n % 3)},
            "ResourceAttributes": {"k8s.pod.name": "p"},
        }
        for n in range(12)
    ]
    await migrated_store.insert("otel_metrics_gauge", records.batch("otel_metrics_gauge", tenant, gauges))
    whole = TimeRange(START, START + 6 * MINUTE)
    table, _ = await fields(migrated_store, tenant, asked(whole, "metrics"))
    counted = {(r["source"], r["name"]): r["count"] for r in table.to_pylist() if r["count"] is not None}
    columns = dict.fromkeys([("column", name) for name in ("MetricName", "ServiceName", "MetricUnit")], 12)
    maps = [
        ("Attributes", "core"),
        ("ResourceAttributes", "k8s.pod.name"),
        ("ResourceAttributes", "service.name"),
    ]
    assert counted == {**columns, **dict.fromkeys(maps, 12)}
    assert {"Value", "ScopeName"} <= {r["name"] for r in table.to_pylist() if r["count"] is None}

    for name, part, more, expected in (
        ("metric", whole, {}, {"Memory": 6, "cpu": 6}),
        ("metric", whole, {"prefix": "mem"}, {"Memory": 6}),
        ("core", whole, {"query": "metric:cpu k8s.pod.name:p"}, {"0": 2, "1": 2, "2": 2}),
        ("core", whole, {"query": "-core:0"}, {"1": 4, "2": 4}),
        ("MetricUnit", TimeRange(START + MINUTE, START + 2 * MINUTE), {}, {"1": 1, "By": 1}),
        ("nobody.has.this", whole, {}, {}),
    ):
        found, _ = await values(migrated_store, tenant, name, asked(part, "metrics", **more))
        assert {row["value"]: row["count"] for row in found.to_pylist()} == expected, name

    for name, query, pointer in (
        ("Value", "", "/field"),
        ("core", "value:>5", "/query"),
        ("scope", "", "/field"),
    ):
        with pytest.raises(InvalidInput) as raised:
            await values(migrated_store, tenant, name, asked(whole, "metrics", query=query))
        assert raised.value.errors[0].pointer == pointer


@pytest.mark.parametrize("name", ["Body", "Timestamp", "LogAttributes"])
async def test_what_has_no_values_to_list(stored: LocalStore, tenant: str, name: str) -> None:
    with pytest.raises(InvalidInput, match="no values that could be listed"):
        await values(stored, tenant, name, asked(RANGES[0]))
