"""Remote write from a client of it, from Prometheus itself where it is installed, and in the form of 2.0."""

from __future__ import annotations

import asyncio
import math
import shutil
import socket
import struct
import time
from pathlib import Path
from typing import Any

import cramjam
import httpx
import pytest
from prometheus_remote_writer import RemoteWriter

from airis_ray.telemetry.prometheus.messages import V1, V2
from tests.contract.intakes.conftest import Site

STALE = struct.unpack("<d", struct.pack("<Q", 0x7FF0000000000002))[0]
V2_MEDIA = "application/x-protobuf;proto=io.prometheus.write.v2.Request"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


async def post(site: Site, message: Any, media: str = "application/x-protobuf") -> httpx.Response:
    body = bytes(cramjam.snappy.compress_raw(message.SerializeToString()))
    headers = {
        "content-type": media,
        "content-encoding": "snappy",
        "authorization": f"Bearer {site.key}",
        "x-prometheus-remote-write-version": "2.0.0" if "v2" in media else "0.1.0",
    }
    async with httpx.AsyncClient(headers=headers) as client:
        return await client.post(f"{site.url}/prometheus/write", content=body)


def add_v1(request: Any, **labels: str) -> Any:
    series = request.timeseries.add()
    series.labels.extend(
        V1["Label"](name=name, value=text).SerializeToString() for name, text in labels.items()
    )
    return series


class Second:
    """A request of 2.0 in the making."""

    def __init__(self) -> None:
        self.message = V2["Request"](symbols=[""])

    def symbol(self, text: str) -> int:
        if text not in self.message.symbols:
            self.message.symbols.append(text)
        return list(self.message.symbols).index(text)

    def references(self, **labels: str) -> list[int]:
        return [self.symbol(text) for pair in sorted(labels.items()) for text in pair]

    def add(self, kind: int = 0, unit: str = "", **labels: str) -> Any:
        series = self.message.timeseries.add(labels_refs=self.references(**labels))
        series.metadata.type, series.metadata.unit_ref = kind, self.symbol(unit)
        series.metadata.help_ref = self.symbol("what it is")
        return series


async def test_a_client_of_remote_write_sends(site: Site) -> None:
    at = int(time.time() * 1000)
    series = [
        {
            "metric": {
                "__name__": "http_requests_total",
                "job": "shop/api",
                "instance": "a:80",
                "code": "200",
            },
            "values": [1.0, 5.0],
            "timestamps": [at - 15_000, at],
        },
        {"metric": {"__name__": "temperature", "app": "weather"}, "values": [21.5], "timestamps": [at]},
    ]

    def send() -> int:
        auth = {"username": "any", "password": site.key}
        with RemoteWriter(f"{site.url}/prometheus/write", auth=auth) as writer:
            answer = writer.send(series).last_response
        assert answer is not None
        return answer.status_code

    assert await asyncio.to_thread(send) == 204
    counted = await site.rows("otel_metrics_sum", order="TimeUnix")
    assert [row["Value"] for row in counted] == [1.0, 5.0]
    assert (counted[0]["IsMonotonic"], counted[0]["AggregationTemporality"]) == (True, 2)
    assert counted[0]["ServiceName"] == "api"
    assert counted[0]["ResourceAttributes"]["service.namespace"] == "shop"
    assert counted[0]["ResourceAttributes"]["service.instance.id"] == "a:80"
    assert counted[0]["Attributes"] == {"job": "shop/api", "instance": "a:80", "code": "200"}
    (gauge,) = await site.rows("otel_metrics_gauge", order="TimeUnix")
    assert (gauge["MetricName"], gauge["Value"], gauge["ServiceName"]) == ("temperature", 21.5, "weather")


