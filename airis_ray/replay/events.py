"""What rules are made of: each rage click, dead click, error and failed request of a session as a log record.

They are ordinary logs (scope ``airis.replay``, event names ``replay.rage_click`` and so on), because everything that
looks at logs then works for them: search, series, alert rules, event deltas, the watcher.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from airis_ray.replay.marks import Mark, counts_as
from airis_ray.replay.summary import Block, Summary, lay, unhappy_clicks

SCOPE: Final = "airis.replay"
_NAMES: Final = {
    "errors": "replay.error",
    "console_errors": "replay.console_error",
    "failed_requests": "replay.failed_request",
}
_WARN, _ERROR = 13, 17  # SeverityNumber
_SERVICE: Final = "browser"

Told = tuple[str, int, tuple[tuple[str, Any], ...]]


def new_marks(before: Iterable[Block], now: Iterable[Block], dead_ms: int) -> list[Mark]:
    """The marks worth an event that the later set of a session's blocks has and the earlier one has not, by time."""
    worthy = list(_worthy(now, dead_ms))
    known = {_key(mark) for mark in _worthy(before, dead_ms)} if worthy else set()
    fresh = [mark for mark in worthy if _key(mark) not in known]
    return sorted(fresh, key=lambda mark: (mark["at"], mark["kind"]))


def log_records(session: str, summary: Summary, marks: Iterable[Mark]) -> bytes:
    """An OTLP request with a record for each mark."""
    request = ExportLogsServiceRequest()
    group = request.resource_logs.add()
    resource = {"service.name": summary.service or _SERVICE, "service.version": summary.release}
    _attributes(group.resource.attributes, {**resource, "rum.sessionId": session, "user.id": summary.user})
    scope = group.scope_logs.add()
    scope.scope.name = SCOPE
    for mark in marks:
        record = scope.log_records.add()
        record.time_unix_nano = mark["at"] * 1_000_000
        name = _NAMES.get(counts_as(mark), f"replay.{mark['kind']}")
        record.event_name = name
        bad = name in _NAMES.values()
        record.severity_number = _ERROR if bad else _WARN
        record.severity_text = "ERROR" if bad else "WARN"
        record.body.string_value = _body(mark)
        if mark.get("trace_id"):
            record.trace_id = bytes.fromhex(mark["trace_id"])
        told = {
            "event.name": name,
            "url.full": mark.get("url", ""),
            "http.request.method": mark.get("method", ""),
            "http.response.status_code": mark.get("status"),
            "exception.stacktrace": mark.get("stack", ""),
            "replay.tab": mark["tab"],
            "replay.clicks": mark.get("clicks"),
            "replay.node": mark.get("node"),
        }
        _attributes(record.attributes, told)
    body: bytes = request.SerializeToString()
    return body


def _worthy(blocks: Iterable[Block], dead_ms: int) -> Iterator[Mark]:
    laid = lay(blocks)
    for placed in laid.blocks:
        for mark in placed.marks:
            if counts_as(mark):
                yield {**mark, "tab": placed.block.tab}
    for marks in unhappy_clicks(laid, dead_ms):
        yield from marks


def _key(mark: Mark) -> Told:
    said = tuple((name, mark.get(name)) for name in ("tab", "text", "url", "status", "trace_id"))
    return mark["kind"], mark["at"], said


def _body(mark: Mark) -> str:
    match mark["kind"]:
        case "network":
            return f"{mark['method']} {mark['url']} {mark['status'] or 'no answer'}"
        case "rage_click":
            return f"rage click: {mark['clicks']} clicks at {mark['x']:.0f},{mark['y']:.0f}"
        case "dead_click":
            return f"dead click at {mark['x']:.0f},{mark['y']:.0f}"
    return str(mark["text"])


def _attributes(target: Any, values: dict[str, Any]) -> None:
    for name, value in values.items():
        if value is None or value == "":
            continue
        each = target.add(key=name).value
        if isinstance(value, int):
            each.int_value = value
        else:
            each.string_value = str(value)
