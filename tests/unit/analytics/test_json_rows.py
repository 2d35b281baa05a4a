"""Arrow as JSON: every type, slices, escapes; the same as value by value."""

from __future__ import annotations

import json
import math
import uuid
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airis_ray.analytics.json_rows import columns_of, rows_json, type_name
from airis_ray.telemetry.times import format_time

_MAP = pa.map_(pa.string(), pa.string())
_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
_MAPS = st.dictionaries(_TEXTS, _TEXTS, max_size=3)
_ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "s": st.none() | _TEXTS,
            "i": st.none() | st.integers(-(2**63), 2**63 - 1),
            "u": st.integers(0, 2**64 - 1),
            "f": st.none() | st.floats(),
            "b": st.none() | st.booleans(),
            "m": st.none() | _MAPS,
            "l": st.none() | st.lists(st.none() | _TEXTS, max_size=3),
            "lm": st.lists(_MAPS, max_size=2),
            "st": st.fixed_dictionaries({"a": st.integers(0, 9), "b": _TEXTS}),
        }
    ),
    max_size=6,
)
_SCHEMA = pa.schema(
    {
        "s": pa.string(),
        "i": pa.int64(),
        "u": pa.uint64(),
        "f": pa.float64(),
        "b": pa.bool_(),
        "m": _MAP,
        "l": pa.list_(pa.string()),
        "lm": pa.list_(_MAP),
        "st": pa.struct({"a": pa.int32(), "b": pa.string()}),
    }
)


def _pairs(row: dict[str, Any]) -> dict[str, Any]:
    maps = {
        "m": None if row["m"] is None else list(row["m"].items()),
        "lm": [list(m.items()) for m in row["lm"]],
    }
    return {**row, **maps}


def _expected(row: dict[str, Any]) -> list[Any]:
    cells = (row[name] for name in _SCHEMA.names)
    return [None if isinstance(each, float) and not math.isfinite(each) else each for each in cells]


@settings(deadline=None)
@given(_ROWS, st.integers(0, 3))
def test_rows_are_what_they_were(rows: list[dict[str, Any]], cut: int) -> None:
    table = pa.Table.from_pylist([_pairs(row) for row in rows], schema=_SCHEMA)
    for shown, expected in (
        (table, rows),
        (table.slice(cut), rows[cut:]),
        (pa.concat_tables([table.slice(cut), table.slice(0, cut)]), rows[cut:] + rows[:cut]),
    ):
        assert json.loads(rows_json(shown)) == [_expected(row) for row in expected]


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pa.array(["a"]).dictionary_encode(), "a"),
        (pa.array(["a"], pa.large_string()), "a"),
        (pa.array([date(2100, 1, 2)]), "2100-01-02"),
        (pa.array([Decimal("1.50")]), 1.5),
        (pa.array([1.5], pa.float32()), 1.5),
        (pa.array([None]), None),
        (pa.array([1], pa.timestamp("ns", tz="UTC")), "1970-01-01T00:00:00.000000001Z"),
        (
            pa.array([datetime(2100, 1, 2, tzinfo=UTC)], pa.timestamp("s", tz="UTC")),
            "2100-01-02T00:00:00.000000000Z",
        ),
        (pa.array([None], pa.timestamp("ns")), None),
        (pa.array([[1, None]], pa.list_(pa.timestamp("ns"))), [format_time(1), None]),
        (pa.array([[(1, 2.5)]], pa.map_(pa.int32(), pa.float64())), {"1": 2.5}),
        (pa.array([[(1, 2)]], pa.map_(pa.timestamp("ns"), pa.int32())), {format_time(1): 2}),
        (pa.array([[(date(2100, 1, 2), 2)]], pa.map_(pa.date32(), pa.int32())), {"2100-01-02": 2}),
        (pa.array([uuid.UUID(int=1).bytes], pa.uuid()), str(uuid.UUID(int=1))),
        (pa.array([b"a\xffb"]).view(pa.string()), "a�b"),
        (pa.array(['\x00\x01\n\t\r\x1f"\\/\u2028']), '\x00\x01\n\t\r\x1f"\\/\u2028'),
    ],
)
def test_types(column: pa.Array, expected: object) -> None:
    assert json.loads(rows_json(pa.table({"c": column}))) == [[expected]]


def test_nothing_to_show() -> None:
    assert rows_json(pa.table({"a": pa.array([], pa.string())})) == b"[]"
    assert rows_json(pa.table({})) == b"[]"


@pytest.mark.parametrize(
    ("dtype", "name"),
    [
        (pa.dictionary(pa.int32(), pa.string()), "string"),
        (_MAP, "map<string, string>"),
        (pa.list_(pa.timestamp("ns", tz="UTC")), "list<timestamp>"),
        (pa.float64(), "float64"),
        (pa.uint64(), "uint64"),
        (pa.date32(), "date32[day]"),
    ],
)
def test_names_of_types(dtype: pa.DataType, name: str) -> None:
    assert type_name(dtype) == name
    assert columns_of(pa.schema({"c": dtype})) == [{"name": "c", "type": name}]
