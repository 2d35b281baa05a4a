"""Made-up recordings of browser sessions: what the replay benchmark sends."""

from __future__ import annotations

import random
from typing import Any, Final

import orjson

WORDS: Final = (
    "cart", "checkout", "product", "review", "shipping", "coupon", "account", "order", "결제", "장바구니", "주문",
    "배송",
)  # fmt: skip


def chunks(rng: random.Random, nbytes: int, chunk: int, session: str, start: int) -> list[bytes]:
    """A session's requests: a snapshot, then moves, changes of the page, input, clicks, console and network."""
    bodies: list[bytes] = []
    at, number, done = start, 1, 0
    while done < nbytes:
        events: list[dict[str, Any]] = []
        size = 0
        if not bodies:
            number, page = _page(rng, 900, number)
            view = {"href": "https://shop.example/cart", "width": 1, "height": 1}
            events.append({"type": 4, "data": view, "timestamp": at})
            events.append({"type": 2, "data": {"node": page}, "timestamp": at})
            size = len(orjson.dumps(events))
        while size < chunk:
            at += 50
            number, event = _event(rng, number, at)
            events.append(event)
            size += len(orjson.dumps(event))
        metadata = {"sequence": len(bodies), "tab": "t", "user": "u", "service": "web"}
        bodies.append(orjson.dumps({"session_id": session, "events": events, "metadata": metadata}))
        done += size
    return bodies


def _page(rng: random.Random, nodes: int, number: int) -> tuple[int, dict[str, Any]]:
    children = []
    for _ in range(nodes):
        number, node = _node(rng, number)
        children.append(node)
    html = {"type": 2, "tagName": "html", "attributes": {}, "childNodes": children, "id": 2}
    return number, {"type": 0, "childNodes": [html], "id": 1}


def _node(rng: random.Random, number: int) -> tuple[int, dict[str, Any]]:
    said = " ".join(rng.choices(WORDS, k=rng.randrange(2, 14)))
    tag = "input" if rng.random() < 0.03 else rng.choice(("div", "p", "span", "li", "a"))
    attributes = {
        "class": f"{rng.choice(WORDS)}-{rng.randrange(40)} col",
        "data-v": f"{rng.getrandbits(32):x}",
    }
    if tag == "input":
        attributes["value"] = said
    text = {"type": 3, "textContent": said, "id": number + 1}
    node = {"type": 2, "tagName": tag, "attributes": attributes, "childNodes": [text], "id": number}
    return number + 2, node


def _event(rng: random.Random, number: int, at: int) -> tuple[int, dict[str, Any]]:
    kind = rng.random()
    if kind < 0.35:
        positions = [
            {"x": rng.randrange(1500), "y": rng.randrange(900), "id": number, "timeOffset": -50 * n}
            for n in range(8)
        ]
        data: dict[str, Any] = {"source": 1, "positions": positions}
    elif kind < 0.85:
        adds = []
        for _ in range(rng.randrange(1, 12)):
            number, node = _node(rng, number)
            adds.append({"parentId": 2, "nextId": None, "node": node})
        style = {"style": {"transform": f"translate({rng.random()}px)"}}
        data = {
            "source": 0,
            "texts": [],
            "attributes": [{"id": 2, "attributes": style}],
            "removes": [],
            "adds": adds,
        }
    elif kind < 0.92:
        data = {"source": 3, "id": 1, "x": 0, "y": rng.randrange(9000)}
    elif kind < 0.95:
        data = {"source": 2, "type": 2, "id": number, "x": rng.randrange(1500), "y": rng.randrange(900)}
    elif kind < 0.97:
        data = {"source": 5, "text": "my own text", "isChecked": False, "id": 9}
    else:
        payload = {"level": "log", "text": f"user{rng.randrange(99)}@example.com paid {rng.choice(WORDS)}"}
        return number, {"type": 5, "data": {"tag": "airis.console", "payload": payload}, "timestamp": at}
    return number, {"type": 3, "data": data, "timestamp": at}
