"""Log records and spans as rows: the fallback's half of the semantics that ``native/`` writes in C.

A row holds the columns that belong to the record itself; those of its resource and scope are added by the
caller.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from google.protobuf.message import DecodeError
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from airis_ray.telemetry.otlp.result import MAX_NANOS, RecordError
from airis_ray.telemetry.otlp.values import as_string, attributes
from airis_ray.telemetry.otlp.wire import check

Row = dict[str, Any]

SPAN_KINDS: Final = ("Unspecified", "Internal", "Server", "Client", "Producer", "Consumer")
STATUS_CODES: Final = ("Unset", "Ok", "Error")


def parse(message: type[Any], data: bytes) -> Any:
    """``data`` as a protobuf message; raises RecordError with the reason where it is none.

    The parser drops a field with a wrong wire type as if it were unknown, so messages with anything unknown
    in them are walked once more.
    """
    try:
        parsed = message.FromString(data)
    except DecodeError:
        check(data, message.DESCRIPTOR, 0, len(data))
        raise RecordError("malformed") from None
    size = parsed.ByteSize()
    parsed.DiscardUnknownFields()
    if parsed.ByteSize() != size:
        check(data, message.DESCRIPTOR, 0, len(data))
    return parsed


def nanos(name: str, value: int) -> int:
    """A time in nanoseconds that a timestamp column can hold."""
    if value > MAX_NANOS:
        raise RecordError(f"{name}: {value} is after the year 2262")
    return value


def hex_id(name: str, value: bytes, size: int) -> str:
    """An id of ``size`` bytes in lower-case hexadecimal; '' for an absent one (it may be all zeros)."""
    if not value:
        return ""
    if len(value) != size:
        raise RecordError(f"{name}: {len(value)} bytes instead of {size}")
    return value.hex() if any(value) else ""


def log_row(data: bytes, received_ns: int) -> Row:
    """The columns of one log record."""
    record = parse(LogRecord, data)
    if record.time_unix_nano:
        time = nanos("time_unix_nano", record.time_unix_nano)
    else:
        time = nanos("observed_time_unix_nano", record.observed_time_unix_nano) or received_ns
    severity = record.severity_number
    return {
        "Timestamp": time,
        "TraceId": hex_id("trace_id", record.trace_id, 16),
        "SpanId": hex_id("span_id", record.span_id, 8),
        "TraceFlags": record.flags & 0xFF,
        "SeverityText": record.severity_text,
        "SeverityNumber": severity if 0 <= severity <= 255 else 0,
        "Body": as_string(record.body),
        "LogAttributes": attributes(record.attributes),
        "EventName": record.event_name,
    }


def span_row(data: bytes, received_ns: int) -> Row:
    """The columns of one span."""
    span = parse(Span, data)
    start = nanos("start_time_unix_nano", span.start_time_unix_nano)
    end = nanos("end_time_unix_nano", span.end_time_unix_nano)
    return {
        "Timestamp": start or received_ns,
        "TraceId": hex_id("trace_id", span.trace_id, 16),
        "SpanId": hex_id("span_id", span.span_id, 8),
        "ParentSpanId": hex_id("parent_span_id", span.parent_span_id, 8),
        "TraceState": span.trace_state,
        "SpanName": span.name,
        "SpanKind": _name(SPAN_KINDS, span.kind),
        "SpanAttributes": attributes(span.attributes),
        "Duration": max(end - start, 0) if start else 0,
        "StatusCode": _name(STATUS_CODES, span.status.code),
        "StatusMessage": span.status.message,
        **_events(span.events),
        **_links(span.links),
    }


def _name(names: tuple[str, ...], number: int) -> str:
    return names[number] if 0 <= number < len(names) else names[0]


def _events(events: Iterable[Any]) -> Row:
    return {
        "Events.Timestamp": [nanos("time_unix_nano", event.time_unix_nano) for event in events],
        "Events.Name": [event.name for event in events],
        "Events.Attributes": [attributes(event.attributes) for event in events],
    }


def _links(links: Iterable[Any]) -> Row:
    return {
        "Links.TraceId": [hex_id("trace_id", link.trace_id, 16) for link in links],
        "Links.SpanId": [hex_id("span_id", link.span_id, 8) for link in links],
        "Links.TraceState": [link.trace_state for link in links],
        "Links.Attributes": [attributes(link.attributes) for link in links],
    }
