"""Self-observation: what is sent, what is not, and never in a loop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter
from opentelemetry.sdk.metrics.export import Histogram, Sum
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge
from prometheus_client import Histogram as PromHistogram

from airis_ray.settings import Settings
from airis_ray.web.auth import SELF_TENANT, Guard, Principal, Scope
from airis_ray.web.export import LogExport, otlp_metrics
from airis_ray.web.logs import CURRENT, Exchange
from airis_ray.web.telemetry import Telemetry, own_ingest, service_resource, span
from tests.unit.web.conftest import READER, Keys, Reader, client_of, demo_app

SELF = Principal("self", SELF_TENANT, frozenset({Scope.READ}))
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class World:
    def __init__(self, ratio: float = 1.0) -> None:
        self.exporter = InMemorySpanExporter()
        self.telemetry = Telemetry("demo", ratio, self.exporter)
        self.inner: list[bool] = []
        guard = Guard(Settings(), Keys({"reader": READER, "self": SELF}), observer=self.telemetry)
        self.app = demo_app(guard)

        @self.app.post("/inner")
        async def with_inner_span(principal: Reader) -> None:
            with span("inner", rows=3):
                self.inner.append(trace.get_current_span().is_recording())

    def spans(self) -> dict[str, ReadableSpan]:
        self.telemetry.close()
        return {found.name: found for found in self.exporter.get_finished_spans()}


async def test_a_request_is_a_span_with_its_route_and_caller() -> None:
    world = World()
    await client_of(world.app).post("/things/1", json={"target": {}}, headers={"x-request-id": "r1"})
    await client_of(world.app, key=None).get("/things/boom")
    found = world.spans()
    request = found["POST /things/{number}"]
    assert request.attributes is not None
    assert request.attributes["http.response.status_code"] == 200
    assert request.attributes["airis.caller.tenant"] == "acme"
    assert request.attributes["airis.request_id"] == "r1"
    assert request.kind is trace.SpanKind.SERVER
    assert request.status.is_ok or request.status.is_unset
    assert found["GET"].attributes is not None
    assert found["GET"].attributes["http.response.status_code"] == 401


async def test_spans_inside_belong_to_the_request_and_to_the_callers_trace() -> None:
    world = World()
    await client_of(world.app).post("/inner", headers={"traceparent": PARENT})
    inner, request = (world.spans()[name] for name in ("inner", "POST /inner"))
    assert inner.parent is not None
    assert request.context is not None
    assert inner.parent.span_id == request.context.span_id
    assert trace.format_trace_id(request.context.trace_id) == PARENT[3:35]
    assert request.parent is not None
    assert trace.format_span_id(request.parent.span_id) == PARENT[36:52]


async def test_an_unsampled_request_has_no_spans_at_all() -> None:
    world = World(ratio=0.0)
    client = client_of(world.app)
    await client.post("/inner")
    await client.post("/inner", headers={"traceparent": PARENT})
    assert world.inner == [False, False]
    assert world.spans() == {}
    world = World(ratio=1.0)
    await client_of(world.app).post("/inner", headers={"traceparent": PARENT[:-2] + "00"})
    assert world.spans() == {}


async def test_the_share_of_sampled_requests_is_the_ratio() -> None:
    world = World(ratio=0.2)
    exchanges = [Exchange("demo", "GET", "/", str(i), 1) for i in range(3000)]
    kept = 0
    for exchange in exchanges:
        begun = world.telemetry.begin(exchange)
        kept += begun is not None
        world.telemetry.end(exchange, begun)
    assert 450 < kept < 750
    world.telemetry.close()


def requests_counted() -> float:
    return sum(
        sample.value
        for family in REGISTRY.collect()
        if family.name == "airis_http_requests"
        for sample in family.samples
        if sample.name.endswith("_total")
    )


async def test_requests_of_the_platform_itself_make_no_telemetry() -> None:
    world = World()
    before = requests_counted()
    answer = await client_of(world.app, key="self").post("/inner", headers={"traceparent": PARENT})
    assert answer.status_code == 200
    assert world.inner == [False]
    assert requests_counted() == before
    await client_of(world.app).post("/inner")
    assert requests_counted() == before + 1
    assert list(world.spans()) == ["inner", "POST /inner"]


@pytest.fixture
def log_export() -> Iterator[tuple[LogExport, InMemoryLogRecordExporter]]:
    exporter = InMemoryLogRecordExporter()
    export = LogExport(exporter, service_resource("demo"))
    yield export, exporter
    export.close()


def test_warnings_go_out_without_secrets_and_without_the_exporters_own(
    log_export: tuple[LogExport, InMemoryLogRecordExporter],
) -> None:
    export, exporter = log_export
    log = logging.getLogger("airis_ray.demo")
    log.info("not this")
    for name in ("opentelemetry.exporter.otlp.proto.http", "urllib3.connectionpool", "requests"):
        logging.getLogger(name).error("cannot export")
    token = CURRENT.set(Exchange("demo", "POST", "/v1/logs", "r0", 0, tenant=SELF_TENANT))
    log.error("nor this, or it would go round for ever")
    CURRENT.set(Exchange("demo", "GET", "/x", "r1", 0, tenant="acme"))
    log.warning("slow: airis_abcdefghijkl_%s", "x" * 43)
    CURRENT.reset(token)
    try:
        raise RuntimeError("broken")
    except RuntimeError:
        log.exception("failed")
    export.close()
    found = [item.log_record for item in exporter.get_finished_logs()]
    assert [record.body for record in found] == ["slow: airis_abcdefghijkl_***", "failed"]
    assert found[0].severity_text == "WARN"
    assert dict(found[0].attributes or {}) == {"airis.request_id": "r1", "airis.caller.tenant": "acme"}
    assert (found[1].attributes or {})["exception.type"] == "RuntimeError"
    assert "broken" in str((found[1].attributes or {})["exception.stacktrace"])


def test_prometheus_metrics_become_otlp() -> None:
    registry = CollectorRegistry()
    counter = Counter("airis_x", "xs", ("table",), registry=registry)
    counter.labels("a").inc(3)
    Gauge("airis_y_bytes", "ys", registry=registry).set(2.5)
    histogram = PromHistogram("airis_z_seconds", "zs", ("route",), buckets=(0.1, 1.0), registry=registry)
    for value in (0.05, 0.5, 0.6, 7.0):
        histogram.labels("/x").observe(value)
    found = {metric.name: metric for metric in otlp_metrics(registry, 1, 2)}
    assert set(found) == {"airis_x", "airis_y_bytes", "airis_z_seconds"}
    total = found["airis_x"].data
    assert isinstance(total, Sum)
    assert total.is_monotonic
    [point] = total.data_points
    assert (point.value, point.attributes) == (3.0, {"table": "a"})
    assert found["airis_y_bytes"].unit == "By"
    data = found["airis_z_seconds"].data
    assert isinstance(data, Histogram)
    [bucket] = data.data_points
    assert (bucket.count, bucket.sum) == (4, 8.15)
    assert (bucket.explicit_bounds, bucket.bucket_counts) == ([0.1, 1.0], [1, 2, 1])


async def test_switched_off_nothing_leaves_and_metrics_are_kept(tmp_path: Any) -> None:
    settings = Settings.model_validate({"data_dir": tmp_path, "self": {"telemetry": False}})
    telemetry = Telemetry.start(settings, "demo")
    before = requests_counted()
    exchange = Exchange("demo", "GET", "/", "r", 1)
    telemetry.end(exchange, telemetry.begin(exchange))
    assert requests_counted() == before + 1
    telemetry.close()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "http://127.0.0.1:3000"),
        ("0.0.0.0", "http://127.0.0.1:3000"),
        ("::", "http://[::1]:3000"),
    ],
)
def test_own_ingest_is_on_this_machine(host: str, address: str) -> None:
    assert own_ingest(Settings.model_validate({"http": {"host": host}})) == address


async def test_closing_is_bounded_while_nobody_answers(tmp_path: Any) -> None:
    settings = Settings.model_validate(
        {"data_dir": tmp_path, "http": {"port": 1}, "self": {"sample_ratio": 1.0}}
    )
    telemetry = Telemetry.start(settings, "demo")
    exchange = Exchange("demo", "GET", "/", "r", 1)
    telemetry.end(exchange, telemetry.begin(exchange))
    async with asyncio.timeout(6):
        await asyncio.to_thread(telemetry.close)
