"""Arrow tables as JSON, column by column in Arrow's own kernels: no Python object per cell.

Measured on 10,000 log records with two maps each: see ``docs/decisions/search-syntax.md``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from airis_ray.telemetry.times import format_times

_NEEDS_ESCAPE: Final = r'["\\\x00-\x1f]'
_ESCAPES: Final = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}


def rows_json(table: pa.Table) -> bytes:
    """The rows as a JSON array of arrays, in the order of the columns.

    Times are RFC 3339 with nanoseconds, maps and structs objects, lists arrays; a number that is not finite is null.
    """
    if not table.num_rows:
        return b"[]"
    if not table.num_columns:
        return b"[" + b",".join([b"[]"] * table.num_rows) + b"]"
    parts = [_batch_rows(batch) for batch in table.to_batches() if batch.num_rows]
    return b"[[" + b"],[".join(parts) + b"]]"


def type_name(dtype: pa.DataType) -> str:
    """A type as answers name it: Arrow's name, without the encoding."""
    if pa.types.is_dictionary(dtype):
        return type_name(dtype.value_type)
    if pa.types.is_map(dtype):
        return f"map<{type_name(dtype.key_type)}, {type_name(dtype.item_type)}>"
    if pa.types.is_list(dtype) or pa.types.is_large_list(dtype):
        return f"list<{type_name(dtype.value_type)}>"
    if pa.types.is_timestamp(dtype):
        return "timestamp"
    return {"large_string": "string", "double": "float64", "float": "float32"}.get(str(dtype), str(dtype))


def columns_of(schema: pa.Schema) -> list[dict[str, str]]:
    """The ``columns`` of an answer."""
    return [{"name": field.name, "type": type_name(field.type)} for field in schema]


def _batch_rows(batch: pa.RecordBatch) -> bytes:
    tokens = [_large(_tokens(column)) for column in batch.columns]
    rows = pc.binary_join_element_wise(*tokens, _text(",")) if len(tokens) > 1 else tokens[0]
    return _joined(rows, "],[")


def _joined(strings: pa.Array, separator: str) -> bytes:
    whole = pa.LargeListArray.from_arrays(pa.array([0, len(strings)], pa.int64()), strings)
    joined: bytes = pc.binary_join(whole, _text(separator))[0].as_buffer().to_pybytes()
    return joined


def _text(value: str) -> pa.Scalar:
    return pa.scalar(value, pa.large_string())


def _large(strings: pa.Array) -> pa.Array:
    return pc.cast(strings, pa.large_string())


def _tokens(column: pa.Array) -> pa.Array:
    """Each value as JSON text."""
    render = next((render for test, render in _RENDERERS if test(column.type)), _by_value)
    return _or_null(render(column), column)


def _or_null(tokens: pa.Array, column: pa.Array) -> pa.Array:
    if not column.null_count:
        return tokens
    return pc.if_else(pc.is_valid(column), _large(tokens), _text("null"))


def _plain(column: pa.Array) -> pa.Array:
    return pc.cast(column, pa.string())


def _floats(column: pa.Array) -> pa.Array:
    return pc.if_else(pc.is_finite(column), pc.cast(column, pa.string()), pa.scalar("null"))


def _times(column: pa.Array) -> pa.Array:
    return _wrapped('"', format_times(column), '"')


def _strings(column: pa.Array) -> pa.Array:
    column = _large(_valid_text(column))
    if pc.any(pc.match_substring_regex(column, _NEEDS_ESCAPE)).as_py():
        column = _escaped(column)
    return _wrapped('"', column, '"')


def _valid_text(column: pa.Array) -> pa.Array:
    """ClickHouse's strings are bytes; what is no UTF-8 gets replacement characters."""
    try:
        column.validate(full=True)
    except pa.ArrowInvalid:
        raw = column.cast(pa.binary()).to_pylist()
        decoded = [None if each is None else each.decode("utf-8", "replace") for each in raw]
        return pa.array(decoded, pa.string())
    return column


def _escaped(column: pa.Array) -> pa.Array:
    column = pc.replace_substring(column, "\\", "\\\\")
    column = pc.replace_substring(column, '"', '\\"')
    if pc.any(pc.match_substring_regex(column, r"[\x00-\x1f]")).as_py():
        for sign in map(chr, range(32)):
            column = pc.replace_substring(column, sign, _ESCAPES.get(sign, f"\\u{ord(sign):04x}"))
    return column


def _wrapped(before: str, column: pa.Array, after: str) -> pa.Array:
    return pc.binary_join_element_wise(
        _text(before), _large(column), _text(after), _text(""), null_handling="skip"
    )


def _lists(column: pa.Array) -> pa.Array:
    offsets, values = _inner(column, column.values)
    return _wrapped("[", _join_within(offsets, _tokens(values)), "]")


def _maps(column: pa.Array) -> pa.Array:
    offsets, entries = _inner(column, pa.StructArray.from_arrays([column.keys, column.items], ["k", "v"]))
    keys = _large(_tokens(entries.field("k")))
    if not _is_text(column.type.key_type):  # numbers have no quotes yet; times and days have
        keys = pc.if_else(pc.starts_with(keys, '"'), keys, _wrapped('"', keys, '"'))
    pairs = pc.binary_join_element_wise(keys, _large(_tokens(entries.field("v"))), _text(":"))
    return _wrapped("{", _join_within(offsets, pairs), "}")


def _inner(column: pa.Array, values: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Offsets that begin at 0 and the values they count, of a list that may be a slice of a longer one."""
    offsets = pc.cast(column.offsets, pa.int64())
    first = offsets[0].as_py()
    return pc.subtract(offsets, first), values.slice(first, offsets[-1].as_py() - first)


def _join_within(offsets: pa.Array, tokens: pa.Array) -> pa.Array:
    return pc.binary_join(pa.LargeListArray.from_arrays(offsets, _large(tokens)), _text(","))


def _structs(column: pa.Array) -> pa.Array:
    fields = [
        _wrapped(f"{orjson.dumps(column.type[n].name).decode()}:", _tokens(child), "")
        for n, child in enumerate(column.flatten())
    ]
    return _wrapped("{", pc.binary_join_element_wise(*fields, _text(",")), "}")


def _dictionaries(column: pa.Array) -> pa.Array:
    return _tokens(column.dictionary_decode())


def _by_value(column: pa.Array) -> pa.Array:
    """Types that no telemetry has, such as UUIDs: value by value."""
    return pa.array(
        [orjson.dumps(each, default=str).decode() for each in column.to_pylist()], pa.large_string()
    )


def _is_text(dtype: pa.DataType) -> bool:
    return bool(pa.types.is_string(dtype) or pa.types.is_large_string(dtype))


def _is_list(dtype: pa.DataType) -> bool:
    return bool(pa.types.is_list(dtype) or pa.types.is_large_list(dtype))


def _is_plain(dtype: pa.DataType) -> bool:
    return bool(pa.types.is_integer(dtype) or pa.types.is_boolean(dtype) or pa.types.is_decimal(dtype))


_RENDERERS: Final[tuple[tuple[Callable[[Any], bool], Callable[[pa.Array], pa.Array]], ...]] = (
    (_is_text, _strings),
    (_is_plain, _plain),
    (pa.types.is_floating, _floats),
    (pa.types.is_timestamp, _times),
    (pa.types.is_map, _maps),
    (_is_list, _lists),
    (pa.types.is_dictionary, _dictionaries),
    (pa.types.is_struct, _structs),
)
