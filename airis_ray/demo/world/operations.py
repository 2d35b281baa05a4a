"""What every service does, whom it calls and how it fails in ordinary times."""

from __future__ import annotations

from typing import Final

from airis_ray.demo.model import (
    CLIENT,
    CONSUMER,
    INTERNAL,
    Call,
    Failure,
    Operation,
    Publish,
    Route,
    Together,
    Work,
)
from airis_ray.demo.wire import Attribute
from airis_ray.demo.world.stacks import STACKS


def _rpc(service: str, method: str) -> dict[str, Attribute]:
    return {"rpc.system": "grpc", "rpc.service": f"shop.{service}", "rpc.method": method}


def _http(method: str, route: str) -> dict[str, Attribute]:
    return {"http.request.method": method, "http.route": route}


def _postgres(operation: str, query: str) -> dict[str, Attribute]:
    return {
        "db.system": "postgresql",
        "db.namespace": "shop",
        "db.operation.name": operation,
        "db.query.text": query,
        "server.address": "postgres.shop.svc",
    }


def _redis(operation: str, query: str) -> dict[str, Attribute]:
    return {
        "db.system": "redis",
        "db.operation.name": operation,
        "db.query.text": query,
        "server.address": "redis.shop.svc",
    }


def _refused(host: str, share: float) -> Failure:
    message = f"dial tcp {host}: connect: connection refused"
    return Failure("connection_refused", message, share, 503, exception="ConnectException")


_TIMEOUT = "deadline exceeded while awaiting headers: timeout"
_REDIS_GET = Work(
    "cart/redis-get",
    "HGETALL",
    CLIENT,
    0.7,
    _redis("HGETALL", "HGETALL cart:?"),
    0.5,
    0.012,
    failures=(
        Failure("timeout", "Redis timeout after 2000 ms: HGETALL", 0.0016, 504, ms=2000.0),
        Failure("connection_reset", "read tcp redis:6379: connection reset by peer", 0.0010, 503),
    ),
)
_REDIS_SET = Work(
    "cart/redis-set",
    "HSET",
    CLIENT,
    0.8,
    _redis("HSET", "HSET cart:? ? ?"),
    0.5,
    0.012,
    failures=(Failure("timeout", "Redis timeout after 2000 ms: HSET", 0.0012, 504, ms=2000.0),),
)
_GET_PRODUCT_SQL = "SELECT id, name, price, stock FROM catalog.products WHERE id = $1"
_LIST_SQL = "SELECT id, name, price FROM catalog.products WHERE category = $1 ORDER BY rank LIMIT 20"

_FRONTEND = (
    Operation(
        "frontend",
        "GET /",
        "GET /",
        6.0,
        _http("GET", "/"),
        (
            Together((Call("product-catalog/ListProducts"), Call("currency/Convert", critical=False))),
            Work("frontend/render", "render home", INTERNAL, 9.0, {"code.function.name": "renderHome"}),
        ),
        (Failure("rate_limited", "rate limit exceeded", 0.0012, 429, soft=True),),
    ),
    Operation(
        "frontend",
        "GET /product/{id}",
        "GET /product/{id}",
        6.0,
        _http("GET", "/product/{id}"),
        (
            Together((Call("product-catalog/GetProduct"), Call("currency/Convert", critical=False))),
            Work("frontend/render", "render product", INTERNAL, 7.0, {"code.function.name": "renderProduct"}),
        ),
        (
            Failure("not_found", "no such product", 0.012, 404, soft=True),
            Failure("rate_limited", "rate limit exceeded", 0.0012, 429, soft=True),
            Failure(
                "TypeError",
                "Cannot read properties of undefined (reading 'price')",
                0.0006,
                exception="TypeError",
                stack=STACKS["node"],
            ),
        ),
    ),
    Operation(
        "frontend",
        "GET /cart",
        "GET /cart",
        5.0,
        _http("GET", "/cart"),
        (
            Call("cart/GetCart"),
            Together((Call("product-catalog/GetProduct", 0.9), Call("currency/Convert", critical=False))),
            Call("shipping/GetQuote", critical=False),
        ),
    ),
    Operation(
        "frontend",
        "POST /cart",
        "POST /cart",
        5.0,
        _http("POST", "/cart"),
        (Call("product-catalog/GetProduct"), Call("cart/AddItem")),
    ),
    Operation(
        "frontend",
        "POST /api/checkout",
        "POST /api/checkout",
        7.0,
        _http("POST", "/api/checkout"),
        (Call("checkout/PlaceOrder"),),
        (Failure("bad_request", "배송지가 올바르지 않습니다", 0.006, 400, soft=True),),
    ),
    Operation(
        "frontend",
        "GET /api/recommendations",
        "GET /api/recommendations",
        3.0,
        _http("GET", "/api/recommendations"),
        (Call("recommendation/ListRecommendations"),),
    ),
    Operation(
        "frontend",
        "GET /api/ads",
        "GET /api/ads",
        3.0,
        _http("GET", "/api/ads"),
        (Call("ad/GetAds"),),
    ),
    Operation(
        "frontend",
        "GET /api/shipping/quote",
        "GET /api/shipping/quote",
        3.0,
        _http("GET", "/api/shipping/quote"),
        (Call("shipping/GetQuote"),),
    ),
)

