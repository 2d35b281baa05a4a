"""What is read out of a chunk's events for the session's summary, its timeline and the events of rules.

The result is a function of the chunk alone; what spans chunks (rage clicks, dead clicks) is found in
:mod:`airis_ray.replay.summary`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from airis_ray.replay.rrweb import (
    CLICK,
    CUSTOM,
    FOCUS,
    FULL_SNAPSHOT,
    INCREMENTAL,
    META,
    MOUSE_INTERACTION,
    PLUGIN,
    REACTIONS,
    Event,
)

MOST_MARKS: Final = 500
"""Marks of one chunk that are kept for the timeline; further ones are counted."""
_TEXT: Final = 1000
"""Characters of a mark's text; of a stack four times as many."""
_MOST_ATTRIBUTES: Final = 20
"""Of an event that a site marks, 200 characters of each name and value."""
_THIN_MS: Final = 100
_BAD: Final = frozenset({"error", "assert"})

Mark = dict[str, Any]
"""``{"at": milliseconds, "event": place in the chunk, "kind": …, …}``: console, network, error, page or event."""


@dataclass
class Facts:
    """``clicks``: (place, ms, x, y, node). ``active``: milliseconds in which the page changed or loaded, thinned so
    that the first after each click is there. ``beyond``: marks past MOST_MARKS by what they count as."""

    start: int = 0
    end: int = 0
    clicks: list[tuple[int, int, float, float, int]] = field(default_factory=list)
    active: list[int] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    beyond: dict[str, int] = field(default_factory=dict)


def facts_of(events: list[Event]) -> Facts:
    """Of masked events, at least one, each found to be one."""
    facts = Facts()
    times: list[int] = []
    active: list[int] = []
    for place, event in enumerate(events):
        at, kind, data = int(event["timestamp"]), event["type"], event.get("data")
        times.append(at)
        if kind == INCREMENTAL and isinstance(data, dict):
            source = data.get("source")
            if source in REACTIONS:
                active.append(at)
            elif source == MOUSE_INTERACTION:
                if data.get("type") == CLICK:
                    x, y = _number(data.get("x")), _number(data.get("y"))
                    facts.clicks.append((place, at, x, y, int(_number(data.get("id")))))
                elif data.get("type") == FOCUS:
                    active.append(at)
        elif kind == FULL_SNAPSHOT:
            active.append(at)
        elif kind in (META, CUSTOM, PLUGIN) and isinstance(data, dict):
            for mark in _marks(kind, data, at):
                if mark["kind"] in ("page", "network"):
                    active += [at, at - int(mark.get("duration_ms", 0))]
                _keep(facts, {"at": at, "event": place, **mark})
    facts.start, facts.end = min(times), max(times)
    facts.active = _thinned(active, [click[1] for click in facts.clicks])
    return facts


def counts_as(mark: Mark) -> str:
    """The column of the summary that a mark counts in; '' for one that counts in none."""
    match mark["kind"]:
        case "error":
            return "errors"
        case "console" if mark["level"] in _BAD:
            return "console_errors"
        case "network" if failed(mark):
            return "failed_requests"
    return ""


def failed(mark: Mark) -> bool:
    """Whether a request got no answer, or one that says so."""
    status: int = mark["status"]
    return status == 0 or status >= 400


def _keep(facts: Facts, mark: Mark) -> None:
    if len(facts.marks) < MOST_MARKS:
        facts.marks.append(mark)
    elif name := counts_as(mark):
        facts.beyond[name] = facts.beyond.get(name, 0) + 1


def _thinned(active: list[int], clicks: list[int]) -> list[int]:
    """The first of each THIN_MS, and the first after each click."""
    kept: list[int] = []
    clicks = sorted(clicks)
    waiting = 0
    for at in sorted(active):
        answers = False
        while waiting < len(clicks) and clicks[waiting] < at:
            waiting += 1
            answers = True
        if answers or not kept or at - kept[-1] >= _THIN_MS:
            kept.append(at)
    return kept


def _marks(kind: int, data: Event, at: int) -> Iterator[Mark]:
    if kind == META:
        yield {"kind": "page", "url": _text(data.get("href"))}
        return
    payload = data.get("payload")
    if not isinstance(payload, dict):
        return
    match data.get("tag") if kind == CUSTOM else data.get("plugin"):
        case "airis.page":
            yield {"kind": "page", "url": _text(payload.get("url")), "title": _text(payload.get("title"))}
        case "airis.console":
            yield {"kind": "console", "level": _level(payload), "text": _text(payload.get("text"))}
        case "airis.error":
            yield {
                "kind": "error",
                "text": _text(payload.get("message")),
                "stack": _text(payload.get("stack"), 4 * _TEXT),
                "source": _text(payload.get("source")),
                "line": int(_number(payload.get("line"))),
                "column": int(_number(payload.get("column"))),
            }
        case "airis.event":
            attributes = _attributes(payload.get("attributes"))
            yield {"kind": "event", "name": _text(payload.get("name")), "attributes": attributes}
        case "airis.network":
            yield _request(payload, "url", "duration_ms", "trace_id")
        case "rrweb/console@1":
            parts = payload.get("payload")
            text = " ".join(map(str, parts)) if isinstance(parts, list) else parts
            yield {"kind": "console", "level": _level(payload), "text": _text(text)}
        case "rrweb/network@1":
            requests = payload.get("requests")
            for request in requests if isinstance(requests, list) else ():
                if isinstance(request, dict) and request.get("initiatorType") in ("fetch", "xmlhttprequest"):
                    yield _request(request, "name", "duration", "traceId")


def _request(request: Event, url: str, duration: str, trace: str) -> Mark:
    return {
        "kind": "network",
        "method": _text(request.get("method")).upper(),
        "url": _text(request.get(url)),
        "status": int(_number(request.get("status"))),
        "duration_ms": max(0.0, min(_number(request.get(duration)), 86_400_000.0)),
        "trace_id": _trace(request.get(trace)),
    }


def _attributes(value: Any) -> dict[str, str]:
    """The first few attributes of an event: texts as they are, other values as JSON."""
    pairs = list(value.items())[:_MOST_ATTRIBUTES] if isinstance(value, dict) else []
    return {
        _text(name, 200): _text(each if isinstance(each, str) else orjson.dumps(each).decode(), 200)
        for name, each in pairs
        if each is not None
    }


def _level(payload: Event) -> str:
    return _text(payload.get("level"), 20).lower() or "log"


def _trace(value: Any) -> str:
    """32 hexadecimal digits, as the store writes trace ids, or nothing."""
    text = _text(value, 64).lower()
    return text if len(text) == 32 and all(letter in "0123456789abcdef" for letter in text) else ""


def _text(value: Any, most: int = _TEXT) -> str:
    return "" if value is None else str(value)[:most]


def _number(value: Any) -> float:
    """A finite number within what a browser can mean; 0 for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0.0
    return float(value) if -1e15 < value < 1e15 else 0.0
