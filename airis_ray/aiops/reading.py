"""Points as they come (Arrow, lists) become batches on a grid; what is wrong with one series spoils no other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from airis_ray.aiops.gridding import Points, Reading, place
from airis_ray.aiops.series import Floats, Ints
from airis_ray.errors import InvalidInput, TooLarge, Unprocessable

MAX_POINTS: Final = 2**26
"""Points of one call, all series together: half a GB of values."""


def read_table(table: pa.Table, *, min_points: int = 1, step: int | None = None) -> Reading:
    """Read a table with the columns ``series`` (text), ``time`` and ``value``.

    Long form: a row a point, ``time`` a timestamp or an integer (nanoseconds), ``value`` any number; the points of
    a series in the order of time, series in any order. List form: a row a series, ``time`` and ``value`` lists.
    ``step`` (nanoseconds) sets the grid; without it each series' median distance does.
    Raises InvalidInput when a column is missing or is of a wrong type, TooLarge past the limits above.
    """
    for name in ("series", "time", "value"):
        if name not in table.column_names:
            raise InvalidInput.field(
                f"/{name}", f"column missing; expected series, time, value; got {table.column_names}"
            )
    if table.num_rows > MAX_POINTS:
        raise TooLarge(f"{table.num_rows} points; at most {MAX_POINTS} in one call")
    if pa.types.is_list(table["time"].type) or pa.types.is_large_list(table["time"].type):
        return _read_lists(table, min_points, step)
    codes = pc.dictionary_encode(table["series"].cast(pa.string())).combine_chunks()
    if codes.null_count:
        raise InvalidInput.field(
            "/series", f"a series without a name at row {codes.is_null().index(True).as_py()}"
        )
    order = codes.indices.to_numpy().astype(np.int64)
    names = codes.dictionary.to_pylist()
    times, values = times_of(table["time"]), values_of(table["value"])
    if np.all(np.diff(order) >= 0):
        return place(Points(names, _offsets(order, len(names)), times, values), min_points, step)
    by = np.argsort(order, kind="stable")
    read = place(Points(names, _offsets(order[by], len(names)), times[by], values[by]), min_points, step)
    back = np.empty_like(by)
    back[by] = np.arange(len(by))
    return Reading(read.batches, read.errors, read.batch[back], read.row[back], read.cell[back])


def read_lists(
    names: Sequence[str],
    times: Sequence[npt.ArrayLike],
    values: Sequence[npt.ArrayLike],
    *,
    min_points: int = 1,
    step: int | None = None,
) -> Reading:
    """Read one list of times (nanoseconds) and one of values a series; None among the values is a missing point."""
    if not len(names) == len(times) == len(values):
        raise InvalidInput(
            f"{len(names)} names, {len(times)} lists of times, {len(values)} of values: expected as many"
        )
    points = Points([str(name) for name in names], np.zeros(1, np.int64), np.zeros(0, np.int64), np.zeros(0))
    parts = [_one(points, i, when, what) for i, (when, what) in enumerate(zip(times, values, strict=True))]
    points.offsets = np.cumsum([0, *(len(part[0]) for part in parts)]).astype(np.int64)
    if points.offsets[-1] > MAX_POINTS:
        raise TooLarge(f"{points.offsets[-1]} points; at most {MAX_POINTS} in one call")
    if parts:
        points.times = np.concatenate([part[0] for part in parts])
        points.values = np.concatenate([part[1] for part in parts])
    return place(points, min_points, step)


def _one(points: Points, series: int, when: npt.ArrayLike, what: npt.ArrayLike) -> tuple[Ints, Floats]:
    """One series' arrays; empty ones, and an error, where they are no numbers or differ in length."""
    nothing = (np.zeros(0, np.int64), np.zeros(0))
    columns: list[npt.NDArray[np.generic]] = []
    for label, given, dtype in (("time", when, np.int64), ("value", what, np.float64)):
        try:
            columns.append(np.asarray(given, dtype=dtype).reshape(-1))
        except (TypeError, ValueError, OverflowError):
            position = _first_bad(given, dtype)
            points.refuse(series, position, f"{label} at position {position} is not a number")
            return nothing
    if len(columns[0]) != len(columns[1]):
        position = min(len(columns[0]), len(columns[1]))
        points.refuse(
            series, position, f"{len(columns[0])} times and {len(columns[1])} values: expected as many"
        )
        return nothing
    return columns[0].astype(np.int64), columns[1].astype(np.float64)


def _first_bad(given: npt.ArrayLike, dtype: type[np.generic]) -> int | None:
    for position, item in enumerate(given if isinstance(given, Sequence) else ()):
        try:
            np.asarray(item, dtype=dtype).reshape(())
        except (TypeError, ValueError, OverflowError):
            return position
    return None


def _read_lists(table: pa.Table, min_points: int, step: int | None) -> Reading:
    columns = [table[name].to_pylist() for name in ("series", "time", "value")]
    names = ["" if name is None else str(name) for name in columns[0]]
    times = [times_of(column) for column in _lists(table["time"])]
    return read_lists(names, times, [item or [] for item in columns[2]], min_points=min_points, step=step)


def _lists(column: pa.ChunkedArray) -> list[pa.ChunkedArray]:
    rows = (row.values for chunk in column.chunks for row in chunk)
    inner = column.type.value_type
    return [pa.chunked_array([row if row is not None else pa.array([], inner)]) for row in rows]


def times_of(column: pa.ChunkedArray) -> Ints:
    """Nanoseconds of timestamps or integers; a null becomes the smallest integer, which the order check refuses."""
    kind = column.type
    if pa.types.is_timestamp(kind):
        column = column.cast(pa.timestamp("ns", tz=kind.tz), safe=False).cast(pa.int64())
    elif not pa.types.is_integer(kind):
        raise Unprocessable.field("/time", f"is {kind}; expected a timestamp or integer nanoseconds")
    lowest = np.iinfo(np.int64).min
    found: Ints = column.cast(pa.int64()).fill_null(lowest).to_numpy()
    return found


def values_of(column: pa.ChunkedArray) -> Floats:
    """Numbers; a null becomes NaN."""
    kind = column.type
    if not (pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_decimal(kind)):
        raise Unprocessable.field("/value", f"is {kind}; expected numbers")
    found: Floats = column.cast(pa.float64()).fill_null(np.nan).to_numpy()
    return found


def _offsets(order: Ints, count: int) -> Ints:
    found: Ints = np.searchsorted(order, np.arange(count + 1)).astype(np.int64)
    return found