_CART = (
    Operation(
        "cart", "GetCart", "shop.Cart/GetCart", 1.6, _rpc("Cart", "GetCart"), (_REDIS_GET,), tail=0.006
    ),
    Operation(
        "cart",
        "AddItem",
        "shop.Cart/AddItem",
        2.0,
        _rpc("Cart", "AddItem"),
        (_REDIS_GET, _REDIS_SET),
        (Failure("out_of_stock", "재고 부족", 0.012, 409, soft=True),),
    ),
    Operation("cart", "EmptyCart", "shop.Cart/EmptyCart", 1.2, _rpc("Cart", "EmptyCart"), (_REDIS_SET,)),
)

_CHECKOUT = (
    Operation(
        "checkout",
        "PlaceOrder",
        "shop.Checkout/PlaceOrder",
        9.0,
        _rpc("Checkout", "PlaceOrder"),
        (
            Call("cart/GetCart"),
            Together((Call("product-catalog/GetProduct"), Call("currency/Convert"))),
            Call("shipping/GetQuote"),
            Call("payment/Charge"),
            Call("shipping/ShipOrder"),
            Call("cart/EmptyCart", critical=False),
            Call("email/SendConfirmation", critical=False),
            Publish("orders", ("accounting/orders", "fraud-detection/orders")),
        ),
        (
            Failure(
                "IllegalStateException",
                "order state is PENDING, expected CREATED",
                0.0012,
                exception="java.lang.IllegalStateException",
                stack=STACKS["checkout"],
            ),
        ),
    ),
)

_PAYMENT = (
    Operation(
        "payment",
        "Charge",
        "shop.Payment/Charge",
        12.0,
        _rpc("Payment", "Charge"),
        (
            Work("payment/validate", "validate card", INTERNAL, 2.0, {"code.function.name": "validateCard"}),
            Work(
                "payment/gateway",
                "POST",
                CLIENT,
                95.0,
                {"server.address": "gateway.pay.example", "server.port": 443},
                0.4,
                0.01,
                failures=(
                    Failure(
                        "gateway_timeout", "payment gateway timeout after 3000 ms", 0.004, 504, ms=3000.0
                    ),
                    Failure("rate_limited", "payment gateway answered 429: rate limit", 0.0015, 503),
                    Failure("connection_reset", "gateway.pay.example: connection reset", 0.0010, 502),
                ),
            ),
        ),
        (Failure("card_declined", "결제 승인이 거절되었습니다", 0.065, 402, soft=True, early=False),),
    ),
)

_SHIPPING = (
    Operation(
        "shipping",
        "GetQuote",
        "shop.Shipping/GetQuote",
        2.2,
        _rpc("Shipping", "GetQuote"),
        (Call("quote/Calculate"),),
        (Failure("invalid_address", "배송지 주소를 찾을 수 없습니다", 0.004, 400, soft=True),),
    ),
    Operation(
        "shipping",
        "ShipOrder",
        "shop.Shipping/ShipOrder",
        14.0,
        _rpc("Shipping", "ShipOrder"),
        (Work("shipping/label", "print label", INTERNAL, 6.0, {"code.function.name": "label::print"}),),
        (
            Failure("carrier_unavailable", "carrier API: connection refused", 0.003, 503),
            Failure("timeout", "carrier API: timeout after 1500 ms", 0.002, 504, ms=1500.0),
        ),
    ),
)

_CATALOG = (
    Operation(
        "product-catalog",
        "GetProduct",
        "shop.ProductCatalog/GetProduct",
        1.4,
        _rpc("ProductCatalog", "GetProduct"),
        (
            Work(
                "product-catalog/select-product",
                "SELECT catalog.products",
                CLIENT,
                6.0,
                _postgres("SELECT", _GET_PRODUCT_SQL),
                0.5,
                0.006,
                failures=(
                    _refused("postgres:5432", 0.0005),
                    Failure(
                        "timeout", "pq: canceling statement due to statement timeout", 0.0008, 504, ms=1500
                    ),
                ),
            ),
        ),
    ),
    Operation(
        "product-catalog",
        "ListProducts",
        "shop.ProductCatalog/ListProducts",
        2.0,
        _rpc("ProductCatalog", "ListProducts"),
        (
            Work(
                "product-catalog/list-products",
                "SELECT catalog.products",
                CLIENT,
                11.0,
                _postgres("SELECT", _LIST_SQL),
                0.45,
                0.006,
            ),
        ),
        (Failure("deadline_exceeded", _TIMEOUT, 0.0008, 504, ms=800.0),),
    ),
)

