"""Series as an Arrow stream carries them; the columns are never made into Python lists.

Long form: a row a point, the columns ``time`` (timestamp or integer nanoseconds) and ``value``; rows with the same
values in all other columns, the labels, are a series. List form: a row a series, the columns ``timestamps`` and
``values`` of lists, the other columns its labels.
"""

from __future__ import annotations

import struct
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from airis_ray.aiops.asked import MAX_POINTS, Asked
from airis_ray.aiops.reading import times_of, values_of
from airis_ray.aiops.series import Ints
from airis_ray.errors import InvalidInput, TooLarge, Unprocessable, Unsupported

LONG: Final = ("time", "value")
LISTS: Final = ("timestamps", "values")
MAX_LABELS: Final = 32


def read_stream(body: bytes) -> Asked:
    """The series of a body.

    Raises InvalidInput for what is no Arrow stream, Unsupported where its buffers are compressed (what they inflate to
    is known too late), Unprocessable for columns that are missing or of a wrong type, TooLarge past the limits.
    """
    try:
        table = _table(body)
    except (pa.ArrowException, OSError, struct.error, ValueError) as error:
        raise InvalidInput(f"the body is no Arrow stream: {error}") from None
    try:
        return _lists(table) if set(LISTS) <= set(table.column_names) else _long(table)
    except pa.ArrowException as error:
        raise Unprocessable(f"the table cannot be read: {error}") from None


def _table(body: bytes) -> pa.Table:
    for message in pa.ipc.MessageReader.open_stream(pa.py_buffer(body)):
        if _compressed(message):
            raise Unsupported("the stream's buffers are compressed; expected plain ones")
    table = pa.ipc.open_stream(pa.py_buffer(body)).read_all()
    if twice := sorted({name for name in table.column_names if table.column_names.count(name) > 1}):
        raise Unprocessable(f"columns that are there more than once: {', '.join(twice)}")
    if table.num_rows > MAX_POINTS:
        raise TooLarge(f"{table.num_rows} rows; at most {MAX_POINTS} in one request")
    table.validate(full=True)
    return table


def _compressed(message: pa.Message) -> bool:
    """Whether a message's buffers are, by its flatbuffer (Arrow's format/Message.fbs)."""
    data = memoryview(message.metadata)
    header = _follow(data, struct.unpack_from("<I", data)[0], 2)
    if message.type == "dictionary":
        header = _follow(data, header, 1)
    elif message.type != "record batch":
        return False
    return _slot(data, header, 3) > 0


def _slot(data: memoryview, table: int, field: int) -> int:
    """Where a table keeps its field; 0 where it has none."""
    vtable = table - struct.unpack_from("<i", data, table)[0]
    place = 4 + 2 * field
    if struct.unpack_from("<H", data, vtable)[0] <= place:
        return 0
    offset: int = struct.unpack_from("<H", data, vtable + place)[0]
    return offset and table + offset


def _follow(data: memoryview, table: int, field: int) -> int:
    """The table that a field leads to."""
    at = _slot(data, table, field)
    target: int = at + struct.unpack_from("<I", data, at)[0]
    return target


def _long(table: pa.Table) -> Asked:
    _need(table, LONG)
    times, values = times_of(table["time"]), values_of(table["value"])
    codes, firsts = _groups(table)
    labels = _labels(table.take(pa.array(firsts)), LONG)
    rows = None
    if np.any(np.diff(codes) < 0):
        rows = np.argsort(codes, kind="stable")
        codes, times, values = codes[rows], times[rows], values[rows]
    offsets = np.searchsorted(codes, np.arange(len(firsts) + 1)).astype(np.int64)
    return _checked(Asked.of(labels, offsets, times, values, rows))


def _groups(table: pa.Table) -> tuple[Ints, Ints]:
    """[rows] the number of each row's series, in the order they first appear, and [series] its first row."""
    codes = np.zeros(table.num_rows, np.int64)
    for name in _label_names(table, LONG):
        column = _text(table, name)
        own = column.indices.fill_null(len(column.dictionary)).to_numpy().astype(np.int64)
        _, codes = np.unique(codes * (len(column.dictionary) + 1) + own, return_inverse=True)
    _, firsts, codes = np.unique(codes, return_index=True, return_inverse=True)
    order = np.argsort(firsts)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return rank[codes], firsts[order]


def _text(table: pa.Table, name: str) -> pa.DictionaryArray:
    column = table[name].combine_chunks()
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    known = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view, pa.types.is_integer)
    if not any(check(kind) for check in (*known, pa.types.is_boolean)):
        raise Unprocessable(f"column {name!r} is {kind}; expected text, an integer or a truth value: a label")
    return pc.dictionary_encode(column.cast(pa.string()))


def _lists(table: pa.Table) -> Asked:
    columns = {name: table[name].combine_chunks() for name in LISTS}
    for name, column in columns.items():
        if not (pa.types.is_list(column.type) or pa.types.is_large_list(column.type)):
            raise Unprocessable.field(f"/{name}", f"is {column.type}; expected lists")
    labels = _labels(table, LISTS)
    sizes = [pc.list_value_length(columns[name]).fill_null(0).to_numpy().astype(np.int64) for name in LISTS]
    differ = np.flatnonzero(sizes[0] != sizes[1])
    if len(differ):
        keep = pa.array(sizes[0] == sizes[1])
        columns = {
            name: pc.if_else(keep, column, pa.scalar(None, column.type)) for name, column in columns.items()
        }
    offsets = np.concatenate([[0], np.where(sizes[0] == sizes[1], sizes[0], 0).cumsum()]).astype(np.int64)
    times, values = (columns[name].flatten() for name in LISTS)
    asked = Asked.of(
        labels, offsets, times_of(pa.chunked_array([times])), values_of(pa.chunked_array([values]))
    )
    for series in differ.tolist():
        counts = [int(size[series]) for size in sizes]
        message = f"{counts[0]} timestamps and {counts[1]} values; expected as many (position {min(counts)})"
        asked.refuse(series, LISTS[counts[0] > counts[1]], min(counts), message)
    return _checked(asked)


def _checked(asked: Asked) -> Asked:
    asked.check_times(asked.points.times == np.iinfo(np.int64).min)
    return asked


def _label_names(table: pa.Table, others: tuple[str, ...]) -> list[str]:
    names = [name for name in table.column_names if name not in others]
    if len(names) > MAX_LABELS:
        raise TooLarge(f"{len(names)} label columns; at most {MAX_LABELS}")
    return names


def _labels(table: pa.Table, others: tuple[str, ...]) -> list[dict[str, str]]:
    """One for each row."""
    labels: list[dict[str, str]] = [{} for _ in range(table.num_rows)]
    for name in _label_names(table, others):
        for each, value in zip(labels, _text(table, name).cast(pa.string()).to_pylist(), strict=True):
            if value is not None:
                each[name] = value
    return labels


def _need(table: pa.Table, names: tuple[str, ...]) -> None:
    for name in names:
        if name not in table.column_names:
            raise Unprocessable.field(
                f"/{name}",
                f"column missing; expected {', '.join(LONG)} or {', '.join(LISTS)}; got {table.column_names}",
            )
