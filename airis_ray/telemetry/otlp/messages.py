"""The official messages of OTLP, as both ways from JSON to protobuf see them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from airis_ray.telemetry.tables import Signal

REQUESTS: Final[dict[Signal, Any]] = {
    "logs": ExportLogsServiceRequest,
    "traces": ExportTraceServiceRequest,
    "metrics": ExportMetricsServiceRequest,
}

HEX_FIELDS: Final = ("trace_id", "span_id", "parent_span_id")
"""Fields of bytes that JSON has in hexadecimal instead of base64."""

NESTING: Final = "AnyValue"
"""The message whose depth inside itself is bounded."""

_HEX: Final = 100


class Name(NamedTuple):
    """One name of a field, as the compiled part takes it."""

    message: int
    nests: bool
    name: str
    number: int
    kind: int
    repeated: bool
    target: int


def names() -> tuple[list[Name], dict[Signal, int]]:
    """Every name of every field under the three requests, messages by number, and the numbers of the requests."""
    numbers: dict[str, int] = {}
    found: list[Name] = []
    roots = {signal: _visit(message.DESCRIPTOR, numbers, found) for signal, message in REQUESTS.items()}
    return found, roots


def _visit(descriptor: Descriptor, numbers: dict[str, int], found: list[Name]) -> int:
    if descriptor.full_name in numbers:
        return numbers[descriptor.full_name]
    number = numbers[descriptor.full_name] = len(numbers)
    nests = descriptor.name == NESTING
    for field in descriptor.fields:
        target = _visit(field.message_type, numbers, found) if field.message_type is not None else 0
        found += (
            Name(number, nests, name, field.number, _kind(field), field.is_repeated, target)
            for name in _both_names(field)
        )
    return number


def _both_names(field: FieldDescriptor) -> Iterator[str]:
    yield field.json_name
    if field.name != field.json_name:
        yield field.name


def _kind(field: FieldDescriptor) -> int:
    if field.name in HEX_FIELDS:
        return _HEX
    return int(field.TYPE_INT32 if field.enum_type is not None else field.type)