@pytest.mark.skipif(shutil.which("prometheus") is None, reason="no prometheus on the PATH")
async def test_prometheus_itself_sends(site: Site, tmp_path: Path) -> None:
    port = free_port()
    (tmp_path / "prometheus.yml").write_text(f"""
global: {{scrape_interval: 1s}}
scrape_configs:
  - job_name: itself
    static_configs: [{{targets: ['127.0.0.1:{port}']}}]
remote_write:
  - url: {site.url}/prometheus/write
    authorization: {{credentials: {site.key}}}
    send_exemplars: true
    queue_config: {{batch_send_deadline: 100ms}}
""")
    process = await asyncio.create_subprocess_exec(
        "prometheus",
        f"--config.file={tmp_path}/prometheus.yml",
        f"--storage.tsdb.path={tmp_path}/data",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=warn",
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        await site.arrived("otel_metrics_sum", order="TimeUnix")
        rows = await site.arrived("otel_metrics_gauge", order="MetricName")
    finally:
        process.terminate()
        _, said = await process.communicate()
    assert b"non-recoverable" not in said, said
    up = next(row for row in rows if row["MetricName"] == "up")
    assert up["ServiceName"] == "itself"
    assert up["Attributes"]["instance"] == f"127.0.0.1:{port}"


async def test_version_2_brings_types_units_and_start_times(site: Site) -> None:
    at = int(time.time() * 1000)
    request = Second()
    counter = request.add(1, "requests", __name__="hits", job="web")
    counter.samples.add(value=3, timestamp=at)
    counter.created_timestamp = at - 60_000
    example = counter.exemplars.add(value=1, timestamp=at)
    example.labels_refs.extend(request.references(trace_id="0af7651916cd43dd8448eb211c80319c", user="7"))
    total = request.add(2, __name__="not_a_counter_total", job="web")
    total.samples.add(value=1, timestamp=at)
    answer = await post(site, request.message, V2_MEDIA)
    assert (answer.status_code, answer.content) == (204, b"")
    written = "x-prometheus-remote-write-{}-written"
    assert [answer.headers[written.format(kind)] for kind in ("samples", "histograms", "exemplars")] == [
        "2",
        "0",
        "1",
    ]
    (row,) = await site.rows("otel_metrics_sum", order="TimeUnix")
    assert (row["MetricUnit"], row["MetricDescription"]) == ("requests", "what it is")
    assert row["StartTimeUnix"] == (at - 60_000) // 1000
    assert row["Exemplars.TraceId"] == ["0af7651916cd43dd8448eb211c80319c"]
    assert [dict(each) for each in row["Exemplars.FilteredAttributes"]] == [{"user": "7"}]
    (gauge,) = await site.rows("otel_metrics_gauge", order="TimeUnix")
    assert gauge["MetricName"] == "not_a_counter_total"


async def test_native_histograms_of_both_kinds(site: Site) -> None:
    at = int(time.time() * 1000)
    request = Second()
    sparse = request.add(3, __name__="latency", job="web").histograms.add(
        count_int=9, sum=12.5, schema=0, zero_threshold=0.001, zero_count_int=1, timestamp=at
    )
    sparse.positive_spans.add(offset=-1, length=2)
    sparse.positive_spans.add(offset=2, length=1)
    sparse.positive_deltas.extend([2, 1, -1])  # buckets -1, 0 and 3 hold 2, 3 and 2
    sparse.negative_spans.add(offset=1, length=1)
    sparse.negative_deltas.extend([1])
    bounded = request.add(3, __name__="size", job="web").histograms.add(
        count_float=4, sum=10, schema=-53, timestamp=at, custom_values=[1.0, 5.0]
    )
    bounded.positive_spans.add(offset=1, length=2)
    bounded.positive_counts.extend([3, 1])
    assert (await post(site, request.message, V2_MEDIA)).status_code == 204
    (row,) = await site.rows("otel_metrics_exponential_histogram", order="TimeUnix")
    assert (row["Count"], row["Sum"], row["Scale"], row["ZeroCount"]) == (9, 12.5, 0, 1)
    assert (row["PositiveOffset"], row["PositiveBucketCounts"]) == (-2, [2, 3, 0, 0, 2])
    assert (row["NegativeOffset"], row["NegativeBucketCounts"]) == (0, [1])
    (row,) = await site.rows("otel_metrics_histogram", order="TimeUnix")
    assert (row["ExplicitBounds"], row["BucketCounts"], row["Count"]) == ([1.0, 5.0], [0, 3, 1], 4)


async def test_what_is_wrong_is_told_and_counted_and_its_neighbours_kept(site: Site) -> None:
    at = int(time.time() * 1000)
    request = V1["WriteRequest"]()
    add_v1(request, __name__="fine", job="x").samples.add(value=1, timestamp=at)
    add_v1(request, job="nameless").samples.add(value=1, timestamp=at)
    add_v1(request, __name__="old", job="x").samples.add(value=1, timestamp=1)
    add_v1(request, __name__="broken", job="x").histograms.add(schema=99, timestamp=at)
    answer = await post(site, request)
    assert answer.status_code == 400
    assert answer.text.startswith("3 samples were refused:")
    for told in ("without a name", "schema 99", "AIRIS_RETENTION_METRICS"):
        assert told in answer.text
    assert answer.headers["x-prometheus-remote-write-samples-written"] == "1"
    assert [row["MetricName"] for row in await site.rows("otel_metrics_gauge", "TimeUnix")] == ["fine"]


async def test_stale_markers_and_lone_exemplars_have_no_value(site: Site) -> None:
    at = int(time.time() * 1000)
    request = V1["WriteRequest"]()
    add_v1(request, __name__="gone", job="x").samples.add(value=STALE, timestamp=at)
    add_v1(request, __name__="odd", job="x").samples.add(value=math.nan, timestamp=at)
    add_v1(request, __name__="hits_total", job="x").exemplars.add(value=2, timestamp=at)
    assert (await post(site, request)).status_code == 204
    gauges = {row["MetricName"]: row for row in await site.rows("otel_metrics_gauge", "TimeUnix")}
    assert gauges["gone"]["Flags"] == 1
    assert gauges["odd"]["Flags"] == 0
    assert math.isnan(gauges["odd"]["Value"])
    (lone,) = await site.rows("otel_metrics_sum", "TimeUnix")
    assert (lone["Flags"], lone["Exemplars.Value"]) == (1, [2.0])


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({"content-type": "application/json"}, b"{}", 415),
        ({"content-type": "application/x-protobuf;proto=io.prometheus.write.v3.Request"}, b"", 415),
        ({"content-encoding": "br"}, b"", 415),
        ({}, b"not snappy at all", 400),
        ({}, bytes(cramjam.snappy.compress_raw(b"\xff\xff")), 400),
        ({}, b"\xff\xff\xff\x7f", 413),
    ],
)
async def test_a_request_that_cannot_be_read(
    site: Site, headers: dict[str, str], body: bytes, status: int
) -> None:
    default = {"content-type": "application/x-protobuf", "content-encoding": "snappy"}
    async with httpx.AsyncClient(auth=("any", site.key), headers={**default, **headers}) as client:
        answer = await client.post(f"{site.url}/prometheus/write", content=body)
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("text/plain")
