"""A log line or a JSON document to the parts of a log record.

A document's message becomes the body and everything else an attribute under its dotted path, as JSON loggers
(pino, zap, logback, structlog, .NET, ECS) name things. A line that is no document keeps its text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from airis_ray.errors import InvalidInput
from airis_ray.telemetry.lines.severity import infer
from airis_ray.telemetry.otlp import encode
from airis_ray.telemetry.otlp.encode import Scalar
from airis_ray.telemetry.severity import severity_number

MAX_DEPTH: Final = 8
"""Objects in objects that are taken apart; a deeper one is one attribute, as JSON."""

_BODY: Final = ("message", "msg", "log", "body", "@message", "@m", "_msg", "short_message", "text", "event")
_LEVEL: Final = (
    "level", "severity", "log.level", "loglevel", "log_level", "levelname", "level_name", "lvl", "severity_text",
    "severityText", "@l", "detected_level", "priority",
)  # fmt: skip
_TRACE: Final = ("trace_id", "traceId", "traceID", "traceid", "trace.id", "TraceId", "otelTraceID", "@tr")
_SPAN: Final = ("span_id", "spanId", "spanID", "spanid", "span.id", "SpanId", "otelSpanID", "@sp")

_TRACE_HEX: Final = re.compile(r"[0-9a-fA-F]{32}|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_SPAN_HEX: Final = re.compile(r"[0-9a-fA-F]{16}")
_BUNYAN: Final = range(10, 61)
"""Levels of bunyan and pino: 10 is trace, 60 is fatal."""


@dataclass(frozen=True)
class LiftRules:
    """What is lifted out of plain log lines (settings ``AIRIS_LOGS_*``)."""

    infer_severity: bool = True
    parse_json: bool = True


@dataclass
class Line:
    """The parts of a log record. ``level`` is the severity as the source spells it."""

    body: str
    attributes: dict[str, Scalar] = field(default_factory=dict)
    severity: int = 0
    level: str = ""
    trace_id: bytes = b""
    span_id: bytes = b""

    def take_level(self, of: Mapping[str, Scalar] | None = None) -> bool:
        """Set the severity from the first attribute (or value in ``of``) that is called like one and reads as one; it
        stays where it is. Whether there was one."""
        found = self.attributes if of is None else of
        for name in _LEVEL:
            level = found.get(name)
            if level is not None and (number := _number_of(level)):
                self.severity, self.level = number, _text_of(level, number)
                return True
        return False

    def take_ids(self) -> None:
        """Move the ids of trace and span from the attributes to where they belong."""
        self.trace_id = self._take_id(_TRACE, _TRACE_HEX) or self.trace_id
        self.span_id = self._take_id(_SPAN, _SPAN_HEX) or self.span_id

    def record(self, time_ns: int) -> bytes:
        """The ``LogRecord``; ``time_ns`` 0 for a line without a time."""
        return encode.log_record(
            time_ns,
            self.body,
            [encode.attribute(*item) for item in self.attributes.items()],
            severity=self.severity,
            level=self.level,
            trace_id=self.trace_id,
            span_id=self.span_id,
        )

    def _take_id(self, names: Iterable[str], shape: re.Pattern[str]) -> bytes:
        for name in names:
            found = self.attributes.get(name)
            if type(found) is str and shape.fullmatch(found):
                del self.attributes[name]
                return bytes.fromhex(found.replace("-", ""))
        return b""


def lift(text: str, rules: LiftRules) -> Line:
    """The parts of one line as a program printed it."""
    if rules.parse_json and text[:1] in "{ \t" and (document := _document(text)) is not None:
        return lift_document(document, rules, whole=text)
    line = Line(text)
    if rules.infer_severity:
        line.severity, line.level = infer(text)
    return line


def lift_document(document: Mapping[str, Any], rules: LiftRules, *, whole: str | None = None) -> Line:
    """The parts of a JSON document. Its body is its message, or all of it (``whole``) where it has none."""
    attributes: dict[str, Scalar] = {}
    _flatten(document, "", attributes, 1)
    line = Line("", attributes)
    for name in _BODY:
        if type(found := attributes.get(name)) is str:
            line.body = found
            del attributes[name]
            break
    else:
        line.body = json_text(document) if whole is None else whole.strip()
    line.take_level()
    line.take_ids()
    if not line.severity and rules.infer_severity:
        line.severity, line.level = infer(line.body)
    return line


def json_text(value: Any) -> str:
    """Parsed JSON as text again; raises InvalidInput for what is nested too deep."""
    try:
        return orjson.dumps(value).decode()
    except orjson.JSONEncodeError:
        raise InvalidInput("the JSON is nested deeper than 254 levels") from None


def _document(text: str) -> dict[str, Any] | None:
    stripped = text.strip()
    if not (stripped.startswith("{") and stripped.endswith("}")):
        return None
    try:
        document = orjson.loads(stripped)
    except orjson.JSONDecodeError:
        return None
    return document if type(document) is dict and document else None


def _flatten(document: Mapping[str, Any], prefix: str, out: dict[str, Scalar], depth: int) -> None:
    for key, item in document.items():
        path = f"{prefix}{key}"
        if item is None:
            continue
        if isinstance(item, str | bool | int | float):
            out[path] = item
        elif isinstance(item, dict) and item and depth < MAX_DEPTH:
            _flatten(item, f"{path}.", out, depth + 1)
        else:
            out[path] = json_text(item)


def _number_of(found: Scalar) -> int:
    if type(found) is str:
        return severity_number(found)
    if type(found) is int and found in _BUNYAN:
        return min(found // 10 - 1, 5) * 4 + 1
    return 0


def _text_of(found: Scalar, number: int) -> str:
    return (
        found.strip()
        if type(found) is str
        else ("trace", "debug", "info", "warn", "error", "fatal")[number // 4]
    )
