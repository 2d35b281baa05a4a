"""OTLP/JSON to OTLP in protobuf, following the messages' own descriptors.

Fields are known by their JSON names (``timeUnixNano``) and, as protobuf's parsers do, by their own
(``time_unix_nano``); unknown ones are ignored, null is absent, and of a repeated key the last counts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Final

import orjson
from google.protobuf.descriptor import Descriptor, FieldDescriptor

from airis_ray.errors import InvalidInput
from airis_ray.telemetry.otlp.messages import HEX_FIELDS, NESTING, REQUESTS
from airis_ray.telemetry.otlp.result import MAX_DEPTH
from airis_ray.telemetry.otlp.scalars import SCALARS, MappingError, enum, expected, hexadecimal, varint
from airis_ray.telemetry.otlp.wire import LEN, TOO_DEEP
from airis_ray.telemetry.tables import Signal

UNREADABLE: Final = b"\x00"
"""A message that no decoder accepts: it stands for one that was wrong, so that its neighbours keep their places."""

_ISOLATED: Final = frozenset(
    [
        "ResourceLogs",
        "ResourceSpans",
        "ResourceMetrics",
        "Resource",
        "ScopeLogs",
        "ScopeSpans",
        "ScopeMetrics",
        "InstrumentationScope",
        "LogRecord",
        "Span",
        "Metric",
        "NumberDataPoint",
        "HistogramDataPoint",
        "ExponentialHistogramDataPoint",
        "SummaryDataPoint",
    ]
)
"""Messages that can be rejected without those beside them."""

Faults = list[MappingError] | None
"""Collects what was wrong, each replaced by :data:`UNREADABLE`; None lets the first one through."""

Write = Callable[[bytearray, Any, int, Faults], None]
"""Appends a field: the buffer, the JSON value, how many values the field is nested in, and the faults."""


def translate(signal: Signal, payload: bytes) -> bytes:
    """See :func:`airis_ray.telemetry.otlp.json_to_protobuf`."""
    try:
        return _REQUESTS[signal].encode(load(payload), 0, None)
    except MappingError as error:
        raise _refused(error) from None


def salvage(signal: Signal, payload: bytes) -> tuple[bytes, dict[str, str]]:
    """Like :func:`translate`, but a record (resource, scope, metric) that is wrong becomes :data:`UNREADABLE`.

    Returns, beside the bytes, what is wrong by the pointer of what was replaced.
    """
    request, document = _REQUESTS[signal], load(payload)
    try:
        return request.encode(document, 0, None), {}
    except MappingError:
        faults: list[MappingError] = []
    try:
        data = request.encode(document, 0, faults)
    except MappingError as error:
        raise _refused(error) from None
    return data, {fault.pointer(): str(fault) for fault in faults}


def _refused(error: MappingError) -> InvalidInput:
    pointer = error.pointer()
    return InvalidInput.field(pointer, str(error)) if pointer else InvalidInput(f"the body: {error}")


def load(payload: bytes) -> Any:
    """Parsed JSON; raises InvalidInput with the position of what is wrong."""
    try:
        return orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        where = f"line {error.lineno} column {error.colno}"
        raise InvalidInput(f"the body is not JSON: {error.msg.split(':')[0]} at {where}") from None


class _Message:
    """The encoder of one type of message."""

    _made: ClassVar[dict[str, _Message]] = {}

    def __init__(self, descriptor: Descriptor) -> None:
        self._made[descriptor.full_name] = self
        self.isolated = descriptor.name in _ISOLATED
        self.nests = descriptor.name == NESTING
        self._names: dict[str, str] = {}
        self._writers: dict[str, Write] = {}
        for field in descriptor.fields:
            write = _writer(field)
            for name in (field.name, field.json_name):
                self._names[name] = field.json_name
                self._writers[name] = write

    @classmethod
    def of(cls, descriptor: Descriptor) -> _Message:
        """The one encoder of a type; types that contain themselves are fine."""
        return cls._made.get(descriptor.full_name) or cls(descriptor)

    def encode(self, value: Any, depth: int, faults: Faults) -> bytes:
        """The message without a length before it."""
        if type(value) is not dict:
            raise expected("an object", value)
        if self.nests:
            depth += 1
            if depth > MAX_DEPTH:
                raise MappingError(TOO_DEEP)
        out = bytearray()
        key = ""
        try:
            for key, item in value.items():
                write = self._writers.get(key)
                if write is not None and item is not None:
                    write(out, item, depth, faults)
        except MappingError as error:
            error.path.append(self._names[key])
            raise
        return bytes(out)

    def element(self, value: Any, depth: int, faults: Faults) -> bytes:
        """The message, or what stands for it when it is wrong and the faults are collected."""
        try:
            return self.encode(value, depth, faults)
        except MappingError as error:
            if faults is None or not self.isolated:
                raise
            inner = error.pointer()[1:]
            faults.append(MappingError(f"{inner}: {error}" if inner else str(error)))
            return UNREADABLE


def _writer(field: FieldDescriptor) -> Write:
    if field.message_type is not None:
        tag = varint(field.number << 3 | LEN)
        message = _Message.of(field.message_type)
        return (
            _messages(tag, field.json_name, message)
            if field.is_repeated
            else _message(tag, field.json_name, message)
        )
    wire_type, encode = SCALARS.get(field.type, (0, SCALARS[5][1]))
    if field.enum_type is not None:
        encode = enum({value.name: value.number for value in field.enum_type.values})
    elif field.name in HEX_FIELDS:
        encode = hexadecimal
    tag = varint(field.number << 3 | wire_type)

    def write(out: bytearray, value: Any, depth: int, faults: Faults) -> None:
        out += tag
        out += encode(value)

    def write_list(out: bytearray, value: Any, depth: int, faults: Faults) -> None:
        for index, item in enumerate(_list(value)):
            try:
                write(out, item, depth, faults)
            except MappingError as error:
                error.path.append(str(index))
                raise

    return write_list if field.is_repeated else write


def _list(value: Any) -> list[Any]:
    if type(value) is not list:
        raise expected("a list", value)
    return value


def _message(tag: bytes, name: str, message: _Message) -> Write:
    def write(out: bytearray, value: Any, depth: int, faults: Faults) -> None:
        seen = len(faults) if faults else 0
        data = message.element(value, depth, faults)
        for fault in faults[seen:] if faults else ():
            fault.path.append(name)
        out += tag
        out += varint(len(data))
        out += data

    return write


def _messages(tag: bytes, name: str, message: _Message) -> Write:
    def write(out: bytearray, value: Any, depth: int, faults: Faults) -> None:
        for index, item in enumerate(_list(value)):
            seen = len(faults) if faults else 0
            try:
                data = message.element(item, depth, faults)
            except MappingError as error:
                error.path.append(str(index))
                raise
            for fault in faults[seen:] if faults else ():
                fault.path += (str(index), name)
            out += tag
            out += varint(len(data))
            out += data

    return write


_REQUESTS: Final = {signal: _Message(message.DESCRIPTOR) for signal, message in REQUESTS.items()}
