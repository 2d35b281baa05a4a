"""Questions with their answers, scored by execution as ``NL_SEARCH.md`` of the public data says.

A question is right where the proposed request finds what one of the accepted requests finds on the same data; what the
question leaves open is taken from the accepted one. Where that finds nothing, the parsed queries must be equal.
"""

from __future__ import annotations

import json
import math
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from airis_ray.analytics import nodes
from airis_ray.analytics.syntax import parse
from airis_ray.telemetry.times import parse_duration, parse_time

Send = Callable[[str, str, Mapping[str, Any]], Awaitable[tuple[int, Any]]]
"""Method, path and body (or query parameters) → status and JSON."""

ANALYTICS = "/api/analytics"
OPEN = {"asks:limit": "limit", "asks:order": "order", "asks:step": "step", "asks:fields": "fields"}
MAX_PAGES = 60


@dataclass(frozen=True)
class Question:
    """A line of the data."""

    id: str
    language: str
    question: str
    now: str
    time_zone: str
    accepted: tuple[Mapping[str, Any], ...]
    tags: frozenset[str]

    @property
    def now_ns(self) -> int:
        """``now`` in nanoseconds."""
        return int(datetime.fromisoformat(self.now).timestamp()) * 10**9


def load(path: Path) -> list[Question]:
    """The questions of a file."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    return [
        Question(
            row["id"],
            row["language"],
            row["question"],
            row["now"],
            row["time_zone"],
            (row["expect"], *row["also_accept"]),
            frozenset(row["tags"]),
        )
        for row in rows
    ]


def held_out(questions: list[Question]) -> list[Question]:
    """The third of the questions (of each language, every third) that the grammar was not developed with."""
    seen: dict[str, int] = {}
    found = []
    for question in questions:
        number = seen[question.language] = seen.get(question.language, -1) + 1
        if number % 3 == 2:
            found.append(question)
    return found


class Scorer:
    """Scores answers over one tenant's data; ``send`` asks the applications."""

    def __init__(self, send: Send) -> None:
        self.send = send

    async def ask(self, question: Question) -> Mapping[str, Any]:
        """The answer to a question, not executed."""
        body = {
            "question": question.question,
            "now": question.now,
            "time_zone": question.time_zone,
            "execute": False,
        }
        status, answer = await self.send("POST", "/api/search/ask", body)
        assert status == 200, (question.id, answer)
        return answer

    async def wrong(self, question: Question, answer: Mapping[str, Any]) -> str:
        """Why an answer is wrong; "" where it is right."""
        if question.language != "mixed" and answer["language"] != question.language:
            return f"answered in {answer['language']}"
        request = answer["request"]
        expected = question.accepted[0]
        if expected["endpoint"] is None:
            return _unanswered(expected, request, answer["unresolved"])
        if request is None:
            return f"no request; unresolved {answer['unresolved']}"
        reasons = []
        for accepted in question.accepted:
            reason = await self._differs(question, request, accepted)
            if not reason:
                return ""
            reasons.append(reason)
        return reasons[0]

    async def _differs(
        self, question: Question, request: Mapping[str, Any], accepted: Mapping[str, Any]
    ) -> str:
        path, asked, body = _aligned(question, request, accepted)
        if path is None:
            return f"{request['endpoint']} in place of {accepted['endpoint']}"
        if path.endswith("/search"):
            return await self._rows_differ(question, asked, body)
        if path.endswith("/timeseries"):
            return await self._series_differ(question, asked, body)
        if path.endswith("/sql"):
            return await self._tables_differ(question, asked, body)
        if path.endswith("/forecast"):
            return await self._forecasts_differ(asked, body)
        return _bodies_differ(question, asked, body)

    async def _rows_differ(self, question: Question, asked: dict[str, Any], body: dict[str, Any]) -> str:
        if asked["signal"] != body["signal"]:
            return "another signal"
        if body["signal"] not in ("logs", "traces"):
            return _bodies_differ(question, asked, body)
        wanted = await self._rows(body, "asks:limit" in question.tags)
        found = await self._rows(asked, "asks:limit" in question.tags)
        if not wanted:
            return (
                _bodies_differ(question, asked, body) if not found else f"{len(found)} rows in place of none"
            )
        if "asks:order" in question.tags:
            order = body["order"].split()[0]
            keys = [_at(rows, order) for rows in (found, wanted)]
            return "" if keys[0] == keys[1] else "another order"
        same = sorted(map(repr, (row for _, row in found))) == sorted(map(repr, (row for _, row in wanted)))
        return "" if same else f"{len(found)} rows in place of {len(wanted)}"

    async def _rows(self, body: Mapping[str, Any], limited: bool) -> list[tuple[list[str], list[Any]]]:
        rows: list[tuple[list[str], list[Any]]] = []
        cursor = None
        for _ in range(MAX_PAGES):
            page = {
                **body,
                **({} if limited else {"limit": 10_000}),
                **({"cursor": cursor} if cursor else {}),
            }
            status, answer = await self.send("POST", f"{ANALYTICS}/search", page)
            assert status == 200, answer
            names = [column["name"] for column in answer["columns"]]
            rows += [(names, row) for row in answer["rows"]]
            cursor = answer["cursor"]
            if limited or cursor is None:
                break
        return rows

    async def _series_differ(self, question: Question, asked: dict[str, Any], body: dict[str, Any]) -> str:
        if (asked.get("signal"), asked.get("metric")) != (body.get("signal"), body.get("metric")):
            return f"{asked.get('signal')} {asked.get('metric')} in place of {body.get('signal')} {body.get('metric')}"
        wanted, found = await self._series(body), await self._series(asked)
        if wanted == [] or _empty(wanted):
            return _bodies_differ(question, asked, body)
        return "" if _same_series(found, wanted) else f"other values: {found[:2]} in place of {wanted[:2]}"

    async def _series(self, body: Mapping[str, Any]) -> list[tuple[list[str], list[str], list[float | None]]]:
        status, answer = await self.send("POST", f"{ANALYTICS}/timeseries", body)
        assert status == 200, answer
        times = answer["timestamps"]
        series = [(sorted(each["labels"].values()), times, each["values"]) for each in answer["series"]]
        return sorted(series, key=lambda each: each[0])

    async def _tables_differ(self, question: Question, asked: dict[str, Any], body: dict[str, Any]) -> str:
        (_, wanted), (status, found) = [
            await self.send("POST", f"{ANALYTICS}/sql", each) for each in (body, asked)
        ]
        if status != 200:
            return f"refused: {found}"
        ordered = "asks:order" in question.tags
        columns = [[row[n] for row in found["rows"]] for n in range(len(found["columns"]))]
        chosen = []
        for n in range(len(wanted["columns"])):
            column = [row[n] for row in wanted["rows"]]
            match = next(
                (
                    c
                    for c, other in enumerate(columns)
                    if c not in chosen and _same_values(other, column, ordered)
                ),
                None,
            )
            if match is None:
                return f"no column with the values of {wanted['columns'][n]['name']}"
            chosen.append(match)
        return ""

    async def _forecasts_differ(self, asked: dict[str, Any], body: dict[str, Any]) -> str:
        if asked["horizon"] != body["horizon"]:
            return f"horizon {asked['horizon']}"
        wanted = await self._series(body["series"]["$series_of"])
        found = sorted(
            (
                (sorted(each["labels"].values()), each["timestamps"], each["values"])
                for each in asked["series"]
            ),
            key=lambda each: each[0],
        )
        return "" if _same_series(found, wanted) else "another series"


