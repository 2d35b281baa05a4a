"""What OTLP becomes: every implementation of the decoder, column by column."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from airis_ray.errors import TooLarge
from airis_ray.telemetry.otlp import IMPLEMENTATION, Decoded, fallback, result
from airis_ray.telemetry.tables import SCHEMAS, TABLES_OF, Signal
from tests.unit.telemetry.otlp_messages import REQUESTS

Decode = Callable[[Signal, bytes], Decoded]
NOW = 1_800_000_000_000_000_000
T = 1_700_000_000_000_000_000
IMPLEMENTATIONS = ["python"] if IMPLEMENTATION == "python" else ["c", "python"]


@pytest.fixture(params=IMPLEMENTATIONS)
def decode(request: pytest.FixtureRequest) -> Decode:
    """The decoder, in each implementation that is there."""
    if request.param == "python":
        return lambda signal, payload: fallback.decode(signal, payload, "acme", NOW)
    from airis_ray.telemetry.otlp import native

    return lambda signal, payload: native.decode(signal, payload, "acme", NOW)


def attributes(**values: Any) -> list[KeyValue]:
    """Attributes with string values; dots are written as two underscores."""
    return [
        KeyValue(key=key.replace("__", "."), value=AnyValue(string_value=value))
        for key, value in values.items()
    ]


def log_request(*records: LogRecord, **scope: Any) -> bytes:
    """A request with one resource and one scope."""
    resource = {"attributes": attributes(service__name="checkout", airis__tenant="evil")}
    scopes = [{"log_records": records, **scope}]
    request = REQUESTS["logs"](
        resource_logs=[{"resource": resource, "scope_logs": scopes, "schema_url": "https://resource"}]
    )
    return bytes(request.SerializeToString())


def span_request(*spans: Span) -> bytes:
    """A request with one resource and one scope."""
    scopes = [{"scope": {"name": "lib", "version": "2"}, "spans": spans}]
    return bytes(REQUESTS["traces"](resource_spans=[{"scope_spans": scopes}]).SerializeToString())


def metric_request(*metrics: Metric) -> bytes:
    """A request with one resource and one scope."""
    scope = {"name": "lib", "attributes": attributes(a="b"), "dropped_attributes_count": 3}
    scopes = [{"scope": scope, "metrics": metrics, "schema_url": "https://scope"}]
    return bytes(REQUESTS["metrics"](resource_metrics=[{"scope_metrics": scopes}]).SerializeToString())


def rows(decoded: Decoded, table: str) -> list[dict[str, Any]]:
    """The rows of a table whose batch is sound and has the table's schema."""
    batch = decoded.tables[table]
    batch.validate(full=True)
    assert batch.schema.equals(SCHEMAS[table], check_metadata=True)
    return [
        {name: value.as_py() if not str(value.type).startswith("timestamp") else value.value for name, value in row}
        for row in (zip(batch.schema.names, (column[i] for column in batch.columns), strict=True)
                    for i in range(batch.num_rows))
    ]  # fmt: skip


def test_a_log_record(decode: Decode) -> None:
    record = LogRecord(
        time_unix_nano=T,
        observed_time_unix_nano=T + 1,
        severity_number=17,
        severity_text="ERROR",
        body=AnyValue(string_value="서버가 응답하지 않습니다"),
        attributes=attributes(http__route="/a"),
        flags=0x1FF,
        trace_id=bytes(range(16)),
        span_id=bytes(range(0xF8, 0x100)),
        event_name="device.crash",
    )
    decoded = decode(
        "logs", log_request(record, scope={"name": "lib", "version": "1"}, schema_url="https://scope")
    )
    assert (decoded.accepted, decoded.rejected, decoded.reasons) == (1, 0, ())
    assert rows(decoded, "otel_logs") == [
        {
            "Timestamp": T,
            "TraceId": "000102030405060708090a0b0c0d0e0f",
            "SpanId": "f8f9fafbfcfdfeff",
            "TraceFlags": 0xFF,
            "SeverityText": "ERROR",
            "SeverityNumber": 17,
            "ServiceName": "checkout",
            "Body": "서버가 응답하지 않습니다",
            "ResourceSchemaUrl": "https://resource",
            "ResourceAttributes": [("service.name", "checkout"), ("airis.tenant", "acme")],
            "ScopeSchemaUrl": "https://scope",
            "ScopeName": "lib",
            "ScopeVersion": "1",
            "ScopeAttributes": [],
            "LogAttributes": [("http.route", "/a")],
            "EventName": "device.crash",
        }
    ]


