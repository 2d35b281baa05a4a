"""What the watcher reads of the roll-ups, and the grids that it makes of it."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from airis_ray.aiops.series import MINUTE, SECOND
from airis_ray.aiops.watch.grids import Counters, grid_of, history, increases, newest
from airis_ray.aiops.watch.sources import LOGS, METRICS, SERVICES
from airis_ray.aiops.watch.windows import Points, Rollups, Scope
from tests.support.local_store import LocalStore

START = 1_790_000_040 * SECOND // MINUTE * MINUTE


async def spans(store: LocalStore, tenant: str, service: str, minute: int, count: int, errors: int) -> None:
    """Server spans of 100 ms in a minute, some of them failed; and as many of the client's, which are no requests."""
    await store.command(
        "INSERT INTO otel_traces (Timestamp, ServiceName, SpanKind, SpanName, StatusCode, Duration, ResourceAttributes)"
        f" SELECT fromUnixTimestamp64Nano({START + minute * MINUTE} + intDiv(number, 2) * {SECOND}), '{service}',"
        f" if(number % 2 = 0, 'Server', 'Client'), 'GET /', if(intDiv(number, 2) < {errors}, 'Error', 'Ok'), 100000000,"
        f" map('airis.tenant', '{tenant}') FROM numbers({2 * count})"
    )


async def test_requests_errors_and_latencies_of_a_service(migrated_store: LocalStore, tenant: str) -> None:
    await spans(migrated_store, tenant, "cart", 0, 30, 3)
    await spans(migrated_store, tenant, "cart", 2, 4, 4)
    reader = Rollups(migrated_store, 60)
    points = await reader.points(tenant, SERVICES, START, START + 3 * MINUTE)
    keys = np.unique(points.keys)
    subjects = await reader.subjects(tenant, SERVICES, START, START + 3 * MINUTE, keys)
    grid, _ = grid_of(points, keys, START, 3, MINUTE)
    found = {subjects[int(key)].metric: row for key, row in zip(keys, grid, strict=True)}
    assert {subject.service for subject in subjects.values()} == {"cart"}
    np.testing.assert_allclose(found["requests"], [30, np.nan, 4])
    # Four requests are too few for a share or a quantile.
    np.testing.assert_allclose(found["errors"], [3, np.nan, 4])
    np.testing.assert_allclose(found["duration_p50"], [100, np.nan, np.nan], rtol=0.011)
    assert found.keys() == {"requests", "errors", "duration_p50"}
    assert len(await reader.points("nobody", SERVICES, START, START + MINUTE)) == 0


async def test_logs_by_level_however_it_is_spelled(migrated_store: LocalStore, tenant: str) -> None:
    texts, numbers = ["WARN", "warning", "", "ERROR", "odd", ""], [13, 0, 14, 17, 0, 0]
    table = pa.table(
        {
            "Timestamp": pa.array([START] * 6, pa.timestamp("ns", tz="UTC")),
            "ServiceName": ["ad"] * 6,
            "SeverityText": texts,
            "SeverityNumber": pa.array(numbers, pa.uint8()),
            "ResourceAttributes": pa.array(
                [[("airis.tenant", tenant)]] * 6, pa.map_(pa.string(), pa.string())
            ),
        }
    )
    await migrated_store.insert("otel_logs", table)
    reader = Rollups(migrated_store, 10)
    points = await reader.points(tenant, LOGS, START, START + MINUTE)
    subjects = await reader.subjects(tenant, LOGS, START, START + MINUTE, np.unique(points.keys))
    found = {subjects[int(key)].metric: value for key, value in zip(points.keys, points.values, strict=True)}
    assert found == {"logs.warn": 3, "logs.error": 1, "logs": 2}


async def gauges(store: LocalStore, tenant: str, pods: int, minutes: int) -> None:
    await store.command(
        "INSERT INTO otel_metrics_gauge (TimeUnix, MetricName, MetricUnit, ServiceName, Value, ResourceAttributes)"
        f" SELECT fromUnixTimestamp64Nano({START} + intDiv(number, {pods}) * {MINUTE}), 'cpu', '1', 'cart', number,"
        f" map('airis.tenant', '{tenant}', 'k8s.pod.name', concat('cart-', toString(number % {pods})))"
        f" FROM numbers({pods * minutes})"
    )


