"""Browser sessions: whole rrweb recordings that belong to the traces."""

from __future__ import annotations

import json
from collections import defaultdict
from itertools import pairwise
from typing import Any

import pytest

from tests.unit.demo.conftest import Sent, mapping, run

FULL, INCREMENTAL, META, PLUGIN = 2, 3, 4, 6
MUTATION, MOVE, INTERACTION, SCROLL, INPUT = 0, 1, 2, 3, 5
CLICK = 2


@pytest.fixture(scope="module")
def busy() -> Sent:
    """Enough traffic for some dozens of sessions, while kakaopay in Korea fails."""
    return run("22m", "payment-declined", rate=5, only="frontend")


@pytest.fixture(scope="module")
def sessions(busy: Sent) -> dict[str, list[dict[str, Any]]]:
    """Every session's events, put together from their chunks."""
    chunks: dict[Any, dict[int, Any]] = defaultdict(dict)
    for resource, record in busy.recordings:
        assert resource["service.name"] == "frontend"
        at = mapping(record.attributes)
        key = resource["rum.sessionId"], at["rr-web.event"]
        assert at["rr-web.chunk"] not in chunks[key]
        chunks[key][at["rr-web.chunk"]] = (at["rr-web.total-chunks"], record)
    out: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for (session, _), parts in sorted(chunks.items()):
        total = next(iter(parts.values()))[0]
        assert sorted(parts) == list(range(1, total + 1))
        event = json.loads("".join(parts[number][1].body.string_value for number in sorted(parts)))
        assert all(record.time_unix_nano == event["timestamp"] * 1_000_000 for _, record in parts.values())
        out[session].append(event)
    return out


def _nodes(node: dict[str, Any]) -> list[int]:
    return [node["id"], *(number for child in node.get("childNodes", ()) for number in _nodes(child))]


def test_there_are_sessions_with_long_events_in_chunks(busy: Sent, sessions: dict[str, Any]) -> None:
    assert len(sessions) > 15
    assert max(mapping(record.attributes)["rr-web.total-chunks"] for _, record in busy.recordings) > 1


def test_events_are_what_a_player_needs(sessions: dict[str, list[dict[str, Any]]]) -> None:
    for events in sessions.values():
        assert [event["type"] for event in events[:2]] == [META, FULL]
        assert all(before["timestamp"] <= after["timestamp"] for before, after in pairwise(events))
        known: set[int] = set()
        for event in events:
            data = event["data"]
            if event["type"] == META:
                assert data["href"].startswith("https://shop.example/")
                assert (data["width"], data["height"]) == (1280, 800)
            elif event["type"] == FULL:
                numbers = _nodes(data["node"])
                assert len(set(numbers)) == len(numbers)
                known = set(numbers)
            elif event["type"] == INCREMENTAL:
                _check(data, known)
            else:
                assert event["type"] == PLUGIN


def _check(data: dict[str, Any], known: set[int]) -> None:
    if data["source"] == MUTATION:
        for add in data["adds"]:
            assert add["parentId"] in known
            known.update(_nodes(add["node"]))
    elif data["source"] == MOVE:
        offsets = [position["timeOffset"] for position in data["positions"]]
        assert offsets == sorted(offsets)
        assert offsets[-1] <= 0
        assert {position["id"] for position in data["positions"]} <= known
    else:
        assert data["source"] in (INTERACTION, SCROLL, INPUT)
        assert data["id"] in known


def test_pages_and_devices(sessions: dict[str, list[dict[str, Any]]]) -> None:
    paths = {
        event["data"]["href"].removeprefix("https://shop.example").split("/")[1]
        for events in sessions.values()
        for event in events
        if event["type"] == META
    }
    assert paths == {"", "product", "cart", "checkout"}
    sources = {
        event["data"]["source"]
        for events in sessions.values()
        for event in events
        if event["type"] == INCREMENTAL
    }
    assert sources == {MUTATION, MOVE, INTERACTION, SCROLL, INPUT}


def test_requests_lead_to_their_traces(busy: Sent, sessions: dict[str, list[dict[str, Any]]]) -> None:
    spans = {span.span_id.hex(): span for span in busy.server("frontend")}
    seen = 0
    for session, events in sessions.items():
        for request in _requests(events):
            span = spans[request["spanId"]]
            at = mapping(span.attributes)
            assert span.trace_id.hex() == request["traceId"]
            assert at["http.response.status_code"] == request["status"]
            assert at["http.request.method"] == request["method"]
            assert at["session.id"] == session
            seen += 1
    assert seen > 100


def test_failed_payments_make_people_click_in_anger(sessions: dict[str, list[dict[str, Any]]]) -> None:
    angry = 0
    for events in sessions.values():
        failed = [
            item for item in _requests(events) if item["name"].endswith("/checkout") and item["status"] >= 400
        ]
        if failed:
            angry += 1
            assert _longest_rage(events) >= 4
            levels = {
                event["data"]["payload"]["level"] for event in events if _plugin(event) == "rrweb/console@1"
            }
            assert levels & {"error", "warn"}
        else:
            assert _longest_rage(events) < 3
    assert angry > 0


def _plugin(event: dict[str, Any]) -> str | None:
    return event["data"]["plugin"] if event["type"] == PLUGIN else None


def _requests(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        item for e in events if _plugin(e) == "rrweb/network@1" for item in e["data"]["payload"]["requests"]
    ]


def _longest_rage(events: list[dict[str, Any]]) -> int:
    """The most clicks on one element within a second."""
    clicks = [
        (event["timestamp"], event["data"]["id"])
        for event in events
        if event["type"] == INCREMENTAL
        and event["data"]["source"] == INTERACTION
        and event["data"]["type"] == CLICK
    ]
    return max(
        (
            sum(0 <= later - time <= 1000 and other == node for later, other in clicks)
            for time, node in clicks
        ),
        default=0,
    )
