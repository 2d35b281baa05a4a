"""What is masked in rrweb's events before anything of them is written.

By structure: the values of inputs, wherever rrweb records them (input events, ``value`` attributes of snapshots and
mutations, the text of a textarea, which option is selected), and the text of elements that a selector names. By
content: :mod:`airis_ray.replay.sensitive` in every text of every event.

A chunk is masked by itself: chunks come in any order, and the result must not depend on it. What a selector means is
known only of nodes that the chunk itself brings in; where selectors are set, text that is changed or added below
other nodes is masked too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

import orjson
import re2

from airis_ray.errors import InvalidInput
from airis_ray.replay.rrweb import ELEMENT, FULL_SNAPSHOT, INCREMENTAL, INPUT, MUTATION, TEXT, Event
from airis_ray.replay.sensitive import SUSPECT, latin1, masked, matching, starred
from airis_ray.settings.replay import ReplaySettings

_VALUED: Final = frozenset({"input", "textarea", "select", "option"})
_BUTTONS: Final = frozenset({"button", "submit", "reset", "image"})
"""Kinds of inputs whose value is what the page wrote on them."""
_SHOWN: Final = ("placeholder", "title", "alt", "aria-label", "value", "label", "content")
"""Attributes that say what an element's text says."""
_DEPTH: Final = 300
"""Levels of nested JSON that are looked into: more than orjson writes, 254, about 125 levels of a page."""

_INPUTS: Final = re2.compile(rb'"(?:input|textarea|select|option|value)"|"source":5[,}.]', latin1())
"""JSON of an event without this has no value of an input in it: rrweb writes tags in lower case."""
_EITHER: Final = re2.compile(_INPUTS.pattern + b"|" + SUSPECT.pattern, latin1())
"""Looked for once in all events; which of the two it is, in the few that have any."""

Node = dict[str, Any]


def stars(value: Any) -> Any:
    """As many asterisks as a text has characters, blanks kept; anything but a text as it is."""
    return re.sub(r"\S", "*", value) if isinstance(value, str) else value


