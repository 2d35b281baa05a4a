"""POST /timeseries over logs and traces; metrics are :mod:`airis_ray.analytics.metric_series`'s."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import replace
from typing import Final

from airis_ray.analytics import metric_series, plan
from airis_ray.analytics.buckets import Grid, grid
from airis_ray.analytics.compile import compile_filter
from airis_ray.analytics.fields import Field, resolve
from airis_ray.analytics.measures import (
    FAILED_SPAN,
    ROLLED_DURATION,
    Measure,
    counted,
    distinct,
    failed_share,
    failures,
    latency_quantile,
    needs_field,
    over_values,
    value_quantile,
)
from airis_ray.analytics.models import TimeseriesRequest, quantile_of
from airis_ray.analytics.nodes import And, Equals, Everything, Node, Text, conjunction, leaves
from airis_ray.analytics.series import Series, check_size, highest, read
from airis_ray.analytics.signals import Kind, source_of
from airis_ray.analytics.sql import TRUE, all_of
from airis_ray.analytics.syntax import parse
from airis_ray.errors import InvalidInput
from airis_ray.store import Query, Store
from airis_ray.store.keys import HOT_KEYS, HotKeys
from airis_ray.telemetry.times import parse_duration, parse_range

_EVENTS: Final = ("count", "rate", "uniq")
"""Aggregates that are 0 where there is nothing; the others are null there."""
_FIELDLESS: Final = ("count", "rate", "error_rate", "uniq", "last")
"""Aggregates of spans that are not taken of their duration where no field is named."""


async def timeseries(
    store: Store,
    tenant: str,
    request: TimeseriesRequest,
    now_ns: int,
    *,
    rollups: bool = True,
    hot: HotKeys = HOT_KEYS,
) -> Series:
    """Answer a request; ``rollups`` False reads the raw rows whatever the question (the answer is the same).

    ``hot`` says which attribute keys of logs and spans have a column of their own. Raises InvalidInput at the field
    that is wrong.
    """
    buckets = grid_of(request, now_ns)
    check_size(buckets, request.limit if request.group_by else 1)
    check_names(request)
    if request.signal == "metrics":
        return await metric_series.timeseries(store, tenant, request, buckets, now_ns, rollups=rollups)
    if request.metric is not None or request.kind is not None:
        raise InvalidInput.field("/metric" if request.metric else "/kind", "belongs to the signal metrics")
    aggregate = request.aggregate or "count"
    if request.signal == "traces" and request.field is None and aggregate not in _FIELDLESS:
        request = request.model_copy(update={"field": "duration"})
    asked = question(request, aggregate, buckets, now_ns, hot)
    parts, value = plan.answer(asked, rollups=rollups)
    statement = highest(parts, request.group_by, value, request.limit)
    result = await store.query(Query(statement.text, statement.parameters, tenant))
    empty = 0.0 if aggregate in _EVENTS else math.nan
    series = read(result, buckets, request.group_by, empty)
    if aggregate == "rate":
        return replace(series, values=series.values / buckets.seconds())
    return replace(series, whole=aggregate in _EVENTS, unit=_unit(request, aggregate))


def grid_of(request: TimeseriesRequest, now_ns: int) -> Grid:
    """The buckets a request asks for."""
    asked = parse_range(request.from_, request.to, now_ns)
    step = None if request.step is None else parse_duration(request.step, pointer="/step")
    return grid(asked.start_ns, asked.end_ns, step)


def check_names(request: TimeseriesRequest) -> None:
    """Raise InvalidInput for a label asked for twice."""
    for place, name in enumerate(request.group_by):
        if name in request.group_by[:place]:
            raise InvalidInput.field(f"/group_by/{place}", f"{name} is there twice")


def question(
    request: TimeseriesRequest, aggregate: str, buckets: Grid, now_ns: int, hot: HotKeys = HOT_KEYS
) -> plan.Question:
    """What a request over logs or traces asks, in SQL."""
    signal = request.signal
    node, measure, failed = parse(request.query), None, TRUE
    field = None if request.field is None else resolve(request.field, signal, hot=hot)
    if signal == "traces" and aggregate in ("count", "rate") and field is None:
        rest = without_failed(node)
        if rest is not None:
            # The roll-up does not know the status of single spans, but how many have failed.
            node, measure, failed = rest, failures(), FAILED_SPAN
    keys = [resolve(name, signal, hot=hot) for name in request.group_by]
    condition = compile_filter(node, signal, now_ns=now_ns, hot=hot)
    columns = _columns(node, signal, keys)
    if field is not None and aggregate in ("count", "rate", "error_rate"):
        condition = all_of([condition, field.present])
        columns.update(() if field.kind is Kind.DURATION else _of(field))
    return plan.Question(
        source_of(signal).table,
        plan.TIMESTAMP,
        plan.SERVICES if signal == "traces" else plan.LOGS,
        measure or measure_of(signal, aggregate, field),
        condition,
        plan.labelled([key.value for key in keys]),
        columns,
        buckets,
        failed,
    )


def measure_of(signal: str, aggregate: str, field: Field | None) -> Measure:
    """The aggregate of a request over logs or traces."""
    if aggregate in ("count", "rate"):
        return counted()
    if aggregate == "error_rate":
        return failed_share(signal)
    if aggregate == "last":
        raise InvalidInput.field("/aggregate", "last is an aggregate of metrics")
    if field is None:
        raise needs_field(aggregate)
    if aggregate == "uniq":
        return distinct(field)
    duration = field.kind is Kind.DURATION
    q = quantile_of(aggregate)
    if q is None:
        value = field.value if field.kind in (Kind.DURATION, Kind.NUMBER) else field.number
        return over_values(aggregate, value, ROLLED_DURATION[aggregate] if duration else None)
    return latency_quantile(q) if duration else value_quantile(field.number, q)


def without_failed(node: Node) -> Node | None:
    """The rest of a query that asks for failed spans among other things; None of one that does not."""
    terms = node.nodes if isinstance(node, And) else (node,)
    rest = [term for term in terms if not _is_failed(term)]
    return conjunction(rest) if len(rest) < len(terms) else None


def _is_failed(node: Node) -> bool:
    if not isinstance(node, Equals) or resolve(node.field, "traces").name != "StatusCode":
        return False
    return (node.value.literal or "").upper().removeprefix("STATUS_CODE_") == "ERROR"


def _columns(node: Node, signal: str, keys: Collection[Field]) -> set[str]:
    """Every column that the filter and the keys read."""
    found: set[str] = set()
    for leaf in leaves(node):
        if isinstance(leaf, Text):
            found.add(source_of(signal).text)
        elif not isinstance(leaf, Everything):
            found.update(_of(resolve(leaf.field, signal)))
    return found.union(*(_of(key) for key in keys))


def _of(field: Field) -> Collection[str]:
    return field.columns or {field.name}


def _unit(request: TimeseriesRequest, aggregate: str) -> str | None:
    """The unit of the values, where it is known."""
    if request.field is None or aggregate in ("count", "rate", "error_rate", "uniq"):
        return None
    return "ns" if resolve(request.field, request.signal).kind is Kind.DURATION else None