@pytest.mark.parametrize(
    ("record", "time"),
    [
        (LogRecord(time_unix_nano=T, observed_time_unix_nano=1 << 63), T),
        (LogRecord(observed_time_unix_nano=T), T),
        (LogRecord(), NOW),
    ],
)
def test_the_time_of_a_log_record(decode: Decode, record: LogRecord, time: int) -> None:
    assert rows(decode("logs", log_request(record)), "otel_logs")[0]["Timestamp"] == time


def test_a_span(decode: Decode) -> None:
    span = Span(
        trace_id=b"\xab" * 16,
        span_id=b"\x01" * 8,
        parent_span_id=bytes(8),
        trace_state="a=b",
        name="GET /",
        kind=Span.SPAN_KIND_SERVER,
        start_time_unix_nano=T,
        end_time_unix_nano=T + 1500,
        attributes=attributes(k="v"),
        events=[
            {"time_unix_nano": T + 1, "name": "retry", "attributes": attributes(n="1", m="2")},
            {"name": "end"},
        ],
        links=[{"trace_id": b"\xcd" * 16, "span_id": b"\x02" * 8, "trace_state": "c=d", "attributes": []}],
        status={"code": 2, "message": "no"},
    )
    decoded = decode("traces", span_request(span, Span(kind=77, status={"code": 9}, end_time_unix_nano=T)))
    first, second = rows(decoded, "otel_traces")
    assert first == {
        "Timestamp": T,
        "TraceId": "ab" * 16,
        "SpanId": "01" * 8,
        "ParentSpanId": "",
        "TraceState": "a=b",
        "SpanName": "GET /",
        "SpanKind": "Server",
        "ServiceName": "",
        "ResourceAttributes": [("airis.tenant", "acme")],
        "ScopeName": "lib",
        "ScopeVersion": "2",
        "SpanAttributes": [("k", "v")],
        "Duration": 1500,
        "StatusCode": "Error",
        "StatusMessage": "no",
        "Events.Timestamp": first["Events.Timestamp"],
        "Events.Name": ["retry", "end"],
        "Events.Attributes": [[("n", "1"), ("m", "2")], []],
        "Links.TraceId": ["cd" * 16],
        "Links.SpanId": ["02" * 8],
        "Links.TraceState": ["c=d"],
        "Links.Attributes": [[]],
    }
    assert decoded.tables["otel_traces"]["Events.Timestamp"].values.cast("int64").to_pylist() == [T + 1, 0]
    assert (second["Timestamp"], second["Duration"]) == (NOW, 0)
    assert (second["SpanKind"], second["StatusCode"]) == ("Unspecified", "Unset")


def test_a_span_that_ends_before_it_starts_has_no_duration(decode: Decode) -> None:
    span = Span(start_time_unix_nano=T, end_time_unix_nano=T - 1)
    assert rows(decode("traces", span_request(span)), "otel_traces")[0]["Duration"] == 0


POINT = {"start_time_unix_nano": T, "time_unix_nano": T + 2_999_999_999, "attributes": attributes(k="v")}
EXEMPLAR = {
    "filtered_attributes": attributes(user="7"),
    "time_unix_nano": T,
    "as_int": -4,
    "span_id": b"\x01" * 8,
    "trace_id": b"\x02" * 16,
}
COMMON = {
    "ResourceAttributes": [("airis.tenant", "acme")],
    "ResourceSchemaUrl": "",
    "ScopeName": "lib",
    "ScopeVersion": "",
    "ScopeAttributes": [("a", "b")],
    "ScopeDroppedAttrCount": 3,
    "ScopeSchemaUrl": "https://scope",
    "ServiceName": "",
    "MetricName": "m",
    "MetricDescription": "d",
    "MetricUnit": "u",
    "Attributes": [("k", "v")],
    "StartTimeUnix": T // 10**9,
    "TimeUnix": T // 10**9 + 2,
}


