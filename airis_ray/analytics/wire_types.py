"""What ClickHouse's Arrow output loses: DateTime, Enum and IP addresses arrive as bare numbers and bytes, also within
arrays, maps and tuples."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

Convert = Callable[[Any], Any]
"""Makes a column, an array or one of chunks, what its type in ClickHouse says."""

_WRAPPER: Final = re.compile(
    r"(?:Nullable|LowCardinality|SimpleAggregateFunction)\((?:\w+, )?(.*)\)", re.DOTALL
)
_NESTING: Final = re.compile(r"(Array|Map|Tuple)\((.*)\)", re.DOTALL)
_TOKEN: Final = re.compile(r"'(?:\\.|[^'\\])*'|`(?:\\.|[^`\\])*`|.", re.DOTALL)
_ELEMENT_NAME: Final = re.compile(r"\A(?:`(?:\\.|[^`\\])*`|[A-Za-z_]\w*) (?=\S)", re.ASCII | re.DOTALL)
_ENUM_ITEM: Final = re.compile(r"'((?:\\.|[^'\\])*)' = (-?\d+)", re.DOTALL)


def ambiguous(dtype: pa.DataType) -> bool:
    """Whether a column of this Arrow type may have been another type in ClickHouse."""
    if pa.types.is_nested(dtype):
        return any(ambiguous(dtype.field(n).type) for n in range(dtype.num_fields))
    return bool(
        pa.types.is_uint32(dtype)
        or pa.types.is_int8(dtype)
        or pa.types.is_int16(dtype)
        or pa.types.is_fixed_size_binary(dtype)
        or isinstance(dtype, pa.BaseExtensionType)
    )


def converters(types: Sequence[str]) -> dict[int, Convert]:
    """How a column becomes what its ClickHouse type says, by its position; columns that already are, are left out."""
    found = ((index, _converter(name)) for index, name in enumerate(types))
    return {index: convert for index, convert in found if convert is not None}


def _unwrapped(name: str) -> str:
    while match := _WRAPPER.fullmatch(name):
        name = match[1]
    return name


def _converter(name: str) -> Convert | None:
    name = _unwrapped(name)
    if match := _NESTING.fullmatch(name):
        inner = [_converter(each) for each in _elements(match[2])]
        return _within(match[1], inner) if any(inner) else None
    if name.startswith("DateTime") and not name.startswith("DateTime64"):
        return lambda column: pc.cast(pc.cast(column, pa.int64()), pa.timestamp("s", tz="UTC"))
    if name.startswith("Enum"):
        return _enum({int(code): _unescaped(text) for text, code in _ENUM_ITEM.findall(name)})
    if name.startswith("FixedString"):
        return _by_value(lambda raw: raw.rstrip(b"\0").decode("utf-8", "replace"))
    if match := re.fullmatch(r"(U?)Int(128|256)", name):
        signed = not match[1]
        return _by_value(lambda raw: str(int.from_bytes(raw, "little", signed=signed)))
    return _by_value(_TEXTS[name]) if name in _TEXTS else None


def _elements(listed: str) -> Iterator[str]:
    """The types between the parentheses of a nesting one, without the names that elements of a tuple may have."""
    depth = start = 0
    for token in _TOKEN.finditer(listed):
        depth += (token[0] == "(") - (token[0] == ")")
        if token[0] == "," and not depth:
            yield _ELEMENT_NAME.sub("", listed[start : token.start()].strip(), count=1)
            start = token.end()
    yield _ELEMENT_NAME.sub("", listed[start:].strip(), count=1)


def _within(nesting: str, inner: Sequence[Convert | None]) -> Convert:
    """The conversion of arrays, maps or tuples whose elements, keys and values are converted so."""

    def each(parts: Sequence[pa.Array]) -> list[Any]:
        return [
            part if convert is None else convert(part) for part, convert in zip(parts, inner, strict=True)
        ]

    def convert(column: Any) -> Any:
        array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
        if nesting == "Tuple":
            names = [field.name for field in array.type]
            return pa.StructArray.from_arrays(each(array.flatten()), names, mask=array.is_null())
        parts = [array.keys, array.items] if nesting == "Map" else [array.values]
        return type(array).from_arrays(array.offsets, *each(parts))

    return convert


_TEXTS: Final[dict[str, Callable[[Any], str]]] = {
    "IPv4": lambda number: str(ipaddress.IPv4Address(number)),
    "IPv6": lambda raw: str(ipaddress.IPv6Address(raw)),
    "UUID": str,
}


def _enum(names: dict[int, str]) -> Convert:
    return _by_value(lambda code: names.get(code, str(code)))


def _by_value(show: Callable[[Any], str]) -> Convert:
    """A column of strings, each distinct value shown once."""

    def convert(column: pa.ChunkedArray) -> pa.Array:
        shown = [None if value is None else show(value) for value in column.to_pylist()]
        return pa.array(shown, pa.string())

    return convert


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)