def same_request(question: Question, request: Mapping[str, Any], accepted: Mapping[str, Any]) -> str:
    """How two requests differ, by their bodies alone; "" where they ask for the same."""
    path, asked, body = _aligned(question, request, accepted)
    if path is None:
        return f"{request['endpoint']} in place of {accepted['endpoint']}"
    return _bodies_differ(question, asked, body)


def _aligned(
    question: Question, request: Mapping[str, Any], accepted: Mapping[str, Any]
) -> tuple[str | None, dict[str, Any], dict[str, Any]]:
    """The path, the proposed body with what the question leaves open taken from the accepted one, and that one."""
    path, body = _filled(accepted["endpoint"], dict(accepted.get("body") or {}))
    asked_path, asked = _filled(request["endpoint"], dict(request["body"]))
    if asked_path != path:
        return None, asked, body
    for tag, name in OPEN.items():
        if tag not in question.tags and path.startswith(ANALYTICS) and not path.endswith("/sql"):
            asked.pop(name, None)
            asked.update({name: body[name]} if name in body else {})
    return path, asked, body


def _unanswered(expected: Mapping[str, Any], request: object, unresolved: list[str]) -> str:
    if request is not None:
        return f"a request where nothing answers: {request}"
    words = expected.get("unresolved")
    told = words is None or any(word.lower() in each.lower() for word in words for each in unresolved)
    return "" if unresolved and told else f"unresolved {unresolved}"


