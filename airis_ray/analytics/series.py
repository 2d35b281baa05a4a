"""The answer of a series call, and how it is read from ClickHouse and written for the caller."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa

from airis_ray.analytics.buckets import MAX_POINTS, Grid
from airis_ray.analytics.sql import Sql, bind, sql
from airis_ray.analytics.tables import Stats
from airis_ray.errors import InvalidInput
from airis_ray.store import Result
from airis_ray.telemetry.times import format_duration, format_times

TIME_TYPE: Final = pa.timestamp("ns", tz="UTC")


@dataclass(frozen=True)
class Series:
    """Series over one grid, the highest first.

    ``values`` is (series, buckets), NaN for no data. ``whole`` says that all of them are whole numbers.
    """

    grid: Grid
    names: tuple[str, ...]
    labels: list[tuple[str, ...]]
    values: npt.NDArray[np.float64]
    whole: bool = False
    unit: str | None = None
    stats: Stats = field(default_factory=Stats)

    def times(self) -> pa.Array:
        """The start of each bucket."""
        return pa.array(self.grid.starts()).cast(TIME_TYPE)

    def as_json(self) -> bytes:
        """The body of the contract; NaN is null."""
        values = self.values.astype(np.int64) if self.whole else np.ascontiguousarray(self.values)
        answer: dict[str, Any] = {
            "timestamps": format_times(self.times()).to_pylist(),
            "series": [
                {"labels": dict(zip(self.names, labels, strict=True)), "values": row}
                for labels, row in zip(self.labels, values, strict=True)
            ],
            "step": format_duration(self.grid.step),
        }
        if self.unit is not None:
            answer["unit"] = self.unit
        answer["stats"] = self.stats.json()
        return orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY)

    def as_table(self) -> pa.Table:
        """A long table: ``time``, a column for each label, ``value``; no data is null."""
        series, buckets = self.values.shape
        flat = self.values.ravel()
        columns: list[pa.Array] = [pa.array(np.tile(self.grid.starts(), series)).cast(TIME_TYPE)]
        codes = pa.array(np.repeat(np.arange(series, dtype=np.int32), buckets))
        for place in range(len(self.names)):
            column = pa.array([labels[place] for labels in self.labels], pa.string()).dictionary_encode()
            columns.append(pa.DictionaryArray.from_arrays(column.indices.take(codes), column.dictionary))
        value = pa.array(flat.astype(np.int64)) if self.whole else pa.array(flat, from_pandas=True)
        return pa.Table.from_arrays([*columns, value], names=["time", *self.names, "value"])


def check_size(grid: Grid, limit: int) -> None:
    """Raise InvalidInput where ``limit`` series of this grid are more points than are answered."""
    if grid.count * limit > MAX_POINTS:
        raise InvalidInput.field(
            "/limit",
            f"{limit} series of {grid.count} buckets are more than {MAX_POINTS} points; ask for fewer series, "
            "a longer step or a shorter range",
        )


def highest(parts: Sql, names: Sequence[str], value: Sql, limit: int, over: str | None = None) -> Sql:
    """The ``limit`` series with the highest value over the whole range, one row each.

    ``parts`` selects ``l0`` …, ``pb`` and the parts of ``value``; with ``over`` also ``sh``, one of several
    metric series that a label stands for: ``over`` is the aggregate over their values. The answer has the
    labels as strings, the buckets ``bs``, their values ``vs``, and ``total``, the value over the whole range.
    """
    keys = [f"l{index}" for index in range(len(names))]
    inner = spread(parts, [*keys, *(["sh"] if over else [])], sql("{} AS v", value))
    if over:
        inner = (
            Sql(f"SELECT {_commas(keys)} b, {over}(v) AS v FROM (")
            + inner
            + Sql(f") GROUP BY {_commas(keys)} b")
        )
    return sql(
        "SELECT {} groupArrayIf(b, b >= 0) AS bs, groupArrayIf(v, b >= 0) AS vs, anyIf(v, b < 0) AS total "
        "FROM ({}){} ORDER BY isNaN(total), total DESC{} LIMIT {}",
        Sql("".join(f"toString({key}) AS s{key}, " for key in keys)),
        inner,
        Sql(f" GROUP BY {', '.join(keys)}" if keys else ""),
        Sql("".join(f", s{key}" for key in keys)),
        bind(limit, "UInt32"),
    )


def spread(parts: Sql, keys: Sequence[str], values: Sql) -> Sql:
    """``values`` over the parts of each key and bucket ``b``; bucket -1 is the whole range."""
    return sql(
        "SELECT {} b, {} FROM ({}) ARRAY JOIN [pb, toInt64(-1)] AS b GROUP BY {} b",
        Sql(_commas(keys)),
        values,
        parts,
        Sql(_commas(keys)),
    )


def _commas(keys: Sequence[str]) -> str:
    return "".join(f"{key}, " for key in keys)


def read(result: Result, grid: Grid, names: tuple[str, ...], empty: float) -> Series:
    """The series of an answer to :func:`highest`; ``empty`` stands in buckets without rows."""
    table = result.table.combine_chunks()
    labels = read_labels(table, len(names))
    values = np.full((table.num_rows, grid.count), empty)
    if table.num_rows:
        buckets, found = (_list_column(table, name) for name in ("bs", "vs"))
        rows = np.repeat(np.arange(table.num_rows), np.diff(buckets.offsets.to_numpy()))
        values[rows, _numpy(buckets.flatten())] = _numpy(found.flatten())
    if not names and not labels:
        labels, values = [()], np.full((1, grid.count), empty)
    return Series(grid, names, labels, values, stats=Stats.of(result))


def read_labels(table: pa.Table, size: int) -> list[tuple[str, ...]]:
    """The labels of each row, from the columns ``sl0`` …"""
    columns = [table[f"sl{place}"].to_pylist() for place in range(size)]
    return list(zip(*columns, strict=True)) if columns else [()] * table.num_rows


def _list_column(table: pa.Table, name: str) -> pa.ListArray:
    column = table[name].combine_chunks()
    return column.chunk(0) if isinstance(column, pa.ChunkedArray) else column


def _numpy(column: pa.Array) -> npt.NDArray[Any]:
    found: npt.NDArray[Any] = column.to_numpy(zero_copy_only=False)
    return found
