"""Values as text: what the Collector's ``AsString`` gives, in every implementation."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from airis_ray.telemetry.otlp.values import go_float
from tests.unit.telemetry.test_otlp_decode import Decode, decode, log_request

__all__ = ["decode"]


def bodies(decode: Decode, *values: AnyValue) -> list[str]:
    """The values as the bodies of log records."""
    decoded = decode("logs", log_request(*[LogRecord(body=value) for value in values]))
    assert decoded.rejected == 0
    return list(decoded.tables["otel_logs"]["Body"].to_pylist())


def array(*values: AnyValue) -> AnyValue:
    return AnyValue(array_value={"values": values})


def kvlist(*pairs: tuple[str, AnyValue]) -> AnyValue:
    return AnyValue(kvlist_value={"values": [{"key": key, "value": value} for key, value in pairs]})


def text(value: str) -> AnyValue:
    return AnyValue(string_value=value)


# What Go's strconv and encoding/json write.
DOUBLES = {
    0.0: "0",
    1.0: "1",
    -1.5: "-1.5",
    0.1: "0.1",
    0.30000000000000004: "0.30000000000000004",
    1e-6: "0.000001",
    1.5e-6: "0.0000015",
    9.99e-7: "9.99e-7",
    1e-7: "1e-7",
    1.5e-10: "1.5e-10",
    123456789.125: "123456789.125",
    1e20: "100000000000000000000",
    999999999999999868928.0: "999999999999999900000",
    1e21: "1e+21",
    1.5e300: "1.5e+300",
    5e-324: "5e-324",
    2.2250738585072014e-308: "2.2250738585072014e-308",
    1.7976931348623157e308: "1.7976931348623157e+308",
    2.0**-44: "5.684341886080802e-14",
    9007199254740993.0: "9007199254740992",
}


def test_doubles(decode: Decode) -> None:
    assert bodies(decode, *[AnyValue(double_value=value) for value in DOUBLES]) == list(DOUBLES.values())
    assert bodies(decode, AnyValue(double_value=-0.0)) == ["-0"]


def test_doubles_that_are_not_finite(decode: Decode) -> None:
    values = [AnyValue(double_value=value) for value in (math.nan, math.inf, -math.inf)]
    assert bodies(decode, *values) == ["NaN", "+Inf", "-Inf"]
    assert bodies(decode, array(*values)) == ['["NaN","+Inf","-Inf"]']


@settings(deadline=None, derandomize=True)
@given(
    st.lists(
        st.floats(allow_nan=False, allow_infinity=False) | st.integers(0, 10**12).map(lambda n: n / 1000)
    )
)
def test_doubles_read_back(values: list[float]) -> None:
    assert [float(go_float(value)) for value in values] == values


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (AnyValue(), ""),
        (text("<b>&\u2028"), "<b>&\u2028"),
        (AnyValue(bool_value=True), "true"),
        (AnyValue(bool_value=False), "false"),
        (AnyValue(int_value=-(2**63)), "-9223372036854775808"),
        (AnyValue(int_value=2**63 - 1), "9223372036854775807"),
        (AnyValue(int_value=0), "0"),
        (AnyValue(bytes_value=b""), ""),
        (AnyValue(bytes_value=b"\x00"), "AA=="),
        (AnyValue(bytes_value=b"\xff\xfe"), "//4="),
        (AnyValue(bytes_value=b"abc"), "YWJj"),
        (array(), "[]"),
        (kvlist(), "{}"),
        (array(text("a"), AnyValue(int_value=1), AnyValue(bool_value=True), AnyValue()), '["a",1,true,null]'),
        (array(AnyValue(bytes_value=b"abc"), AnyValue(double_value=1e21), array(array())), '["YWJj",1e+21,[[]]]'),
        (kvlist(("b", text("x")), ("a", AnyValue(int_value=1)), ("", AnyValue())), '{"":null,"a":1,"b":"x"}'),
        (kvlist(("a", text("1")), ("a", array()), ("a", text("2"))), '{"a":"2"}'),
        (kvlist(("서버", text("응답")), ("z", text("")), ("aa", text("")), ("a", text(""))),
         '{"a":"","aa":"","z":"","서버":"응답"}'),
        (array(text('"\\\b\f\n\r\t\x00\x1f\x7f')), '["\\"\\\\\\b\\f\\n\\r\\t\\u0000\\u001f\x7f"]'),
        (array(text("<a&b>\u2028\u2029\u202a\u20ac")), '["\\u003ca\\u0026b\\u003e\\u2028\\u2029\u202a\u20ac"]'),
    ],
)  # fmt: skip
def test_values(decode: Decode, value: AnyValue, expected: str) -> None:
    assert bodies(decode, value) == [expected]


def wire(*fields: tuple[int, Any]) -> bytes:
    """A message whose fields are messages or varints, by number."""
    out = b""
    for number, value in fields:
        out += (
            bytes([number << 3 | 2, len(value)]) + value
            if isinstance(value, bytes)
            else bytes([number << 3, value])
        )
    return out


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (wire((1, b"a"), (3, 7)), "7"),
        (wire((3, 7), (1, b"a")), "a"),
        (wire((5, wire((1, wire((3, 1))))), (5, wire((1, wire((3, 2)))))), "[1,2]"),
        (wire((5, wire((1, wire((3, 1))))), (3, 9), (5, wire((1, wire((3, 2)))))), "[2]"),
        (wire((6, wire((1, wire((1, b"k"), (2, wire((3, 1))), (2, wire((1, b"v")))))))), '{"k":"v"}'),
    ],
)
def test_values_set_twice(decode: Decode, value: bytes, expected: str) -> None:
    """The last member of a oneof counts; the same message twice is merged."""
    record = wire((5, value))
    payload = wire((1, wire((2, wire((2, record))))))
    assert decode("logs", payload).tables["otel_logs"]["Body"].to_pylist() == [expected]


def test_bodies_set_twice_are_merged(decode: Decode) -> None:
    part = wire((5, wire((1, wire((3, 1))))))
    payload = wire((1, wire((2, wire((2, wire((5, part), (5, part))))))))
    assert decode("logs", payload).tables["otel_logs"]["Body"].to_pylist() == ["[1,1]"]