_RECOMMENDATION = (
    Operation(
        "recommendation",
        "ListRecommendations",
        "shop.Recommendation/ListRecommendations",
        8.0,
        _rpc("Recommendation", "ListRecommendations"),
        (
            Call("product-catalog/ListProducts"),
            Work(
                "recommendation/rank",
                "rank candidates",
                INTERNAL,
                26.0,
                {"code.function.name": "Ranker.rank"},
            ),
        ),
        (Failure("deadline_exceeded", _TIMEOUT, 0.002, 504, ms=900.0),),
        tail=0.008,
    ),
)

_OTHERS = (
    Operation(
        "ad",
        "GetAds",
        "shop.Ad/GetAds",
        7.0,
        _rpc("Ad", "GetAds"),
        (),
        (
            Failure(
                "NullPointerException",
                'Cannot invoke "Campaign.budget()" because "campaign" is null',
                0.0015,
                exception="java.lang.NullPointerException",
                stack=STACKS["ad"],
            ),
        ),
    ),
    Operation(
        "email",
        "SendConfirmation",
        "shop.Email/SendConfirmation",
        10.0,
        _rpc("Email", "SendConfirmation"),
        (
            Work("email/render", "render template", INTERNAL, 8.0, {"code.function.name": "Mailer#render"}),
            Work(
                "email/smtp",
                "SMTP SEND",
                CLIENT,
                55.0,
                {"server.address": "smtp.mail.example", "server.port": 587},
                failures=(
                    Failure("connection_refused", "smtp.mail.example:587: connection refused", 0.004, 503),
                    Failure("dns_error", "DNS lookup failed: smtp.mail.example: no such host", 0.001, 503),
                ),
            ),
        ),
    ),
    Operation(
        "currency",
        "Convert",
        "shop.Currency/Convert",
        0.9,
        _rpc("Currency", "Convert"),
        (),
        (Failure("unavailable", "rate table not loaded yet, retrying", 0.0004, 503),),
    ),
    Operation(
        "quote",
        "Calculate",
        "shop.Quote/Calculate",
        3.2,
        _rpc("Quote", "Calculate"),
        (Work("quote/price", "calculate price", INTERNAL, 1.5, {"code.function.name": "Quote::price"}),),
        (Failure("DivisionByZeroError", "Division by zero", 0.0008, exception="DivisionByZeroError"),),
    ),
)

_CONSUMERS = (
    Operation(
        "accounting",
        "orders",
        "process orders",
        5.0,
        {
            "messaging.system": "kafka",
            "messaging.destination.name": "orders",
            "messaging.operation.type": "process",
            "messaging.consumer.group.name": "accounting",
        },
        (
            Work(
                "accounting/insert-order",
                "INSERT accounting.orders",
                CLIENT,
                7.0,
                _postgres(
                    "INSERT", "INSERT INTO accounting.orders (id, amount, currency) VALUES ($1, $2, $3)"
                ),
                0.5,
                0.008,
                failures=(
                    Failure("deadlock", "40P01: deadlock detected", 0.003, exception="PostgresException"),
                ),
            ),
        ),
        kind=CONSUMER,
    ),
    Operation(
        "fraud-detection",
        "orders",
        "process orders",
        9.0,
        {
            "messaging.system": "kafka",
            "messaging.destination.name": "orders",
            "messaging.operation.type": "process",
            "messaging.consumer.group.name": "fraud-detection",
        },
        (
            Work(
                "fraud-detection/score", "score order", INTERNAL, 18.0, {"code.function.name": "Scorer.score"}
            ),
        ),
        (Failure("timeout", "feature store timeout after 500 ms", 0.003, 504, ms=500.0),),
        kind=CONSUMER,
    ),
)

OPERATIONS: Final = {
    operation.key: operation
    for operation in (
        *_FRONTEND,
        *_CART,
        *_CHECKOUT,
        *_PAYMENT,
        *_SHIPPING,
        *_CATALOG,
        *_RECOMMENDATION,
        *_OTHERS,
        *_CONSUMERS,
    )
}

ROUTES: Final = (
    Route("frontend/GET /", 0.18),
    Route("frontend/GET /product/{id}", 0.30),
    Route("frontend/GET /cart", 0.10),
    Route("frontend/POST /cart", 0.09),
    Route("frontend/POST /api/checkout", 0.06),
    Route("frontend/GET /api/recommendations", 0.13),
    Route("frontend/GET /api/ads", 0.10),
    Route("frontend/GET /api/shipping/quote", 0.04),
)
