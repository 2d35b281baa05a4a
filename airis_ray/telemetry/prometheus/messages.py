"""The messages of remote write. Source: prompb/types.proto, prompb/remote.proto and
prompb/io/prometheus/write/v2/types.proto of Prometheus 3. The two parts of a ``oneof`` are plain fields here, and the
labels of 1.0 stay bytes: each is read once for all of the series that have it."""

from __future__ import annotations

from typing import Final

from airis_ray.telemetry.protobufs import messages

_HISTOGRAM: Final = """
    uint64 count_int = 1; double count_float = 2; double sum = 3; sint32 schema = 4; double zero_threshold = 5;
    uint64 zero_count_int = 6; double zero_count_float = 7;
    repeated BucketSpan negative_spans = 8; repeated sint64 negative_deltas = 9; repeated double negative_counts = 10;
    repeated BucketSpan positive_spans = 11; repeated sint64 positive_deltas = 12; repeated double positive_counts = 13;
    int32 reset_hint = 14; int64 timestamp = 15; repeated double custom_values = 16; int64 start_timestamp = 17;
"""
_SPAN: Final = "sint32 offset = 1; uint32 length = 2;"

V1: Final = messages(
    "airis.prometheus.v1",
    {
        "Label": "string name = 1; string value = 2;",
        "Sample": "double value = 1; int64 timestamp = 2;",
        "Exemplar": "repeated bytes labels = 1; double value = 2; int64 timestamp = 3;",
        "BucketSpan": _SPAN,
        "Histogram": _HISTOGRAM,
        "TimeSeries": (
            "repeated bytes labels = 1; repeated Sample samples = 2; repeated Exemplar exemplars = 3; "
            "repeated Histogram histograms = 4;"
        ),
        "WriteRequest": "repeated TimeSeries timeseries = 1;",
    },
)
V2: Final = messages(
    "airis.prometheus.v2",
    {
        "Sample": "double value = 1; int64 timestamp = 2; int64 start_timestamp = 3;",
        "Exemplar": "repeated uint32 labels_refs = 1; double value = 2; int64 timestamp = 3;",
        "BucketSpan": _SPAN,
        "Histogram": _HISTOGRAM,
        "Metadata": "int32 type = 1; uint32 help_ref = 3; uint32 unit_ref = 4;",
        "TimeSeries": (
            "repeated uint32 labels_refs = 1; repeated Sample samples = 2; repeated Histogram histograms = 3; "
            "repeated Exemplar exemplars = 4; Metadata metadata = 5; int64 created_timestamp = 6;"
        ),
        "Request": "repeated string symbols = 4; repeated TimeSeries timeseries = 5;",
    },
)
