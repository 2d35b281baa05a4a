"""Tables of series as requests carry them: a row a point, `time`, `value` and label columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from airis_ray.errors import InvalidInput

ROWS: Final = 500_000
"""Points of one request; with their labels they stay below what a body may have."""


def table_of(frame: object) -> pa.Table:
    """A frame of ours, an Arrow table, or anything that speaks Arrow's C stream (polars, pandas, DuckDB)."""
    if hasattr(frame, "arrow"):
        frame = frame.arrow()
    if isinstance(frame, pa.Table):
        return frame
    if hasattr(frame, "__arrow_c_stream__"):
        return pa.table(frame)
    raise InvalidInput(f"{type(frame).__name__}: expected a frame of this client, of Arrow, polars or pandas")


def as_series(frame: object, time: str | None, value: str | None, by: Sequence[str] | None) -> pa.Table:
    """``time``, ``value`` and the labels ``by``, as text, sorted by series, then time.

    What is not named is found: the first column of timestamps, `value` or the first of fractions (else of integers),
    and as labels all columns of text. Raises InvalidInput where there is none, or an unknown name.
    """
    table = table_of(frame)
    names = [name for name in (time, value, *(by or ())) if name is not None]
    if missing := [name for name in names if name not in table.column_names]:
        raise InvalidInput(f"no column {', '.join(missing)}; there are {', '.join(table.column_names)}")
    time = time or _first(table, "of timestamps: name it with time=", pa.types.is_timestamp)
    if value is None and "value" in table.column_names:
        value = "value"
    value = value or _first(
        table, "of numbers: name it with value=", pa.types.is_floating, pa.types.is_integer
    )
    if by is None:
        by = [
            field.name for field in table.schema if _is_text(field.type) and field.name not in (time, value)
        ]
    labels = {name: table[name].cast(pa.string()) for name in by}
    made = pa.table({**labels, "time": _times(table[time], time), "value": _numbers(table[value], value)})
    made = made.sort_by([(name, "ascending") for name in (*by, "time")]).combine_chunks()
    coded = {name: pc.dictionary_encode(made[name].combine_chunks()) for name in by}
    return pa.table({**coded, "time": made["time"], "value": made["value"]})


def parts(table: pa.Table) -> Iterator[pa.Table]:
    """The table in pieces of at most :data:`ROWS` rows that cut no series, unless one is longer."""
    labels = [name for name in table.column_names if name not in ("time", "value")]
    if table.num_rows <= ROWS:
        yield table
        return
    codes = [table[name].combine_chunks().indices.fill_null(-1).to_numpy() for name in labels]
    changes = [np.diff(code) != 0 for code in codes]
    starts = np.flatnonzero(np.any(changes, axis=0)) + 1 if changes else np.zeros(0, np.int64)
    bounds = np.concatenate([starts, [table.num_rows]])
    begin = 0
    while begin < table.num_rows:
        fitting = bounds[(bounds > begin) & (bounds <= begin + ROWS)]
        end = int(fitting[-1]) if len(fitting) else int(bounds[bounds > begin][0])
        yield table.slice(begin, end - begin)
        begin = end


def with_labels(
    table: pa.Table, labels: Sequence[dict[str, str]], names: Sequence[str], kind: pa.DataType
) -> pa.Table:
    """An answer with the labels of each row's series in the place of its number; its times of the type ``kind``."""
    number = table["series"]
    instants = table["time"].cast(pa.int64()).cast(pa.timestamp("ns", kind.tz))
    columns: dict[str, Any] = {"time": instants.cast(kind, safe=False)}
    for name in names:
        columns[name] = pa.array([each.get(name) for each in labels], pa.string()).take(number)
    rest = [name for name in table.column_names if name not in ("series", "time")]
    return pa.table(columns | {name: table[name] for name in rest})


def _first(table: pa.Table, what: str, *kinds: Any) -> str:
    for is_kind in kinds:
        for field in table.schema:
            if is_kind(field.type):
                return str(field.name)
    raise InvalidInput(f"no column {what}…; there are {', '.join(table.column_names)}")


def _is_text(kind: pa.DataType) -> bool:
    inner = kind.value_type if pa.types.is_dictionary(kind) else kind
    return any(
        check(inner) for check in (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
    )


def _times(column: pa.ChunkedArray, name: str) -> pa.ChunkedArray:
    if pa.types.is_timestamp(column.type):
        return column
    if pa.types.is_integer(column.type):
        return column.cast(pa.int64()).cast(pa.timestamp("ns"))
    raise InvalidInput(f"column {name} is {column.type}; expected timestamps or integer nanoseconds")


def _numbers(column: pa.ChunkedArray, name: str) -> pa.ChunkedArray:
    try:
        return column.cast(pa.float64())
    except pa.ArrowException:
        raise InvalidInput(f"column {name} is {column.type}; expected numbers") from None
