"""Plausible calls of the routes of replay."""

from __future__ import annotations

import time

from tests.unit.gateway.parties import Call, Calls, Party, Routes


def recording(me: Party, other: Party) -> list[Call]:
    """A session of one's own name; the same name is the other's session too."""
    now = time.time_ns() // 10**6
    events = [
        {"type": 4, "data": {"href": f"https://shop.example/{me.secret}"}, "timestamp": now},
        {"type": 5, "data": {"tag": "airis.error", "payload": {"message": me.secret}}, "timestamp": now},
    ]
    metadata = {"sequence": 0, "user": me.secret, "service": me.service}
    return [
        Call(json={"session_id": name, "events": events, "metadata": metadata})
        for name in (f"s-{me.secret}", "shared")
    ]


def recordings(me: Party, other: Party) -> list[Call]:
    queries = ("", f"user:{other.secret}", "user:*", f'"{other.secret}"', f"id:s-{other.secret}")
    return [Call(params={"query": query}) for query in queries]


def of_recording(end: str) -> Calls:
    def calls(me: Party, other: Party) -> list[Call]:
        base = "/api/replay/sessions"
        mine = [Call(f"{base}/{name}{end}", shows=True) for name in (f"s-{me.secret}", "shared")]
        return [*mine, Call(f"{base}/s-{other.secret}{end}")]

    return calls


def delete_of_user(me: Party, other: Party) -> list[Call]:
    return [Call(params={"user": other.secret}), Call(params={"user": f"{me.secret} or nobody"})]


def delete_recording(me: Party, other: Party) -> list[Call]:
    return [Call(f"/api/replay/sessions/s-{other.secret}")]


ROUTES: Routes = {
    ("POST", "/v1/replay"): recording,
    ("GET", "/api/replay/sessions"): recordings,
    ("GET", "/api/replay/sessions/{session}"): of_recording(""),
    ("GET", "/api/replay/sessions/{session}/events"): of_recording("/events"),
    ("GET", "/api/replay/sessions/{session}/timeline"): of_recording("/timeline"),
    ("DELETE", "/api/replay/sessions"): delete_of_user,
    ("DELETE", "/api/replay/sessions/{session}"): delete_recording,
}
