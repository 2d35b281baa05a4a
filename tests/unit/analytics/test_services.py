"""GET /services and GET /service-map over a small shop."""

from __future__ import annotations

from typing import Any

import pytest
import pytest_asyncio

from airis_ray.analytics.models import ServiceMap, ServiceRow
from airis_ray.analytics.service_map import service_map
from airis_ray.analytics.services import services
from airis_ray.telemetry.times import TimeRange
from tests.support.local_store import LocalStore
from tests.unit.analytics.builders import batch, log, ns, span

TRACES = 40


def checkout(number: int) -> list[dict[str, Any]]:
    """frontend → cart → Redis; cart sends to ``orders`` (consumed by accounting) and to ``audit`` (by nobody)."""
    trace, at = f"{number:032x}", float(number)

    def one(name: str, parent: str, ms: float, **columns: Any) -> dict[str, Any]:
        ids = {
            "TraceId": trace,
            "SpanId": name.ljust(16, "0"),
            "ParentSpanId": parent and parent.ljust(16, "0"),
        }
        return span(at, ms=ms, **{**ids, **columns})

    # Every other consumer begins a trace of its own and tells its message by a link.
    linked = number % 2 == 0
    link = {"Links.TraceId": [trace], "Links.SpanId": ["e".ljust(16, "0")]}
    rest = {"Links.TraceState": [""], "Links.Attributes": [{}], "TraceId": f"{number + 9999:032x}"}
    return [
        one("a", "", 100, ServiceName="frontend"),
        one("b", "a", 80, ServiceName="frontend", SpanKind="Client"),
        one("c", "b", 60, ServiceName="cart", error=number % 10 == 0),
        one("c1", "c", 30, ServiceName="cart", SpanKind="Internal"),
        one("d", "c1", 20, ServiceName="cart", SpanKind="Client", SpanAttributes={"db.system": "redis"}),
        one("e", "c", 2, ServiceName="cart", SpanKind="Producer", **_to("orders")),
        one(
            "f",
            "" if linked else "e",
            7,
            ServiceName="accounting",
            SpanKind="Consumer",
            **(link | rest if linked else {}),
        ),
        one("g", "c", 3, ServiceName="cart", SpanKind="Producer", **_to("audit")),
    ]


def _to(queue: str) -> dict[str, Any]:
    return {"SpanAttributes": {"messaging.destination.name": queue}}


@pytest_asyncio.fixture(loop_scope="session")
async def shop(migrated_store: LocalStore, tenant: str) -> tuple[LocalStore, str]:
    spans = [each for number in range(TRACES) for each in checkout(number)]
    logs = [log(n, SeverityText="ERROR", SeverityNumber=17) for n in range(3)] + [
        log(5),
        log(6, ServiceName="email"),
    ]
    await migrated_store.insert("otel_traces", batch("otel_traces", tenant, spans))
    await migrated_store.insert("otel_logs", batch("otel_logs", tenant, logs))
    return migrated_store, tenant


WHOLE = TimeRange(ns(0), ns(100))


async def test_requests_are_server_and_consumer_spans(shop: tuple[LocalStore, str]) -> None:
    rows = {row.name: row for row in await services(*shop, WHOLE)}
    assert set(rows) == {"frontend", "cart", "accounting", "email"}
    cart = rows["cart"]
    assert (cart.requests, cart.error_rate, cart.logs, cart.error_logs) == (TRACES, 0.1, 4, 3)
    assert [cart.p50_ms, cart.p95_ms, cart.p99_ms] == pytest.approx([60, 60, 60], rel=0.01)
    assert rows["accounting"].p50_ms == pytest.approx(7, rel=0.01)
    nothing: dict[str, Any] = dict.fromkeys(("error_rate", "p50_ms", "p95_ms", "p99_ms"))
    assert rows["email"] == ServiceRow(name="email", requests=0, logs=1, error_logs=0, **nothing)


async def test_the_range_is_half_open(shop: tuple[LocalStore, str]) -> None:
    rows = {row.name: row for row in await services(*shop, TimeRange(ns(10), ns(20)))}
    assert rows["frontend"].requests == 10
    rows = {row.name: row for row in await services(*shop, TimeRange(ns(10) + 1, ns(20) + 1))}
    assert rows["frontend"].requests == 10
    assert await services(*shop, TimeRange(ns(500), ns(600))) == []


def edges(found: ServiceMap) -> dict[tuple[str, str], int]:
    return {(edge.source, edge.target): edge.requests for edge in found.edges}


async def test_edges_join_callers_to_callees(shop: tuple[LocalStore, str]) -> None:
    found = await service_map(*shop, WHOLE)
    assert edges(found) == {
        ("frontend", "cart"): TRACES,
        ("cart", "accounting"): TRACES,  # by parent and by link
        ("cart", "redis"): TRACES,
        ("cart", "audit"): TRACES,
    }
    assert (found.sampled, found.sample) == (False, 1)
    assert {node.name: node.kind for node in found.nodes} == {
        "frontend": "service",
        "cart": "service",
        "accounting": "service",
        "email": "service",
        "redis": "database",
        "audit": "queue",
    }
    edge = next(edge for edge in found.edges if edge.source == "frontend")
    assert edge.error_rate == 0.1
    assert edge.p95_ms == pytest.approx(60, rel=0.01)
    redis = next(node for node in found.nodes if node.name == "redis")
    assert (redis.requests, redis.error_rate) == (TRACES, 0)
    assert redis.p95_ms == pytest.approx(20, rel=0.01)


async def test_a_call_over_the_edge_of_the_range_counts_where_it_was_served(
    migrated_store: LocalStore, tenant: str
) -> None:
    def pair(served: float) -> list[dict[str, Any]]:
        ids = {"TraceId": "a" * 32, "SpanId": "b" * 16}
        called = {"TraceId": "a" * 32, "SpanId": "c" * 16, "ParentSpanId": "b" * 16, "ServiceName": "email"}
        return [
            span(9.9, SpanKind="Producer", ServiceName="shop", **ids, **_to("mails")),
            span(served, SpanKind="Consumer", **called),
        ]

    await migrated_store.insert("otel_traces", batch("otel_traces", tenant, pair(10.1)))
    before = await service_map(migrated_store, tenant, TimeRange(ns(0), ns(10)))
    after = await service_map(migrated_store, tenant, TimeRange(ns(10), ns(20)))
    assert edges(before) == {}
    assert edges(after) == {("shop", "email"): 1}


async def test_a_large_map_is_sampled_by_trace_and_says_so(shop: tuple[LocalStore, str]) -> None:
    found = await service_map(*shop, WHOLE, max_spans=TRACES * 4)
    assert found.sampled
    assert found.sample == 0.5
    counted = edges(found)
    assert set(counted) == {
        ("frontend", "cart"),
        ("cart", "accounting"),
        ("cart", "redis"),
        ("cart", "audit"),
    }
    assert len(set(counted.values())) == 1  # a trace is taken whole or not at all
    assert 0.4 * TRACES < counted["frontend", "cart"] < 1.6 * TRACES


async def test_nothing_gives_an_empty_map(migrated_store: LocalStore, tenant: str) -> None:
    found = await service_map(migrated_store, tenant, WHOLE)
    assert (found.nodes, found.edges) == ([], [])
