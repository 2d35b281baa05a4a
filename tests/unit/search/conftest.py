"""A catalogue as the made-up shop has it, without a store: the grammar is tested on it."""

from __future__ import annotations

from datetime import datetime

import pytest

from airis_ray.demo.templates import load
from airis_ray.demo.world.metrics import METRICS
from airis_ray.demo.world.services import SERVICES, SITES
from airis_ray.demo.world.vocabulary import BROWSERS, COUNTRIES, FLAGS, METHODS, REASONS, TIERS
from airis_ray.search.catalog import Attribute, Catalog, Metric

NOW = datetime.fromisoformat("2026-11-05T14:20:00+09:00")
ZONE = "Asia/Seoul"

_KINDS = {"gauge": "gauge", "counter": "sum", "updown": "sum", "exponential": "exponential_histogram"}
_ROUTES = (
    "/",
    "/product/{id}",
    "/cart",
    "/api/checkout",
    "/api/recommendations",
    "/api/ads",
    "/api/shipping/quote",
)
_ERRORS = (
    "gateway_timeout",
    "connection_refused",
    "connection_reset",
    "timeout",
    "deadlock",
    "dns_error",
    "card_declined",
    "out_of_stock",
)


def _spans(values: tuple[str, ...], *services: str, numeric: bool = False) -> Attribute:
    return Attribute({"traces"}, dict.fromkeys(values, 1), set(services), numeric=numeric)


def _resource(*values: str) -> Attribute:
    return Attribute({"traces", "logs"}, dict.fromkeys(values, 1), set(), resource=True)


def shop() -> Catalog:
    """The shop's names; its logs say what its templates say."""
    names = {service.name for service in SERVICES}
    consumers = {"accounting", "fraud-detection"}
    catalog = Catalog(set(names))
    catalog.kinds = {name: {"Consumer"} if name in consumers else {"Server", "Client"} for name in names}
    asked = names - consumers
    catalog.attributes = {
        "app.user.id": _spans((), *asked),
        "app.user.tier": _spans(tuple(tier for tier, _ in TIERS), *asked),
        "app.country": _spans(tuple(country for country, _ in COUNTRIES), *asked),
        "app.feature_flag": _spans(tuple(flag for flag, _ in FLAGS), *asked),
        "app.payment.method": _spans(METHODS, "checkout", "payment"),
        "app.cart.items": _spans(("1", "2", "9"), "cart", "checkout", numeric=True),
        "app.order.amount": _spans(("9000", "17600"), "checkout", numeric=True),
        "http.request.method": _spans(("GET", "POST"), "frontend"),
        "http.route": _spans(_ROUTES, "frontend"),
        "http.response.status_code": _spans(("200", "404", "500"), "frontend", numeric=True),
        "user_agent.name": _spans(BROWSERS, "frontend"),
        "error.type": _spans(_ERRORS, *names),
        "db.system": _spans(("postgresql", "redis"), "accounting", "product-catalog", "cart"),
        "db.operation.name": _spans(("SELECT", "INSERT", "HSET"), "accounting", "product-catalog", "cart"),
        "messaging.system": _spans(("kafka",), "checkout", *consumers),
        "messaging.destination.name": _spans(("orders",), "checkout", *consumers),
        "messaging.operation.type": _spans(("process", "send"), "checkout", *consumers),
        "rpc.method": _spans(("Charge", "GetCart", "PlaceOrder"), *asked),
        "name": _spans(("POST /api/checkout", "PaymentService/Charge", "HSET", "orders process"), *names),
        "service.name": _resource(*names),
        "service.version": _resource("2.4.0", "2.3.9", "5.2.1"),
        "deployment.environment.name": _resource("production", "staging"),
        "cloud.region": _resource(*{site.region for site in SITES}),
        "k8s.cluster.name": _resource(*{site.cluster for site in SITES}),
        "k8s.namespace.name": _resource("shop", "shop-staging"),
        "k8s.node.name": _resource(*(f"node-{n}" for n in range(1, 7))),
        "k8s.pod.name": _resource(),
        "host.name": _resource(*(f"node-{n}" for n in range(1, 7))),
        "telemetry.sdk.language": _resource("java", "go", "nodejs", "php", "rust"),
        "app.payment.decline_reason": Attribute({"logs"}, dict.fromkeys(REASONS, 1)),
    }
    catalog.metrics = {
        name: Metric(
            name,
            _KINDS.get(metric.kind, metric.kind),
            metric.unit,
            metric.kind == "counter",
            frozenset(names),
        )
        for name, metric in METRICS.items()
    }
    said = ["".join(part if n % 2 == 0 else "7" for n, part in enumerate(item.body)) for item in load()]
    catalog.texts = "\n".join(" ".join(text.lower().split()) for text in [*said, *REASONS, *_FAILURES])
    return catalog


_FAILURES = (
    "Redis timeout after 2000 ms",
    "connection reset by peer",
    "결제 승인이 거절되었습니다: 사유=한도초과",
    "declined",
)


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return shop()
