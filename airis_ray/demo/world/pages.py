"""The four pages of the shop as a browser holds them, and what visitors do there.

A page is a tree of ``(tag, attributes, children)``; a child that is a string is text. The attribute ``key`` is not part
of the page: it names an element that visitors touch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from airis_ray.demo.world.vocabulary import PRODUCTS

Element: TypeAlias = tuple[str, dict[str, str], list[Any]]

ORIGIN: Final = "https://shop.example"
WIDTH, HEIGHT = 1280, 800

_STYLE: Final = (
    "body{font-family:sans-serif;margin:0;color:#1c2430}header{background:#123a5a;color:#fff;padding:16px 32px}"
    "nav a{color:#cfe3f5;margin-right:16px}main{padding:24px 32px}.grid{display:grid;grid-template-columns:"
    "repeat(5,1fr);gap:16px}.card{border:1px solid #d7dee6;border-radius:8px;padding:12px}.price{font-weight:700}"
    "button{background:#0b7a4b;color:#fff;border:0;border-radius:6px;padding:10px 18px}"
    ".error{color:#b3261e;font-weight:700}label{display:block;margin:8px 0}input,select{padding:6px;width:260px}"
)


def page(name: str, product: str, amount: int, items: int) -> Element:
    """The document element of ``home``, ``product``, ``cart`` or ``checkout``."""
    body = {"home": _home, "product": _product, "cart": _cart, "checkout": _checkout}[name](
        product, amount, items
    )
    head: Element = (
        "head",
        {},
        [("meta", {"charset": "utf-8"}, []), ("title", {}, [f"Shop – {name}"]), ("style", {}, [_STYLE])],
    )
    return (
        "html",
        {"lang": "ko"},
        [head, ("body", {"key": "body"}, [_header(items), ("main", {"key": "main"}, body)])],
    )


def _header(items: int) -> Element:
    home: Element = ("a", {"href": "/", "key": "home"}, ["홈"])
    cart: Element = ("a", {"href": "/cart", "key": "to-cart"}, ["장바구니"])
    badge: Element = ("span", {"class": "badge", "key": "badge"}, [str(items)])
    return "header", {}, [("strong", {}, ["캠핑 상점"]), ("nav", {}, [home, cart, badge])]


def _home(product: str, amount: int, items: int) -> list[Any]:
    first = PRODUCTS.index(product) // 20 * 20
    cards: list[Any] = []
    for number, name in enumerate(PRODUCTS[first : first + 20]):
        key = {"key": "card"} if name == product else {}
        price = f"{9_900 + 1_300 * number:,}원"
        link: Element = ("a", {"href": f"/product/{name}", **key}, [name])
        cards.append(("div", {"class": "card"}, [link, ("p", {"class": "price"}, [price])]))
    return [("h1", {}, ["오늘의 추천"]), ("div", {"class": "grid", "key": "grid"}, cards)]


def _product(product: str, amount: int, items: int) -> list[Any]:
    return [
        ("h1", {}, [product]),
        ("p", {}, ["가볍고 튼튼합니다. 내일 도착합니다."]),
        ("p", {"class": "price"}, [f"{amount:,}원"]),
        ("label", {}, ["수량", ("input", {"type": "number", "value": "1", "key": "quantity"}, [])]),
        ("button", {"type": "button", "key": "add"}, ["장바구니에 담기"]),
        ("p", {"key": "message"}, [" "]),
    ]


def _cart(product: str, amount: int, items: int) -> list[Any]:
    rows: list[Any] = [
        ("tr", {}, [("td", {}, [product]), ("td", {}, [f"{items}개"]), ("td", {}, [f"{amount:,}원"])])
    ]
    return [
        ("h1", {}, ["장바구니"]),
        ("table", {}, [("tbody", {}, rows)]),
        ("p", {"key": "message"}, [" "]),
        ("button", {"type": "button", "key": "to-checkout"}, ["주문하기"]),
    ]


def _checkout(product: str, amount: int, items: int) -> list[Any]:
    options: list[Any] = [
        ("option", {"value": name}, [name]) for name in ("card", "kakaopay", "naverpay", "toss")
    ]
    return [
        ("h1", {}, ["주문서"]),
        ("label", {}, ["받는 사람", ("input", {"type": "text", "name": "name", "key": "name"}, [])]),
        ("label", {}, ["배송지", ("input", {"type": "text", "name": "address", "key": "address"}, [])]),
        ("label", {}, ["결제수단", ("select", {"name": "method", "key": "method"}, options)]),
        ("p", {"class": "price"}, [f"결제 금액 {amount:,}원 ({items}개)"]),
        ("button", {"type": "button", "key": "pay"}, ["결제하기"]),
        ("p", {"key": "message"}, [" "]),
    ]


@dataclass(frozen=True)
class Visit:
    """A stop of a visitor: the page, the request that it makes, and the element that is clicked to make it.

    ``lead_ms`` is how long before the request the page is opened where no request opens it.
    """

    page: str
    route: str
    click: str = ""
    navigates: bool = True
    lead_ms: int = 0


LANDING: Final = (
    Visit("home", "frontend/GET /"),
    Visit("home", "frontend/GET /api/recommendations", navigates=False),
    Visit("home", "frontend/GET /api/ads", navigates=False),
)
PRODUCT: Final = (Visit("product", "frontend/GET /product/{id}", "card"),)
ADD: Final = (Visit("product", "frontend/POST /cart", "add", navigates=False),)
CART: Final = (
    Visit("cart", "frontend/GET /cart", "to-cart"),
    Visit("cart", "frontend/GET /api/shipping/quote", navigates=False),
)
PAY: Final = (Visit("checkout", "frontend/POST /api/checkout", "pay", navigates=False, lead_ms=8400),)
BACK: Final = (Visit("home", "frontend/GET /", "home"),)
