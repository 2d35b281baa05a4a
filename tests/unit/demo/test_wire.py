"""The fragments are what the official messages write."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from airis_ray.demo import wire


def _value(value: wire.Attribute) -> AnyValue:
    match value:
        case bool():
            return AnyValue(bool_value=value)
        case int():
            return AnyValue(int_value=value)
        case float():
            return AnyValue(double_value=value)
        case str():
            return AnyValue(string_value=value)


@given(st.one_of(st.booleans(), st.integers(0, 2**62), st.floats(allow_nan=False), st.text(max_size=300)))
def test_an_attribute_is_a_key_value(value: wire.Attribute) -> None:
    message = Resource(attributes=[KeyValue(key="k", value=_value(value))])
    assert Resource.FromString(wire.attribute(1, "k", value)) == message


@given(st.lists(st.integers(0, 2**35 - 1), min_size=1, max_size=30))
def test_a_column_of_varints_is_the_varints(values: list[int]) -> None:
    column = wire.varints(np.array(values))
    assert column.to_pylist() == [wire.varint(value) for value in values]


@given(st.lists(st.text(max_size=200), min_size=1, max_size=10))
def test_text_attributes_are_attributes(texts: list[str]) -> None:
    column = wire.text_attributes(9, "app.user.id", wire.pool([text.encode() for text in texts]))
    assert column.to_pylist() == [wire.attribute(9, "app.user.id", text) for text in texts]


def test_integer_attributes_are_attributes() -> None:
    values = [0, 1, 127, 128, 16_383, 16_384, 4_000_000]
    column = wire.int_attributes(9, "app.order.amount", np.array(values))
    assert column.to_pylist() == [wire.attribute(9, "app.order.amount", value) for value in values]


def test_fixed_columns_are_little_endian_and_rows_of_bytes() -> None:
    assert wire.fixed(np.array([1, 256], np.int64)).to_pylist() == [
        b"\x01" + bytes(7),
        b"\x00\x01" + bytes(6),
    ]
    assert wire.fixed(np.array([[1, 2, 3], [4, 5, 6]], np.uint8)).to_pylist() == [
        b"\x01\x02\x03",
        b"\x04\x05\x06",
    ]


def test_hexadecimal_numbers_and_decimal_numbers_are_text() -> None:
    assert wire.hexadecimal(np.array([[0, 255, 16]], np.uint8)).to_pylist() == [b"00ff10"]
    assert wire.text(np.array([0, 1234])).to_pylist() == [b"0", b"1234"]


def test_where_keeps_a_fragment_or_nothing() -> None:
    kept = wire.where(np.array([True, False]), wire.pool([b"a", b"b"]))
    assert kept.to_pylist() == [b"a", b""]


@pytest.mark.parametrize("edges", [[0, 3], [0, 1, 3]])
def test_cut_joins_neighbours(edges: list[int]) -> None:
    column = wire.cut(wire.pool([b"a", b"b", b"c"]), np.array(edges, np.int32))
    assert b"".join(column.to_pylist()) == b"abc"
    assert len(column) == len(edges) - 1


def test_an_empty_column_has_one_offset_and_no_bytes() -> None:
    empty = wire.concat([])
    assert wire.sizes(empty).tolist() == []
    assert bytes(wire.data_of(empty)) == b""
