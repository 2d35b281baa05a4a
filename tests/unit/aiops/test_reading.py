"""Points become batches on a grid; a bad series is named with its position and spoils no other."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airis_ray.aiops.reading import read_lists, read_table
from airis_ray.aiops.series import MINUTE, SECOND, SeriesBatch
from airis_ray.errors import InvalidInput


def _table(series: list[str], time: list[int], value: list[float | None]) -> pa.Table:
    return pa.table({"series": series, "time": time, "value": value})


def test_rows_in_any_order_of_series_and_each_point_is_found_again() -> None:
    table = _table(["b", "a", "b", "a", "b"], [0, 0, 10, 60, 30], [1.0, 2.0, 3.0, 4.0, None])
    read = read_table(table, step=10)
    assert not read.errors
    for row in range(5):
        batch = read.batches[read.batch[row]]
        assert batch.names[read.row[row]] == table["series"][row].as_py()
        value, given_value = batch.values[read.row[row], read.cell[row]], table["value"][row].as_py()
        assert np.isnan(value) if given_value is None else value == given_value


def test_a_bad_series_is_named_and_the_others_are_read() -> None:
    read = read_lists(
        ["good", "unsorted", "twice", "words", "lengths", "short"],
        [[0, 1, 2], [0, 2, 1], [0, 1, 1], [0, 1, 2], [0, 1, 2], [0]],
        [[1, None, 3], [1, 2, 3], [1, 2, 3], [1, 2, "x"], [1, 2], [1]],
        min_points=2,
    )
    assert [batch.names for batch in read.batches] == [("good",)]
    assert np.isnan(read.batches[0].values[0, 1])
    errors = {error.name: (error.position, error.message) for error in read.errors}
    assert errors["unsorted"] == (
        2,
        "time at position 2 is before the one before it; expected increasing times",
    )
    assert errors["twice"] == (2, "time at position 2 repeats the one before; expected increasing times")
    assert errors["words"] == (2, "value at position 2 is not a number")
    assert errors["lengths"] == (2, "3 times and 2 values: expected as many")
    assert errors["short"] == (None, "has 1 points; at least 2 are needed")
    assert (read.batch[-1], len(read.errors)) == (-1, 5)


def test_lists_of_timestamps_in_arrow() -> None:
    times = pa.array([[0, MINUTE, 3 * MINUTE], [0, MINUTE]], pa.list_(pa.timestamp("ns", tz="UTC")))
    table = pa.table({"series": ["a", "b"], "time": times, "value": pa.array([[1.0, 2.0, 4.0], [1.0, 2.0]])})
    read = read_table(table, step=MINUTE)
    assert sorted(name for batch in read.batches for name in batch.names) == ["a", "b"]
    whole = next(batch for batch in read.batches if "a" in batch.names)
    assert whole.values[0, [0, 1, 3]].tolist() == [1.0, 2.0, 4.0]
    assert np.isnan(whole.values[0, 2])


def test_a_grid_of_holes_is_refused() -> None:
    read = read_lists(["far"], [[0, 1, 2, 10**15]], [[1, 2, 3, 4]])
    assert "steps of 1 ns" in read.errors[0].message


@pytest.mark.parametrize(
    ("table", "pointer"),
    [
        (pa.table({"series": ["a"], "time": [1]}), "/value"),
        (pa.table({"series": ["a"], "time": ["x"], "value": [1.0]}), "/time"),
        (pa.table({"series": ["a"], "time": [1], "value": ["x"]}), "/value"),
        (pa.table({"series": pa.array([None], pa.string()), "time": [1], "value": [1.0]}), "/series"),
    ],
)
def test_a_table_of_the_wrong_shape(table: pa.Table, pointer: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_table(table)
    assert caught.value.errors[0].pointer == pointer


@given(st.lists(st.lists(st.integers(1, 50), min_size=1, max_size=20), min_size=1, max_size=8))
def test_no_point_is_lost(gaps: list[list[int]]) -> None:
    times = [np.cumsum(own) * SECOND for own in gaps]
    values = [np.arange(len(own), dtype=float) + 1 for own in gaps]
    read = read_lists([str(i) for i in range(len(gaps))], times, values, step=SECOND)
    flat = np.concatenate(values)
    for point, (b, row, cell) in enumerate(zip(read.batch, read.row, read.cell, strict=True)):
        assert read.batches[b].values[row, cell] == flat[point]
    assert sum(int(batch.present.sum()) for batch in read.batches) == len(flat)


def test_taking_and_cutting() -> None:
    batch = SeriesBatch.of([[1.0, 2.0, 3.0], [4.0, np.inf, 6.0]], lengths=[3, 2], starts=[0, 5])
    assert batch.values[1].tolist()[0] == 4.0
    assert np.isnan(batch.values[1, 1:]).all()
    assert batch.take([1]).width == 2
    assert batch.cut(1, 3).starts.tolist() == [MINUTE, 5 + MINUTE]
    assert batch.cut(1, 3).lengths.tolist() == [2, 1]
