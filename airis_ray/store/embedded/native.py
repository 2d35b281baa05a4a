"""``FORMAT Native`` as clients of the TCP protocol's revision want it (``client_protocol_version``; clickhouse-go).

The engine writes revision 0. From revision 51903 on a block begins with its BlockInfo, from 54454 on a column's type is
followed by a byte that says whether its serialization is the usual one. To put them in, the columns have to be walked:
their lengths are written nowhere. Source: ClickHouse, src/Formats/NativeWriter.cpp and src/DataTypes/Serializations.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from airis_ray.store.embedded.errors import NOT_IMPLEMENTED, error
from airis_ray.store.embedded.formats import Cost, varint

_WITH_BLOCK_INFO: Final = 51903
_WITH_CUSTOM_SERIALIZATION: Final = 54454
_BLOCK_INFO: Final = b"\x01\x00\x02\xff\xff\xff\xff\x00"  # no overflow rows, no bucket, end of the fields
_USUAL: Final = b"\x00"

_BY_WIDTH: Final = {
    1: "Int8 UInt8 Bool Nothing Enum8",
    2: "Int16 UInt16 BFloat16 Date Enum16",
    4: "Int32 UInt32 Float32 Date32 DateTime Time IPv4 Decimal32",
    8: "Int64 UInt64 Float64 DateTime64 Time64 Decimal64",
    16: "Int128 UInt128 UUID IPv6 Decimal128",
    32: "Int256 UInt256 Decimal256",
}
_WIDTHS: Final = {name: width for width, names in _BY_WIDTH.items() for name in names.split()}
_DIGITS: Final = ((9, 4), (18, 8), (38, 16), (76, 32))
"""Bytes of a ``Decimal(P, S)`` by its greatest P."""

_HEAD: Final = re.compile(r"(\w+)(?:\((.*)\))?", re.DOTALL)
_ELEMENT: Final = re.compile(r"(?:`(?:[^`\\]|\\.)+`|\w+) +(?=\w)")
_TOKEN: Final = re.compile(r"'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`|[(),]|[^'`(),]+", re.DOTALL)
_KEYS: Final = 1 << 9
"""Flag of a LowCardinality column in front of its dictionary."""


@dataclass(frozen=True)
class Type:
    """A column's type: its name and the text of its arguments."""

    name: str
    arguments: tuple[str, ...]

    @classmethod
    def of(cls, text: str) -> Type:
        """From ClickHouse's text of it. Raises ClickHouseError for what cannot be walked."""
        found = _HEAD.fullmatch(text.strip())
        if found is None:
            raise _unknown(text)
        name, inner = found.groups()
        parts = tuple(_split(inner)) if inner else ()
        if name == "SimpleAggregateFunction":
            return cls.of(parts[1])
        if name == "Nested":
            return cls("Array", (f"Tuple({inner})",))
        if name == "Map":
            return cls("Array", (f"Tuple({inner})",))
        return cls(name, parts)

    @property
    def inner(self) -> tuple[Type, ...]:
        """The types that it is made of, as they are written one after the other."""
        if self.name in ("Array", "Nullable", "LowCardinality"):
            return (Type.of(self.arguments[0]),)
        if self.name == "Tuple":
            return tuple(Type.of(_ELEMENT.sub("", text.strip(), count=1)) for text in self.arguments)
        return ()

    @property
    def width(self) -> int | None:
        """Bytes of a value, where all have as many."""
        if self.name == "FixedString":
            return int(self.arguments[0])
        if self.name == "Decimal":
            return next(width for digits, width in _DIGITS if int(self.arguments[0]) <= digits)
        return 8 if self.name.startswith("Interval") else _WIDTHS.get(self.name)


class Revised:
    """A joiner (:mod:`airis_ray.store.embedded.formats`) of blocks at a revision."""

    def __init__(self, revision: int) -> None:
        self._revision = revision

    def piece(self, block: bytes, rows: int) -> bytes:
        return at_revision(block, self._revision)

    def end(self, last: bytes, cost: Cost) -> bytes:
        return at_revision(last, self._revision)


def at_revision(data: bytes, revision: int) -> bytes:
    """Whole blocks of revision 0 as those of ``revision``; raises ClickHouseError for types that cannot be walked."""
    return b"".join(_parts(data, revision)) if revision >= _WITH_BLOCK_INFO else data


def _parts(data: bytes, revision: int) -> Iterator[bytes]:
    mark = _USUAL if revision >= _WITH_CUSTOM_SERIALIZATION else b""
    position = 0
    while position < len(data):
        yield _BLOCK_INFO
        start = position
        columns, position = varint(data, position)
        rows, position = varint(data, position)
        for _ in range(columns):
            length, position = varint(data, position)
            length, position = varint(data, position + length)
            kind = data[position : position + length].decode()
            position += length
            yield data[start:position]
            yield mark
            start = position
            if rows:
                column = Type.of(kind)
                position = _column(data, _prefix(column, position), column, rows)
        yield data[start:position]


def _prefix(kind: Type, position: int) -> int:
    """The end of what precedes a column's data: a version for each LowCardinality in it."""
    position += 8 if kind.name == "LowCardinality" else 0
    for inner in kind.inner:
        position = _prefix(inner, position)
    return position


def _column(data: bytes, position: int, kind: Type, rows: int) -> int:
    """The end of ``rows`` values that begin at ``position``."""
    if not rows:
        return position
    if (width := kind.width) is not None:
        return position + width * rows
    if kind.name == "String":
        for _ in range(rows):
            length, position = varint(data, position)
            position += length
        return position
    if kind.name == "Nullable":
        return _column(data, position + rows, kind.inner[0], rows)
    if kind.name == "Array":
        end = position + 8 * rows
        return _column(data, end, kind.inner[0], _number(data, end - 8))
    if kind.name == "LowCardinality":
        return _dictionary(data, position, kind.inner[0])
    if kind.name == "Tuple":
        for inner in kind.inner:
            position = _column(data, position, inner, rows)
        return position if kind.inner else position + rows
    raise _unknown(kind.name)


def _dictionary(data: bytes, position: int, kind: Type) -> int:
    flags = _number(data, position)
    position += 8
    if flags & _KEYS:
        plain = kind.inner[0] if kind.name == "Nullable" else kind
        position = _column(data, position + 8, plain, _number(data, position))
    return position + 8 + _number(data, position) * (1 << (flags & 0xFF))


def _number(data: bytes, position: int) -> int:
    return int.from_bytes(data[position : position + 8], "little")


def _split(text: str) -> Iterator[str]:
    """The arguments of a type: what stands between its commas."""
    depth, held = 0, ""
    for token in _TOKEN.findall(text):
        depth += (token == "(") - (token == ")")
        if token == "," and not depth:
            yield held.strip()
            held = ""
        else:
            held += token
    yield held.strip()


def _unknown(text: str) -> Exception:
    return error(NOT_IMPLEMENTED, f"columns of {text[:100]} in FORMAT Native for client_protocol_version")
