"""The questions of ``questions/*.txt`` and the requests they ask for.

A line is ``question ; kind ; query ; time ; the rest`` (kinds and times are told in ``paraphrases.txt``). A line that
begins with ``|`` is a further request that answers the question before it; one that begins with ``@`` says when and in
which zone the following questions are asked. What the question leaves open (limit, order, step) is left out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from tests.support.nl_search import ANALYTICS, Question
from tests.unit.search.conftest import NOW, ZONE

_DAY = timedelta(days=1)


@dataclass(frozen=True)
class _Asked:
    """When and where questions are asked."""

    now: datetime = NOW
    zone: str = ZONE


def load() -> list[Question]:
    """All of them."""
    files = sorted((Path(__file__).parent / "questions").glob("*.txt"))
    return [question for file in files for question in read(file)]


def read(file: Path) -> list[Question]:
    """The questions of one file."""
    found: list[Question] = []
    asked = _Asked()
    for line in file.read_text(encoding="utf-8").splitlines():
        if line.startswith("@"):
            moment, zone = line[1:].split()
            asked = _Asked(datetime.fromisoformat(moment).astimezone(ZoneInfo(zone)), zone)
        elif line.startswith("|"):
            also = _question("; " + line[1:].strip(), asked)
            last = found[-1]
            found[-1] = replace(last, accepted=(*last.accepted, *also.accepted), tags=last.tags | also.tags)
        elif line and not line.startswith("#"):
            found.append(_question(line, asked))
    return found


def _question(line: str, asked: _Asked) -> Question:
    text, kind, query, time, rest, *_ = [*re.split(r"\s*;\s*", line), "", "", "", ""]
    options = dict(part.split("=", 1) for part in re.findall(r"(\w+=(?:(?! \w+=).)+)", rest))
    endpoint, body = _expected(kind, query, _Ranges(asked, time), options)
    tags = frozenset(f"asks:{name}" for name in ("limit", "order", "step") if name in options)
    accepted = {"endpoint": endpoint, "body": body, "unresolved": [query] if endpoint is None else None}
    return Question(text, "mixed", text, asked.now.isoformat(), asked.zone, (accepted,), tags)


def _expected(
    kind: str, query: str, ranges: _Ranges, options: dict[str, str]
) -> tuple[str | None, dict[str, Any]]:
    if kind in ("L", "T"):
        body = {"signal": "logs" if kind == "L" else "traces", "query": query, **ranges.body(), **options}
        return f"{ANALYTICS}/search", _typed(body)
    if kind in ("S", "M"):
        return f"{ANALYTICS}/timeseries", _series(kind, query, ranges, options)
    if kind == "F":
        horizon = int(options.pop("horizon"))
        signal = "M" if "metric" in options else "S"
        return "/api/aiops/forecast", {"series": _series(signal, query, ranges, options), "horizon": horizon}
    if kind == "D":
        queries = query.split(" | ")
        sides = [{"query": each, **when} for each, when in zip(queries, ranges.bodies(), strict=True)]
        signal = "logs" if "level:" in query else "traces"
        return "/api/delta/compare", {"signal": signal, "target": sides[0], "baseline": sides[1]}
    if kind == "TR":
        return f"{ANALYTICS}/traces/{{trace_id}}", {"trace_id": query}
    if kind == "Q":
        return f"{ANALYTICS}/sql", {"sql": query.split(" & "), **ranges.body()}
    if kind == "SIM":
        return "/api/search/similar-logs", {"text": query, **ranges.body()}
    if kind == "N":
        return None, {}
    if kind == "P" and " | " in ranges.time:
        asked, before = ranges.bodies()
        return "/api/aiops/log-patterns", {"query": query, **asked, "compare_to": before}
    place = {"P": "/api/aiops/log-patterns", "X": "/api/replay/sessions"}.get(kind)
    if place is not None:
        return place, {"query": query, **ranges.body()}
    root = ANALYTICS if kind.startswith("G/") else "/api/aiops"
    return f"{root}/{kind[2:]}", {**ranges.body(), **options}


def _series(kind: str, query: str, ranges: _Ranges, options: dict[str, str]) -> dict[str, Any]:
    signal = "metrics" if kind == "M" else "logs" if query.startswith("L:") else "traces"
    body: dict[str, Any] = {"signal": signal, "query": query.removeprefix("L:"), **ranges.body()}
    names = {"agg": "aggregate", "group": "group_by"}
    body |= {names.get(name, name): value for name, value in options.items()}
    if "group_by" in body:
        body["group_by"] = body["group_by"].split(",")
    return _typed(body)


def _typed(body: dict[str, Any]) -> dict[str, Any]:
    return {name: int(value) if name == "limit" else value for name, value in body.items()}


@dataclass(frozen=True)
class _Ranges:
    """Ranges of time as they are written: one, or two with ``|`` between."""

    asked: _Asked
    time: str

    def body(self) -> dict[str, str]:
        """The fields of the only one; none where no time is written."""
        return self.bodies()[0] if self.time else {}

    def bodies(self) -> list[dict[str, str]]:
        """The fields of each."""
        found = []
        for time in self.time.split(" | "):
            start, end = self._ends(time)
            found.append({"from": start.isoformat(), "to": min(end, self.asked.now).isoformat()})
        return found

    def _ends(self, time: str) -> tuple[datetime, datetime]:
        now = self.asked.now
        today = now.replace(hour=0, minute=0)
        if match := re.fullmatch(r"r(\d+)([mhd])", time):
            return _back(now, int(match[1]) * {"m": 1, "h": 60, "d": 1440}[match[2]]), now
        if match := re.fullmatch(r"ago(\d+)-(\d+)", time):
            return _back(now, int(match[1])), _back(now, int(match[2]))
        if time == "w":
            return today - today.weekday() * _DAY, now
        if "/" in time:  # 11-03T14:00/11-03T16:00, in the zone of the question
            start, end = (datetime.fromisoformat(f"{now.year}-{each}") for each in time.split("/"))
            zone = ZoneInfo(self.asked.zone)
            return start.replace(tzinfo=zone), end.replace(tzinfo=zone)
        match = re.fullmatch(r"(t|y|d-\d+)(?:@?([\d.]+)(?:-([\d.]+))?)?(\.\.now)?", time)
        assert match, time
        back = {"t": 0, "y": 1}.get(match[1])
        day = today - (int(match[1][2:]) if back is None else back) * _DAY
        start = day + timedelta(hours=float(match[2] or 0))
        if match[4]:
            return start, now
        return start, day + timedelta(hours=float(match[3])) if match[3] else day + _DAY


def _back(now: datetime, minutes: int) -> datetime:
    return (now.astimezone(UTC) - timedelta(minutes=minutes)).astimezone(now.tzinfo)
