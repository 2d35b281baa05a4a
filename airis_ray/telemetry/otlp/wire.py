"""Protobuf's wire format, read strictly: what the fallback needs besides protobuf's own parser.

Protobuf's parser takes a known field with a wrong wire type for an unknown one and drops it in silence.
Here it is an error, as in the Collector. Groups are skipped, as every parser must still do.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from airis_ray.telemetry.otlp.result import MAX_DEPTH, RecordError

VARINT: Final = 0
I64: Final = 1
LEN: Final = 2
START_GROUP: Final = 3
END_GROUP: Final = 4
I32: Final = 5

TRUNCATED: Final = "truncated"
BAD_VARINT: Final = "a varint of more than 10 bytes"
BAD_TAG: Final = "an invalid tag"
TOO_DEEP: Final = f"nested deeper than {MAX_DEPTH}"

_MASK: Final = (1 << 64) - 1

Field = tuple[int, int, int, int]
"""Field number, wire type, and where its content starts and ends (a length is not part of the content)."""


def read_varint(data: bytes, position: int, end: int) -> tuple[int, int]:
    """The value at ``position``, cut to 64 bits as every parser does, and the position behind it."""
    value = shift = 0
    while position < end:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & _MASK, position
        shift += 7
        if shift == 70:
            raise RecordError(BAD_VARINT)
    raise RecordError(TRUNCATED)


def read_tag(data: bytes, position: int, end: int) -> tuple[int, int, int]:
    """Field number, wire type and the position behind the tag."""
    tag, position = read_varint(data, position, end)
    number, kind = tag >> 3, tag & 7
    if not 0 < number < 1 << 29 or kind > I32:
        raise RecordError(BAD_TAG)
    return number, kind, position


def fields(data: bytes, position: int, end: int) -> Iterator[Field]:
    """The fields between two positions, in their order; raises RecordError at what cannot be read."""
    while position < end:
        number, kind, position = read_tag(data, position, end)
        start, position = _content(data, position, end, number, kind)
        yield number, kind, start, position


def _content(data: bytes, position: int, end: int, number: int, kind: int) -> tuple[int, int]:
    if kind == VARINT:
        return position, read_varint(data, position, end)[1]
    if kind == START_GROUP:
        return position, _skip_group(data, position, end, number)
    if kind == END_GROUP:
        raise RecordError(BAD_TAG)
    if kind == LEN:
        length, position = read_varint(data, position, end)
    else:
        length = 8 if kind == I64 else 4
    if length > end - position:
        raise RecordError(TRUNCATED)
    return position, position + length


def _skip_group(data: bytes, position: int, end: int, number: int) -> int:
    opened = [number]
    while opened:
        number, kind, position = read_tag(data, position, end)
        if kind == START_GROUP:
            opened.append(number)
            if len(opened) > MAX_DEPTH:
                raise RecordError(TOO_DEEP)
        elif kind == END_GROUP:
            if opened.pop() != number:
                raise RecordError(BAD_TAG)
        else:
            position = _content(data, position, end, number, kind)[1]
    return position


def expect(name: str, kind: int, expected: int) -> None:
    """Raise RecordError unless the known field ``name`` came with the wire type it must have."""
    if kind != expected:
        raise RecordError(f"{name}: wire type {kind} instead of {expected}")


def text(name: str, data: bytes) -> str:
    """``data`` as UTF-8; raises RecordError that names the field."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise RecordError(f"{name}: not valid UTF-8") from None


# Field types of google.protobuf.descriptor.FieldDescriptor.
_STRING: Final = 9
_MESSAGE: Final = 11
_WIRE_TYPE: Final = {1: I64, 6: I64, 16: I64, 2: I32, 7: I32, 15: I32, _STRING: LEN, _MESSAGE: LEN, 12: LEN}


def check(data: bytes, descriptor: Any, start: int, end: int, depth: int = 0) -> None:
    """Walk a message against its descriptor; raise RecordError with the first thing wrong in it."""
    if descriptor.name == "AnyValue":
        depth += 1
        if depth > MAX_DEPTH:
            raise RecordError(TOO_DEEP)
    for number, kind, a, b in fields(data, start, end):
        known = descriptor.fields_by_number.get(number)
        if known is None:
            continue
        expected = _WIRE_TYPE.get(known.type, VARINT)
        if kind == LEN and expected != LEN and known.is_repeated:
            _check_packed(data, a, b, expected)
            continue
        expect(known.name, kind, expected)
        if known.type == _MESSAGE:
            check(data, known.message_type, a, b, depth)
        elif known.type == _STRING:
            text(known.name, data[a:b])


def _check_packed(data: bytes, position: int, end: int, kind: int) -> None:
    while position < end:
        position = _content(data, position, end, 0, kind)[1]
