"""Arrow streams of all kinds, and damaged ones: an answer or an error of the caller's, never one of ours."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airis_ray.aiops.asked import MAX_POINTS
from airis_ray.aiops.asked_arrow import read_stream
from airis_ray.aiops.asked_json import read_series
from airis_ray.errors import InvalidInput, TooLarge, Unprocessable
from tests.unit.aiops.http import stream, times

LONG = pa.table(
    {"time": pa.array(times(8), pa.timestamp("ns")), "value": np.arange(8.0), "host": ["a", "b"] * 4}
)
LISTS = pa.table({"timestamps": [times(4), times(4)], "values": [[1.0, 2, None, 4], [1.0, 2]], "n": [1, 2]})


def test_rows_of_a_series_need_not_be_together() -> None:
    asked = read_stream(stream(LONG))
    assert asked.labels == [{"host": "a"}, {"host": "b"}]
    assert asked.points.offsets.tolist() == [0, 4, 8]
    assert asked.points.values.tolist() == [0, 2, 4, 6, 1, 3, 5, 7]
    assert asked.rows is not None
    assert asked.rows.tolist() == [0, 2, 4, 6, 1, 3, 5, 7]


def test_a_table_without_labels_is_one_series() -> None:
    asked = read_stream(stream(LONG.select(["time", "value"])))
    assert asked.labels == [{}]
    assert asked.rows is None


def test_series_are_told_apart_by_all_labels_and_nulls_are_none() -> None:
    table = pa.table(
        {
            "time": [1, 1, 1, 1],
            "value": [1, 2, 3, 4],
            "a": ["x", "x", None, None],
            "b": [True, False, True, True],
        }
    )
    asked = read_stream(stream(table))
    assert asked.labels == [{"a": "x", "b": "true"}, {"a": "x", "b": "false"}, {"b": "true"}]
    assert asked.points.counts.tolist() == [1, 1, 2]


def test_lists_of_different_lengths_are_that_series_fault() -> None:
    asked = read_stream(stream(LISTS))
    assert asked.labels == [{"n": "1"}, {"n": "2"}]
    assert asked.points.counts.tolist() == [4, 0]
    assert np.isnan(asked.points.values[2])
    assert asked.faults(0) == []
    assert asked.faults(1)[0]["pointer"] == "/series/1/values/2"


def test_a_null_time_is_that_series_fault() -> None:
    table = LONG.set_column(0, "time", pa.array([*times(3), None, *times(8)[4:]], pa.timestamp("ns")))
    asked = read_stream(stream(table))
    assert asked.faults(1)[0]["pointer"] == "/series/1/timestamps/1"
    assert "null" in str(asked.faults(1)[0]["detail"])


@pytest.mark.parametrize(
    "table",
    [
        pa.table({"value": [1.0]}),
        pa.table({"time": [1], "value": ["x"]}),
        pa.table({"time": [1.5], "value": [1.0]}),
        pa.table({"time": [1], "value": [1.0], "label": [1.5]}),
        pa.table({"timestamps": [1], "values": [1.0]}),
        pa.table({"timestamps": [["a"]], "values": [[1.0]]}),
        pa.Table.from_arrays([pa.array([1]), pa.array([1.0]), pa.array([2.0])], ["time", "value", "value"]),
    ],
)
def test_wrong_columns(table: pa.Table) -> None:
    with pytest.raises(Unprocessable):
        read_stream(stream(table))


def test_no_rows_are_no_series() -> None:
    with pytest.raises(Unprocessable):
        read_stream(stream(LONG.slice(0, 0))).read(1)


def test_more_rows_than_a_request_may_have() -> None:
    with pytest.raises(TooLarge):
        read_stream(stream(pa.table({"time": pa.nulls(MAX_POINTS + 1), "value": pa.nulls(MAX_POINTS + 1)})))


@given(
    st.sampled_from([LONG, LISTS]),
    st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), max_size=4),
    st.floats(0, 1),
)
def test_damaged_streams_are_the_callers_fault(
    table: pa.Table, hits: list[tuple[float, int]], kept: float
) -> None:
    body = bytearray(stream(table))
    for where, byte in hits:
        body[int(where * len(body))] = byte
    if kept < 0.3:
        del body[int(kept * len(body)) :]
    try:
        asked = read_stream(bytes(body))
        asked.read(1)
    except InvalidInput:
        return
    assert len(asked) <= MAX_POINTS


ITEMS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.lists(st.integers(), max_size=2)
)
SERIES = st.fixed_dictionaries(
    {},
    optional={
        "timestamps": st.lists(ITEMS, max_size=8) | ITEMS,
        "values": st.lists(ITEMS, max_size=8) | ITEMS,
        "labels": st.dictionaries(st.text(max_size=3), ITEMS, max_size=2) | ITEMS,
        "other": ITEMS,
    },
)


@given(st.lists(SERIES | ITEMS, min_size=1, max_size=4))
def test_any_json_is_read_or_its_fault_is_told(series: list[object]) -> None:
    asked = read_series([*series, {"timestamps": times(4), "values": [1, 2, 3, 4]}], 0)
    reading = asked.read(4)
    assert len(asked) == len(series) + 1
    assert asked.faults(len(series)) == []
    for number in range(len(series)):
        told = bool(asked.faults(number))
        assert told != bool(
            (reading.batch[asked.points.offsets[number] : asked.points.offsets[number + 1]] >= 0).any()
        )
