"""Protobuf bytes, one message at a time and a column at a time.

A record of telemetry is the concatenation of fragments, most of them known before it happens. A column is an Arrow
binary array with one fragment for each record; Arrow joins columns element by element, so that a thousand spans cost
a handful of calls and no Python object each.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from functools import cache
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Column: TypeAlias = pa.BinaryArray
"""One fragment for each record."""
Ints: TypeAlias = npt.NDArray[np.int64]
Attribute: TypeAlias = str | bool | int | float

_BINARY = pa.binary()
_EMPTY = pa.scalar(b"", _BINARY)
_SMALL = 1 << 14


def varint(value: int) -> bytes:
    """A non-negative integer as a base-128 varint."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


@cache
def tag(number: int, kind: int) -> bytes:
    """A field's tag; ``kind`` is 0 varint, 1 eight bytes, 2 length-delimited, 5 four bytes."""
    return varint(number << 3 | kind)


def field(number: int, payload: bytes | str) -> bytes:
    """A length-delimited field."""
    payload = payload.encode() if isinstance(payload, str) else payload
    return tag(number, 2) + varint(len(payload)) + payload


def any_value(value: Attribute) -> bytes:
    """The body of an ``AnyValue``; integers must not be negative."""
    if isinstance(value, bool):
        return tag(2, 0) + varint(int(value))
    if isinstance(value, int):
        return tag(3, 0) + varint(value)
    if isinstance(value, float):
        return tag(4, 1) + struct.pack("<d", value)
    return field(1, value)


def attribute(number: int, key: str, value: Attribute) -> bytes:
    """A ``KeyValue`` as field ``number`` of its parent."""
    return field(number, field(1, key) + field(2, any_value(value)))


def attributes(number: int, pairs: dict[str, Attribute]) -> bytes:
    """All of ``pairs`` as repeated field ``number``."""
    return b"".join(attribute(number, key, value) for key, value in pairs.items())


def scalar(fragment: bytes) -> Any:
    """A fragment that is the same in every record."""
    return pa.scalar(fragment, _BINARY)


def pool(fragments: Sequence[bytes]) -> Column:
    """A vocabulary of fragments to :func:`take` from."""
    return pa.array(fragments, _BINARY)


def take(source: Column, index: npt.NDArray[Any]) -> Column:
    """``source[index]``, fragment by fragment."""
    return source.take(pa.array(index))


def fixed(values: npt.NDArray[Any]) -> Column:
    """A column of equally wide fragments: the little-endian bytes of a vector, or the rows of a byte matrix."""
    values = np.ascontiguousarray(values)
    count = len(values)
    width = values.dtype.itemsize if values.ndim == 1 else values.shape[1]
    offsets = np.arange(0, (count + 1) * width, max(width, 1), dtype=np.int32)[: count + 1]
    return pa.BinaryArray.from_buffers(_BINARY, count, [None, pa.py_buffer(offsets), pa.py_buffer(values)])


def text(values: npt.NDArray[Any]) -> Column:
    """Numbers written in decimal."""
    return pc.cast(pc.cast(pa.array(values), pa.string()), _BINARY)


def hexadecimal(values: npt.NDArray[np.uint8]) -> Column:
    """The rows of a byte matrix written in lower hex."""
    return fixed(_hex_table()[values].reshape(len(values), -1))


def join(*parts: Any) -> Column:
    """The concatenation, record by record, of columns and scalars (at least one column)."""
    return pc.binary_join_element_wise(*parts, _EMPTY)


def sizes(column: Column) -> Ints:
    """The bytes of each fragment."""
    return np.diff(offsets_of(column)).astype(np.int64)


def offsets_of(column: Column) -> npt.NDArray[np.int32]:
    """Where each fragment starts in the data buffer, and where the last one ends."""
    buffer = column.buffers()[1]
    if buffer is None or len(column) == 0:
        return np.zeros(1, np.int32)
    return np.frombuffer(buffer, np.int32, len(column) + 1, column.offset * 4)


def data_of(column: Column) -> memoryview:
    """The data buffer that :func:`offsets_of` points into."""
    return memoryview(column.buffers()[2] or b"")


def cut(column: Column, edges: npt.NDArray[np.int32]) -> Column:
    """The data of a column cut anew at ``edges``: neighbouring fragments become one."""
    data = column.buffers()[2] or pa.py_buffer(b"")
    return pa.BinaryArray.from_buffers(_BINARY, len(edges) - 1, [None, pa.py_buffer(edges), data])


def varints(values: npt.NDArray[Any]) -> Column:
    """Each non-negative number, below 2^35, as a varint."""
    if len(values) == 0 or int(values.max()) < _SMALL:
        return take(_small_varints(), values)
    wide = values.astype(np.uint64)[:, None]
    shifts = np.arange(0, 35, 7, dtype=np.uint64)
    digits = ((wide >> shifts) & np.uint64(0x7F)).astype(np.uint8)
    width = 1 + (wide >= (np.uint64(1) << shifts[1:])).sum(axis=1)
    columns = np.arange(5)
    digits[columns < width[:, None] - 1] |= 0x80
    offsets = np.zeros(len(values) + 1, np.int32)
    np.cumsum(width, out=offsets[1:])
    flat = np.ascontiguousarray(digits[columns < width[:, None]])
    return pa.BinaryArray.from_buffers(
        _BINARY, len(values), [None, pa.py_buffer(offsets), pa.py_buffer(flat)]
    )


def delimited(prefix: bytes, column: Column) -> Column:
    """Each fragment as a length-delimited field whose tag is ``prefix``."""
    return join(scalar(prefix), varints(sizes(column)), column)


def text_attributes(number: int, key: str, values: Column) -> Column:
    """String attributes with one key, as field ``number`` of their parents."""
    name = field(1, key)
    value = delimited(tag(2, 2), delimited(tag(1, 2), values))
    return delimited(tag(number, 2), join(scalar(name), value))


def int_attributes(number: int, key: str, values: npt.NDArray[Any]) -> Column:
    """Integer attributes with one key, as field ``number`` of their parents."""
    name = field(1, key)
    value = delimited(tag(2, 2), join(scalar(tag(3, 0)), varints(values)))
    return delimited(tag(number, 2), join(scalar(name), value))


def where(mask: npt.NDArray[np.bool_], column: Column) -> Column:
    """The fragments where ``mask`` holds, nothing elsewhere; ``column`` has one for every record."""
    return pc.if_else(pa.array(mask), column, _EMPTY)


def concat(columns: Sequence[Column]) -> Column:
    """Columns one after the other."""
    return pa.concat_arrays(columns) if columns else pool([])


@cache
def _small_varints() -> Column:
    return pool([varint(value) for value in range(_SMALL)])


@cache
def _hex_table() -> npt.NDArray[np.uint8]:
    return np.array([list(f"{value:02x}".encode()) for value in range(256)], np.uint8)
