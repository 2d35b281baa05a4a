"""What every translator promises: any bytes are read or refused, and what is read is an OTLP request that decodes
whole; what is named once and meant a thousand times stays within the limit."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cramjam
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.metrics.v1.metrics_pb2 import ExponentialHistogram

from airis_ray.errors import InvalidInput, TooLarge
from airis_ray.telemetry import snappy
from airis_ray.telemetry.alerts import SOURCES, rows
from airis_ray.telemetry.elastic import translate_bulk, translate_document
from airis_ray.telemetry.instants import any_epoch, epoch, iso
from airis_ray.telemetry.lines import LiftRules
from airis_ray.telemetry.loki import translate_json, translate_protobuf
from airis_ray.telemetry.loki.labels import parse_labels
from airis_ray.telemetry.otlp import decode
from airis_ray.telemetry.otlp.json_mapping import load
from airis_ray.telemetry.prometheus import translate_v1, translate_v2
from airis_ray.telemetry.prometheus.histograms import MAX_BUCKETS, BadHistogram, exponential_point
from airis_ray.telemetry.prometheus.messages import V1, V2
from airis_ray.telemetry.prometheus.series import is_counter
from airis_ray.telemetry.splunk import translate_events, translate_raw
from airis_ray.telemetry.tables import Signal

RULES = LiftRules()
LIMIT = 1 << 20

Requests = list[tuple[Signal, bytes]]


def admit(service: str, time_ns: int) -> None:
    return None


TRANSLATORS: dict[str, Callable[[bytes], Requests]] = {
    "prometheus 1": lambda body: [("metrics", translate_v1(body, LIMIT).otlp)],
    "prometheus 2": lambda body: [("metrics", translate_v2(body, LIMIT).otlp)],
    "loki json": lambda body: [("logs", translate_json(body, RULES, LIMIT))],
    "loki protobuf": lambda body: [("logs", translate_protobuf(body, RULES, LIMIT))],
    "elastic bulk": lambda body: [("logs", translate_bulk(body, "i", RULES, admit, LIMIT).otlp)],
    "elastic document": lambda body: [("logs", translate_document(body, "i", "1", RULES, admit, LIMIT).otlp)],
    "splunk raw": lambda body: [("logs", translate_raw(body, {"host": "h"}, RULES, LIMIT).logs)],
    "splunk event": lambda body: _both(translate_events(body, {}, RULES, LIMIT)),
}


def _both(found: Any) -> Requests:
    return [("logs", found.logs), ("metrics", found.metrics)]


def check(name: str, body: bytes) -> None:
    try:
        requests = TRANSLATORS[name](body)
    except InvalidInput:
        return
    for signal, otlp in requests:
        assert decode(signal, otlp, tenant="t", received_ns=1).rejected == 0


# Fields of the formats, so that random documents reach further than the first check.
KEYS = st.sampled_from(
    ["streams", "stream", "values", "labels", "entries", "ts", "line", "event", "fields", "time", "host", "index",
     "create", "_index", "_id", "@timestamp", "message", "level", "service", "trace_id", "metric_name:a", "a"]
)  # fmt: skip
SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
    | st.sampled_from(["metric", "error", str(time.time_ns()), "2026-01-02T03:04:05Z", '{a="b"}', '{"msg": "x"}'])
)  # fmt: skip
DOCUMENTS = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(KEYS | st.text(max_size=4), inner, max_size=4)
    ),
    max_leaves=20,
)


@pytest.mark.parametrize("name", TRANSLATORS)
@settings(max_examples=200)
@given(body=st.binary(max_size=64))
@example(body=b"")
@example(body=b"{}")
@example(body=b"\xff\xfe\xed\xa0\x80")
def test_any_bytes_are_read_or_refused(name: str, body: bytes) -> None:
    check(name, body)


@pytest.mark.parametrize(
    "name", [name for name in TRANSLATORS if name.startswith(("loki j", "elastic", "splunk"))]
)
@settings(max_examples=200, deadline=None)
@given(documents=st.lists(DOCUMENTS, min_size=1, max_size=3))
def test_any_json_is_read_or_refused(name: str, documents: list[Any]) -> None:
    check(name, "\n".join(map(json.dumps, documents)).encode())


@settings(max_examples=200, deadline=None)
@given(
    entries=st.lists(DOCUMENTS, max_size=3), labels=st.dictionaries(st.text(max_size=4), SCALARS, max_size=3)
)
def test_any_stream_of_loki_is_read_or_refused(entries: list[Any], labels: dict[str, Any]) -> None:
    values = [[str(time.time_ns()), json.dumps(entry)] for entry in entries]
    check("loki json", json.dumps({"streams": [{"stream": labels, "values": values}]}).encode())


@settings(max_examples=200, deadline=None)
@given(document=DOCUMENTS, source=st.sampled_from(sorted(SOURCES)))
def test_any_json_is_alerts_or_refused(document: Any, source: str) -> None:
    try:
        found = SOURCES[source](load(json.dumps({"alerts": [document], "status": "firing"}).encode()))
    except InvalidInput:
        return
    assert rows(found, source, "t", 1).num_rows == len(found)


def test_texts_that_are_named_once_do_not_multiply_past_the_limit() -> None:
    request = V2["Request"](symbols=["", "__name__", "m", "big", "x" * 50_000])
    for i in range(100):
        request.timeseries.add(labels_refs=[1, 2, 3, 4]).samples.add(value=i, timestamp=i)
    body = request.SerializeToString()
    assert len(body) < 60_000
    with pytest.raises(TooLarge):
        translate_v2(body, LIMIT)


def test_snappy_is_not_inflated_past_the_limit() -> None:
    body = bytes(cramjam.snappy.compress_raw(bytes(1 << 20)))
    assert snappy.inflate(body, 1 << 20) == bytes(1 << 20)
    with pytest.raises(TooLarge):
        snappy.inflate(body, (1 << 20) - 1)
    for damaged in (b"", b"\x80", b"\x80\x80\x80\x80\x80\x80", body[:-1]):
        with pytest.raises((InvalidInput, TooLarge)):
            snappy.inflate(damaged, 1 << 20)


@pytest.mark.parametrize(
    ("name", "kind", "has_le", "counter"),
    [
        ("http_requests_total", 0, False, True),
        ("latency_bucket", 0, True, True),
        ("leaky_bucket", 0, False, False),
        ("latency_sum", 0, False, True),
        ("temperature", 0, False, False),
        ("job:errors:rate5m_total", 0, False, False),
        ("hits", 1, False, True),
        ("items_total", 2, False, False),
        ("latency_count", 3, False, True),
        ("latency", 5, False, False),
        ("latency_bucket", 4, True, False),
    ],
)
def test_which_series_are_counters(name: str, kind: int, has_le: bool, counter: bool) -> None:
    assert is_counter(name, kind, has_le=has_le) is counter


def test_what_prometheus_own_library_sends_as_2_0() -> None:
    """A body that the package ``exp/api/remote`` of client_golang made: five counters with exemplars, a histogram."""
    body = (Path(__file__).parent / "data/remote_write_v2.snappy").read_bytes()
    found = translate_v2(snappy.inflate(body, LIMIT), LIMIT)
    assert (found.samples, found.histograms, found.exemplars, found.refused) == (5, 1, 5, 0)
    tables = decode("metrics", found.otlp, tenant="t").tables
    counters = tables["otel_metrics_sum"].to_pylist()
    assert [row["Value"] for row in counters if row["ServiceName"] == "gojob"] == [0.0, 3.0, 1.0, 4.0, 2.0]
    assert {row["MetricDescription"] for row in counters} == {"hits"}
    (latency,) = tables["otel_metrics_exponential_histogram"].to_pylist()
    assert (latency["Scale"], latency["Count"], latency["ZeroCount"]) == (2, 6, 1)
    assert (latency["PositiveOffset"], latency["PositiveBucketCounts"]) == (-4, [1, 2, 0, 2])


def test_labels_twice_or_empty_refuse_their_series_alone() -> None:
    request = V1["WriteRequest"]()
    for pairs in (
        [("__name__", "a"), ("x", "1"), ("x", "2")],
        [("__name__", "b"), ("", "1")],
        [("__name__", "c")],
    ):
        series = request.timeseries.add()
        series.labels.extend(V1["Label"](name=name, value=text).SerializeToString() for name, text in pairs)
        series.samples.add(value=1, timestamp=1)
    found = translate_v1(request.SerializeToString(), LIMIT)
    assert (found.samples, found.refused) == (1, 2)
    assert "x is there twice" in found.reasons[0]
    assert "without a name" in found.reasons[1]


@pytest.mark.parametrize("timestamp", [0, -1, 2**63 - 1])
def test_a_sample_of_no_time_is_refused_and_not_of_its_arrival(timestamp: int) -> None:
    series = V1["TimeSeries"](labels=[V1["Label"](name="__name__", value="a").SerializeToString()])
    series.samples.add(value=1, timestamp=timestamp)
    found = translate_v1(V1["WriteRequest"](timeseries=[series]).SerializeToString(), LIMIT)
    assert (found.samples, found.refused) == (0, 1)
    assert f"the timestamp {timestamp} (milliseconds) is not between 1970 and 2262" in found.reasons[0]


def test_buckets_far_apart_are_merged_and_their_counts_kept() -> None:
    histogram = V1["Histogram"](schema=8, count_int=6, sum=1.0)
    histogram.positive_spans.add(offset=-20_000, length=1)
    histogram.positive_spans.add(offset=40_000, length=2)
    histogram.positive_deltas.extend([1, 1, 1])
    point = ExponentialHistogram.FromString(exponential_point(histogram, [], 1, 0, [])).data_points[0]
    assert len(point.positive.bucket_counts) <= MAX_BUCKETS
    assert sum(point.positive.bucket_counts) == 6
    base = 2.0 ** (2.0**-point.scale)
    lower = base**point.positive.offset
    assert lower <= 2.0 ** (-20_000 * 2.0**-8) <= lower * base


@pytest.mark.parametrize(
    ("spans", "deltas", "told"),
    [
        ([(0, 2)], [1], "more buckets"),
        ([(0, 1)], [1, 1], "fewer buckets"),
        ([(0, 2)], [1, -2], "negative count"),
        ([(0, 4_000_000_000)], [1], "more buckets"),
        ([(2**31 - 1, 1), (2**31 - 1, 1)], [1, 1], "a bucket"),
    ],
)
def test_histograms_that_contradict_themselves(
    spans: list[tuple[int, int]], deltas: list[int], told: str
) -> None:
    histogram = V1["Histogram"](schema=0)
    for offset, length in spans:
        histogram.positive_spans.add(offset=offset, length=length)
    histogram.positive_deltas.extend(deltas)
    with pytest.raises(BadHistogram, match=told):
        exponential_point(histogram, [], 1, 0, [])


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("{}", {}),
        ('{a="b"}', {"a": "b"}),
        ('{ a = "x,y" , b=`c"d` }', {"a": "x,y", "b": 'c"d'}),
        (r'{a="\"\\\n\t\u00e9\x41\101\U0001F600"}', {"a": '"\\\n\té' + "AA😀"}),
        ('{a="서버", }', {"a": "서버"}),
    ],
)
def test_labels_as_go_writes_them(text: str, labels: dict[str, str]) -> None:
    assert parse_labels(text) == labels


@pytest.mark.parametrize("text", ["", "a", '{a="b"', "{a=b}", '{a="b" c="d"}', '{="b"}', 'x{a="b"}'])
def test_labels_that_are_none(text: str) -> None:
    with pytest.raises(InvalidInput, match="labels"):
        parse_labels(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-02T03:04:05.678901234Z", 1767323045678901234),
        ("2026-01-02 03:04:05,5", 1767323045500000000),
        ("2026-01-02T12:04:05+0900", 1767323045000000000),
        ("2026-01-02T12:04+09", 1767323040000000000),
        ("2026-01-02", 1767312000000000000),
        ("now-15m", None),
        ("2026-13-02", None),
        ("1767323045", None),
    ],
)
def test_times_of_other_systems(text: str, expected: int | None) -> None:
    assert iso(text) == expected


def test_numbers_as_times() -> None:
    assert epoch("1767323045678", 10**6) == 1767323045678 * 10**6
    for value in (1767323045.5, "1767323045.5", 1767323045500, 1767323045500000, 1767323045500000000):
        assert any_epoch(value) == 1767323045500000000
    assert any_epoch(0) == 0
    for nothing in (True, None, "soon", float("nan"), float("inf"), -1, "1e400", 10**30, [], "1_0"):
        assert any_epoch(nothing) is None
        assert epoch(nothing, 1) is None
