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
    Together,
    Work,
)
from airis_ray.demo.world.conventions import postgres, redis, rpc
from airis_ray.demo.world.frontend import FRONTEND, ROUTES
from airis_ray.demo.world.stacks import STACKS


def _refused(host: str, share: float) -> Failure:
    message = f"dial tcp {host}: connect: connection refused"
    return Failure("connection_refused", message, share, 503, exception="ConnectException")


_TIMEOUT = "deadline exceeded while awaiting headers: timeout"
_REDIS_GET = Work(
    "cart/redis-get",
    "HGETALL",
    CLIENT,
    0.7,
    redis("HGETALL", "HGETALL cart:?"),
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
    redis("HSET", "HSET cart:? ? ?"),
    0.5,
    0.012,
    failures=(Failure("timeout", "Redis timeout after 2000 ms: HSET", 0.0012, 504, ms=2000.0),),
)
_GET_PRODUCT_SQL = "SELECT id, name, price, stock FROM catalog.products WHERE id = $1"
_LIST_SQL = "SELECT id, name, price FROM catalog.products WHERE category = $1 ORDER BY rank LIMIT 20"

_CART = (
    Operation("cart", "GetCart", "shop.Cart/GetCart", 1.6, rpc("Cart", "GetCart"), (_REDIS_GET,), tail=0.006),
    Operation(
        "cart",
        "AddItem",
        "shop.Cart/AddItem",
        2.0,
        rpc("Cart", "AddItem"),
        (_REDIS_GET, _REDIS_SET),
        (Failure("out_of_stock", "재고 부족", 0.012, 409, soft=True),),
    ),
    Operation("cart", "EmptyCart", "shop.Cart/EmptyCart", 1.2, rpc("Cart", "EmptyCart"), (_REDIS_SET,)),
)

_CHECKOUT = (
    Operation(
        "checkout",
        "PlaceOrder",
        "shop.Checkout/PlaceOrder",
        9.0,
        rpc("Checkout", "PlaceOrder"),
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
        rpc("Payment", "Charge"),
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
        rpc("Shipping", "GetQuote"),
        (Call("quote/Calculate"),),
        (Failure("invalid_address", "배송지 주소를 찾을 수 없습니다", 0.004, 400, soft=True),),
    ),
    Operation(
        "shipping",
        "ShipOrder",
        "shop.Shipping/ShipOrder",
        14.0,
        rpc("Shipping", "ShipOrder"),
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
        rpc("ProductCatalog", "GetProduct"),
        (
            Work(
                "product-catalog/select-product",
                "SELECT catalog.products",
                CLIENT,
                6.0,
                postgres("SELECT", _GET_PRODUCT_SQL),
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
        rpc("ProductCatalog", "ListProducts"),
        (
            Work(
                "product-catalog/list-products",
                "SELECT catalog.products",
                CLIENT,
                11.0,
                postgres("SELECT", _LIST_SQL),
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
        rpc("Recommendation", "ListRecommendations"),
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
        rpc("Ad", "GetAds"),
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
        rpc("Email", "SendConfirmation"),
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
        rpc("Currency", "Convert"),
        (),
        (Failure("unavailable", "rate table not loaded yet, retrying", 0.0004, 503),),
    ),
    Operation(
        "quote",
        "Calculate",
        "shop.Quote/Calculate",
        3.2,
        rpc("Quote", "Calculate"),
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
                postgres(
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

__all__ = ["OPERATIONS", "ROUTES"]

OPERATIONS: Final = {
    operation.key: operation
    for operation in (
        *FRONTEND,
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
