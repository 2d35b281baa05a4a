"""Bad input: the record that is wrong is named and refused, and no other."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric, NumberDataPoint
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from airis_ray.errors import InvalidInput
from airis_ray.telemetry.otlp.result import MAX_DEPTH, Rejected
from airis_ray.telemetry.tables import Signal
from tests.unit.telemetry.otlp_messages import REQUESTS, length_delimited, varint
from tests.unit.telemetry.test_otlp_decode import (
    Decode,
    T,
    attributes,
    decode,
    log_request,
    metric_request,
    span_request,
)

__all__ = ["decode"]
GOOD_LOG = LogRecord(time_unix_nano=T, body=AnyValue(string_value="good")).SerializeToString()
GOOD_SPAN = Span(start_time_unix_nano=T, name="good").SerializeToString()
GOOD_POINT = NumberDataPoint(time_unix_nano=T, as_int=1).SerializeToString()


def nest(numbers: tuple[int, ...], *records: bytes) -> bytes:
    """The records inside messages of these field numbers, innermost last."""
    content = b"".join(length_delimited(numbers[-1], record) for record in records)
    for number in reversed(numbers[:-1]):
        content = length_delimited(number, content)
    return content


def among_good_ones(decode: Decode, signal: Signal, record: bytes) -> str:
    """The reason why a record between two good ones was refused, if nothing else was."""
    numbers, good, end = {
        "logs": ((1, 2, 2), GOOD_LOG, "/resourceLogs/0/scopeLogs/0/logRecords/1"),
        "traces": ((1, 2, 2), GOOD_SPAN, "/resourceSpans/0/scopeSpans/0/spans/1"),
        "metrics": (
            (1, 2, 2, 5, 1),
            GOOD_POINT,
            "/resourceMetrics/0/scopeMetrics/0/metrics/0/gauge/dataPoints/1",
        ),
    }[signal]
    decoded = decode(signal, nest(numbers, good, record, good))
    assert (decoded.accepted, decoded.rejected) == (2, 1)
    (batch,) = decoded.tables.values()
    batch.validate(full=True)
    assert batch.slice(0, 1).equals(batch.slice(1, 1))
    (rejected,) = decoded.reasons
    assert rejected.pointer == end
    return rejected.reason


def value_of_depth(depth: int, *, kvlist: bool = False) -> bytes:
    """An AnyValue with that many values inside each other."""
    value = b""
    for _ in range(depth - 1):
        pair = length_delimited(2, value) if kvlist else value
        value = length_delimited(6 if kvlist else 5, length_delimited(1, pair))
    return value


BAD_LOGS = {
    "truncated": [
        b"\x0a\x05ab",
        b"\x09\x00\x00",
        b"\x12" + varint(2**63) + b"x",
        b"\x32\x03\x0a\x09a",
        b"\x10\x80",
    ],
    "a varint of more than 10 bytes": [b"\x10" + b"\x80" * 10 + b"\x00"],
    "an invalid tag": [b"\x00", b"\x07", b"\x0e", b"\x0c", b"\xf3\x7f\xf4\x3f", b"\xff" * 9 + b"\x01"],
    "time_unix_nano: wire type 0 instead of 1": [b"\x08\x01"],
    "severity_number: wire type 2 instead of 0": [b"\x12\x01a"],
    "severity_text: wire type 0 instead of 2": [b"\x18\x01"],
    "body: wire type 0 instead of 2": [b"\x28\x01"],
    "flags: wire type 0 instead of 5": [b"\x40\x01"],
    "trace_id: wire type 5 instead of 2": [b"\x4d1234"],
    "int_value: wire type 1 instead of 0": [b"\x2a\x09\x1912345678"],
    "string_value: not valid UTF-8": [
        length_delimited(5, length_delimited(1, bad))
        for bad in (
            b"\xff",
            b"abcdefgh\xc3",
            b"\xc0\x80",
            b"\xed\xa0\x80",
            b"\xf4\x90\x80\x80",
            b"a" * 40 + b"\xe2\x82",
        )
    ],
    "key: not valid UTF-8": [length_delimited(6, length_delimited(1, b"\xfe"))],
    "severity_text: not valid UTF-8": [
        length_delimited(3, b"\xfe"),
        length_delimited(3, b"\xfe") + b"\x1a\x01a",
    ],
    "event_name: not valid UTF-8": [length_delimited(12, b"\xfe")],
    "trace_id: 5 bytes instead of 16": [LogRecord(trace_id=b"12345").SerializeToString()],
    "trace_id: 17 bytes instead of 16": [LogRecord(trace_id=bytes(17)).SerializeToString()],
    "span_id: 7 bytes instead of 8": [LogRecord(span_id=b"1234567").SerializeToString()],
    f"nested deeper than {MAX_DEPTH}": [
        length_delimited(5, value_of_depth(depth, kvlist=kvlist))
        for depth in (MAX_DEPTH + 1, 2000)
        for kvlist in (False, True)
    ]
    + [varint(99 << 3 | 3) * 40 + varint(99 << 3 | 4) * 40],
    f"time_unix_nano: {2**64 - 1} is after the year 2262": [
        LogRecord(time_unix_nano=2**64 - 1).SerializeToString()
    ],
    f"observed_time_unix_nano: {2**63} is after the year 2262": [
        LogRecord(observed_time_unix_nano=2**63).SerializeToString()
    ],
}


@pytest.mark.parametrize(("reason", "records"), BAD_LOGS.items(), ids=BAD_LOGS)
def test_bad_log_records(decode: Decode, reason: str, records: list[bytes]) -> None:
    for record in records:
        assert among_good_ones(decode, "logs", record) == reason


@pytest.mark.parametrize("kvlist", [False, True])
def test_the_deepest_value(decode: Decode, kvlist: bool) -> None:
    record = length_delimited(5, value_of_depth(MAX_DEPTH, kvlist=kvlist))
    (body,) = decode("logs", nest((1, 2, 2), record)).tables["otel_logs"]["Body"].to_pylist()
    assert body.count("{" if kvlist else "[") == MAX_DEPTH - 1


BAD_SPANS = {
    "name: not valid UTF-8": length_delimited(5, b"\x80"),
    "parent_span_id: 1 bytes instead of 8": Span(parent_span_id=b"1").SerializeToString(),
    f"end_time_unix_nano: {2**63} is after the year 2262": Span(end_time_unix_nano=2**63).SerializeToString(),
    f"time_unix_nano: {2**63} is after the year 2262": Span(
        events=[{"time_unix_nano": 2**63}]
    ).SerializeToString(),
    "trace_id: 3 bytes instead of 16": Span(
        attributes=attributes(a="b"), events=[{"name": "e"}], links=[{}, {"trace_id": b"123"}]
    ).SerializeToString(),
    "code: wire type 2 instead of 0": length_delimited(15, b"\x1a\x00"),
    "message: not valid UTF-8": length_delimited(15, length_delimited(2, b"\xff")),
    "truncated": Span(name="x" * 50, events=[{"name": "event"}]).SerializeToString()[:-1],
}


@pytest.mark.parametrize(("reason", "record"), BAD_SPANS.items(), ids=BAD_SPANS)
def test_bad_spans(decode: Decode, reason: str, record: bytes) -> None:
    assert among_good_ones(decode, "traces", record) == reason


BAD_POINTS = {
    "as_int: wire type 0 instead of 1": b"\x30\x05",
    f"time_unix_nano: {2**32 * 10**9} is after the year 2106": NumberDataPoint(
        time_unix_nano=2**32 * 10**9
    ).SerializeToString(),
    f"start_time_unix_nano: {2**64 - 1} is after the year 2106": NumberDataPoint(
        start_time_unix_nano=2**64 - 1
    ).SerializeToString(),
    "span_id: 2 bytes instead of 8": NumberDataPoint(exemplars=[{"span_id": b"12"}]).SerializeToString(),
}


@pytest.mark.parametrize(("reason", "record"), BAD_POINTS.items(), ids=BAD_POINTS)
def test_bad_points(decode: Decode, reason: str, record: bytes) -> None:
    assert among_good_ones(decode, "metrics", record) == reason


def test_packed_numbers_that_do_not_fit(decode: Decode) -> None:
    for point in (length_delimited(6, b"1234567"), length_delimited(7, b"1")):
        decoded = decode("metrics", nest((1, 2, 2, 9, 1), b"", point))
        assert (decoded.accepted, [item.reason for item in decoded.reasons]) == (1, ["truncated"])


BAD_RESOURCE = length_delimited(1, length_delimited(1, length_delimited(1, b"\xff")))
BAD_URL = length_delimited(3, b"\xff")
TWO = nest((2,), GOOD_LOG, GOOD_LOG)


@pytest.mark.parametrize(
    ("group", "pointer", "rejected"),
    [
        (BAD_RESOURCE + length_delimited(2, TWO) * 2, "/resourceLogs/1/resource", 4),
        (BAD_URL + length_delimited(2, TWO), "/resourceLogs/1/schemaUrl", 2),
        (length_delimited(2, BAD_RESOURCE[:2] + b"\x1a\x01\xff" + TWO), "/resourceLogs/1/scopeLogs/0", 1),
        (
            length_delimited(2, length_delimited(1, b"\x0a\x01\xff") + TWO),
            "/resourceLogs/1/scopeLogs/0/scope",
            2,
        ),
        (length_delimited(2, BAD_URL + TWO), "/resourceLogs/1/scopeLogs/0/schemaUrl", 2),
        (b"\x10\x01", "/resourceLogs/1", 1),
        (b"\x00", "/resourceLogs/1", 1),
        (length_delimited(2, b"\x12\x7f"), "/resourceLogs/1/scopeLogs/0", 1),
    ],
)
def test_bad_resources_and_scopes_take_their_own_records_alone(
    decode: Decode, group: bytes, pointer: str, rejected: int
) -> None:
    good = nest((1, 2, 2), GOOD_LOG)
    decoded = decode("logs", good + length_delimited(1, group) + good)
    assert (decoded.accepted, decoded.rejected) == (2, rejected)
    assert [item.pointer for item in decoded.reasons] == [pointer]


@pytest.mark.parametrize(
    ("metric", "end", "rejected"),
    [
        (b"\x0a\x01\xff" + nest((5, 1), GOOD_POINT, GOOD_POINT), "", 2),
        (b"\x0a\x01", "", 1),
        (b"\x28\x01", "", 1),
        (nest((5,), b"\x0a\x7f"), "/gauge", 1),
        (nest((7,), b"\x12\x00"), "/sum", 1),
    ],
)
def test_bad_metrics_take_their_own_points_alone(
    decode: Decode, metric: bytes, end: str, rejected: int
) -> None:
    good = nest((5, 1), GOOD_POINT)
    decoded = decode("metrics", nest((1, 2, 2), good, metric, good))
    assert (decoded.accepted, decoded.rejected) == (2, rejected)
    assert [item.pointer for item in decoded.reasons] == [f"/resourceMetrics/0/scopeMetrics/0/metrics/1{end}"]


@pytest.mark.parametrize("signal", ["logs", "traces", "metrics"])
@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"\x0a", "truncated at byte 0"),
        (b"\x0a" + varint(2**63), "truncated at byte 0"),
        (b"\x0a\x00\x0a\x05", "truncated at byte 2"),
        (b"\x0a\x00\xff", "truncated at byte 2"),
        (b"\x00", "an invalid tag at byte 0"),
        (b"\x80" * 11, "a varint of more than 10 bytes at byte 0"),
        (b"\x08\x01", "wire type 0 instead of 2 at byte 0"),
        (b'{"resourceLogs":[]}', "at byte"),
        (b"hello, world", "at byte"),
    ],
)
def test_unreadable_payloads(decode: Decode, signal: Signal, payload: bytes, reason: str) -> None:
    with pytest.raises(InvalidInput, match=f"not an OTLP {signal} request: .*{reason}"):
        decode(signal, payload)


def requests() -> list[tuple[Signal, bytes]]:
    """A request of each signal with a bit of everything."""
    log = LogRecord(
        time_unix_nano=T, attributes=attributes(a="b"), body=AnyValue(array_value={"values": [{}]})
    )
    span = Span(name="s", events=[{"name": "e"}], links=[{"trace_state": "x"}], status={"message": "m"})
    metric = Metric(name="m", sum={"data_points": [{"exemplars": [{"as_int": 1}], "as_double": 2}]})
    bounds = {"bucket_counts": [1], "explicit_bounds": [2]}
    histogram = Metric(name="h", histogram={"data_points": [{**bounds, "attributes": attributes(a="b")}]})
    return [
        ("logs", log_request(log, log)),
        ("traces", span_request(span, span)),
        ("metrics", metric_request(metric, histogram)),
    ]


@pytest.mark.parametrize(("signal", "payload"), requests(), ids=["logs", "traces", "metrics"])
def test_truncated_anywhere(decode: Decode, signal: Signal, payload: bytes) -> None:
    """Whatever the length in front, a cut message is refused: by the request or, with lengths set right, inside."""
    for size in range(1, len(payload)):
        with pytest.raises(InvalidInput):
            decode(signal, payload[:size])
    (group,) = getattr(REQUESTS[signal].FromString(payload), REQUESTS[signal].DESCRIPTOR.fields[0].name)
    content = group.SerializeToString()
    for size in range(len(content)):
        decoded = decode(signal, length_delimited(1, content[:size]))
        assert decoded.rejected <= 1
        for batch in decoded.tables.values():
            batch.validate(full=True)


def test_reasons_are_few_and_the_count_goes_on(decode: Decode) -> None:
    decoded = decode("logs", nest((1, 2, 2), *[b"\x00"] * 500, GOOD_LOG))
    assert (decoded.accepted, decoded.rejected, len(decoded.reasons)) == (1, 500, 20)
    assert decoded.reasons[19] == Rejected("/resourceLogs/0/scopeLogs/0/logRecords/19", "an invalid tag")


def test_many_merged_values_take_linear_time(decode: Decode) -> None:
    """A value that is set 50,000 times is merged once, not each time."""
    value = length_delimited(5, b"") * 50_000
    record = length_delimited(5, value) + length_delimited(6, length_delimited(2, value))
    assert decode("logs", nest((1, 2, 2), record)).accepted == 1


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_any_bytes_will_do(decode: Decode, kind: Any) -> None:
    assert decode("logs", kind(nest((1, 2, 2), GOOD_LOG))).accepted == 1
