"""What is known of a metric before it is read: its kind, and which aggregates suit that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from airis_ray.analytics import plan
from airis_ray.analytics.buckets import Grid
from airis_ray.analytics.increments import CUMULATIVE
from airis_ray.analytics.models import MetricKind, TimeseriesRequest
from airis_ray.analytics.sql import all_of, sql, text
from airis_ray.errors import InvalidInput
from airis_ray.store import Query, Store

TABLES: Final[dict[MetricKind, str]] = {
    "gauge": "otel_metrics_gauge",
    "sum": "otel_metrics_sum",
    "histogram": "otel_metrics_histogram",
    "exponential_histogram": "otel_metrics_exponential_histogram",
    "summary": "otel_metrics_summary",
}
"""Kind → table."""
_MINUTE: Final = 60_000_000_000


@dataclass(frozen=True)
class Metric:
    """What the roll-up of series knows of a metric in a range."""

    kind: MetricKind
    monotonic: bool
    delta: bool
    unit: str

    @property
    def counter(self) -> bool:
        """Whether sum and rate are those of increments: all sums but running totals that may fall."""
        return self.kind not in ("gauge", "sum") or (self.kind == "sum" and (self.monotonic or self.delta))


async def find(store: Store, tenant: str, request: TimeseriesRequest, grid: Grid) -> Metric | None:
    """The metric that a request means: of several kinds of one name, that with most points in the range."""
    condition = [
        sql("MetricName = {}", text(request.metric or "")),
        plan.Clock("Time", fine=False).within(grid.start // _MINUTE * _MINUTE, grid.end),
    ]
    if request.kind is not None:
        condition.append(sql("MetricKind = {}", text(request.kind)))
    statement = sql(
        "SELECT toString(MetricKind) AS kind, max(IsMonotonic) AS monotonic, "
        "min(AggregationTemporality) AS least, toString(any(MetricUnit)) AS unit "
        "FROM airis_series_1m WHERE {} GROUP BY kind ORDER BY sum(Points) DESC, kind LIMIT 1",
        all_of(condition),
    )
    rows = (await store.query(Query(statement.text, statement.parameters, tenant))).table.to_pylist()
    if not rows:
        return None
    row = rows[0]
    return Metric(row["kind"], bool(row["monotonic"]), 0 < row["least"] < CUMULATIVE, row["unit"])


def check_aggregate(request: TimeseriesRequest, metric: Metric, aggregate: str) -> None:
    """Raise InvalidInput where an aggregate does not suit the metric."""
    if aggregate == "error_rate":
        raise InvalidInput.field("/aggregate", "metrics have no error_rate; it belongs to logs and traces")
    if aggregate == "rate" and metric.kind == "gauge":
        raise InvalidInput.field(
            "/aggregate", f"{request.metric} is a gauge, which has no rate; avg, min, max, last do"
        )
    if aggregate == "last" and metric.kind not in ("gauge", "sum"):
        raise InvalidInput.field(
            "/aggregate", f"{request.metric} is a {metric.kind}, whose points have no single value"
        )
    if aggregate in ("min", "max") and metric.kind == "summary":
        raise InvalidInput.field("/aggregate", f"{request.metric} is a summary; ask for one of its quantiles")
    if request.field is not None and aggregate != "uniq" and request.field.lower() != "value":
        raise InvalidInput.field(
            "/field", f"{aggregate} of a metric is taken of its value; leave the field out"
        )
