"""POST /timeseries over metrics: values by hand, and counters against a slow reference."""

from __future__ import annotations

import math
import uuid
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from airis_ray.analytics.models import TimeseriesRequest
from airis_ray.analytics.timeseries import timeseries
from airis_ray.errors import InvalidInput
from tests.support.local_store import LocalStore
from tests.unit.analytics.builders import batch, counter, ns, point

Values = list[float | None]
Ask = Callable[..., Coroutine[Any, Any, dict[tuple[str, ...], Values]]]


@pytest.fixture
def ask(migrated_store: LocalStore, tenant: str) -> Ask:
    """Insert the points of the metric ``m`` and ask: labels → values, None for no data."""

    async def asked(
        table: str, points: list[dict[str, Any]], start: float = 0, end: float = 60, **body: Any
    ) -> dict[tuple[str, ...], Values]:
        name = f"m.{uuid.uuid4().hex}"
        named = [{**each, "MetricName": name} for each in points]
        await migrated_store.insert(f"otel_metrics_{table}", batch(f"otel_metrics_{table}", tenant, named))
        query = {"signal": "metrics", "metric": name, "from": ns(start), "to": ns(end), "step": "60s", **body}
        series = await timeseries(migrated_store, tenant, TimeseriesRequest.model_validate(query), 0)
        values = [[None if math.isnan(v) else round(v, 9) for v in row] for row in series.values.tolist()]
        return dict(zip(series.labels, values, strict=True))

    return asked


def gauges(*values: tuple[float, float, str]) -> list[dict[str, Any]]:
    return [point(at, value, Attributes={"pod": pod}) for at, value, pod in values]


THREE = gauges((0, 1, "a"), (30, 3, "a"), (30, 10, "b"), (130, 4, "a"))


@pytest.mark.parametrize(
    ("aggregate", "expected"),
    [
        (None, [14 / 3, None, 4]),
        ("avg", [14 / 3, None, 4]),
        ("min", [1, None, 4]),
        ("max", [10, None, 4]),
        ("p50", [3, None, 4]),
        ("sum", [12, None, 4]),  # the means of a and b
        ("last", [6.5, None, 4]),
        ("count", [3, 0, 1]),
        ("uniq", [2, 0, 1]),
    ],
)
async def test_gauges(ask: Ask, aggregate: str | None, expected: Values) -> None:
    assert await ask("gauge", THREE, 0, 180, aggregate=aggregate) == {(): pytest.approx(expected)}


async def test_gauges_by_attribute(ask: Ask) -> None:
    assert await ask("gauge", THREE, 0, 180, group_by=["pod"]) == {
        ("b",): [10, None, None],
        ("a",): [2, None, 4],
    }
    assert await ask("gauge", THREE, 0, 180, query="pod:a", aggregate="max") == {(): [3, None, 4]}


async def test_a_point_without_a_recorded_value_is_none(ask: Ask) -> None:
    points = [point(0, 5), point(10, 0, Flags=1)]
    assert await ask("gauge", points, aggregate="min") == {(): [5]}


async def test_an_increase_counts_at_the_later_point(ask: Ask) -> None:
    points = [counter(at, value) for at, value in [(-30, 100), (0, 110), (59, 125), (61, 126), (119, 130)]]
    assert await ask("sum", points, 0, 180, aggregate="sum") == {(): [25, 5, None]}
    assert await ask("sum", points, 0, 180) == {(): pytest.approx([25 / 60, 5 / 60, None])}
    assert await ask("sum", points, 0, 90, aggregate="rate") == {(): pytest.approx([25 / 60, 1 / 30])}


async def test_a_first_point_says_nothing_unless_the_series_is_known_to_begin(ask: Ask) -> None:
    assert await ask("sum", [counter(10, 7), counter(20, 9)], aggregate="sum") == {(): [2]}
    assert await ask("sum", [counter(10, 7, start=5), counter(20, 9, start=5)], aggregate="sum") == {(): [9]}
    assert await ask("sum", [counter(10, 7, start=-9000)], aggregate="sum") == {(): [None]}
    # A program that lived for less than a second.
    assert await ask("sum", [counter(10, 7, start=10)], aggregate="sum") == {(): [7]}
    assert await ask("sum", [counter(10, 7, start=10), counter(11, 7, start=10)], aggregate="sum") == {
        (): [7]
    }


async def test_a_beginning_that_is_not_known_is_no_reset(ask: Ask) -> None:
    """Who took over a running counter names the first point's time as the start from the second point on."""
    points = [counter(10, 700), counter(20, 702, start=10), counter(30, 705, start=10)]
    assert await ask("sum", points, aggregate="sum") == {(): [5]}


