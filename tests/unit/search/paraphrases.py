"""The questions of ``paraphrases.txt`` and the requests they ask for."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tests.support.nl_search import ANALYTICS, Question
from tests.unit.search.conftest import NOW, ZONE

_DAY = timedelta(days=1)


def load() -> list[Question]:
    """All of them."""
    lines = (Path(__file__).parent / "paraphrases.txt").read_text(encoding="utf-8").splitlines()
    return [_question(line) for line in lines if line and not line.startswith("#")]


def _question(line: str) -> Question:
    text, kind, query, time, rest, *_ = [*re.split(r"\s*;\s*", line), "", "", "", ""]
    options = dict(part.split("=", 1) for part in re.findall(r"(\w+=(?:(?! \w+=).)+)", rest))
    endpoint, body = _expected(kind, query, time, options)
    tags = frozenset(f"asks:{name}" for name in ("limit", "order", "step") if name in options)
    accepted = {"endpoint": endpoint, "body": body, "unresolved": [query] if endpoint is None else None}
    return Question(text, "mixed", text, NOW.isoformat(), ZONE, (accepted,), tags)


def _expected(kind: str, query: str, time: str, options: dict[str, str]) -> tuple[str | None, dict[str, Any]]:
    if kind in ("L", "T"):
        body = {"signal": "logs" if kind == "L" else "traces", "query": query, **_range(time), **options}
        return f"{ANALYTICS}/search", _typed(body)
    if kind in ("S", "M"):
        return f"{ANALYTICS}/timeseries", _series(kind, query, time, options)
    if kind == "D":
        queries, times = query.split(" | "), time.split(" | ")
        sides = [{"query": each, **_range(when)} for each, when in zip(queries, times, strict=True)]
        signal = "logs" if "level:" in query else "traces"
        return "/api/delta/compare", {"signal": signal, "target": sides[0], "baseline": sides[1]}
    if kind == "TR":
        return f"{ANALYTICS}/traces/{{trace_id}}", {"trace_id": query}
    if kind == "N":
        return None, {}
    place = {"P": "/api/aiops/log-patterns", "X": "/api/replay/sessions"}.get(kind)
    if place is not None:
        return place, {"query": query, **_range(time)}
    root = ANALYTICS if kind.startswith("G/") else "/api/aiops"
    return f"{root}/{kind[2:]}", {**_range(time), **options}


def _series(kind: str, query: str, time: str, options: dict[str, str]) -> dict[str, Any]:
    signal = "metrics" if kind == "M" else "logs" if query.startswith("L:") else "traces"
    body: dict[str, Any] = {"signal": signal, "query": query.removeprefix("L:"), **_range(time)}
    names = {"agg": "aggregate", "group": "group_by"}
    body |= {names.get(name, name): value for name, value in options.items()}
    if "group_by" in body:
        body["group_by"] = body["group_by"].split(",")
    return _typed(body)


def _typed(body: dict[str, Any]) -> dict[str, Any]:
    return {name: int(value) if name == "limit" else value for name, value in body.items()}


def _range(time: str) -> dict[str, str]:
    if not time:
        return {}
    start, end = _ends(time)
    return {"from": start.isoformat(), "to": min(end, NOW).isoformat()}


def _ends(time: str) -> tuple[datetime, datetime]:
    today = NOW.replace(hour=0, minute=0)
    if match := re.fullmatch(r"r(\d+)([mh])", time):
        return NOW - timedelta(minutes=int(match[1]) * (60 if match[2] == "h" else 1)), NOW
    if match := re.fullmatch(r"ago(\d+)-(\d+)", time):
        return NOW - timedelta(minutes=int(match[1])), NOW - timedelta(minutes=int(match[2]))
    if time == "w":
        return today - 3 * _DAY, NOW
    match = re.fullmatch(r"(t|y|d-\d+)(?:@?([\d.]+)(?:-([\d.]+))?)?(\.\.now)?", time)
    assert match, time
    back = {"t": 0, "y": 1}.get(match[1])
    day = today - (int(match[1][2:]) if back is None else back) * _DAY
    start = day + timedelta(hours=float(match[2] or 0))
    if match[4]:
        return start, NOW
    return start, day + timedelta(hours=float(match[3])) if match[3] else day + _DAY
