"""POST /timeseries over metrics: what an aggregate means for each kind of metric, and how it is read.

Values of points (avg, min, max, quantiles, count) are taken over all points of a group. ``sum`` of a gauge
adds its series, each with its mean in the bucket. Sums and histograms are taken by their increments.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from airis_ray.analytics import plan
from airis_ray.analytics.buckets import Grid
from airis_ray.analytics.compile import compile_filter
from airis_ray.analytics.fields import Field, resolve
from airis_ray.analytics.increments import Points, increments
from airis_ray.analytics.measures import Measure, distinct, over_values, value_quantile
from airis_ray.analytics.metric_histograms import bucket_quantiles
from airis_ray.analytics.metric_kinds import TABLES, Metric, check_aggregate, find
from airis_ray.analytics.models import TimeseriesRequest, quantile_of
from airis_ray.analytics.nodes import Everything, Node, Text, leaves
from airis_ray.analytics.series import Series, highest, read
from airis_ray.analytics.sql import Sql, all_of, sql, text
from airis_ray.analytics.summaries import check_quantile, told_quantile
from airis_ray.analytics.syntax import parse
from airis_ray.errors import InvalidInput
from airis_ray.store import Query, Store

_HISTOGRAMS: Final = ("histogram", "exponential_histogram")
_VALUED: Final = ("gauge", "sum")
_RECORDED: Final = Sql("bitAnd(Flags, 1) = 0")


@dataclass(frozen=True)
class _Asked:
    """A request with its metric known and its names resolved."""

    request: TimeseriesRequest
    metric: Metric
    aggregate: str
    grid: Grid
    table: str
    filter: Sql
    keys: list[Field]
    node: Node

    @property
    def points(self) -> Points:
        keys = plan.labelled([key.value for key in self.keys])
        condition = all_of([_RECORDED, self.filter])
        return Points(self.table, condition, keys, self.grid, temporality=self.metric.kind != "summary")


async def timeseries(
    store: Store, tenant: str, request: TimeseriesRequest, grid: Grid, now_ns: int, *, rollups: bool = True
) -> Series:
    """Answer a request over metrics; a metric that is not there gives a series without data.

    Raises InvalidInput at the field that is wrong, also where the aggregate does not suit the metric.
    """
    if request.metric is None:
        raise InvalidInput.field("/metric", "is required where signal is metrics; GET /metrics lists them")
    metric = await find(store, tenant, request, grid)
    asked = _resolved(request, metric or Metric(request.kind or "gauge", False, False, ""), grid, now_ns)
    if metric is None:
        return _empty(asked)
    if metric.kind == "summary" and (q := quantile_of(asked.aggregate)) is not None:
        await check_quantile(store, tenant, request.metric, asked.points, q)
    if metric.kind in _HISTOGRAMS and (q := _bucket_quantile(asked)) is not None:
        series = await bucket_quantiles(store, tenant, asked.points, metric.kind, request, q)
    else:
        statement = _statement(asked, rollups)
        result = await store.query(Query(statement.text, statement.parameters, tenant))
        series = read(result, grid, request.group_by, _nothing(asked))
    if asked.aggregate == "rate":
        return replace(series, values=series.values / grid.seconds())
    whole = asked.aggregate in ("count", "uniq")
    return replace(series, whole=whole, unit=None if whole else metric.unit or None)


def _resolved(request: TimeseriesRequest, metric: Metric, grid: Grid, now_ns: int) -> _Asked:
    aggregate = request.aggregate or ("rate" if metric.monotonic and metric.kind == "sum" else "avg")
    check_aggregate(request, metric, aggregate)
    table = TABLES[metric.kind]
    node = parse(request.query)
    condition = all_of(
        [
            sql("MetricName = {}", text(request.metric or "")),
            compile_filter(node, "metrics", table=table, now_ns=now_ns),
        ]
    )
    keys = [resolve(name, "metrics", table=table) for name in request.group_by]
    return _Asked(request, metric, aggregate, grid, table, condition, keys, node)


def _empty(asked: _Asked) -> Series:
    labels: list[tuple[str, ...]] = [] if asked.request.group_by else [()]
    values = np.full((len(labels), asked.grid.count), _nothing(asked))
    whole = asked.aggregate in ("count", "uniq")
    return Series(asked.grid, asked.request.group_by, labels, values, whole=whole)


def _nothing(asked: _Asked) -> float:
    return 0.0 if asked.aggregate in ("count", "uniq") else math.nan


def _bucket_quantile(asked: _Asked) -> float | None:
    """The quantile that a histogram's buckets answer: also min and max, where points do not tell them since
    the start.
    """
    if asked.aggregate in ("min", "max") and not asked.metric.delta:
        return float(asked.aggregate == "max")
    return quantile_of(asked.aggregate)


def _statement(asked: _Asked, rollups: bool) -> Sql:
    names, limit = asked.request.group_by, asked.request.limit
    if asked.metric.kind in _VALUED:
        if asked.aggregate in ("sum", "rate"):
            if asked.metric.counter or asked.aggregate == "rate":
                return _grown(asked, ["Value"])
            return _over_series(asked, "mean", "sum", rollups)
        if asked.aggregate == "last":
            return _over_series(asked, "last", "avg", rollups)
    elif asked.aggregate in ("count", "rate"):
        return _grown(asked, ["Count"])
    elif asked.aggregate in ("sum", "avg"):
        return _grown(asked, ["Sum", "Count"])
    parts, value = plan.answer(_question(asked, _measure(asked)), rollups=rollups)
    return highest(parts, names, value, limit)


def _measure(asked: _Asked) -> Measure:
    """The aggregates over points that need no order of them."""
    aggregate, kind = asked.aggregate, asked.metric.kind
    if aggregate == "uniq":
        if asked.request.field is not None:
            return distinct(resolve(asked.request.field, "metrics", table=asked.table))
        return Measure(
            {"u": Sql("uniqExactState(SeriesHash)")}, {"u": Sql("uniqExactState(SeriesHash)")}, _UNIQ
        )
    if aggregate == "count":
        return Measure({"n": Sql("count()")}, {"n": Sql("sum(Points)")}, Sql("toFloat64(sum(n))"))
    if kind in _HISTOGRAMS:
        # A sender that does not tell them leaves both at 0.
        column = "Min" if aggregate == "min" else "Max"
        return over_values(aggregate, Sql(f"if(Min != 0 OR Max != 0, {column}, NULL)"))
    q = quantile_of(aggregate)
    if kind == "summary":
        return told_quantile(q or 0.0)
    return (
        value_quantile(Sql("Value"), q)
        if q is not None
        else over_values(aggregate, Sql("Value"), _ROLLED[aggregate])
    )


_UNIQ: Final = Sql("toFloat64(uniqExactMerge(u))")
_ROLLED: Final = {
    "avg": {"n": Sql("sum(Points)"), "s": Sql("sum(Sum)")},
    "min": {"n": Sql("sum(Points)"), "x": Sql("min(Min)")},
    "max": {"n": Sql("sum(Points)"), "x": Sql("max(Max)")},
}
_PER_SERIES: Final = {
    "mean": Measure(
        {"n": Sql("count()"), "s": Sql("sum(Value)")},
        {"n": Sql("sum(Points)"), "s": Sql("sum(Sum)")},
        Sql("sum(s) / sum(n)"),
    ),
    "last": Measure(
        {"x": Sql("max((toDateTime(TimeUnix, 'UTC'), Value))")}, {"x": Sql("max(Last)")}, Sql("max(x).2")
    ),
}


def _over_series(asked: _Asked, per_series: str, over: str, rollups: bool) -> Sql:
    question = _question(asked, _PER_SERIES[per_series])
    question = replace(question, keys={**question.keys, "sh": Sql("SeriesHash")})
    parts, value = plan.answer(question, rollups=rollups)
    return highest(parts, asked.request.group_by, value, asked.request.limit, over)


def _question(asked: _Asked, measure: Measure) -> plan.Question:
    columns: set[str] = set()
    for leaf in leaves(asked.node):
        if not isinstance(leaf, Everything):
            name = "MetricName" if isinstance(leaf, Text) else leaf.field
            columns |= _columns(resolve(name, "metrics", table=asked.table))
    return plan.Question(
        asked.table,
        plan.POINT_TIME,
        plan.points(asked.metric.kind),
        measure,
        asked.filter,
        plan.labelled([key.value for key in asked.keys]),
        columns.union(*(_columns(key) for key in asked.keys)),
        asked.grid,
        _RECORDED,
    )


def _columns(field: Field) -> frozenset[str]:
    if field.columns is not None:
        return field.columns
    # Attributes are looked up in the points' and the resource's maps, both kept by the roll-up.
    return frozenset({"ScopeAttributes" if field.name.startswith("ScopeAttributes.") else "Attributes"})


def _grown(asked: _Asked, columns: list[str]) -> Sql:
    """Sum of the first column's increments; divided by those of the second for ``avg``."""
    sums = asked.metric.kind == "sum"
    counter = ("Value" if asked.metric.monotonic else None) if sums else "Count"
    grown = increments(asked.points, columns, counter)
    amounts = ", ".join(f"sum(c{n} - if(whole = 1, 0, p{n})) AS g{n}" for n in range(len(columns)))
    parts = Sql(f"SELECT pb{plan.names_of(asked.points.keys).text}, {amounts}, count() AS n FROM (") + grown
    parts += Sql(f") GROUP BY pb{plan.names_of(asked.points.keys).text}")
    value = "sum(g0) / sum(g1)" if asked.aggregate == "avg" else "toFloat64(sum(g0))"
    return highest(parts, asked.request.group_by, Sql(value), asked.request.limit)