def test_a_start_that_is_the_points_own_time_is_not_known(decode: Decode) -> None:
    def start(start: int, time: int) -> int:
        gauge = {"data_points": [{"start_time_unix_nano": start, "time_unix_nano": time, "as_int": 1}]}
        [row] = rows(decode("metrics", metric_request(Metric(name="m", gauge=gauge))), "otel_metrics_gauge")
        return int(row["StartTimeUnix"])

    assert start(T, T) == 0
    assert start(T, T + 1) == T // 10**9


EXEMPLARS = {
    "Exemplars.FilteredAttributes": [[("user", "7")]],
    "Exemplars.Value": [-4.0],
    "Exemplars.SpanId": ["01" * 8],
    "Exemplars.TraceId": ["02" * 16],
}


def the_point(decode: Decode, table: str, **kind: Any) -> dict[str, Any]:
    """The row of a metric with one point; what all tables share is checked here."""
    (row,) = rows(
        decode("metrics", metric_request(Metric(name="m", description="d", unit="u", **kind))), table
    )
    assert {name: row.pop(name) for name in COMMON} == COMMON
    if "Exemplars.TimeUnix" in row:
        assert len(row.pop("Exemplars.TimeUnix")) == len(row["Exemplars.Value"])
    return row


def test_a_gauge(decode: Decode) -> None:
    row = the_point(decode, "otel_metrics_gauge", gauge={"data_points": [{**POINT, "as_int": 7, "flags": 1}]})
    nothing = {name: [] for name in EXEMPLARS}
    assert row == {"Flags": 1, "Value": 7.0, **nothing}


def test_a_point_without_a_value_counts_as_not_recorded(decode: Decode) -> None:
    row = the_point(decode, "otel_metrics_gauge", gauge={"data_points": [POINT]})
    assert (row["Flags"], row["Value"]) == (1, 0.0)


def test_a_sum(decode: Decode) -> None:
    points = [{**POINT, "as_double": 1.5, "exemplars": [EXEMPLAR]}]
    row = the_point(
        decode,
        "otel_metrics_sum",
        sum={"data_points": points, "aggregation_temporality": 2, "is_monotonic": True},
    )
    assert row == {"Flags": 0, "Value": 1.5, **EXEMPLARS, "AggregationTemporality": 2, "IsMonotonic": True}


def test_a_histogram(decode: Decode) -> None:
    numbers = {
        "count": 6,
        "sum": 7.5,
        "bucket_counts": [1, 2, 3],
        "explicit_bounds": [0.5, 1.0],
        "min": 0.1,
        "max": 9,
    }
    row = the_point(
        decode,
        "otel_metrics_histogram",
        histogram={
            "data_points": [{**POINT, **numbers, "exemplars": [EXEMPLAR]}],
            "aggregation_temporality": 1,
        },
    )
    assert row == {
        "Flags": 0,
        "Count": 6,
        "Sum": 7.5,
        "BucketCounts": [1, 2, 3],
        "ExplicitBounds": [0.5, 1.0],
        **EXEMPLARS,
        "Min": 0.1,
        "Max": 9.0,
        "AggregationTemporality": 1,
    }


def test_an_exponential_histogram(decode: Decode) -> None:
    numbers = {
        "count": 6,
        "scale": -3,
        "zero_count": 1,
        "positive": {"offset": -2, "bucket_counts": [1, 300]},
        "negative": {"offset": 5, "bucket_counts": [4]},
    }
    row = the_point(
        decode,
        "otel_metrics_exponential_histogram",
        exponential_histogram={"data_points": [{**POINT, **numbers, "exemplars": [EXEMPLAR]}]},
    )
    assert row == {
        "Flags": 0,
        "Count": 6,
        "Sum": 0.0,
        "Scale": -3,
        "ZeroCount": 1,
        "PositiveOffset": -2,
        "PositiveBucketCounts": [1, 300],
        "NegativeOffset": 5,
        "NegativeBucketCounts": [4],
        **EXEMPLARS,
        "Min": 0.0,
        "Max": 0.0,
        "AggregationTemporality": 0,
    }


