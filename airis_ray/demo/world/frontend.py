"""What browsers ask the shop for."""

from __future__ import annotations

from typing import Final

from airis_ray.demo.model import INTERNAL, Call, Failure, Operation, Route, Together, Work
from airis_ray.demo.world.conventions import http
from airis_ray.demo.world.stacks import STACKS

FRONTEND: Final = (
    Operation(
        "frontend",
        "GET /",
        "GET /",
        6.0,
        http("GET", "/"),
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
        http("GET", "/product/{id}"),
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
        http("GET", "/cart"),
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
        http("POST", "/cart"),
        (Call("product-catalog/GetProduct"), Call("cart/AddItem")),
    ),
    Operation(
        "frontend",
        "POST /api/checkout",
        "POST /api/checkout",
        7.0,
        http("POST", "/api/checkout"),
        (Call("checkout/PlaceOrder"),),
        (Failure("bad_request", "배송지가 올바르지 않습니다", 0.006, 400, soft=True),),
    ),
    Operation(
        "frontend",
        "GET /api/recommendations",
        "GET /api/recommendations",
        3.0,
        http("GET", "/api/recommendations"),
        (Call("recommendation/ListRecommendations"),),
    ),
    Operation(
        "frontend",
        "GET /api/ads",
        "GET /api/ads",
        3.0,
        http("GET", "/api/ads"),
        (Call("ad/GetAds"),),
    ),
    Operation(
        "frontend",
        "GET /api/shipping/quote",
        "GET /api/shipping/quote",
        3.0,
        http("GET", "/api/shipping/quote"),
        (Call("shipping/GetQuote"),),
    ),
)

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
