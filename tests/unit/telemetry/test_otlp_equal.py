"""The compiled decoder gives what protobuf's own messages give, whatever bytes come."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airis_ray.errors import InvalidInput
from airis_ray.telemetry.otlp import IMPLEMENTATION, Decoded, fallback
from airis_ray.telemetry.tables import Signal
from tests.unit.telemetry.otlp_messages import other_bytes, requests

pytestmark = pytest.mark.skipif(IMPLEMENTATION != "c", reason="the compiled decoder is not built")
SIGNALS = st.sampled_from(["logs", "traces", "metrics"])
BOUNDED = settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)


def outcome(decode: Any, signal: Signal, payload: bytes) -> Any:
    """Everything a decoder tells, in a form that compares; NaN equals NaN."""
    try:
        decoded: Decoded = decode(signal, payload, "acme", 7)
    except InvalidInput as error:
        return str(error)
    columns = {}
    for table, batch in decoded.tables.items():
        batch.validate(full=True)
        columns[table] = {
            name: repr(column.to_pylist())
            for name, column in zip(batch.schema.names, batch.columns, strict=True)
        }
    return columns, decoded.accepted, decoded.rejected, [item.pointer for item in decoded.reasons]


def assert_equal(signal: Signal, payload: bytes) -> Any:
    """Both implementations tell the same, which is returned."""
    from airis_ray.telemetry.otlp import native

    python = outcome(fallback.decode, signal, payload)
    assert outcome(native.decode, signal, payload) == python, payload.hex()
    return python


@BOUNDED
@given(st.data())
def test_every_shape_of_message(data: st.DataObject) -> None:
    signal = data.draw(SIGNALS)
    request = data.draw(requests(signal))
    payload = request.SerializeToString()
    told = assert_equal(signal, payload)
    assert told[2] == 0
    other = data.draw(other_bytes(payload, request.DESCRIPTOR))
    assert assert_equal(signal, other) == told


@BOUNDED
@given(st.data())
def test_two_requests_in_one_are_both(data: st.DataObject) -> None:
    signal = data.draw(SIGNALS)
    parts = [data.draw(requests(signal)).SerializeToString() for _ in range(2)]
    both = assert_equal(signal, b"".join(parts))
    assert both[1] == sum(assert_equal(signal, part)[1] for part in parts)


@BOUNDED
@given(st.data())
def test_fields_set_again_and_again(data: st.DataObject) -> None:
    """Records that are two messages one behind the other: the last scalar counts, lists grow, messages merge."""
    signal = data.draw(SIGNALS)
    first, second = (data.draw(requests(signal)) for _ in range(2))
    groups = [getattr(request, request.DESCRIPTOR.fields[0].name) for request in (first, second)]
    if not all(groups):
        return
    merged = groups[0][0].SerializeToString() + groups[1][0].SerializeToString()
    del groups[0][:]
    groups[0].add().MergeFromString(merged)
    assert_equal(signal, first.SerializeToString())


def mutate(draw: random.Random, payload: bytes) -> bytes:
    """The payload with a few bytes changed, cut out, repeated or put in."""
    data = bytearray(payload)
    for _ in range(draw.choice((1, 1, 2, 5))):
        at = draw.randrange(len(data) + 1)
        match draw.randrange(6):
            case 0:
                data[at : at + 1] = bytes([draw.randrange(256)])
            case 1:
                data[at : at + 1] = draw.choice(
                    (b"\x00", b"\x07", b"\x0a", b"\x12", b"\x7f", b"\x80", b"\xff")
                )
            case 2:
                del data[at : at + draw.randrange(1, 6)]
            case 3:
                data[at:at] = draw.randbytes(draw.randrange(1, 5))
            case 4:
                data[at:at] = b"\xff" * 9 + b"\x01"
            case _:
                data[at:at] = data[at : at + draw.randrange(1, 40)]
    return bytes(data)


@settings(BOUNDED, max_examples=60)
@given(st.data())
def test_damaged_messages(data: st.DataObject) -> None:
    signal = data.draw(SIGNALS)
    payload = data.draw(requests(signal)).SerializeToString()
    draw = random.Random(data.draw(st.integers(0, 2**32)))
    for _ in range(20):
        assert_equal(signal, mutate(draw, payload))


@settings(BOUNDED, max_examples=300)
@given(SIGNALS, st.binary(max_size=64))
def test_garbage(signal: Signal, payload: bytes) -> None:
    assert_equal(signal, payload)
