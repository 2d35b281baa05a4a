"""Plausible calls of the routes of aiops."""

from __future__ import annotations

from typing import Any

from tests.unit.gateway.parties import ARROW, Call, Calls, Party, Routes


def series(**options: Any) -> Calls:
    """A series of one's own: it comes back to whoever sent it."""

    def calls(me: Party, other: Party) -> list[Call]:
        stamps = [10**18 + minute * 60 * 10**9 for minute in range(50)]
        body = {
            "timestamps": stamps,
            "values": [minute % 7 for minute in range(50)],
            "labels": {"host": me.secret},
        }
        return [Call(json={"series": [body], **options}, shows=True)]

    return calls


def detect(me: Party, other: Party) -> list[Call]:
    (call,) = series()(me, other)
    return [
        call,
        *(Call(json={**call.json, "model": party.model}, shows=party is me) for party in (me, other)),
    ]


def models(me: Party, other: Party) -> list[Call]:
    return [Call(shows=True)]


def register(me: Party, other: Party) -> list[Call]:
    """No graph: that one is kept is tried where models are."""
    how = {"width": 32, "output": "usual"}
    octets = {"content-type": "application/octet-stream"}
    return [
        Call(f"/api/aiops/models/{party.model}", params=how, content=b"none", headers=octets)
        for party in (me, other)
    ]


def roll_back(me: Party, other: Party) -> list[Call]:
    return [
        Call(f"/api/aiops/models/{party.model}/rollback", json={"version": "1"}, shows=party is me)
        for party in (me, other)
    ]


def delete_model(rest: str) -> Calls:
    """One's own stays for the calls that show it."""

    def calls(me: Party, other: Party) -> list[Call]:
        return [Call(f"/api/aiops/models/{name}{rest}") for name in (other.model, "none")]

    return calls


def anomalies(me: Party, other: Party) -> list[Call]:
    return [Call(shows=True), Call(headers=ARROW, shows=True), Call(params={"service": other.service})]


def anomaly(me: Party, other: Party) -> list[Call]:
    return [Call(f"/api/aiops/anomalies/{party.anomaly}", shows=party is me) for party in (me, other)]


def say(me: Party, other: Party) -> list[Call]:
    base = "/api/aiops/anomalies"
    return [
        Call(f"{base}/{party.anomaly}/verdict", json={"verdict": "true"}, shows=party is me)
        for party in (me, other)
    ]


def unsay(me: Party, other: Party) -> list[Call]:
    return [Call(f"/api/aiops/anomalies/{party.anomaly}/verdict", shows=party is me) for party in (me, other)]


ROUTES: Routes = {
    ("POST", "/api/aiops/detect"): detect,
    ("GET", "/api/aiops/models"): models,
    ("POST", "/api/aiops/models/{name}"): register,
    ("POST", "/api/aiops/models/{name}/rollback"): roll_back,
    ("DELETE", "/api/aiops/models/{name}"): delete_model(""),
    ("DELETE", "/api/aiops/models/{name}/versions/{version}"): delete_model("/versions/1"),
    ("POST", "/api/aiops/forecast"): series(horizon=3),
    ("GET", "/api/aiops/anomalies"): anomalies,
    ("GET", "/api/aiops/anomalies/{anomaly}"): anomaly,
    ("POST", "/api/aiops/anomalies/{anomaly}/verdict"): say,
    ("DELETE", "/api/aiops/anomalies/{anomaly}/verdict"): unsay,
}
