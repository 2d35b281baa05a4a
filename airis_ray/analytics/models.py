"""What the calls of series, services and traces take."""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    WithJsonSchema,
)

from airis_ray.analytics.syntax import MAX_LENGTH

NAMED_AGGREGATES: Final = ("count", "rate", "sum", "avg", "min", "max", "last", "error_rate", "uniq")
_QUANTILE: Final = re.compile(r"p(\d{1,2}(?:\.\d{1,6})?)", re.ASCII)

DEFAULT_SERIES: Final = 100
"""Series of an answer that names no limit; more lines than a chart can show apart."""


def quantile_of(aggregate: str) -> float | None:
    """0.999 of ``p99.9``; None of an aggregate that is no quantile."""
    match = _QUANTILE.fullmatch(aggregate)
    # Through the decimal digits: 99.9 / 100 is not the float that 0.999 is.
    return None if match is None else float(f"{match[1]}e-2")


def _aggregate(value: str) -> str:
    if value in NAMED_AGGREGATES or quantile_of(value) is not None:
        return value
    raise ValueError(f"expected one of {', '.join(NAMED_AGGREGATES)} or a quantile such as p50, p95, p99.9")


Aggregate = Annotated[
    str,
    AfterValidator(_aggregate),
    WithJsonSchema(
        {"type": "string", "pattern": rf"^({'|'.join(NAMED_AGGREGATES)}|p\d{{1,2}}(\.\d{{1,6}})?)$"},
    ),
]


def _no_bool(value: object) -> object:
    if isinstance(value, bool):  # to pydantic, true is the integer 1: the first nanosecond of 1970
        raise ValueError("expected a time")
    return value


Time = Annotated[
    str | int,
    Field(
        union_mode="left_to_right", description="RFC 3339, integer nanoseconds, or relative such as now-15m"
    ),
    BeforeValidator(_no_bool),  # after the union's own field: around the union, not in its place
]

MetricKind = Literal["gauge", "sum", "histogram", "exponential_histogram", "summary"]


class TimeseriesRequest(BaseModel):
    """The body of ``POST /timeseries``."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    signal: Literal["logs", "traces", "metrics"] = Field("logs", description="what is counted")
    query: str = Field("", max_length=MAX_LENGTH, description="search syntax; empty for everything")
    metric: str | None = Field(
        None, min_length=1, description="name of the metric; needed where signal is metrics"
    )
    kind: MetricKind | None = Field(None, description="kind of the metric, where several share the name")
    aggregate: Aggregate | None = Field(
        None,
        description="count, rate (per second), sum, avg, min, max, last (of metrics), p50 … p99 (any pNN), "
        "error_rate, uniq; left out: count, of metrics rate for counters and avg for the rest",
    )
    field: str | None = Field(
        None,
        min_length=1,
        description="what is aggregated; needed for uniq, and of logs for sum, avg, min, max and quantiles. Of spans "
        "these are of the duration where nothing else is named",
    )
    group_by: tuple[Annotated[str, StringConstraints(min_length=1)], ...] = Field(
        (),
        max_length=8,
        description="columns, aliases or attribute keys; one series for each of their values",
    )
    step: str | None = Field(
        None, description="length of a bucket such as 30s; left out: at most 120 buckets"
    )
    from_: Time = Field("now-1h", alias="from", description="start, part of the range")
    to: Time = Field("now", description="end, not part of the range")
    limit: int = Field(
        DEFAULT_SERIES, ge=1, le=10_000, description="the series with the highest value over the whole range"
    )


class OneSeries(BaseModel):
    """A series: one value for each bucket, null where there is no data."""

    labels: dict[str, str]
    values: list[float | None]


class TimeseriesAnswer(BaseModel):
    """Series over one grid of buckets, the one with the highest value over the whole range first."""

    timestamps: list[str] = Field(description="start of each bucket")
    series: list[OneSeries]
    step: str
    unit: str | None = Field(
        None, description="unit of the values, where it is known: ns of durations, a metric's own"
    )
    stats: dict[str, float]


class ServiceRow(BaseModel):
    """A service and how it does: spans of kind Server and Consumer are its requests."""

    name: str
    requests: int
    error_rate: float | None
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    logs: int
    error_logs: int


class MapNode(BaseModel):
    """A service, or a database, queue or outside host that services call."""

    name: str
    kind: Literal["service", "database", "queue", "external"]
    requests: int
    error_rate: float | None
    p95_ms: float | None


class MapEdge(BaseModel):
    """Calls of one node by another."""

    source: str
    target: str
    requests: int
    error_rate: float | None
    p95_ms: float | None


class ServiceMap(BaseModel):
    """Who calls whom. ``sample`` is the share of the traces that edges were counted from, scaled up to all."""

    nodes: list[MapNode]
    edges: list[MapEdge]
    sampled: bool
    sample: float


class MetricRow(BaseModel):
    """A metric of one kind and unit."""

    name: str
    kind: MetricKind
    unit: str
    monotonic: bool | None = Field(None, description="of sums: whether it only rises")
    labels: list[str] = Field(description="attribute keys of its points")
    resource_labels: list[str] = Field(description="resource attribute keys of its senders")
    services: list[str]
    series: int
    last_seen: str


class SpanEvent(BaseModel):
    """Something that happened within a span."""

    time: str
    name: str
    attributes: dict[str, str]


class SpanLink(BaseModel):
    """Another span, mostly of another trace."""

    trace_id: str
    span_id: str
    trace_state: str
    attributes: dict[str, str]


class SpanRow(BaseModel):
    """A span."""

    span_id: str
    parent_span_id: str
    name: str
    kind: str
    service: str
    start: str
    duration_ns: int
    status: str
    status_message: str
    trace_state: str
    scope_name: str
    scope_version: str
    attributes: dict[str, str]
    resource_attributes: dict[str, str]
    events: list[SpanEvent]
    links: list[SpanLink]


class TraceAnswer(BaseModel):
    """A trace; ``logs`` is how many log records carry its id."""

    trace_id: str
    spans: list[SpanRow]
    critical_path: list[str] = Field(
        description="ids of the spans that the root's time went by in, by their start"
    )
    logs: int
    truncated: bool = Field(False, description="whether there are more spans than are answered")
