"""POST /timeseries over logs and traces, against values computed by hand."""

from __future__ import annotations

import math
from typing import Any

import orjson
import pyarrow as pa
import pytest
import pytest_asyncio

from airis_ray.analytics.models import TimeseriesRequest
from airis_ray.analytics.series import Series
from airis_ray.analytics.timeseries import timeseries
from airis_ray.errors import InvalidInput
from tests.support.local_store import LocalStore
from tests.unit.analytics.builders import batch, log, ns, span

NOW = ns(3600)


class Asker:
    """Asks one tenant's rows; times in seconds after T0."""

    def __init__(self, store: LocalStore, tenant: str) -> None:
        self.store = store
        self.tenant = tenant

    async def __call__(self, start: float = 0, end: float = 60, **body: Any) -> Series:
        request = TimeseriesRequest.model_validate({"from": ns(start), "to": ns(end), **body})
        return await timeseries(self.store, self.tenant, request, NOW)

    async def values(self, start: float = 0, end: float = 60, **body: Any) -> list[float | None]:
        """The values of the only series."""
        series = await self(start, end, **body)
        assert len(series.values) == 1
        return [None if math.isnan(each) else round(each, 9) for each in series.values[0].tolist()]

    async def table(self, start: float = 0, end: float = 60, **body: Any) -> dict[tuple[str, ...], list[Any]]:
        """Labels → values."""
        series = await self(start, end, **body)
        values = [[None if math.isnan(v) else v for v in row] for row in series.values.tolist()]
        return dict(zip(series.labels, values, strict=True))


@pytest_asyncio.fixture(loop_scope="session")
async def spans(migrated_store: LocalStore, tenant: str) -> Asker:
    """Ten spans of cart, one a second from T0 on, of 1 to 10 ms, the first two failed; two of ad after 40 s."""
    route = {"http.route": "/cart"}
    rows = [
        span(at, ms=at + 1, error=at < 2, SpanAttributes=route if at % 2 else {"app.cart.items": str(at)})
        for at in range(10)
    ]
    rows += [span(at, ms=100, ServiceName="ad", SpanKind="Client") for at in (40, 59.999_999_999)]
    await migrated_store.insert("otel_traces", batch("otel_traces", tenant, rows))
    return Asker(migrated_store, tenant)


@pytest_asyncio.fixture(loop_scope="session")
async def logs(migrated_store: LocalStore, tenant: str) -> Asker:
    rows = [log(at, Body=f"order {at}") for at in (0, 1, 2)]
    rows += [
        log(15, SeverityText="ERROR", SeverityNumber=17),
        log(16, SeverityText="Critical", SeverityNumber=0),
        log(17, SeverityText="", SeverityNumber=21, ServiceName="ad"),
        log(18, SeverityText="WARN", SeverityNumber=13, ServiceName="ad"),
    ]
    await migrated_store.insert("otel_logs", batch("otel_logs", tenant, rows))
    return Asker(migrated_store, tenant)


async def test_count_is_zero_where_nothing_is(spans: Asker) -> None:
    assert await spans.values(signal="traces", step="20s") == [10, 0, 2]
    assert await spans.values(signal="traces", step="20s", query="service:nobody") == [0, 0, 0]


async def test_buckets_start_at_from_and_the_last_is_cut_at_to(spans: Asker) -> None:
    assert await spans.values(0.5, 8, signal="traces", step="3s") == [3, 3, 1]
    assert await spans.values(3, 4, signal="traces", step="1s") == [1]
    assert await spans.values(3, 3.000000001, signal="traces", step="1s") == [1]
    assert await spans.values(3.000000001, 4, signal="traces", step="1s") == [0]
    series = await spans(0.5, 8, signal="traces", step="3s")
    assert orjson.loads(series.as_json())["timestamps"] == [
        "2100-01-01T00:30:00.500000000Z",
        "2100-01-01T00:30:03.500000000Z",
        "2100-01-01T00:30:06.500000000Z",
    ]


async def test_a_range_to_the_end_of_time(spans: Asker) -> None:
    end = (2**63 - 1 - ns(0)) / 1e9 - 1
    assert await spans.values(0, end, signal="traces", step="100000d") == [12]
    assert await spans.values(0, end, signal="logs", step="100000d") == [0]


async def test_rate_is_per_second_of_the_true_length(spans: Asker) -> None:
    assert await spans.values(0, 9, signal="traces", step="5s", aggregate="rate") == [1.0, 1.0]
    assert await spans.values(5, 15, signal="traces", step="8s", aggregate="rate") == [0.625, 0]


@pytest.mark.parametrize(
    ("aggregate", "expected"),
    [
        ("sum", [15e6, 40e6, None]),
        ("avg", [3e6, 8e6, None]),
        ("min", [1e6, 6e6, None]),
        ("max", [5e6, 10e6, None]),
        ("error_rate", [0.4, 0, None]),
        ("uniq", [5, 5, 0]),
    ],
)
async def test_aggregates_of_duration(spans: Asker, aggregate: str, expected: list[float]) -> None:
    body = {"signal": "traces", "step": "5s", "aggregate": aggregate, "field": "duration"}
    assert await spans.values(0, 12, **body) == expected


@pytest.mark.parametrize(
    ("aggregate", "expected"), [("p50", 6e6), ("p90", 10e6), ("p99.9", 10e6), ("p1", 1e6)]
)
async def test_quantiles_of_duration_are_right_to_one_percent(
    spans: Asker, aggregate: str, expected: float
) -> None:
    body = {"signal": "traces", "step": "20s", "aggregate": aggregate, "field": "duration"}
    first, *rest = await spans.values(0, 40, **body)
    assert first == pytest.approx(expected, rel=0.01)
    assert rest == [None]