async def test_resets_by_a_fall_and_by_a_later_start(ask: Ask) -> None:
    fallen = [counter(0, 100), counter(10, 110), counter(20, 4), counter(30, 6)]
    assert await ask("sum", fallen, aggregate="sum") == {(): [16]}
    restarted = [counter(0, 3, start=-10), counter(10, 5, start=-10), counter(30, 8, start=20)]
    assert await ask("sum", restarted, aggregate="sum") == {(): [13]}
    within_a_second = [counter(0, 3, start=-10), counter(30, 8, start=30), counter(40, 9, start=30)]
    assert await ask("sum", within_a_second, aggregate="sum") == {(): [12]}


async def test_series_are_told_by_resource_scope_and_attributes(ask: Ask) -> None:
    points = []
    for place, columns in enumerate(
        [{"Attributes": {"k": "1"}}, {"ResourceAttributes": {"host.name": "h"}}, {"ScopeName": "s"}, {}]
    ):
        points += [counter(0, 1000 * place, **columns), counter(10, 1000 * place + 1, **columns)]
    assert await ask("sum", points, aggregate="sum") == {(): [4]}


async def test_delta_points_are_increments_themselves(ask: Ask) -> None:
    points = [counter(at, value, AggregationTemporality=1) for at, value in [(0, 5), (10, 2), (20, 2)]]
    assert await ask("sum", points, aggregate="sum") == {(): [9]}
    assert await ask("sum", points, aggregate="rate") == {(): [0.15]}


async def test_a_sum_that_may_fall_is_its_value(ask: Ask) -> None:
    points = [counter(at, value, IsMonotonic=False) for at, value in [(-10, 9), (0, 5), (10, 2), (20, 8)]]
    assert await ask("sum", points) == {(): [5]}
    assert await ask("sum", points, aggregate="sum") == {(): [5]}
    assert await ask("sum", points, aggregate="rate") == {(): pytest.approx([-1 / 60])}


Counted = tuple[int, int | None, int]
"""When, since when (None where that is not known), how many."""


def increase(points: list[Counted], start: int, end: int, begin: int) -> dict[int, float]:
    """The increments of one series by time: the rules of analytics/increments.py, told once more and slowly."""
    found: dict[int, float] = {}
    before: Counted | None = None
    for at, began, value in sorted(points):
        if not begin <= at < end:
            continue
        if before is None:
            grown = value if began is not None and began >= begin else None
        elif value < before[2] or (began is not None and restarted(began, before)):
            grown = value
        else:
            grown = value - before[2]
        before = (at, began, value)
        if grown is not None and at >= start:
            found[at] = found.get(at, 0) + grown
    return found


def restarted(began: int, before: Counted) -> bool:
    if before[1] is None:
        return began > before[0]
    return began > before[1] and began >= before[0]