def _filled(endpoint: str, body: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """A path with its parameters put in, and the body without them."""
    for name in [name for name in body if f"{{{name}}}" in endpoint]:
        endpoint = endpoint.replace(f"{{{name}}}", str(body.pop(name)))
    return endpoint, body


def _at(rows: list[tuple[list[str], list[Any]]], field: str) -> list[Any]:
    names = {"duration": "Duration"}
    return [row[columns.index(names.get(field, field))] for columns, row in rows]


def _empty(series: list[tuple[list[str], list[str], list[float | None]]]) -> bool:
    return all(not any(values) for _, _, values in series)


def _same_series(found: list[Any], wanted: list[Any]) -> bool:
    if [each[0] for each in found] != [each[0] for each in wanted]:
        return False
    return all(
        left[1] == right[1] and all(_near(a, b) for a, b in zip(left[2], right[2], strict=True))
        for left, right in zip(found, wanted, strict=True)
    )


def _near(left: Any, right: Any) -> bool:
    if isinstance(left, (int, float)) and isinstance(right, (int, float)):
        return math.isclose(left, right, rel_tol=1e-3, abs_tol=1e-9)
    return bool(left == right)


def _same_values(left: list[Any], right: list[Any], ordered: bool) -> bool:
    if len(left) != len(right):
        return False
    if not ordered:
        left, right = sorted(left, key=_key), sorted(right, key=_key)
    return all(_near(a, b) for a, b in zip(left, right, strict=True))


def _key(value: Any) -> tuple[bool, Any]:
    return (isinstance(value, str), value if value is not None else -math.inf)


def _bodies_differ(question: Question, asked: Mapping[str, Any], body: Mapping[str, Any]) -> str:
    left, right = (_plain(each, question.now_ns) for each in (asked, body))
    return "" if left == right else f"{left} in place of {right}"


def _plain(body: Any, now_ns: int, name: str = "") -> Any:
    """A body with times as numbers and queries as trees."""
    if name == "query":
        return _tree(parse(body or ""))
    if name in ("from", "to"):
        return parse_time(body, now_ns)
    if name == "step":
        return parse_duration(body)
    if name == "group_by":
        return sorted(body)
    if isinstance(body, Mapping):
        return {key: _plain(value, now_ns, key) for key, value in sorted(body.items())}
    return body


def _tree(node: nodes.Node) -> Any:
    if isinstance(node, (nodes.And, nodes.Or)):
        return [type(node).__name__, *sorted(repr(_tree(each)) for each in node.nodes)]
    if isinstance(node, nodes.Not):
        return ["Not", _tree(node.node)]
    return repr(node).lower().rpartition(", at=")[0]


def windows(questions: list[Question]) -> Iterator[tuple[int, int, bool]]:
    """The ranges that accepted requests ask for, in nanoseconds; and whether of metrics."""
    for question in questions:
        for accepted in question.accepted:
            yield from _windows(accepted.get("body") or {}, question.now_ns)


def _windows(body: Mapping[str, Any], now_ns: int) -> Iterator[tuple[int, int, bool]]:
    if isinstance(body.get("from"), str):
        yield (
            parse_time(body["from"], now_ns),
            parse_time(body["to"], now_ns),
            body.get("signal") == "metrics",
        )
    for value in body.values():
        if isinstance(value, Mapping):
            yield from _windows(value, now_ns)