async def test_a_latency_needs_no_field(spans: Asker) -> None:
    body = {"signal": "traces", "step": "30s", "aggregate": "p95"}
    named, bare = await spans(0, 60, **body, field="duration"), await spans(0, 60, **body)
    assert (bare.values == named.values).all()
    assert bare.unit == "ns"


async def test_quantiles_of_other_fields_are_exact(spans: Asker) -> None:
    body = {"signal": "traces", "step": "10s", "field": "app.cart.items"}
    assert await spans.values(0, 10, aggregate="p50", **body) == [4]
    assert await spans.values(0, 10, aggregate="p75", **body) == [6]
    assert await spans.values(0, 10, aggregate="sum", **body) == [20]
    assert await spans.values(0, 10, aggregate="count", **body) == [5]
    assert await spans.values(0, 10, aggregate="uniq", **body) == [5]


async def test_groups_are_labelled_by_the_names_asked_for(spans: Asker) -> None:
    body = {"signal": "traces", "step": "30s", "group_by": ["service", "http.route"]}
    assert await spans.table(**body) == {
        ("cart", ""): [5, 0],
        ("cart", "/cart"): [5, 0],
        ("ad", ""): [0, 2],
    }
    answer = orjson.loads((await spans(**body)).as_json())
    assert answer["series"][0] == {"labels": {"service": "cart", "http.route": ""}, "values": [5, 0]}


async def test_the_limit_keeps_the_highest_over_the_whole_range(spans: Asker) -> None:
    body = {"signal": "traces", "step": "20s", "group_by": ["service"], "limit": 1}
    assert list(await spans.table(**body)) == [("cart",)]
    assert list(await spans.table(aggregate="avg", field="duration", **body)) == [("ad",)]
    assert list(await spans.table(aggregate="error_rate", **body)) == [("cart",)]


async def test_no_rows_no_groups(spans: Asker) -> None:
    series = await spans(signal="traces", query="service:nobody", group_by=["service"], step="30s")
    assert series.labels == []
    assert orjson.loads(series.as_json())["series"] == []
    assert series.as_table().num_rows == 0


async def test_logs_by_level(logs: Asker) -> None:
    assert await logs.table(0, 20, group_by=["level"], step="10s") == {
        ("fatal",): [0, 2],
        ("info",): [3, 0],
        ("error",): [0, 1],
        ("warn",): [0, 1],
    }
    assert await logs.values(0, 20, step="10s", aggregate="error_rate") == [0, 0.75]
    assert await logs.values(0, 20, step="10s", query="order") == [3, 0]


async def test_the_default_step_makes_at_most_120_buckets(spans: Asker) -> None:
    series = await spans(0, 3600, signal="traces")
    assert series.grid.count == 120
    assert orjson.loads(series.as_json())["step"] == "30s"
    assert (await spans(0, 100, signal="traces")).grid.count == 100
    assert (await spans(0, 86400 * 30, signal="traces")).grid.count == 120


async def test_arrow_is_a_long_table(spans: Asker) -> None:
    series = await spans(
        0, 60, signal="traces", step="30s", group_by=["service"], aggregate="max", field="duration"
    )
    table = series.as_table()
    assert table.column_names == ["time", "service", "value"]
    assert table.schema.field("time").type == pa.timestamp("ns", tz="UTC")
    assert table["service"].to_pylist() == ["ad", "ad", "cart", "cart"]
    assert table["value"].to_pylist() == [None, 100e6, 10e6, None]
    assert table["time"].cast(pa.int64()).to_pylist() == [ns(0), ns(30)] * 2


async def test_json_says_null_for_no_data_and_whole_numbers_for_counts(spans: Asker) -> None:
    body = (await spans(0, 60, signal="traces", step="30s", aggregate="min", field="duration")).as_json()
    assert orjson.loads(body)["series"] == [{"labels": {}, "values": [1e6, 100e6]}]
    assert orjson.loads(body)["unit"] == "ns"
    assert b'"values":[10,2]' in (await spans(0, 60, signal="traces", step="30s")).as_json()
    body = (await spans(10, 40, signal="traces", step="30s", aggregate="min", field="duration")).as_json()
    assert b'"values":[null]' in body


@pytest.mark.parametrize(
    ("body", "pointer", "said"),
    [
        ({"aggregate": "uniq"}, "/field", "needs the field"),
        ({"signal": "logs", "aggregate": "avg"}, "/field", "needs the field"),
        ({"aggregate": "last"}, "/aggregate", "metrics"),
        ({"step": "soon"}, "/step", "duration"),
        ({"step": "0s"}, "/step", "above zero"),
        ({"step": "1ms"}, "/step", "at most 11000"),
        ({"from": ns(60)}, "/from", "not before"),
        ({"from": "yesterday"}, "/from", "no time"),
        ({"limit": 10_000, "step": "10ms", "group_by": ["service"]}, "/limit", "points"),
        ({"group_by": ["service", "service"]}, "/group_by/1", "twice"),
        ({"metric": "m"}, "/metric", "metrics"),
        ({"query": "service:("}, "/query", ""),
        ({"query": "duration:>soon"}, "/query", "duration"),
    ],
)
async def test_what_is_wrong_is_named(spans: Asker, body: dict[str, Any], pointer: str, said: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        await spans(**{"signal": "traces"} | body)
    assert caught.value.errors[0].pointer == pointer
    assert said in caught.value.errors[0].detail
