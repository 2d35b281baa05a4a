"""OTLP/JSON gives what protobuf gives; what is wrong in it is named by its pointer."""

from __future__ import annotations

import base64
import json
import math
import random
from collections.abc import Callable
from typing import Any

import pytest
from google.protobuf.descriptor import FieldDescriptor
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airis_ray.errors import InvalidInput
from airis_ray.telemetry.otlp import Rejected, decode, decode_json, json_to_protobuf
from airis_ray.telemetry.otlp.json_mapping import translate
from airis_ray.telemetry.tables import Signal
from tests.unit.telemetry.otlp_messages import REQUESTS, requests
from tests.unit.telemetry.test_otlp_decode import IMPLEMENTATIONS

_WIDE = (
    FieldDescriptor.TYPE_INT64,
    FieldDescriptor.TYPE_UINT64,
    FieldDescriptor.TYPE_FIXED64,
    FieldDescriptor.TYPE_SFIXED64,
)


@pytest.fixture(params=IMPLEMENTATIONS, autouse=True)
def implementation(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test with the compiled part, where it is built, and without it."""
    monkeypatch.setattr("airis_ray.telemetry.otlp.decoder.IMPLEMENTATION", request.param)


def as_json(message: Any, *, names: str = "json_name", wide: type = str) -> dict[str, Any]:
    """A message as the OTLP specification writes it in JSON."""
    document = {}
    for field, value in message.ListFields():
        items = value if field.is_repeated else [value]
        made = [_value(field, item, names, wide) for item in items]
        document[getattr(field, names)] = made if field.is_repeated else made[0]
    return document


def _value(field: FieldDescriptor, value: Any, names: str, wide: type) -> Any:
    if field.message_type is not None:
        return as_json(value, names=names, wide=wide)
    if field.name in ("trace_id", "span_id", "parent_span_id"):
        return value.hex().upper() if wide is int else value.hex()
    if field.type in _WIDE:
        return wide(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, float) and not math.isfinite(value):
        return {math.inf: "Infinity", -math.inf: "-Infinity"}.get(value, "NaN")
    return value


def same(left: Any, right: Any) -> bool:
    """Equal batches; NaN equals NaN."""
    return repr([batch.to_pylist() for batch in left.tables.values()]) == repr(
        [batch.to_pylist() for batch in right.tables.values()]
    )


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(st.data())
def test_json_gives_the_same_batches_as_protobuf(data: st.DataObject) -> None:
    signal = data.draw(st.sampled_from(["logs", "traces", "metrics"]))
    request = data.draw(requests(signal))
    expected = decode(signal, request.SerializeToString(), tenant="acme", received_ns=7)
    for names, wide in (("json_name", str), ("json_name", int), ("name", str)):
        document = json.dumps(as_json(request, names=names, wide=wide)).encode()
        assert same(decode_json(signal, document, tenant="acme", received_ns=7), expected)
        again = decode(signal, json_to_protobuf(signal, document), tenant="acme", received_ns=7)
        assert same(again, expected)


_TOKENS = (
    '"',
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "null",
    "true",
    "-",
    "0",
    ".",
    "e9",
    "\\",
    "\\ud800",
    "\\u00e9",
    " ",
    "NaN",
)


def damaged(draw: random.Random, document: str) -> bytes:
    """The document with a few characters changed, cut out, put in or repeated."""
    for _ in range(draw.choice((0, 1, 1, 2))):
        at = draw.randrange(len(document) + 1)
        end = at + draw.randrange(4)
        part = draw.choice(
            (draw.choice(_TOKENS), draw.choice(_TOKENS), "", document[at : at + 20], "\x00", "é")
        )
        document = document[:at] + part + document[end:]
    return document.encode(errors="surrogatepass")


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(st.data())
def test_damaged_documents(data: st.DataObject) -> None:
    """What the compiled part takes, the careful way takes as well, and means the same."""
    signal = data.draw(st.sampled_from(["logs", "traces", "metrics"]))
    document = json.dumps(as_json(data.draw(requests(signal))), ensure_ascii=data.draw(st.booleans()))
    draw = random.Random(data.draw(st.integers(0, 2**32)))
    for _ in range(20):
        payload = damaged(draw, document)
        assert outcome(json_to_protobuf, signal, payload) == outcome(translate, signal, payload)


def outcome(encode: Callable[[Signal, bytes], bytes], signal: Signal, payload: bytes) -> object:
    """The rows and reasons that a document becomes, or why it is refused; NaN equals NaN."""
    try:
        decoded = decode(signal, encode(signal, payload), tenant="acme")
    except InvalidInput as error:
        return str(error)
    return repr([batch.to_pylist() for batch in decoded.tables.values()]), decoded.reasons


def log_document(*records: Any) -> bytes:
    """A request with these log records."""
    return json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]}).encode()


def first_row(record: Any) -> dict[str, Any]:
    """The row that a log record in JSON becomes."""
    decoded = decode_json("logs", log_document(record), tenant="acme")
    assert decoded.reasons == ()
    row: dict[str, Any] = decoded.tables["otel_logs"].to_pylist()[0]
    return row


@pytest.mark.parametrize(
    ("record", "column", "expected"),
    [
        ({"severityNumber": 9}, "SeverityNumber", 9),
        ({"severityNumber": "SEVERITY_NUMBER_INFO"}, "SeverityNumber", 9),
        ({"severityNumber": "9"}, "SeverityNumber", 9),
        ({"severityNumber": 9.0}, "SeverityNumber", 9),
        ({"severityText": None, "unknown": {"a": [1]}}, "SeverityText", ""),
        ({"traceId": "5B8EFFF798038103D269B633813FC60C"}, "TraceId", "5b8efff798038103d269b633813fc60c"),
        ({"traceId": ""}, "TraceId", ""),
        ({"body": {"intValue": "-9223372036854775808"}}, "Body", "-9223372036854775808"),
        ({"body": {"intValue": 9223372036854775807}}, "Body", "9223372036854775807"),
        ({"body": {"intValue": "1e3"}}, "Body", "1000"),
        ({"body": {"doubleValue": "0.5"}}, "Body", "0.5"),
        ({"body": {"doubleValue": "NaN"}}, "Body", "NaN"),
        ({"body": {"doubleValue": 3}}, "Body", "3"),
        ({"body": {"bytesValue": "-_8"}}, "Body", "+/8="),
        ({"body": {"bytesValue": "+/8="}}, "Body", "+/8="),
        ({"body": {"stringValue": "서버\u0000"}}, "Body", "서버\u0000"),
        ({"body": {}}, "Body", ""),
        (
            {"body": {"kvlistValue": {"values": [{"key": "k", "value": {"boolValue": False}}]}}},
            "Body",
            '{"k":false}',
        ),
    ],
)
def test_ways_to_write_a_field(record: Any, column: str, expected: Any) -> None:
    assert first_row(record)[column] == expected


def test_of_a_repeated_key_the_last_counts() -> None:
    document = log_document({"eventName": "X"}).replace(
        b'"eventName": "X"', b'"eventName": "a", "eventName": "b"'
    )
    assert decode_json("logs", document, tenant="t").tables["otel_logs"]["EventName"].to_pylist() == ["b"]


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (5, "expected an object, got 5"),
        (None, "expected an object, got null"),
        ({"timeUnixNano": "x"}, 'timeUnixNano: expected an integer, got "x"'),
        ({"timeUnixNano": -1}, "timeUnixNano: expected an integer from 0 to 18446744073709551615, got -1"),
        ({"timeUnixNano": 1.5}, "timeUnixNano: expected an integer, got 1.5"),
        ({"timeUnixNano": True}, "timeUnixNano: expected an integer, got true"),
        ({"timeUnixNano": ""}, 'timeUnixNano: expected an integer, got ""'),
        ({"timeUnixNano": "1_0"}, 'timeUnixNano: expected an integer, got "1_0"'),
        ({"flags": 2**32}, "flags: expected an integer from 0 to 4294967295, got 4294967296"),
        ({"severityNumber": "INFO"}, 'severityNumber: expected an integer, got "INFO"'),
        ({"severityText": 5}, "severityText: expected a string, got 5"),
        (
            {"body": {"stringValue": {"a": "b" * 50}}},
            f'body/stringValue: expected a string, got {{"a":"{"b" * 33}…',
        ),
        ({"body": {"boolValue": "true"}}, 'body/boolValue: expected true or false, got "true"'),
        ({"body": {"doubleValue": "inf"}}, 'body/doubleValue: expected a number, got "inf"'),
        ({"body": {"bytesValue": "a"}}, 'body/bytesValue: expected bytes in base64, got "a"'),
        ({"body": {"bytesValue": 1}}, "body/bytesValue: expected bytes in base64, got 1"),
        ({"body": []}, "body: expected an object, got []"),
        ({"attributes": {}}, "attributes: expected a list, got {}"),
        ({"attributes": [{}, {"value": 1}]}, "attributes/1/value: expected an object, got 1"),
        ({"traceId": "abc"}, 'traceId: expected hexadecimal digits, got "abc"'),
        ({"traceId": "zz"}, 'traceId: expected hexadecimal digits, got "zz"'),
        ({"traceId": "abcd"}, "trace_id: 2 bytes instead of 16"),
    ],
)
def test_a_bad_record_is_refused_and_named_alone(record: Any, reason: str) -> None:
    good = {"body": {"stringValue": "good"}}
    decoded = decode_json("logs", log_document(good, record, good), tenant="acme")
    assert decoded.tables["otel_logs"]["Body"].to_pylist() == ["good", "good"]
    assert (decoded.accepted, decoded.rejected) == (2, 1)
    assert decoded.reasons == (Rejected("/resourceLogs/0/scopeLogs/0/logRecords/1", reason),)


def test_values_nested_too_deeply() -> None:
    value: Any = {"intValue": 1}
    for _ in range(100):
        value = {"arrayValue": {"values": [value]}}
    (rejected,) = decode_json("logs", log_document({"body": value}), tenant="acme").reasons
    assert rejected.reason.endswith("nested deeper than 32")


def test_bad_resources_scopes_and_points() -> None:
    metric = {"name": "m", "gauge": {"dataPoints": [{"asInt": "1"}, {"asInt": "x"}]}}
    scopes = [{"metrics": [metric, {"name": 5}]}, {"scope": {"name": 7}, "metrics": [metric]}, 3]
    document = {
        "resourceMetrics": [{"resource": {"attributes": 1}, "scopeMetrics": scopes}, {"scopeMetrics": scopes}]
    }
    decoded = decode_json("metrics", json.dumps(document).encode(), tenant="acme")
    second = "/resourceMetrics/1/scopeMetrics"
    assert decoded.reasons == (
        Rejected("/resourceMetrics/0/resource", "attributes: expected a list, got 1"),
        Rejected(f"{second}/0/metrics/0/gauge/dataPoints/1", 'asInt: expected an integer, got "x"'),
        Rejected(f"{second}/0/metrics/1", "name: expected a string, got 5"),
        Rejected(f"{second}/1/scope", "name: expected a string, got 7"),
        Rejected(f"{second}/2", "expected an object, got 3"),
    )
    assert (decoded.accepted, decoded.rejected) == (1, 6 + 1 + 1 + 2 + 1)


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        (b"", "the body is not JSON: .* at line 1 column 1"),
        (b"\xff", "the body is not JSON: .* at line 1 column 1"),
        (b'{\n "a": ]}', "the body is not JSON: .* at line 2 column 7"),
        (b'{"resourceLogs": NaN}', "the body is not JSON: .* at line 1 column 18"),
        (b'{"resourceLogs": 5}', "/resourceLogs: expected a list, got 5"),
        (b"[]", "the body: expected an object, got \\[\\]"),
    ],
)
def test_bodies_that_are_no_request(payload: bytes, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        decode_json("logs", payload, tenant="acme")


def test_the_strict_form_names_the_first_bad_field() -> None:
    with pytest.raises(InvalidInput) as caught:
        json_to_protobuf("logs", log_document({}, {"body": {"intValue": "x"}}))
    (error,) = caught.value.errors
    assert error.pointer == "/resourceLogs/0/scopeLogs/0/logRecords/1/body/intValue"
    assert error.detail == 'expected an integer, got "x"'


@pytest.mark.parametrize("signal", ["logs", "traces", "metrics"])
def test_an_empty_request(signal: Signal) -> None:
    assert json_to_protobuf(signal, b"{}") == REQUESTS[signal]().SerializeToString()
