"""Whole traces of the shop: who calls whom, with what."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pytest

from tests.unit.demo.conftest import START, Sent, mapping

SERVICES = (
    *("frontend", "cart", "checkout", "payment", "shipping", "product-catalog", "recommendation"),
    *("ad", "email", "currency", "quote", "accounting", "fraud-detection"),
)
CALLS = {
    "frontend": {"cart", "checkout", "product-catalog", "recommendation", "ad", "currency", "shipping"},
    "checkout": {"cart", "product-catalog", "currency", "payment", "shipping", "email"},
    "shipping": {"quote"},
    "recommendation": {"product-catalog"},
}
ROUTES = {
    "/",
    "/product/{id}",
    "/cart",
    "/api/checkout",
    "/api/recommendations",
    "/api/ads",
    "/api/shipping/quote",
}
RESOURCE = (
    *("service.name", "service.version", "service.instance.id", "service.namespace"),
    *("deployment.environment.name", "k8s.cluster.name", "k8s.namespace.name", "k8s.deployment.name"),
    *("k8s.pod.name", "k8s.node.name", "host.name", "cloud.region", "telemetry.sdk.language"),
)
INTERNAL, SERVER, CLIENT, PRODUCER, CONSUMER = 1, 2, 3, 4, 5


@pytest.fixture(scope="module")
def by_id(sent: Sent) -> dict[bytes, tuple[str, Any]]:
    return {span.span_id: (resource["service.name"], span) for resource, span in sent.spans}


def test_all_services_are_there_with_all_resource_attributes(sent: Sent) -> None:
    assert {resource["service.name"] for resource, _ in sent.spans} == set(SERVICES)
    for resource, _ in sent.spans:
        assert set(RESOURCE) <= set(resource)
    values = {key: {resource[key] for resource, _ in sent.spans} for key in RESOURCE}
    assert values["service.namespace"] == {"shop"}
    assert values["deployment.environment.name"] == {"production", "staging"}
    assert values["cloud.region"] == {"ap-northeast-2", "us-east-1"}
    assert values["k8s.node.name"] == {f"node-{number}" for number in range(1, 7)}


def test_traces_are_whole(sent: Sent, by_id: dict[bytes, tuple[str, Any]]) -> None:
    assert len(by_id) == len(sent.spans)
    for _, span in sent.spans:
        assert len(span.trace_id) == 16
        assert len(span.span_id) == 8
        assert START.timestamp() <= span.start_time_unix_nano / 1e9 < START.timestamp() + 900
        assert span.end_time_unix_nano / 1e9 < START.timestamp() + 900
        if span.parent_span_id:
            _, parent = by_id[span.parent_span_id]
            assert parent.trace_id == span.trace_id
            assert parent.start_time_unix_nano <= span.start_time_unix_nano < span.end_time_unix_nano
            if span.kind != CONSUMER:
                assert span.end_time_unix_nano <= parent.end_time_unix_nano
        else:
            assert span.kind == SERVER


def test_who_calls_whom(sent: Sent, by_id: dict[bytes, tuple[str, Any]]) -> None:
    calls = defaultdict(set)
    consumers = set()
    for resource, span in sent.spans:
        service = resource["service.name"]
        if not span.parent_span_id:
            assert service == "frontend"
            continue
        caller, parent = by_id[span.parent_span_id]
        if span.kind == SERVER:
            assert parent.kind == CLIENT
            calls[caller].add(service)
        elif span.kind == CONSUMER:
            assert parent.kind == PRODUCER
            assert caller == "checkout"
            assert [(link.trace_id, link.span_id) for link in span.links] == [
                (parent.trace_id, parent.span_id)
            ]
            consumers.add(service)
        else:
            assert caller == service
    assert calls == CALLS
    assert consumers == {"accounting", "fraud-detection"}


def test_who_carries_what(sent: Sent) -> None:
    seen: dict[str, set[str]] = defaultdict(set)
    for resource, span in sent.spans:
        service, attributes = resource["service.name"], mapping(span.attributes)
        for key in attributes:
            seen[key].add(service)
        if span.kind == SERVER:
            assert {"app.user.id", "app.user.tier", "app.country", "app.feature_flag"} <= set(attributes)
        if service in ("checkout", "payment") and span.kind == SERVER:
            assert attributes["app.payment.method"] in {"card", "kakaopay", "naverpay", "toss"}
        if service in ("cart", "checkout") and span.kind == SERVER:
            assert attributes["app.cart.items"] >= 1
        if service == "checkout" and span.kind == SERVER:
            assert attributes["app.order.amount"] >= 1000
    for key in (
        "http.request.method",
        "http.route",
        "http.response.status_code",
        "url.path",
        "user_agent.name",
    ):
        assert seen[key] == {"frontend"}
    assert seen["app.payment.method"] == {"checkout", "payment"}
    assert seen["app.cart.items"] == {"cart", "checkout"}
    assert seen["app.order.amount"] == {"checkout"}
    assert {"rpc.system", "rpc.method", "db.query.text", "messaging.destination.name", "error.type"} <= set(
        seen
    )


def test_databases_and_queues(sent: Sent) -> None:
    systems = defaultdict(set)
    for resource, span in sent.spans:
        attributes = mapping(span.attributes)
        for key in ("db.system", "messaging.system"):
            if key in attributes:
                systems[attributes[key]].add(resource["service.name"])
        if "db.system" in attributes:
            assert span.kind == CLIENT
            assert attributes["db.query.text"]
            assert attributes["db.operation.name"]
        if "messaging.system" in attributes:
            assert attributes["messaging.destination.name"] == "orders"
    assert systems["redis"] == {"cart"}
    assert systems["postgresql"] == {"product-catalog", "accounting"}
    assert systems["kafka"] == {"checkout", "accounting", "fraud-detection"}


def test_the_frontends_requests(sent: Sent) -> None:
    attributes = [mapping(span.attributes) for span in sent.server("frontend")]
    assert {item["http.route"] for item in attributes} == ROUTES
    assert {item["user_agent.name"] for item in attributes} == {
        "Chrome",
        "Safari",
        "Samsung Internet",
        "Firefox",
        "curl",
    }
    assert {item["app.country"] for item in attributes} == {"KR", "US", "JP", "DE"}
    assert {item["app.user.tier"] for item in attributes} == {"free", "gold", "platinum"}
    assert {200, 404} <= {item["http.response.status_code"] for item in attributes}


def test_errors_say_what_happened(sent: Sent) -> None:
    failed = [(resource, span) for resource, span in sent.spans if span.status.code == 2]
    assert 0.0005 < len(failed) / len(sent.spans) < 0.02
    for _, span in failed:
        assert mapping(span.attributes)["error.type"]
        assert span.status.message
    events = [event for _, span in failed for event in span.events]
    assert events
    for event in events:
        assert event.name == "exception"
        assert {"exception.type", "exception.message"} <= set(mapping(event.attributes))
    for span in sent.server("frontend"):
        server_side = mapping(span.attributes)["http.response.status_code"] >= 500
        assert server_side == (span.status.code == 2)