async def test_every_metric_series_belongs_to_one_shard(migrated_store: LocalStore, tenant: str) -> None:
    await gauges(migrated_store, tenant, 20, 2)
    window = (START, START + 2 * MINUTE)
    parts = [
        np.unique((await Rollups(migrated_store, 10, Scope(shard, 3)).points(tenant, METRICS, *window)).keys)
        for shard in range(3)
    ]
    whole = Rollups(migrated_store, 10)
    points = await whole.points(tenant, METRICS, *window, services={"cart"}, metrics={"cpu"})
    assert sum(map(len, parts)) == 20
    np.testing.assert_array_equal(np.sort(np.concatenate(parts)), np.unique(points.keys))
    subjects = await whole.subjects(tenant, METRICS, *window, np.unique(points.keys))
    assert {subject.labels[0][1] for subject in subjects.values()} == {f"cart-{n}" for n in range(20)}
    assert await whole.newest(tenant, METRICS, *window) == START + 2 * MINUTE
    assert tenant in await whole.tenants(*window)


async def test_a_metric_of_a_host_is_one_series_whoever_tells_it(
    migrated_store: LocalStore, tenant: str
) -> None:
    await migrated_store.command(
        "INSERT INTO otel_metrics_gauge"
        " (TimeUnix, MetricName, MetricUnit, ServiceName, Value, Attributes, ResourceAttributes)"
        f" SELECT fromUnixTimestamp64Nano({START}), 'system.disk.utilization', '1', ['cart', 'ad'][number % 2 + 1],"
        f" number, map('device', 'sda'), map('airis.tenant', '{tenant}', 'k8s.pod.name', toString(number),"
        " 'host.name', ['a', 'b', ''][intDiv(number, 2) + 1]) FROM numbers(6)"
    )
    reader, window = Rollups(migrated_store, 60), (START, START + MINUTE)
    points = await reader.points(tenant, METRICS, *window)
    subjects = await reader.subjects(tenant, METRICS, *window, points.keys)
    found = {subjects[int(key)]: value for key, value in zip(points.keys, points.values, strict=True)}
    device = ("device", "sda")
    told = {(each.service, each.labels): value for each, value in found.items()}
    assert told == {
        ("", (device, ("host.name", "a"))): 0.5,
        ("", (device, ("host.name", "b"))): 2.5,
        ("cart", (device, ("k8s.pod.name", "4"))): 4.0,
        ("ad", (device, ("k8s.pod.name", "5"))): 5.0,
    }


def test_a_counter_becomes_increases_across_windows_gaps_and_restarts() -> None:
    keys = np.array([7], dtype=np.uint64)
    at = START + np.array([0, 1, 3, 4]) * MINUTE
    readings = np.array([100.0, 160.0, 280.0, 30.0])
    points = Points(np.repeat(keys, 4), at, readings, np.ones(4, bool))
    counters = Counters.of(1)
    grid, rises = grid_of(points, keys, START, 3, MINUTE)
    first = increases(grid, rises, START, MINUTE, counters)
    grid, rises = grid_of(points, keys, START + 3 * MINUTE, 2, MINUTE)
    second = increases(grid, rises, START + 3 * MINUTE, MINUTE, counters)
    np.testing.assert_allclose(np.concatenate([first, second], axis=1), [[np.nan, 60, np.nan, 60, np.nan]])
    assert counters.value.tolist() == [30.0]


def test_a_history_begins_with_the_first_point_and_counts_fall_to_zero() -> None:
    grid = np.array([[np.nan, 2.0, np.nan, 3.0], [1.0, np.nan, 1.0, 1.0], [np.nan] * 4])
    zero = np.array([True, False, True])
    batch, lengths = history(grid, zero, ("a", "b", "c"), START, MINUTE)
    assert lengths.tolist() == [3, 4, 0]
    assert batch.starts[0] == START + MINUTE
    np.testing.assert_allclose(batch.values[0], [2, 0, 3, np.nan])
    np.testing.assert_allclose(newest(grid, zero, ("a", "b", "c"), START, MINUTE).values[2], 0)
