"""rrweb 2 events: what a recorder in the browser would have written."""

from __future__ import annotations

from typing import Any, Final

from airis_ray.demo.world.pages import HEIGHT, ORIGIN, WIDTH, Element

FULL, INCREMENTAL, META, PLUGIN = 2, 3, 4, 6
MUTATION, MOUSE_MOVE, MOUSE_INTERACTION, SCROLL, INPUT = 0, 1, 2, 3, 5
_DOWN, _UP, _CLICK, _FOCUS = 1, 0, 2, 5
_DOCUMENT, _DOCTYPE, _ELEMENT, _TEXT = 0, 1, 2, 3
_ROOT: Final = 1

Event = dict[str, Any]


class Page:
    """A page that is being recorded: its nodes have numbers, some of them by name."""

    def __init__(self, root: Element) -> None:
        self.names: dict[str, int] = {}
        self._next = 2
        doctype = {"type": _DOCTYPE, "name": "html", "publicId": "", "systemId": "", "id": self._id()}
        self._document = {"type": _DOCUMENT, "childNodes": [doctype, self._node(root)], "id": _ROOT}

    def meta(self, time: int, path: str) -> Event:
        """The page's address; ``time`` is in milliseconds since the epoch, as in all events."""
        return {
            "type": META,
            "data": {"href": ORIGIN + path, "width": WIDTH, "height": HEIGHT},
            "timestamp": time,
        }

    def snapshot(self, time: int) -> Event:
        """The whole page."""
        data = {"node": self._document, "initialOffset": {"left": 0, "top": 0}}
        return {"type": FULL, "data": data, "timestamp": time}

    def move(self, time: int, path: list[tuple[int, int, int]]) -> Event:
        """The mouse's way: x, y and milliseconds before ``time`` (negative)."""
        where = self.names["main"]
        positions = [{"x": x, "y": y, "id": where, "timeOffset": offset} for x, y, offset in path]
        return _incremental(time, MOUSE_MOVE, positions=positions)

    def click(self, time: int, name: str, x: int, y: int) -> list[Event]:
        """A click on a named element: down, up, click."""
        kinds = (_DOWN, _UP, _CLICK)
        node = self.names[name]
        return [
            _incremental(time + number * 30, MOUSE_INTERACTION, type=kind, id=node, x=x, y=y, pointerType=0)
            for number, kind in enumerate(kinds)
        ]

    def type(self, time: int, name: str, text: str) -> list[Event]:
        """A field focused and filled in, a few letters at a time."""
        node = self.names[name]
        out = [_incremental(time, MOUSE_INTERACTION, type=_FOCUS, id=node, x=0, y=0)]
        return out + [
            _incremental(time + 140 * number, INPUT, text=text[:number], isChecked=False, id=node)
            for number in range(1, len(text) + 1)
        ]

    def scroll(self, time: int, y: int) -> Event:
        """The page scrolled to ``y``."""
        return _incremental(time, SCROLL, id=_ROOT, x=0, y=y)

    def say(self, time: int, name: str, text: str, style: str) -> Event:
        """An element's content replaced by a paragraph."""
        parent = self.names[name]
        node = {
            "type": _ELEMENT,
            "tagName": "span",
            "attributes": {"class": style},
            "childNodes": [],
            "id": self._id(),
        }
        inside = {"type": _TEXT, "textContent": text, "id": self._id()}
        adds = [
            {"parentId": parent, "nextId": None, "node": node},
            {"parentId": node["id"], "nextId": None, "node": inside},
        ]
        return _incremental(time, MUTATION, texts=[], attributes=[], removes=[], adds=adds)

    def _id(self) -> int:
        self._next += 1
        return self._next - 1

    def _node(self, item: Element | str) -> dict[str, Any]:
        number = self._id()
        if isinstance(item, str):
            return {"type": _TEXT, "textContent": item, "id": number}
        tag, attributes, children = item
        if "key" in attributes:
            self.names[attributes["key"]] = number
        shown = {name: value for name, value in attributes.items() if name != "key"}
        nodes = [self._node(child) for child in children]
        return {"type": _ELEMENT, "tagName": tag, "attributes": shown, "childNodes": nodes, "id": number}


def console(time: int, level: str, text: str) -> Event:
    """A line of the browser's console, as rrweb's console plugin writes it."""
    payload = {"level": level, "payload": [f'"{text}"'], "trace": []}
    return {"type": PLUGIN, "data": {"plugin": "rrweb/console@1", "payload": payload}, "timestamp": time}


def network(time: int, method: str, path: str, status: int, took: int, trace: str, span: str) -> Event:
    """A request that is over, as rrweb's network plugin writes it, with the trace that answered it."""
    request = {
        "name": ORIGIN + path,
        "initiatorType": "fetch",
        "method": method,
        "status": status,
        "timestamp": time - took,
        "duration": took,
        "traceId": trace,
        "spanId": span,
        "requestHeaders": {"traceparent": f"00-{trace}-{span}-01"},
    }
    payload = {"requests": [request]}
    return {"type": PLUGIN, "data": {"plugin": "rrweb/network@1", "payload": payload}, "timestamp": time}


def _incremental(time: int, source: int, **data: Any) -> Event:
    return {"type": INCREMENTAL, "data": {"source": source, **data}, "timestamp": time}