def test_a_summary(decode: Decode) -> None:
    quantiles = [{"quantile": 0.5, "value": 1.0}, {"quantile": 0.99, "value": 4.0}]
    row = the_point(
        decode,
        "otel_metrics_summary",
        summary={"data_points": [{**POINT, "count": 2, "sum": 5.0, "quantile_values": quantiles}]},
    )
    assert row == {
        "Flags": 0,
        "Count": 2,
        "Sum": 5.0,
        "ValueAtQuantiles.Quantile": [0.5, 0.99],
        "ValueAtQuantiles.Value": [1.0, 4.0],
    }


def test_points_go_to_the_tables_of_their_kinds(decode: Decode) -> None:
    gauge, total = {"gauge": {"data_points": [{}, {}]}}, {"sum": {"data_points": [{}]}}
    decoded = decode(
        "metrics", metric_request(Metric(**gauge), Metric(**total), Metric(name="none"), Metric(**gauge))
    )
    assert {name: batch.num_rows for name, batch in decoded.tables.items()} == {
        "otel_metrics_gauge": 4,
        "otel_metrics_sum": 1,
    }
    assert decoded.accepted == 5


@pytest.mark.parametrize("signal", ["logs", "traces", "metrics"])
def test_nothing_at_all(decode: Decode, signal: Signal) -> None:
    assert decode(signal, b"") == Decoded({}, 0, 0, ())


def test_resource_and_scope_may_come_after_their_records(decode: Decode) -> None:
    request = log_request(LogRecord(time_unix_nano=T), scope={"name": "lib"})
    group = REQUESTS["logs"].FromString(request).resource_logs[0]
    scope = group.scope_logs[0]
    parts = [b"\x12", scope.log_records[0].SerializeToString(), b"\x0a", scope.scope.SerializeToString()]
    turned = b"".join(part if len(part) == 1 else bytes([len(part)]) + part for part in parts)
    resource = group.resource.SerializeToString()
    whole = b"\x12" + bytes([len(turned)]) + turned + b"\x0a" + bytes([len(resource)]) + resource
    (row,) = rows(decode("logs", b"\x0a" + bytes([len(whole)]) + whole), "otel_logs")
    assert (row["ServiceName"], row["ScopeName"]) == ("checkout", "lib")


def test_more_rows_than_memory_is_bounded_to(decode: Decode, monkeypatch: pytest.MonkeyPatch) -> None:
    request = log_request(*[LogRecord(time_unix_nano=T)] * 100)
    cost = (
        result.ROW_BYTES
        + len("https://resource")
        + len("checkout")
        + 16
        + len("service.namecheckoutairis.tenantacme")
    )
    for module in IMPLEMENTATIONS:
        name = "airis_ray.telemetry.otlp." + {"c": "native", "python": "fallback"}[module]
        monkeypatch.setattr(f"{name}.MAX_DECODED_BYTES", 100 * cost)
    assert decode("logs", request).accepted == 100
    with pytest.raises(TooLarge, match="decodes to more than"):
        decode("logs", log_request(*[LogRecord(time_unix_nano=T)] * 101))


@pytest.mark.skipif(IMPLEMENTATION != "c", reason="the compiled decoder is not built")
def test_the_compiled_tables_have_the_columns_of_the_schemas() -> None:
    from airis_ray.telemetry.otlp import _native

    def letter(kind: Any) -> str:
        text = str(kind)
        if text.startswith("list"):
            return "L" + letter(kind.value_type)
        names = {"string": "s", "map<string, string>": "m", "bool": "b"}
        return names.get(text) or str(kind.bit_width // 8)

    decoded = [SCHEMAS[table] for tables in TABLES_OF.values() for table in tables]
    layouts = ["".join(letter(field.type) for field in schema) for schema in decoded]
    assert tuple(layouts) == _native.LAYOUTS