POINT = st.tuples(st.integers(-400, 400), st.none() | st.integers(-500, 400), st.integers(0, 20))


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    series=st.lists(st.lists(POINT, max_size=12, unique_by=lambda each: each[0]), min_size=1, max_size=3),
    step=st.sampled_from([7, 60, 400]),
)
@example(series=[[(0, -10, 5), (10, -10, 7), (20, 15, 6)]], step=7)
async def test_counters_as_the_reference_counts_them(
    ask: Ask, series: list[list[Counted]], step: int
) -> None:
    end, begin = 350, -min(max(step, 300), 3600)
    clean = [
        [(at, None if began is None else min(began, at), value) for at, began, value in each]
        for each in series
    ]
    points = [
        counter(at, value, start=began, Attributes={"series": str(place)})
        for place, each in enumerate(clean)
        for at, began, value in each
    ]
    expected: list[float | None] = [None] * -(-end // step)
    for each in clean:
        for at, grown in increase(each, 0, end, begin).items():
            expected[at // step] = (expected[at // step] or 0) + grown
    answer = await ask("sum", points or [point(-9999, 0)], 0, end, aggregate="sum", step=f"{step}s")
    assert answer == {(): expected}


def histogram(at: float, counts: list[int], **columns: Any) -> dict[str, Any]:
    full = {"BucketCounts": counts, "ExplicitBounds": [1.0, 2.0, 4.0], "AggregationTemporality": 2, **columns}
    return point(at, Count=sum(counts), Sum=1.5 * sum(counts), **full)


async def test_cumulative_histograms(ask: Ask) -> None:
    points = [
        histogram(-10, [5, 0, 0, 0]),
        histogram(10, [5, 10, 0, 0]),
        histogram(50, [6, 19, 0, 0]),
        histogram(70, [0, 0, 3, 1]),  # a reset
    ]
    body = {"start": 0, "end": 180}
    assert await ask("histogram", points, **body, aggregate="count") == {(): [20, 4, 0]}
    assert await ask("histogram", points, **body, aggregate="rate") == {
        (): pytest.approx([20 / 60, 4 / 60, None])
    }
    assert await ask("histogram", points, **body, aggregate="avg") == {(): [1.5, 1.5, None]}
    assert await ask("histogram", points, **body, aggregate="sum") == {(): [30, 6, None]}
    # 1 in (0, 1] and 19 in (1, 2]: the tenth of 20 lies 9/19 into the second bucket.
    assert await ask("histogram", points, **body, aggregate="p50") == {
        (): pytest.approx([1 + 9 / 19, 2 + 2 * 2 / 3, None])
    }
    assert await ask("histogram", points, **body, aggregate="p99") == {
        (): pytest.approx([1 + 18.8 / 19, 4, None])
    }
    assert await ask("histogram", points, **body, aggregate="max") == {(): [2, 4, None]}


async def test_delta_histograms_of_several_series(ask: Ask) -> None:
    points = [
        histogram(10, [1, 1, 0, 0], AggregationTemporality=1, Min=0.2, Max=1.4, Attributes={"route": "a"}),
        histogram(10, [0, 2, 0, 0], AggregationTemporality=1, Min=1.2, Max=1.8, Attributes={"route": "b"}),
        histogram(50, [0, 0, 4, 0], AggregationTemporality=1, Min=2.2, Max=3.9, Attributes={"route": "b"}),
    ]
    assert await ask("histogram", points, aggregate="count") == {(): [8]}
    assert await ask("histogram", points, aggregate="p50") == {(): [2.0]}
    assert await ask("histogram", points, aggregate="p50", group_by=["route"]) == {
        ("b",): [2.5],
        ("a",): [1.0],
    }
    assert await ask("histogram", points, aggregate="p50", group_by=["route"], limit=1) == {("b",): [2.5]}
    assert await ask("histogram", points, aggregate="min") == {(): [0.2]}
    assert await ask("histogram", points, aggregate="max", group_by=["route"]) == {
        ("b",): [3.9],
        ("a",): [1.4],
    }


async def test_histograms_of_other_bounds_are_merged(ask: Ask) -> None:
    points = [
        histogram(10, [0, 4, 0, 0], AggregationTemporality=1),
        histogram(20, [2, 0], ExplicitBounds=[2.0], AggregationTemporality=1, Attributes={"k": "v"}),
    ]
    # (0, 2] of the second spreads over (0, 1] and (1, 2].
    assert await ask("histogram", points, aggregate="p50") == {(): [pytest.approx(1 + 2 / 5)]}


def exponential(at: float, scale: int, offset: int, counts: list[int], **columns: Any) -> dict[str, Any]:
    full = {"AggregationTemporality": 2, "Scale": scale, "PositiveOffset": offset, **columns}
    total = sum(counts) + full.get("ZeroCount", 0) + sum(full.get("NegativeBucketCounts", []))
    return point(at, PositiveBucketCounts=counts, Count=total, Sum=float(total), **full)


async def test_exponential_histograms(ask: Ask) -> None:
    points = [exponential(0, 0, 0, [1, 0, 4]), exponential(30, 0, 0, [1, 10, 4])]
    assert await ask("exponential_histogram", points, aggregate="count") == {(): [10]}
    assert await ask("exponential_histogram", points, aggregate="p50") == {
        (): [pytest.approx(2 * math.sqrt(2))]
    }


async def test_exponential_histograms_of_other_scales_meet_at_the_lowest(ask: Ask) -> None:
    points = [
        exponential(0, 1, 2, [4, 0], start=-10),  # 4 in (2, 2.83]
        exponential(30, 0, 1, [4, 8], start=-10),  # 4 in (2, 4], 8 in (4, 8]
    ]
    expected = pytest.approx(
        4 * 2 ** (2 / 8)
    )  # all 12 since the start; the sixth is the second of 8 in (4, 8]
    assert await ask("exponential_histogram", points, aggregate="p50", end=60) == {(): [expected]}


async def test_exponential_histograms_with_zeros_and_negatives(ask: Ask) -> None:
    columns = {"ZeroCount": 2, "NegativeOffset": 0, "NegativeBucketCounts": [4], "AggregationTemporality": 1}
    points = [exponential(10, 0, 0, [2], **columns)]
    assert await ask("exponential_histogram", points, aggregate="p25") == {(): [pytest.approx(-math.sqrt(2))]}
    assert await ask("exponential_histogram", points, aggregate="p70") == {(): [0]}
    assert await ask("exponential_histogram", points, aggregate="p87.5") == {
        (): [pytest.approx(math.sqrt(2))]
    }


def summary(at: float, count: int, values: list[float]) -> dict[str, Any]:
    told = {"ValueAtQuantiles.Quantile": [0.5, 0.99], "ValueAtQuantiles.Value": values}
    return point(at, Count=count, Sum=2.0 * count, start=-10, **told)


async def test_summaries(ask: Ask) -> None:
    points = [summary(10, 5, [1, 9]), summary(50, 8, [3, 11])]
    assert await ask("summary", points, aggregate="count") == {(): [8]}
    assert await ask("summary", points, aggregate="avg") == {(): [2]}
    assert await ask("summary", points, aggregate="p99") == {(): [10]}
    with pytest.raises(InvalidInput, match="tells p50, p99 alone"):
        await ask("summary", points, aggregate="p95")


async def test_quantiles_of_several_summaries_are_not_put_together(ask: Ask) -> None:
    points = [
        {
            **summary(10, 5, [1, 9]),
            "Attributes": {"path": "/a", "same": "x"},
            "ResourceAttributes": {"pod": "p"},
        },
        {
            **summary(10, 5, [2, 40]),
            "Attributes": {"path": "/b", "same": "x"},
            "ResourceAttributes": {"pod": "p"},
        },
        {
            **summary(10, 5, [3, 50]),
            "Attributes": {"path": "/b", "same": "x"},
            "ResourceAttributes": {"pod": "q"},
        },
    ]
    with pytest.raises(
        InvalidInput, match=r"3 of its series .* group by what tells them apart \(path, pod\)"
    ) as no:
        await ask("summary", points, aggregate="p99")
    assert no.value.errors[0].pointer == "/group_by"
    with pytest.raises(InvalidInput, match="2 of its series"):
        await ask("summary", points, aggregate="p99", group_by=["path"])
    assert await ask("summary", points, aggregate="p99", group_by=["path"], query="pod:p") == {
        ("/b",): [40],
        ("/a",): [9],
    }
    assert len(await ask("summary", points, aggregate="p99", group_by=["path", "pod"])) == 3
    assert await ask("summary", points, aggregate="avg") == {(): [2]}


async def test_a_name_of_two_kinds_is_the_one_with_more_points(
    migrated_store: LocalStore, tenant: str
) -> None:
    await migrated_store.insert(
        "otel_metrics_gauge", batch("otel_metrics_gauge", tenant, [point(at, 1) for at in (1, 2)])
    )
    await migrated_store.insert("otel_metrics_sum", batch("otel_metrics_sum", tenant, [counter(1, 40)]))
    body = {"signal": "metrics", "metric": "m", "from": ns(0), "to": ns(60), "aggregate": "max", "step": "1m"}
    for kind, expected in ((None, 1), ("sum", 40), ("gauge", 1)):
        request = TimeseriesRequest.model_validate(body | {"kind": kind})
        assert (await timeseries(migrated_store, tenant, request, 0)).values.tolist() == [[expected]]


async def test_a_metric_that_is_not_there_has_no_data(ask: Ask) -> None:
    assert await ask("gauge", [point(-90_000, 1)]) == {(): [None]}
    assert await ask("gauge", [point(-90_000, 1)], aggregate="count") == {(): [0]}
    assert await ask("gauge", [point(-90_000, 1)], group_by=["service"]) == {}


@pytest.mark.parametrize(
    ("table", "body", "pointer", "said"),
    [
        ("gauge", {"metric": None}, "/metric", "required"),
        ("gauge", {"aggregate": "rate"}, "/aggregate", "gauge"),
        ("gauge", {"aggregate": "error_rate"}, "/aggregate", "error_rate"),
        ("gauge", {"aggregate": "avg", "field": "duration"}, "/field", "leave the field out"),
        ("histogram", {"aggregate": "last"}, "/aggregate", "histogram"),
        ("summary", {"aggregate": "max"}, "/aggregate", "quantiles"),
    ],
)
async def test_what_does_not_suit_a_metric_is_named(
    ask: Ask, table: str, body: dict[str, Any], pointer: str, said: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        await ask(table, [point(10)], **body)
    assert caught.value.errors[0].pointer == pointer
    assert said in caught.value.errors[0].detail
