"""Official OTLP messages with every shape they can have, and other bytes that mean the same."""

from __future__ import annotations

from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from airis_ray.telemetry.otlp.wire import LEN, fields
from airis_ray.telemetry.tables import Signal

REQUESTS: dict[Signal, type[Any]] = {
    "logs": ExportLogsServiceRequest,
    "traces": ExportTraceServiceRequest,
    "metrics": ExportMetricsServiceRequest,
}

_TEXT = st.one_of(
    st.sampled_from(
        ["", "a", "service.name", "airis.tenant", "서버가 응답하지 않습니다", "x" * 40, '\u2028<&>"\\\n']
    ),
    st.text(max_size=12),
)
_INTS = st.one_of(
    st.sampled_from([0, 1, -1, 9, 10, 99, 100, 2**63 - 1, -(2**63)]), st.integers(-(2**63), 2**63 - 1)
)
_DOUBLES = st.one_of(
    st.sampled_from(
        [0.0, -0.0, 1e-6, 1e21, 1e-7, 0.1, 5e-324, 1.7976931348623157e308, float("nan"), float("inf")]
    ),
    st.floats(),
    st.integers(0, 10**9).map(lambda n: n / 1000),
)
_NANOS = st.sampled_from([0, 1, 1_700_000_000_123_456_789, 1_700_000_000_000_000_000, 4294967295_999999999])
_COUNTS = st.one_of(st.integers(0, 1000), st.just(2**64 - 1))
_BYTES = st.binary(max_size=5)
_IDS = {
    size: st.one_of(st.binary(min_size=size, max_size=size), st.just(b""), st.just(bytes(size)))
    for size in (8, 16)
}


def _scalar(field: FieldDescriptor) -> st.SearchStrategy[Any]:
    if field.name in ("trace_id", "span_id", "parent_span_id"):
        return _IDS[16 if field.name == "trace_id" else 8]
    if field.name.endswith("unix_nano"):
        return _NANOS
    if field.enum_type is not None:
        return st.sampled_from([0, 1, 2, 3, 5, 6, 24, -1, 300])
    return {
        field.TYPE_DOUBLE: _DOUBLES,
        field.TYPE_INT64: _INTS,
        field.TYPE_SFIXED64: _INTS,
        field.TYPE_UINT64: _COUNTS,
        field.TYPE_FIXED64: _COUNTS,
        field.TYPE_INT32: st.integers(-(2**31), 2**31 - 1),
        field.TYPE_SINT32: st.integers(-(2**31), 2**31 - 1),
        field.TYPE_UINT32: st.integers(0, 2**32 - 1),
        field.TYPE_FIXED32: st.integers(0, 2**32 - 1),
        field.TYPE_BOOL: st.booleans(),
        field.TYPE_STRING: _TEXT,
        field.TYPE_BYTES: _BYTES,
    }[field.type]


@st.composite
def message(draw: st.DrawFn, descriptor: Descriptor, depth: int = 0) -> dict[str, Any]:
    """Keyword arguments of a message of this type; any of its fields may be there."""
    made: dict[str, Any] = {}
    chosen = {oneof.name: draw(st.sampled_from([None, *oneof.fields])) for oneof in descriptor.oneofs}
    for field in descriptor.fields:
        if field.containing_oneof is not None:
            if chosen[field.containing_oneof.name] is not field:
                continue
        elif not draw(st.integers(0, 3)):
            continue
        if field.message_type is None:
            value = _scalar(field)
        elif depth > 9:
            continue
        else:
            value = message(field.message_type, depth + 1)
        made[field.name] = draw(st.lists(value, max_size=3)) if field.is_repeated else draw(value)
    return made


def requests(signal: Signal) -> st.SearchStrategy[Any]:
    """Whole requests of a signal."""
    return message(REQUESTS[signal].DESCRIPTOR).map(lambda made: REQUESTS[signal](**made))


def varint(value: int, padding: int = 0) -> bytes:
    """A varint, with that many bytes more than it needs."""
    out = bytearray()
    while value > 0x7F or padding:
        padding -= value <= 0x7F
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def length_delimited(number: int, content: bytes) -> bytes:
    """A field with a length."""
    return varint(number << 3 | LEN) + varint(len(content)) + content


_UNKNOWN = st.sampled_from(
    [
        varint(999 << 3) + b"\x05",
        varint(999 << 3 | 1) + b"12345678",
        length_delimited(999, b"\xff\x00"),
        varint(999 << 3 | 5) + b"1234",
        varint(999 << 3 | 3) + length_delimited(1, b"x") + b"\x1b\x08\x01\x1c" + varint(999 << 3 | 4),
    ]
)


@st.composite
def other_bytes(draw: st.DrawFn, data: bytes, descriptor: Descriptor) -> bytes:
    """The same message written otherwise: unknown fields among its own, longer varints, submessages in two parts,
    packed numbers one by one."""
    out = bytearray()
    for number, kind, start, end in fields(data, 0, len(data)):
        field = descriptor.fields_by_number[number]
        content = data[start:end]
        if draw(st.integers(0, 7)) == 0:
            out += draw(_UNKNOWN)
        if kind != LEN:
            out += varint(number << 3 | kind, draw(st.integers(0, 1))) + content
        elif field.message_type is not None:
            parts = [content]
            if not field.is_repeated and draw(st.booleans()):
                parts = _split(content, draw(st.integers(0, 3)))
            for part in parts:
                out += length_delimited(number, draw(other_bytes(part, field.message_type)))
        elif field.is_repeated and field.type != field.TYPE_STRING and draw(st.booleans()):
            size = 8 if field.type in (field.TYPE_FIXED64, field.TYPE_DOUBLE) else 0
            out += _unpacked(number, content, size)
        else:
            out += length_delimited(number, content)
    return bytes(out)


def _split(content: bytes, at: int) -> list[bytes]:
    ends = [end for *_, end in fields(content, 0, len(content))]
    cut = ends[at] if at < len(ends) else 0
    return [content[:cut], content[cut:]]


def _unpacked(number: int, content: bytes, size: int) -> bytes:
    if size:
        tag = varint(number << 3 | 1)
        return b"".join(tag + content[i : i + size] for i in range(0, len(content), size))
    out, value = bytearray(), bytearray()
    for byte in content:
        value.append(byte)
        if byte < 0x80:
            out += varint(number << 3) + value
            value.clear()
    return bytes(out)