class Masker:
    """Masks events by the settings. Safe for use from several threads."""

    def __init__(self, settings: ReplaySettings) -> None:
        self._inputs = settings.mask_inputs
        self._text = settings.mask_text
        self._selectors = settings.selectors()
        self._patterns = tuple(map(re2.compile, settings.mask_patterns.split()))

    def encode(self, events: list[Event]) -> list[bytes]:
        """Mask the events in their list; their JSON. Raises InvalidInput for one that is nested too deeply."""
        if self._selectors:
            known: dict[int, bool] = {}
            for event in events:
                self._structure(event, known)
        if self._patterns:
            self._mask_inputs(events, range(len(events)))
            return [self._rewritten(events, place) for place in range(len(events))]
        encoded = [_dumped(event) for event in events]
        # Few events have anything to do with inputs or addresses, and only these are looked into and written again.
        few = matching(_EITHER, encoded)
        if self._inputs and not self._selectors:
            places = _among(few, _INPUTS, encoded)
            self._mask_inputs(events, places)
            for place in places:
                encoded[place] = _dumped(events[place])
        for place in _among(few, SUSPECT, encoded) if self._text else ():
            encoded[place] = self._rewritten(events, place)
        return encoded

    def text(self, value: str) -> str:
        """A text that does not stand in an event, masked by its content."""
        return masked(value, self._patterns) if self._text or self._patterns else value

    def _mask_inputs(self, events: list[Event], places: Iterable[int]) -> None:
        if self._inputs and not self._selectors:
            for place in places:
                self._structure(events[place], {})

    def _rewritten(self, events: list[Event], place: int) -> bytes:
        events[place] = self._content(events[place], 0)
        return _dumped(events[place])

    def anything(self, value: Any) -> str:
        """JSON that is no event, masked by its content."""
        return _dumped(self._content(value, 0)).decode()

    def _content(self, value: Any, depth: int) -> Any:
        if isinstance(value, str):
            return masked(value, self._patterns) if self._text else _by(self._patterns, value)
        if depth > _DEPTH:
            return None
        if isinstance(value, dict):
            return {self._content(key, depth): self._content(each, depth + 1) for key, each in value.items()}
        if isinstance(value, list):
            return [self._content(each, depth + 1) for each in value]
        return value

    def _structure(self, event: Event, known: dict[int, bool]) -> None:
        """``known`` says of each node that the chunk brought in whether a selector names it or what it lies in."""
        data = event.get("data")
        if not isinstance(data, dict):
            return
        if event["type"] == FULL_SNAPSHOT:
            self._tree(data.get("node"), False, known)
        elif event["type"] == INCREMENTAL:
            source = data.get("source")
            if source == INPUT and self._inputs:
                if "text" in data:
                    data["text"] = stars(data["text"])
            elif source == MUTATION:
                self._mutation(data, known)

    def _mutation(self, data: Node, known: dict[int, bool]) -> None:
        unknown = bool(self._selectors)
        for add in _objects(data.get("adds")):
            self._tree(add.get("node"), known.get(_number(add.get("parentId")), unknown), known)
        for change in _objects(data.get("texts")):
            if known.get(_number(change.get("id")), unknown):
                change["value"] = stars(change.get("value"))
        for change in _objects(data.get("attributes")):
            attributes = change.get("attributes")
            if not isinstance(attributes, dict):
                continue
            if self._inputs and "value" in attributes:
                attributes["value"] = stars(attributes["value"])
            if known.get(_number(change.get("id")), unknown):
                _mask_shown(attributes)

    def _tree(self, root: Any, hidden: bool, known: dict[int, bool]) -> None:
        """Mask a serialized node and what is below it; ``hidden``: it lies in something that a selector names."""
        pending = [(root, hidden)]
        selectors = self._selectors
        while pending:
            node, hidden = pending.pop()
            if not isinstance(node, dict):
                continue
            kind = node.get("type")
            if kind == ELEMENT:
                tag, attributes = node.get("tagName"), node.get("attributes")
                if isinstance(attributes, dict):
                    if selectors and not hidden:
                        hidden = any(_matches(selector, tag, attributes) for selector in selectors)
                    if hidden:
                        _mask_shown(attributes)
                    if tag in _VALUED and self._inputs:
                        hidden = _mask_value(tag, attributes) or hidden
            elif kind == TEXT and hidden and not node.get("isStyle"):
                node["textContent"] = stars(node.get("textContent"))
            if selectors or hidden:
                known[_number(node.get("id"))] = hidden
            children = node.get("childNodes")
            if children and isinstance(children, list):
                pending.extend((child, hidden) for child in children)


def _dumped(value: Any) -> bytes:
    try:
        return orjson.dumps(value)
    except TypeError as error:
        raise InvalidInput(f"an event cannot be written as JSON: {error}") from None


def _among(places: list[int], pattern: Any, texts: list[bytes]) -> list[int]:
    """Those of the places whose texts a pattern is found in."""
    return [places[found] for found in matching(pattern, [texts[place] for place in places])]


def _mask_value(tag: str, attributes: Node) -> bool:
    """Mask the value of an input element; whether the text in it is its value."""
    if tag == "option":
        attributes.pop("selected", None)
    elif "value" in attributes and not (
        tag == "input" and str(attributes.get("type", "")).lower() in _BUTTONS
    ):
        attributes["value"] = stars(attributes["value"])
    return tag == "textarea"


def _mask_shown(attributes: Node) -> None:
    for name in _SHOWN:
        if name in attributes:
            attributes[name] = stars(attributes[name])


def _matches(selector: dict[str, str], tag: Any, attributes: Node) -> bool:
    if "tag" in selector and selector["tag"].lower() != tag:
        return False
    if "name" in selector:
        if selector["mark"] == "#":
            return bool(attributes.get("id") == selector["name"])
        return selector["name"] in str(attributes.get("class", "")).split()
    if "key" in selector:
        value = attributes.get(selector["key"])
        return value is not None and ("value" not in selector or str(value) == selector["value"])
    return True


def _by(patterns: tuple[Any, ...], text: str) -> str:
    for pattern in patterns:
        text = pattern.sub(starred, text)
    return text


def _objects(value: Any) -> list[Node]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _number(value: Any) -> int:
    return value if isinstance(value, int) else -1
