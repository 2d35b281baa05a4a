"""Every fault of the table does what the table says, while it is on, where it says, and nowhere else."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from statistics import mean, median
from typing import Any

import pytest

from airis_ray.demo import history_plan
from airis_ray.demo.faults import parse_fault
from airis_ray.demo.run import Run
from airis_ray.demo.season import NS
from airis_ray.demo.send import Count
from airis_ray.demo.world.faults import FAULTS
from airis_ray.errors import InvalidInput
from tests.unit.demo.conftest import START, Sent, mapping, points, run

BEGIN = int(START.timestamp()) * NS
ON, OFF = BEGIN + 300 * NS, BEGIN + 900 * NS
"""The faults below are on for ten minutes, five minutes after the start."""


def _during(time: int) -> bool:
    return ON <= time < OFF


def _spans(
    sent: Sent, service: str, during: bool, test: Callable[[dict[str, Any]], bool] | None = None
) -> list[Any]:
    return [
        span
        for resource, span in sent.spans
        if resource["service.name"] == service
        and span.kind in (2, 5)
        and _during(span.start_time_unix_nano) == during
        and (test is None or test({**resource, **mapping(span.attributes)}))
    ]


def _failing(spans: list[Any]) -> float:
    return float(mean(span.status.code == 2 for span in spans))


def _took(spans: list[Any]) -> float:
    return float(median(span.end_time_unix_nano - span.start_time_unix_nano for span in spans)) / 1e6


def _values(sent: Sent, name: str, during: bool, **where: str) -> list[float]:
    return [
        point.as_double or float(point.as_int)
        for resource, metric in sent.metrics
        if metric.name == name
        and all(resource[key.replace("_", ".")] == value for key, value in where.items())
        for point in points(metric)
        if _during(point.time_unix_nano) == during
    ]


def _one(name: str, only: str, rate: float = 2.0) -> Sent:
    return run("16m", f"{name}@5m:10m", rate=rate, only=only)


def test_bad_deploy_fails_one_version_of_two() -> None:
    sent = run("16m", "bad-deploy@5m:10m", rate=6, only="checkout")
    bad = _spans(sent, "checkout", True, lambda at: at["service.version"] == "2.4.0")
    good = _spans(sent, "checkout", True, lambda at: at["service.version"] == "2.3.9")
    assert 0.2 < _failing(bad) < 0.45
    assert _failing(good) < 0.1
    assert min(len(bad), len(good)) > 40
    assert _spans(sent, "checkout", False, lambda at: at["service.version"] == "2.4.0") == []


def test_slow_db_slows_one_query_and_its_callers() -> None:
    sent = _one("slow-db", "product-catalog frontend ad")
    slow = [
        (span.end_time_unix_nano - span.start_time_unix_nano, _during(span.start_time_unix_nano))
        for _, span in sent.spans
        if mapping(span.attributes).get("db.query.text", "").endswith("WHERE id = $1")
    ]
    assert 12 < median(took for took, on in slow if on) / median(took for took, on in slow if not on) < 30

    def product(at: dict[str, Any]) -> bool:
        return bool(at.get("http.route") == "/product/{id}")

    assert _took(_spans(sent, "frontend", True, product)) > 4 * _took(
        _spans(sent, "frontend", False, product)
    )
    assert _took(_spans(sent, "ad", True)) < 1.5 * _took(_spans(sent, "ad", False))


def test_memory_leak_climbs_and_restarts() -> None:
    sent = run("70m", "memory-leak@2m", rate=0.5, only="recommendation")
    by_pod: dict[str, list[Any]] = {}
    for resource, metric in sent.metrics:
        if metric.name == "process.memory.usage" and resource["service.name"] == "recommendation":
            by_pod.setdefault(resource["k8s.pod.name"], []).extend(points(metric))
    for found in by_pod.values():
        values = [point.as_int for point in sorted(found, key=lambda point: point.time_unix_nano)]
        assert max(values) > 0.95 * 1024 * 2**20
        peak = values.index(max(values))
        assert values[peak] > 1.6 * values[0]
        assert min(values[peak:]) < 0.7 * max(values)
        assert len({point.start_time_unix_nano for point in found}) >= 2


def test_payment_declined_hits_one_method_in_one_country() -> None:
    sent = run("16m", "payment-declined@5m:10m", rate=8, only="payment")

    def hit(at: dict[str, Any]) -> bool:
        return bool(at["app.payment.method"] == "kakaopay" and at["app.country"] == "KR")

    failing = _spans(sent, "payment", True, hit)
    assert 0.4 < _failing(failing) < 0.8
    types = [mapping(span.attributes)["error.type"] for span in failing if span.status.code == 2]
    assert types.count("gateway_timeout") > 0.9 * len(types)
    assert _failing(_spans(sent, "payment", True, lambda at: not hit(at))) < 0.06
    assert _failing(_spans(sent, "payment", False, hit)) < 0.1


def test_cpu_saturation_slows_every_pod_of_the_node() -> None:
    sent = _one("cpu-saturation", "frontend product-catalog cart")

    def here(at: dict[str, Any]) -> bool:
        return bool(at["k8s.node.name"] == "node-3")

    for service in ("frontend", "product-catalog", "cart"):
        if not (on := _spans(sent, service, True, here)):
            continue
        assert _took(on) > 1.8 * _took(_spans(sent, service, False, here))
    assert mean(_values(sent, "process.cpu.utilization", True, k8s_node_name="node-3")) > 0.85
    assert mean(_values(sent, "process.cpu.utilization", True, k8s_node_name="node-1")) < 0.7


def test_kafka_lag_climbs_and_no_request_fails() -> None:
    sent = _one("kafka-lag", "accounting fraud-detection checkout frontend", rate=3)
    lag = _values(sent, "kafka.consumer.lag", True, service_name="accounting")
    usual = _values(sent, "kafka.consumer.lag", True, service_name="fraud-detection")
    assert max(lag) > max(usual) + 8
    produced = {span.span_id: span.end_time_unix_nano for _, span in sent.spans if span.kind == 4}
    waited = [
        (span.start_time_unix_nano - produced[span.parent_span_id]) / NS
        for span in _spans(sent, "accounting", True) + _spans(sent, "accounting", False)
    ]
    assert max(waited) > 100
    assert _failing(_spans(sent, "frontend", True)) < 0.02


def test_traffic_spike_is_one_user_agent() -> None:
    sent = _one("traffic-spike", "frontend", rate=1)
    ratio = len(_spans(sent, "frontend", True)) / 600 / (len(_spans(sent, "frontend", False)) / 360)
    assert 6 < ratio < 10.5

    def curl(at: dict[str, Any]) -> bool:
        return bool(at["user_agent.name"] == "curl")

    assert len(_spans(sent, "frontend", True, curl)) > 0.8 * len(_spans(sent, "frontend", True))


def test_disk_full_climbs_to_one_and_then_writes_fail() -> None:
    sent = _one("disk-full", "cart checkout shipping email accounting", rate=4)
    assert max(_values(sent, "system.disk.utilization", True, k8s_node_name="node-5")) == 1.0
    assert max(_values(sent, "system.disk.utilization", True, k8s_node_name="node-6")) < 0.9
    failed = [(resource, span) for resource, span in sent.spans if "no space left" in span.status.message]
    assert min(span.start_time_unix_nano for _, span in failed) > ON + 330 * NS
    assert {resource["k8s.node.name"] for resource, span in failed if span.events} == {"node-5"}
    assert sum("no space left" in record.body.string_value for _, record in sent.logs) > 0


def test_dns_failure_fails_every_mail_in_bursts() -> None:
    sent = run("16m", "dns-failure@5m:10m", rate=6, only="email checkout")
    burst = [s for s in _spans(sent, "email", True) if (s.start_time_unix_nano - ON) < 120 * NS]
    after = [s for s in _spans(sent, "email", True) if (s.start_time_unix_nano - ON) > 125 * NS]
    assert _failing(burst) == 1.0
    assert _failing(after) < 0.1
    assert _failing(_spans(sent, "checkout", True)) < 0.1
    assert any("DNS lookup failed" in record.body.string_value for _, record in sent.logs)


def test_a_silent_service_sends_nothing() -> None:
    sent = _one("silent-service", "quote shipping")
    assert _spans(sent, "quote", True) == []
    assert len(_spans(sent, "quote", False)) > 20
    assert not [
        1 for r, record in sent.logs if r["service.name"] == "quote" and _during(record.time_unix_nano)
    ]
    assert _values(sent, "process.cpu.utilization", True, service_name="quote") == []
    assert len(_spans(sent, "shipping", True)) > 20


def test_cache_miss_halves_the_hits_and_doubles_the_latency() -> None:
    sent = _one("cache-miss", "cart")
    ratio = _took(_spans(sent, "cart", True)) / _took(_spans(sent, "cart", False))
    assert 1.5 < ratio < 3
    assert (
        mean(_values(sent, "cache.hit_ratio", True))
        < 0.5
        < 0.9
        < mean(_values(sent, "cache.hit_ratio", False))
    )
    hits = [mapping(s.attributes) for _, s in sent.spans if _during(s.start_time_unix_nano)]
    known = [item["cache.hit"] for item in hits if "cache.hit" in item]
    assert 0.25 < mean(known) < 0.55


def test_log_flood_is_one_template_of_two_hundred_times_the_volume() -> None:
    sent = _one("log-flood", "ad")
    during = [
        r.body.string_value for at, r in sent.logs if at["service.name"] == "ad" and _during(r.time_unix_nano)
    ]
    flood = [body for body in during if body.startswith("campaign index entry")]
    usual = len(during) - len(flood)
    assert 100 * usual < len(flood) < 400 * usual
    assert not [
        1 for at, r in sent.logs if not _during(r.time_unix_nano) and "campaign index" in r.body.string_value
    ]


@pytest.mark.parametrize("name", FAULTS)
def test_faults_have_their_ground_truth(name: str, tmp_path: Path) -> None:
    plan = history_plan(seed=3, start=START, duration="2m", rate=0.5, faults=[f"{name}@30s:1m"])
    truth = tmp_path / "faults.jsonl"
    Run(plan, Count(), truth=truth)()
    (line,) = [json.loads(text) for text in truth.read_text().splitlines()]
    assert line["name"] == name
    assert line["start"] == "2026-10-30T11:00:30.000000000Z"
    assert line["end"] == "2026-10-30T11:01:30.000000000Z"
    assert line["service"] == FAULTS[name].service
    assert line["kind"]
    assert line["attributes"]


def test_several_faults_at_once_and_the_end_of_the_run(tmp_path: Path) -> None:
    specs = ["slow-db", "kafka-lag@1m:1h", "dns-failure"]
    plan = history_plan(seed=3, start=START, duration="2m", rate=0.5, faults=specs)
    truth = tmp_path / "faults.jsonl"
    Run(plan, Count(), truth=truth)()
    lines = [json.loads(text) for text in truth.read_text().splitlines()]
    assert {line["name"]: line["end"] for line in lines} == dict.fromkeys(
        ["slow-db", "kafka-lag", "dns-failure"], "2026-10-30T11:02:00.000000000Z"
    )


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ("slowdb", "did you mean slow-db?"),
        ("slow-db@soon", "offset is 'soon'"),
        ("slow-db:5x", "duration is '5x'"),
        ("slow-db@1m:2m:3m", "expected NAME[@offset][:duration]"),
    ],
)
def test_a_wrong_fault_is_one_sentence(spec: str, told: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_fault(spec, 0)
    assert told in str(caught.value)
