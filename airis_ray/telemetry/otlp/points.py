"""Metric data points as rows: the fallback's half of the semantics that ``native/`` writes in C."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    DataPointFlags,
    ExponentialHistogramDataPoint,
    HistogramDataPoint,
    NumberDataPoint,
    SummaryDataPoint,
)

from airis_ray.telemetry.otlp.records import Row, hex_id, nanos, parse
from airis_ray.telemetry.otlp.result import MAX_SECONDS, RecordError
from airis_ray.telemetry.otlp.values import attributes


@dataclass(frozen=True)
class Kind:
    """One kind of metric: its name in JSON, its table, and how one of its points becomes a row."""

    name: str
    table: str
    row: Callable[[bytes, int], Row]


_NO_RECORDED_VALUE: Final = DataPointFlags.DATA_POINT_FLAGS_NO_RECORDED_VALUE_MASK


def _seconds(name: str, value: int) -> int:
    if value // 1_000_000_000 > MAX_SECONDS:
        raise RecordError(f"{name}: {value} is after the year 2106")
    return value // 1_000_000_000


def _common(point: Any, received_ns: int) -> Row:
    time = point.time_unix_nano
    start = _seconds("start_time_unix_nano", point.start_time_unix_nano)
    return {
        "Attributes": attributes(point.attributes),
        # A start that is the point's own time is OTLP's way to say that it is not known; in whole seconds it would
        # look like that of a series that began within the second.
        "StartTimeUnix": 0 if point.start_time_unix_nano == time else start,
        "TimeUnix": _seconds("time_unix_nano", time) if time else received_ns // 1_000_000_000,
        "Flags": point.flags,
    }


def _value(point: Any) -> float:
    return float(point.as_int) if point.WhichOneof("value") == "as_int" else float(point.as_double)


def _exemplars(exemplars: Iterable[Any]) -> Row:
    return {
        "Exemplars.FilteredAttributes": [attributes(item.filtered_attributes) for item in exemplars],
        "Exemplars.TimeUnix": [nanos("time_unix_nano", item.time_unix_nano) for item in exemplars],
        "Exemplars.Value": [_value(item) for item in exemplars],
        "Exemplars.SpanId": [hex_id("span_id", item.span_id, 8) for item in exemplars],
        "Exemplars.TraceId": [hex_id("trace_id", item.trace_id, 16) for item in exemplars],
    }


def _number(data: bytes, received_ns: int) -> Row:
    point = parse(NumberDataPoint, data)
    if point.WhichOneof("value") is None:
        point.flags |= _NO_RECORDED_VALUE  # kept, and not counted as the zero that the column would show
    return {**_common(point, received_ns), "Value": _value(point), **_exemplars(point.exemplars)}


def _distribution(point: Any, received_ns: int) -> Row:
    """What both kinds of histogram have."""
    return {
        **_common(point, received_ns),
        "Count": point.count,
        "Sum": point.sum,
        "Min": point.min,
        "Max": point.max,
        **_exemplars(point.exemplars),
    }


def _histogram(data: bytes, received_ns: int) -> Row:
    point = parse(HistogramDataPoint, data)
    return {
        **_distribution(point, received_ns),
        "BucketCounts": list(point.bucket_counts),
        "ExplicitBounds": list(point.explicit_bounds),
    }


def _exponential(data: bytes, received_ns: int) -> Row:
    point = parse(ExponentialHistogramDataPoint, data)
    return {
        **_distribution(point, received_ns),
        "Scale": point.scale,
        "ZeroCount": point.zero_count,
        "PositiveOffset": point.positive.offset,
        "PositiveBucketCounts": list(point.positive.bucket_counts),
        "NegativeOffset": point.negative.offset,
        "NegativeBucketCounts": list(point.negative.bucket_counts),
    }


def _summary(data: bytes, received_ns: int) -> Row:
    point = parse(SummaryDataPoint, data)
    return {
        **_common(point, received_ns),
        "Count": point.count,
        "Sum": point.sum,
        "ValueAtQuantiles.Quantile": [item.quantile for item in point.quantile_values],
        "ValueAtQuantiles.Value": [item.value for item in point.quantile_values],
    }


KINDS: Final[dict[int, Kind]] = {
    5: Kind("gauge", "otel_metrics_gauge", _number),
    7: Kind("sum", "otel_metrics_sum", _number),
    9: Kind("histogram", "otel_metrics_histogram", _histogram),
    10: Kind("exponentialHistogram", "otel_metrics_exponential_histogram", _exponential),
    11: Kind("summary", "otel_metrics_summary", _summary),
}
"""The kinds of metric by their field number in ``Metric``."""
