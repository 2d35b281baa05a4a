"""Native histograms of Prometheus as points of OTLP histograms.

Bucket ``i`` of schema ``s`` holds (2**((i-1)·2**-s), 2**(i·2**-s)]; OTLP's bucket ``j`` of scale ``s`` holds the same
for i = j + 1. Where the buckets lie further apart than :data:`MAX_BUCKETS`, the scale is halved until they do not:
OTLP writes the empty buckets between them down, Prometheus does not.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any, Final

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    AggregationTemporality,
    ExponentialHistogram,
    Histogram,
)

Labels = Iterable[tuple[str, str]]

STALE: Final = struct.pack("<Q", 0x7FF0000000000002)
"""The NaN that says that a series has ended."""
MAX_BUCKETS: Final = 1024
_CUSTOM_BOUNDS: Final = -53
_SCHEMAS: Final = range(-4, 9)
_MOST: Final = 1 << 16
"""Filled buckets of one histogram that are read; real ones have some hundreds."""
_INDEX: Final = 1 << 31
_COUNT: Final = 1 << 63


class BadHistogram(Exception):
    """A histogram that says nothing sensible; ``str(error)`` is the reason."""


def is_explicit(histogram: Any) -> bool:
    """Whether the bounds of the buckets are listed."""
    return bool(histogram.schema == _CUSTOM_BOUNDS)


def exponential_point(
    histogram: Any, labels: Labels, time_ns: int, start_ns: int, exemplars: Iterable[bytes]
) -> bytes:
    """An ``ExponentialHistogram`` with one point."""
    if histogram.schema not in _SCHEMAS:
        raise BadHistogram(f"the schema {histogram.schema} of a native histogram is not known")
    metric = ExponentialHistogram(
        aggregation_temporality=AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE
    )
    point = metric.data_points.add()
    _common(point, histogram, labels, time_ns, start_ns, exemplars)
    point.zero_threshold = histogram.zero_threshold
    point.zero_count = _count(histogram.zero_count_float) or histogram.zero_count_int
    positive = dict(_buckets(histogram.positive_spans, histogram.positive_deltas, histogram.positive_counts))
    negative = dict(_buckets(histogram.negative_spans, histogram.negative_deltas, histogram.negative_counts))
    shift = max(_shift(positive), _shift(negative))
    point.scale = histogram.schema - shift
    _fill(point.positive, positive, shift)
    _fill(point.negative, negative, shift)
    return bytes(metric.SerializeToString())


def explicit_point(
    histogram: Any, labels: Labels, time_ns: int, start_ns: int, exemplars: Iterable[bytes]
) -> bytes:
    """A ``Histogram`` with one point."""
    bounds = list(histogram.custom_values)
    if any(not low < high for low, high in pairwise(bounds)):
        raise BadHistogram("the custom bounds of a native histogram do not rise")
    metric = Histogram(aggregation_temporality=AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE)
    point = metric.data_points.add()
    _common(point, histogram, labels, time_ns, start_ns, exemplars)
    counts = [0] * (len(bounds) + 1)
    for index, count in _buckets(
        histogram.positive_spans, histogram.positive_deltas, histogram.positive_counts
    ):
        if not 0 <= index < len(counts):
            raise BadHistogram(f"bucket {index} of a native histogram with {len(bounds)} custom bounds")
        counts[index] = count
    point.bucket_counts.extend(counts)
    point.explicit_bounds.extend(bounds)
    return bytes(metric.SerializeToString())


def _common(
    point: Any, histogram: Any, labels: Labels, time_ns: int, start_ns: int, exemplars: Iterable[bytes]
) -> None:
    point.attributes.extend(KeyValue(key=name, value=AnyValue(string_value=text)) for name, text in labels)
    point.time_unix_nano, point.start_time_unix_nano = time_ns, start_ns
    point.count = _count(histogram.count_float) or histogram.count_int
    if struct.pack("<d", histogram.sum) == STALE:
        point.flags = 1  # no recorded value
    else:
        point.sum = histogram.sum
    for message in exemplars:
        point.exemplars.add().MergeFromString(message)


def _buckets(
    spans: Sequence[Any], deltas: Sequence[int], counts: Sequence[float]
) -> Iterator[tuple[int, int]]:
    """Index and count of each bucket: absolute counts of a float histogram, deltas of an integer one."""
    index = at = 0
    filled = max(len(deltas), len(counts))
    if filled > _MOST:
        raise BadHistogram(f"a native histogram of {filled} buckets; at most {_MOST} are taken")
    total = 0
    for span in spans:
        index += span.offset
        if span.length > filled - at:
            raise BadHistogram("the spans of a native histogram have more buckets than it has counts")
        if not -_INDEX < index <= _INDEX - span.length:
            raise BadHistogram(f"a native histogram with a bucket {index}")
        for _ in range(span.length):
            if counts:
                total = _count(counts[at])
            else:
                total += deltas[at]
            if not 0 <= total < _COUNT:
                raise BadHistogram("a bucket of a native histogram has a negative count")
            yield index, total
            index, at = index + 1, at + 1
    if at != filled:
        raise BadHistogram("the spans of a native histogram have fewer buckets than it has counts")


def _count(number: float) -> int:
    """A count of a float histogram; OTLP has whole ones."""
    if not 0 <= number < _COUNT:
        raise BadHistogram(f"{number} is no count")
    return round(number)


def _shift(buckets: dict[int, int]) -> int:
    """How often the scale is halved until the buckets lie within MAX_BUCKETS."""
    shift = 0
    if buckets:
        low, high = min(buckets) - 1, max(buckets) - 1
        while (high >> shift) - (low >> shift) >= MAX_BUCKETS:
            shift += 1
    return shift


def _fill(out: Any, buckets: dict[int, int], shift: int) -> None:
    if not buckets:
        return
    low, high = (min(buckets) - 1) >> shift, (max(buckets) - 1) >> shift
    counts = [0] * (high - low + 1)
    for index, count in buckets.items():
        counts[((index - 1) >> shift) - low] += count
    out.offset = low
    out.bucket_counts.extend(counts)
