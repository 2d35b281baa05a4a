"""Plausible calls of the routes of search."""

from __future__ import annotations

from tests.unit.gateway.parties import Call, Party, Routes


def ask(me: Party, other: Party) -> list[Call]:
    # An answer repeats its question, so the other's names are asked for with a letter missing: they may not be found.
    return [
        Call(json={"question": f"'{me.secret}' 로그 최근 1시간"}, shows=True),
        Call(json={"question": f"{other.service[:-1]} 서비스 로그 최근 1시간"}),
        Call(json={"question": f"logs of {other.service[:-1]} in the last hour"}),
        Call(json={"question": f"최근 1시간 {other.secret[:-1]} 요청 수"}),
        Call(json={"question": "list all services", "execute": True}, shows=True),
        Call(json={"question": "what metrics do we have?"}, shows=True),
        Call(json={"question": "서비스별 요청 수 최근 1시간"}),
    ]


def similar_logs(me: Party, other: Party) -> list[Call]:
    return [Call(json={"text": "something happened"}), Call(json={"text": other.service, "limit": 100})]


ROUTES: Routes = {
    ("POST", "/api/search/ask"): ask,
    ("POST", "/api/search/similar-logs"): similar_logs,
}
