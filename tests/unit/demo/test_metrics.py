"""Metrics: names, kinds, units, and numbers that agree with the traffic."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from typing import Any

import pytest

from airis_ray.demo.world.metrics import METRICS
from tests.unit.demo.conftest import START, Sent, mapping, points

NAMED = {
    "http.server.request.duration": ("histogram", "s"),
    "http.server.active_requests": ("sum", "{request}"),
    "process.cpu.utilization": ("gauge", "1"),
    "process.memory.usage": ("sum", "By"),
    "jvm.gc.duration": ("histogram", "s"),
    "db.client.connection.count": ("sum", "{connection}"),
    "kafka.consumer.lag": ("gauge", "{message}"),
    "system.disk.utilization": ("gauge", "1"),
    "system.network.errors": ("sum", "{error}"),
    "queue.depth": ("gauge", "{message}"),
    "orders.placed": ("sum", "{order}"),
    "payment.declined": ("sum", "{payment}"),
    "db.client.operation.duration": ("exponential_histogram", "s"),
    "currency.conversion.duration": ("summary", "s"),
}
MONOTONIC = {"system.network.errors", "orders.placed", "payment.declined"}
CUMULATIVE = 2


@pytest.fixture(scope="module")
def named(sent: Sent) -> dict[str, list[tuple[dict[str, Any], Any]]]:
    out = defaultdict(list)
    for resource, metric in sent.metrics:
        out[metric.name].append((resource, metric))
    return out


def _series(metrics: list[tuple[dict[str, Any], Any]]) -> dict[Any, list[Any]]:
    out: dict[Any, list[Any]] = defaultdict(list)
    for resource, metric in metrics:
        for point in points(metric):
            out[resource["k8s.pod.name"], tuple(sorted(mapping(point.attributes).items()))].append(point)
    return out


def test_names_kinds_and_units(named: dict[str, Any]) -> None:
    assert set(named) == set(METRICS) >= set(NAMED)
    for name, (kind, unit) in NAMED.items():
        for _, metric in named[name]:
            assert metric.WhichOneof("data") == kind
            assert metric.unit == unit
            assert metric.description
            if kind == "sum":
                assert metric.sum.is_monotonic == (name in MONOTONIC)
            if kind in ("sum", "histogram", "exponential_histogram"):
                assert getattr(metric, kind).aggregation_temporality == CUMULATIVE


def test_a_point_a_minute_of_every_pod(named: dict[str, Any]) -> None:
    series = _series(named["process.cpu.utilization"])
    assert {key[0].rsplit("-", 2)[0] for key in series} >= {"frontend", "product-catalog", "quote"}
    for found in series.values():
        times = [point.time_unix_nano // 1_000_000_000 for point in found]
        assert times == sorted(times)
        assert all(time % 60 == 0 and START.timestamp() < time <= START.timestamp() + 900 for time in times)
    whole = [found for found in series.values() if len(found) == 15]
    assert len(whole) > 0.9 * len(series)


def test_requests_of_the_histogram_are_the_spans(sent: Sent, named: dict[str, Any]) -> None:
    counted: dict[str, int] = defaultdict(int)
    total: dict[str, float] = defaultdict(float)
    for resource, metric in named["http.server.request.duration"]:
        for point in points(metric):
            assert sum(point.bucket_counts) == point.count
            assert len(point.bucket_counts) == len(point.explicit_bounds) + 1
            assert point.min <= point.sum / point.count <= point.max
            if point.time_unix_nano == int(START.timestamp() + 900) * 10**9:
                counted[resource["service.name"]] += point.count
                total[resource["service.name"]] += point.sum
    spans: dict[str, int] = defaultdict(int)
    took: dict[str, float] = defaultdict(float)
    for resource, span in sent.spans:
        if span.kind == 2:
            spans[resource["service.name"]] += 1
            took[resource["service.name"]] += (span.end_time_unix_nano - span.start_time_unix_nano) / 1e9
    assert counted == spans
    assert {name: pytest.approx(value) for name, value in took.items()} == total


def test_exemplars_are_spans_of_the_series(sent: Sent, named: dict[str, Any]) -> None:
    spans = {span.span_id: (resource, span) for resource, span in sent.spans}
    seen = 0
    for resource, metric in named["http.server.request.duration"]:
        for point in points(metric):
            for exemplar in point.exemplars:
                of, span = spans[exemplar.span_id]
                assert of == resource
                assert exemplar.trace_id == span.trace_id
                took = (span.end_time_unix_nano - span.start_time_unix_nano) / 1e9
                assert exemplar.as_double == pytest.approx(took)
                assert exemplar.time_unix_nano == span.end_time_unix_nano
                seen += 1
    assert seen > 500


def test_counters_never_fall_without_a_restart(named: dict[str, Any]) -> None:
    for name in MONOTONIC:
        for found in _series(named[name]).values():
            for before, after in pairwise(found):
                assert (
                    after.as_int >= before.as_int or after.start_time_unix_nano > before.start_time_unix_nano
                )


def test_orders_are_the_confirmed_ones(sent: Sent, named: dict[str, Any]) -> None:
    last = sum(found[-1].as_int for found in _series(named["orders.placed"]).values())
    sent_to_kafka = [span for _, span in sent.spans if span.kind == 4]
    assert last == len(sent_to_kafka)


def test_exponential_buckets_add_up(named: dict[str, Any]) -> None:
    for _, metric in named["db.client.operation.duration"]:
        for point in points(metric):
            buckets = point.positive
            assert sum(buckets.bucket_counts) + point.zero_count == point.count
            base = 2.0 ** (2.0**-point.scale)
            used = [number for number, count in enumerate(buckets.bucket_counts) if count]
            assert base ** (buckets.offset + used[0]) < point.min <= base ** (buckets.offset + used[0] + 1)
            assert base ** (buckets.offset + used[-1]) < point.max <= base ** (buckets.offset + used[-1] + 1)


def test_quantiles_of_the_summary_are_in_order(named: dict[str, Any]) -> None:
    seen = 0
    for _, metric in named["currency.conversion.duration"]:
        for point in points(metric):
            assert [item.quantile for item in point.quantile_values] == [0.5, 0.9, 0.99]
            values = [item.value for item in point.quantile_values]
            if values[0] == values[0]:
                assert values == sorted(values)
                seen += 1
    assert seen > 50


def test_pools_and_disks_are_within_their_bounds(named: dict[str, Any]) -> None:
    sizes = {"cart": 50, "product-catalog": 20, "accounting": 10}
    by_time: dict[Any, int] = defaultdict(int)
    for resource, metric in named["db.client.connection.count"]:
        for point in points(metric):
            key = (resource["service.name"], resource["k8s.pod.name"], point.time_unix_nano)
            by_time[key] += point.as_int
    assert all(total == sizes[service] for (service, _, _), total in by_time.items())
    for name in ("system.disk.utilization", "process.cpu.utilization", "cache.hit_ratio"):
        assert all(0 < point.as_double <= 1 for _, metric in named[name] for point in points(metric))
    nodes = {resource["k8s.node.name"] for resource, _ in named["system.disk.utilization"]}
    assert nodes == {f"node-{number}" for number in range(1, 7)}


def test_partitions_are_read_once_at_each_site(named: dict[str, Any]) -> None:
    readers: dict[Any, int] = defaultdict(int)
    for resource, metric in named["kafka.consumer.lag"]:
        for point in points(metric):
            partition = mapping(point.attributes)["messaging.destination.partition.id"]
            site = resource["k8s.cluster.name"], resource["k8s.namespace.name"]
            readers[resource["service.name"], site, partition, point.time_unix_nano] += 1
    assert set(readers.values()) == {1}
    assert {key[0] for key in readers} == {"accounting", "fraud-detection"}
    assert {key[2] for key in readers} == {"0", "1", "2"}
