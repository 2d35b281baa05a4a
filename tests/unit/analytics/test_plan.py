"""Roll-ups answer where they can, and give the numbers of the raw rows: also over ranges off their grid."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import pytest_asyncio

from airis_ray.analytics import plan
from airis_ray.analytics.models import TimeseriesRequest
from airis_ray.analytics.services import services
from airis_ray.analytics.timeseries import grid_of, question, timeseries
from airis_ray.telemetry.times import TimeRange
from tests.support.local_store import LocalStore
from tests.unit.analytics.builders import batch, log, ns, point, span

RANGES = [
    (0, 3600, "1m"),  # on the grid
    (0, 3600, "3600s"),
    (3.25, 3501.123456789, "1h"),  # one bucket, both ends inside of cells
    (0, 1234.5, "50s"),  # the last bucket cut inside of a cell
    (17.5, 3333.3, "101s"),  # every boundary inside of a cell
    (-500, 4000, "7m"),
]
FEW = [RANGES[0], RANGES[2], RANGES[4]]
SPANS: list[dict[str, Any]] = [
    {"aggregate": "count"},
    {"aggregate": "rate", "group_by": ["service"]},
    {"aggregate": "error_rate", "group_by": ["service", "name"]},
    {"aggregate": "p95", "field": "duration", "group_by": ["service"], "query": "SpanKind:Server"},
    {"aggregate": "count", "query": "status:error and SpanKind:Server", "group_by": ["service"]},
    {"aggregate": "p50", "field": "duration"},
    {"aggregate": "avg", "field": "duration", "group_by": ["SpanKind"]},
    {"aggregate": "sum", "field": "duration", "query": "service:cart or name:*ad*"},
    {"aggregate": "min", "field": "duration", "query": "-service:cart"},
    {"aggregate": "max", "field": "duration", "group_by": ["service"], "limit": 2},
]
LOGS: list[dict[str, Any]] = [
    {"aggregate": "count", "group_by": ["level"]},
    {"aggregate": "rate", "query": "level:(error or fatal)", "group_by": ["service"]},
    {"aggregate": "error_rate"},
]
POINTS: list[dict[str, Any]] = [
    {"aggregate": "avg"},
    {"aggregate": "sum", "group_by": ["pod"]},
    {"aggregate": "min", "group_by": ["service"]},
    {"aggregate": "max", "query": "shard:1"},
    {"aggregate": "last", "group_by": ["shard"]},
    {"aggregate": "count"},
    {"aggregate": "uniq", "group_by": ["service"]},
]


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def filled(migrated_store: LocalStore) -> tuple[LocalStore, str]:
    """An hour of random rows of one tenant, sent in several batches."""
    random = np.random.default_rng(7)
    tenant = "t-plan"
    for part in np.array_split(np.sort(random.uniform(-100, 3700, 3000).round(3)), 5):
        spans = [_span(float(at), random) for at in part]
        logs = [_log(float(at), random) for at in part]
        points = [_point(float(at), random) for at in part]
        await migrated_store.insert("otel_traces", batch("otel_traces", tenant, spans))
        await migrated_store.insert("otel_logs", batch("otel_logs", tenant, logs))
        await migrated_store.insert("otel_metrics_gauge", batch("otel_metrics_gauge", tenant, points))
    return migrated_store, tenant


def _span(at: float, random: np.random.Generator) -> dict[str, Any]:
    return span(
        at,
        ms=float(random.lognormal(3, 2)),
        error=bool(random.random() < 0.1),
        ServiceName=str(random.choice(["cart", "ad", "payment"])),
        SpanName=str(random.choice(["GET /cart", "GET /ads"])),
        SpanKind=str(random.choice(["Server", "Client", "Consumer"])),
    )


def _log(at: float, random: np.random.Generator) -> dict[str, Any]:
    text, number = [("INFO", 9), ("error", 17), ("", 21), ("WARN", 0)][random.integers(4)]
    return log(at, SeverityText=text, SeverityNumber=number, ServiceName=str(random.choice(["cart", "ad"])))


def _point(at: float, random: np.random.Generator) -> dict[str, Any]:
    return point(
        at,
        float(random.normal()),
        ServiceName=str(random.choice(["cart", "ad"])),
        Attributes={"shard": str(random.integers(3))},
        ResourceAttributes={"k8s.pod.name": f"pod-{random.integers(2)}"},
        Flags=int(random.random() < 0.05),
    )


def _request(body: dict[str, Any], start: float, end: float, step: str) -> TimeseriesRequest:
    return TimeseriesRequest.model_validate({"from": ns(start), "to": ns(end), "step": step, **body})


CASES = [
    *[({"signal": "traces", **body}, *asked) for body in SPANS for asked in RANGES],
    *[({"signal": "logs", **body}, *asked) for body in LOGS for asked in FEW],
    *[({"signal": "metrics", "metric": "m", **body}, *asked) for body in POINTS for asked in FEW],
]


@pytest.mark.parametrize(("body", "start", "end", "step"), CASES)
async def test_rolled_up_equals_raw(
    filled: tuple[LocalStore, str],
    monkeypatch: pytest.MonkeyPatch,
    body: dict[str, Any],
    start: float,
    end: float,
    step: str,
) -> None:
    store, tenant = filled
    # However many cells have to be read raw: what is tested is that the numbers agree.
    monkeypatch.setattr(plan, "_RAW_SHARE", 1.0)
    request = _request(body, start, end, step)
    rolled = await timeseries(store, tenant, request, 0)
    raw = await timeseries(store, tenant, request, 0, rollups=False)
    assert rolled.labels == raw.labels
    np.testing.assert_allclose(rolled.values, raw.values, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("start", "end"), [(0, 3600), (3.25, 3501.5), (0, 3599.9), (100, 105)])
async def test_services_rolled_up_equal_raw(filled: tuple[LocalStore, str], start: float, end: float) -> None:
    asked = TimeRange(ns(start), ns(end))
    rolled = await services(*filled, asked)
    assert rolled == await services(*filled, asked, rollups=False)
    assert len(rolled) == 3 or end - start < 10


@pytest.mark.parametrize(
    ("body", "start", "end", "step", "table"),
    [
        ({}, 0, 3600, "1m", "airis_services_10s"),
        ({}, 0, 3600, "5s", None),  # finer than the cells
        ({}, 0.5, 3600, "30s", None),  # every third cell would be read raw
        ({}, 0.5, 3600, "10m", "airis_services_10s"),
        ({}, 3, 8, "5s", None),  # inside of one cell
        ({"query": "service:cart"}, 0, 3600, "1m", "airis_services_10s"),
        ({"query": "cart"}, 0, 3600, "1m", "airis_services_10s"),  # the name of the span
        ({"query": "http.route:x"}, 0, 3600, "1m", None),
        ({"query": "status:error"}, 0, 3600, "1m", "airis_services_10s"),
        ({"query": "service:cart and StatusCode:STATUS_CODE_ERROR"}, 0, 3600, "1m", "airis_services_10s"),
        ({"query": "status:ok"}, 0, 3600, "1m", None),
        ({"query": "status:error or service:cart"}, 0, 3600, "1m", None),
        ({"query": "status:error", "aggregate": "max", "field": "duration"}, 0, 3600, "1m", None),
        ({"group_by": ["http.route"]}, 0, 3600, "1m", None),
        ({"aggregate": "p95", "field": "duration"}, 0, 3600, "1m", "airis_services_10s"),
        ({"aggregate": "p95", "field": "http.response.status_code"}, 0, 3600, "1m", None),
        ({"aggregate": "uniq", "field": "service"}, 0, 3600, "1m", None),
        ({"signal": "logs", "group_by": ["level"]}, 0, 3600, "1m", "airis_logs_10s"),
        ({"signal": "logs", "query": "text"}, 0, 3600, "1m", None),
    ],
)
def test_which_table_answers(
    body: dict[str, Any], start: float, end: float, step: str, table: str | None
) -> None:
    request = _request({"signal": "traces", **body}, start, end, step)
    asked = question(request, request.aggregate or "count", grid_of(request, 0), 0)
    chosen = plan.rollup_for(asked)
    assert (chosen and chosen.table) == table


def test_a_whole_grid_of_cells_reads_no_raw_rows() -> None:
    request = _request({"signal": "traces"}, 0, 3600, "1m")
    asked = question(request, "count", grid_of(request, 0), 0)
    assert "otel_traces" not in plan.parts(asked, plan.SERVICES).text
    cut = replace(asked, grid=replace(asked.grid, end=asked.grid.end - 1))
    assert "otel_traces" in plan.parts(cut, plan.SERVICES).text
