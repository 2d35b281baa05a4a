"""Values of OTLP/JSON as protobuf encodes them: one function for each type of field.

The mapping is protobuf's JSON mapping with OTLP's exceptions: ids are hexadecimal, and enums are numbers (their names
are accepted as well). 64-bit integers come as numbers or as strings.
"""

from __future__ import annotations

import base64
import binascii
import struct
from collections.abc import Callable
from typing import Any, Final

import orjson

Encode = Callable[[Any], bytes]
"""A value of parsed JSON to the bytes that follow the tag; raises ValueError with what was expected."""

_SHOWN: Final = 40


class MappingError(ValueError):
    """A value that the mapping does not allow; ``path`` leads to it, innermost name first."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.path: list[str] = []

    def pointer(self) -> str:
        """The JSON pointer of the value, from where the error was caught."""
        return "".join(f"/{name}" for name in reversed(self.path))


def expected(what: str, value: Any) -> MappingError:
    """The error of a value that is not ``what`` its field takes."""
    shown = orjson.dumps(value).decode()
    return MappingError(
        f"expected {what}, got {shown if len(shown) <= _SHOWN else shown[: _SHOWN - 1] + '…'}"
    )


def varint(value: int) -> bytes:
    """``value`` (0 ≤ value < 2**64) as a varint."""
    if value < 0x80:
        return _ONE[value]
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


_ONE: Final = [bytes([value]) for value in range(0x80)]


def _integer(value: Any, low: int, high: int) -> int:
    number = value
    if type(value) is str:
        try:
            number = int(value) if "_" not in value else None
        except ValueError:
            number = _float(value)
    if type(number) is float and number.is_integer():
        number = int(number)
    if type(number) is not int:
        raise expected("an integer", value)
    if not low <= number <= high:
        raise expected(f"an integer from {low} to {high}", value)
    return number


def _signed(bits: int) -> Encode:
    low, high = -(1 << bits - 1), (1 << bits - 1) - 1
    return lambda value: varint(_integer(value, low, high) & 0xFFFFFFFFFFFFFFFF)


def _unsigned(bits: int) -> Encode:
    high = (1 << bits) - 1
    return lambda value: varint(_integer(value, 0, high))


def _fixed(layout: str, low: int, high: int) -> Encode:
    pack = struct.Struct(layout).pack
    return lambda value: pack(_integer(value, low, high))


def _zigzag32(value: Any) -> bytes:
    number = _integer(value, -(1 << 31), (1 << 31) - 1)
    return varint(number << 1 if number >= 0 else (-number << 1) - 1)


def _float(value: str) -> float | None:
    """A number in a string, with the three names that JSON has no number for."""
    if value in ("NaN", "Infinity", "-Infinity"):
        return float(value)
    if not value.strip("0123456789+-.eE"):
        try:
            return float(value)
        except ValueError:
            return None
    return None


def _double(value: Any) -> bytes:
    number = _float(value) if type(value) is str else value
    if type(number) is not float and type(number) is not int:
        raise expected("a number", value)
    return _PACK_DOUBLE(number)


_PACK_DOUBLE: Final = struct.Struct("<d").pack


def _bool(value: Any) -> bytes:
    if type(value) is not bool:
        raise expected("true or false", value)
    return _ONE[value]


def string(value: Any) -> bytes:
    """A string, with its length before it."""
    if type(value) is not str:
        raise expected("a string", value)
    data = value.encode()
    return varint(len(data)) + data


def _base64(value: Any) -> bytes:
    try:
        text = value.rstrip("=").replace("-", "+").replace("_", "/")
        data = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (AttributeError, TypeError, ValueError):
        raise expected("bytes in base64", value) from None
    return varint(len(data)) + data


def hexadecimal(value: Any) -> bytes:
    """An id: hexadecimal digits in either case, with its length before it."""
    try:
        data = binascii.unhexlify(value)
    except (TypeError, ValueError):
        raise expected("hexadecimal digits", value) from None
    return varint(len(data)) + data


def enum(numbers: dict[str, int]) -> Encode:
    """An enum by number or by name."""
    number = _signed(32)
    encoded = {name: number(value) for name, value in numbers.items()}

    def encode(value: Any) -> bytes:
        if type(value) is not str:
            return number(value)
        known = encoded.get(value)
        return number(value) if known is None else known

    return encode


# By the field types of google.protobuf.descriptor.FieldDescriptor: the wire type and the encoding.
SCALARS: Final[dict[int, tuple[int, Encode]]] = {
    1: (1, _double),
    3: (0, _signed(64)),
    4: (0, _unsigned(64)),
    5: (0, _signed(32)),
    6: (1, _fixed("<Q", 0, (1 << 64) - 1)),
    7: (5, _fixed("<I", 0, (1 << 32) - 1)),
    8: (0, _bool),
    9: (2, string),
    12: (2, _base64),
    13: (0, _unsigned(32)),
    16: (1, _fixed("<q", -(1 << 63), (1 << 63) - 1)),
    17: (0, _zigzag32),
}
