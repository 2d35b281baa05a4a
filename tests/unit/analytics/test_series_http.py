"""Series, services, the map, traces and metrics over HTTP."""

from __future__ import annotations

from typing import Any

import httpx
import pyarrow as pa
import pytest
import pytest_asyncio

from airis_ray.web.arrow import ARROW_STREAM
from tests.support.local_store import LocalStore
from tests.unit.analytics.builders import batch, counter, log, span

TRACE = "5" * 32


@pytest_asyncio.fixture(loop_scope="session")
async def stored(migrated_store: LocalStore, tenant: str) -> None:
    """Half an hour before now: ten server spans of one trace, a log and a counter."""
    spans = [span(n, ms=n + 1, TraceId=TRACE, SpanId=f"{n:016x}") for n in range(10)]
    await migrated_store.insert("otel_traces", batch("otel_traces", tenant, spans))
    await migrated_store.insert("otel_logs", batch("otel_logs", tenant, [log(1, TraceId=TRACE)]))
    points = [counter(at, at, MetricName="orders.placed") for at in (0, 60, 120)]
    await migrated_store.insert("otel_metrics_sum", batch("otel_metrics_sum", tenant, points))


async def arrow(http: httpx.AsyncClient, method: str, path: str, **body: Any) -> pa.Table:
    answer = await http.request(method, path, headers={"Accept": ARROW_STREAM}, **body)
    assert (answer.status_code, answer.headers["content-type"]) == (200, ARROW_STREAM)
    with pa.ipc.open_stream(answer.content) as reader:
        return reader.read_all()


@pytest.mark.usefixtures("stored")
async def test_series_with_every_default(http: httpx.AsyncClient) -> None:
    answer = (await http.post("/timeseries", json={"signal": "traces"})).json()
    assert set(answer) == {"timestamps", "series", "step", "stats"}
    assert (len(answer["timestamps"]), answer["step"]) == (120, "30s")
    assert answer["timestamps"][0] == "2100-01-01T00:00:00.000000000Z"
    assert [(each["labels"], sum(each["values"])) for each in answer["series"]] == [({}, 10)]
    assert set(answer["stats"]) == {"rows_read", "bytes_read", "elapsed_ms"}


@pytest.mark.usefixtures("stored")
async def test_series_as_arrow(http: httpx.AsyncClient) -> None:
    body = {
        "signal": "traces",
        "aggregate": "p50",
        "field": "duration",
        "group_by": ["service"],
        "step": "30m",
    }
    table = await arrow(http, "POST", "/timeseries", json=body)
    assert table.column_names == ["time", "service", "value"]
    assert table["service"].to_pylist() == ["cart", "cart"]
    assert table["value"].to_pylist() == [None, pytest.approx(6e6, rel=0.01)]


@pytest.mark.usefixtures("stored")
async def test_series_of_a_metric(http: httpx.AsyncClient) -> None:
    body = {"signal": "metrics", "metric": "orders.placed", "aggregate": "sum", "step": "1h"}
    assert (await http.post("/timeseries", json=body)).json()["series"] == [{"labels": {}, "values": [120.0]}]


@pytest.mark.parametrize(
    ("body", "pointer", "says"),
    [
        ({"agregate": "count"}, "/agregate", "did you mean aggregate?"),
        ({"aggregate": "median"}, "/aggregate", "p50, p95, p99.9"),
        ({"aggregate": "p101"}, "/aggregate", "p50"),
        ({"signal": "spans"}, "/signal", "'traces'"),
        ({"limit": 0}, "/limit", "greater than or equal to 1"),
        ({"group_by": [""]}, "/group_by/0", "at least 1 character"),
        ({"step": "5 minutes"}, "/step", "expected a duration"),
        ({"to": "now-2h"}, "/from", "not before"),
        ({"query": "a:"}, "/query", ""),
    ],
)
async def test_what_is_wrong_with_a_request_is_named(
    http: httpx.AsyncClient, body: dict[str, Any], pointer: str, says: str
) -> None:
    answer = await http.post("/timeseries", json=body)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["errors"][0]["pointer"] == pointer
    assert says in answer.json()["errors"][0]["detail"]


@pytest.mark.usefixtures("stored")
async def test_services(http: httpx.AsyncClient) -> None:
    (row,) = (await http.get("/services")).json()
    assert set(row) == {"name", "requests", "error_rate", "p50_ms", "p95_ms", "p99_ms", "logs", "error_logs"}
    assert (row["name"], row["requests"], row["logs"]) == ("cart", 10, 1)
    assert (await http.get("/services", params={"from": "now-5m"})).json() == []
    table = await arrow(http, "GET", "/services")
    assert table.to_pylist() == [row]


@pytest.mark.usefixtures("stored")
async def test_the_service_map(http: httpx.AsyncClient) -> None:
    answer = (await http.get("/service-map", params={"from": "now-1h", "to": "now"})).json()
    assert [node["name"] for node in answer["nodes"]] == ["cart"]
    assert (answer["edges"], answer["sampled"]) == ([], False)
    edges = await arrow(http, "GET", "/service-map")
    assert edges.column_names == ["source", "target", "requests", "error_rate", "p95_ms"]
    assert edges.num_rows == 0


@pytest.mark.usefixtures("stored")
async def test_a_trace(http: httpx.AsyncClient) -> None:
    answer = (await http.get(f"/traces/{TRACE}")).json()
    assert (answer["trace_id"], len(answer["spans"]), answer["logs"]) == (TRACE, 10, 1)
    assert answer["critical_path"] == [f"{9:016x}"]
    missing = await http.get(f"/traces/{'6' * 32}")
    assert (missing.status_code, missing.headers["content-type"]) == (404, "application/problem+json")
    assert (await http.get("/traces/nonsense")).status_code == 400


@pytest.mark.usefixtures("stored")
async def test_metrics(http: httpx.AsyncClient) -> None:
    (row,) = (await http.get("/metrics")).json()
    assert (row["name"], row["kind"], row["monotonic"]) == ("orders.placed", "sum", True)
    assert (await http.get("/metrics", params={"prefix": "jvm"})).json() == []
    assert (await arrow(http, "GET", "/metrics"))["name"].to_pylist() == ["orders.placed"]


@pytest.mark.parametrize("path", ["/services", "/service-map", "/metrics"])
async def test_unknown_parameters_and_empty_ranges(http: httpx.AsyncClient, path: str) -> None:
    answer = await http.get(path, params={"form": "now-1h"})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "/form")
    answer = await http.get(path, params={"from": "now", "to": "now"})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "/from")
