"""Plausible calls of the routes of deltas."""

from __future__ import annotations

from typing import Any

from tests.unit.gateway.parties import Call, Party, Routes


def compare(me: Party, other: Party) -> list[Call]:
    groups: list[dict[str, Any]] = [
        {"target": {"query": query}, "baseline": {"query": "", "from": "now-2h"}}
        for query in ("", f"service:{other.service}", f'"{other.secret}"', f"app.user.id:{other.secret}")
    ]
    return [
        Call(json={"signal": signal, "limit": 500, **group})
        for signal in ("logs", "traces", "sessions")
        for group in groups
    ]


def explain(me: Party, other: Party) -> list[Call]:
    body = {
        "signal": "logs",
        "dimensions": ["service", "app.user.id"],
        "baseline": {"from": "now-2h", "to": "now-30m"},
    }
    return [Call(json=body), Call(json={**body, "events": f"service:{other.service}"})]


ROUTES: Routes = {
    ("POST", "/api/delta/compare"): compare,
    ("POST", "/api/delta/explain"): explain,
}
