"""rrweb events of the tests."""

from __future__ import annotations

from typing import Any

START = 1_790_000_000_000
"""Milliseconds; a time within the year before the tests were written."""

Event = dict[str, Any]


def meta(at: int, href: str = "https://shop.example/") -> Event:
    return {"type": 4, "data": {"href": href, "width": 800, "height": 600}, "timestamp": at}


def element(number: int, tag: str, attributes: dict[str, Any], *children: Event) -> Event:
    return {"type": 2, "tagName": tag, "attributes": attributes, "childNodes": list(children), "id": number}


def text(number: int, said: str) -> Event:
    return {"type": 3, "textContent": said, "id": number}


def snapshot(at: int, *children: Event) -> Event:
    node = {"type": 0, "childNodes": [element(2, "html", {}, *children)], "id": 1}
    return {"type": 2, "data": {"node": node, "initialOffset": {"left": 0, "top": 0}}, "timestamp": at}


def change(at: int, source: int, **data: Any) -> Event:
    return {"type": 3, "data": {"source": source, **data}, "timestamp": at}


def click(at: int, x: float = 10, y: float = 10, node: int = 5) -> Event:
    return change(at, 2, type=2, id=node, x=x, y=y)


def mutation(at: int, **data: Any) -> Event:
    return change(at, 0, **{"texts": [], "attributes": [], "removes": [], "adds": [], **data})


def custom(at: int, tag: str, **payload: Any) -> Event:
    return {"type": 5, "data": {"tag": f"airis.{tag}", "payload": payload}, "timestamp": at}
