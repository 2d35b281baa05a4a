"""Where the watched series come from: the three roll-ups, each as one SELECT of points.

A point is ``key`` (its series; a service has several, one for each measure), ``at`` (Unix seconds of the cell's
beginning), a value for each measure, and ``rises`` (1 where the value is a counter's reading and not yet an increase).
Counts are those of a cell, whole numbers: a detector knows how much such ones stray, of a rate it does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from airis_ray.store.histogram import merged_sql, quantile_sql
from airis_ray.telemetry.severity import LEVELS, SPELLINGS

METRIC_STEP: Final = 60
"""Seconds of a cell of ``airis_series_1m``."""

_FEWEST: Final = 5
"""Requests of a cell below which a median says nothing."""
_FEWEST_TAIL: Final = 60
"""The same of a p95: it should take three slow requests to move it."""
_FEWEST_SHARE: Final = 100
"""The same of a share of errors: one error more is 1 % at most. Of fewer requests their count is judged."""


@dataclass(frozen=True)
class Measure:
    """One of the series that a key of a source has; ``zero`` where no rows mean 0 and not a missing point."""

    metric: str
    unit: str
    zero: bool


@dataclass(frozen=True)
class Source:
    """``points`` and ``subjects`` are SELECTs; ``{step}`` is replaced, ``{period}`` by the condition on rows.

    ``subjects`` answers ``key, service, metric, unit, attributes, resource``.
    """

    name: str
    signal: str
    table: str
    points: str
    subjects: str
    measures: tuple[Measure, ...]
    shortest: int = 10
    """seconds that a cell has at least"""

    def step(self, seconds: int) -> int:
        """The seconds of a cell where the watcher turns every ``seconds``."""
        return max(seconds, self.shortest)


_REQUESTS: Final = "SpanKind IN ('Server', 'Consumer', 'SPAN_KIND_SERVER', 'SPAN_KIND_CONSUMER')"
_NO_MAPS: Final = "map()::Map(String, String) AS attributes, map()::Map(String, String) AS resource"
_CELL: Final = "toStartOfInterval(Time, INTERVAL {step} SECOND, 'UTC') AS cell"


def _millis(q: float, fewest: int) -> str:
    return f"if(n < {fewest}, nan, assumeNotNull({quantile_sql('h', q)}) / 1e6)"


SERVICES: Final = Source(
    "services",
    "traces",
    "airis_services_10s",
    f"""
    SELECT key, toUnixTimestamp(cell) AS at, n AS v0, if(n < {_FEWEST_SHARE}, nan, e / n) AS v1,
        {_millis(0.5, _FEWEST)} AS v2, {_millis(0.95, _FEWEST_TAIL)} AS v3, e AS v4, 0::UInt8 AS rises
    FROM
    (
        SELECT cityHash64(ServiceName) AS key, {_CELL}, toFloat64(sum(Count)) AS n, sum(Errors) AS e,
            {merged_sql("Latency")} AS h
        FROM airis_services_10s WHERE {_REQUESTS} AND {{period}} GROUP BY key, cell
    )
    """,
    f"""
    SELECT cityHash64(ServiceName) AS key, any(ServiceName)::String AS service, '' AS metric, '' AS unit, {_NO_MAPS}
    FROM airis_services_10s WHERE {_REQUESTS} AND {{period}} GROUP BY key
    """,
    (
        Measure("requests", "", True),
        Measure("error_rate", "1", False),
        Measure("duration_p50", "ms", False),
        Measure("duration_p95", "ms", False),
        Measure("errors", "", True),
    ),
)

_SPELLED: Final = [(spelling, level) for level in LEVELS for spelling in SPELLINGS[level]]
_LEVEL: Final = (
    f"transform(lower(SeverityText), {[spelling for spelling, _ in _SPELLED]}, {[level for _, level in _SPELLED]}, "
    f"{list(LEVELS)}[intDiv(least(SeverityNumber + 3, 27), 4)])"
)

LOGS: Final = Source(
    "logs",
    "logs",
    "airis_logs_10s",
    f"""
    SELECT cityHash64(ServiceName, {_LEVEL}) AS key, toUnixTimestamp({_CELL}) AS at, sum(Count) AS v0,
        0::UInt8 AS rises
    FROM airis_logs_10s WHERE {{period}} GROUP BY key, cell
    """,
    f"""
    SELECT cityHash64(ServiceName, {_LEVEL} AS level) AS key, any(ServiceName)::String AS service,
        any(if(level = '', 'logs', concat('logs.', level))) AS metric, '' AS unit, {_NO_MAPS}
    FROM airis_logs_10s WHERE {{period}} GROUP BY key
    """,
    (Measure("", "", True),),
)

_VALUES: Final = "MetricKind IN ('gauge', 'sum')"  # distributions have no values in the roll-up
_CUMULATIVE: Final = 2

_SERIES: Final = "cityHash64(MetricName, MetricKind, MetricUnit, ServiceName, SeriesHash)"
_RESOURCE: Final = "series.ResourceAttributes"
_HOST: Final = f"if({_RESOURCE}['host.name'] != '', {_RESOURCE}['host.name'], {_RESOURCE}['k8s.node.name'])"
_OF_HOST: Final = (
    f"cityHash64(MetricName, MetricKind, MetricUnit, {_RESOURCE}['k8s.cluster.name'], {_HOST}, "
    "mapSort(series.Attributes))"
)
_HOSTS: Final = "startsWith(MetricName, 'system.')"
_HOSTED: Final = f"if({_HOST} = '', {_SERIES}, {_OF_HOST}) AS key"


def _metric_points(key: str, which: str) -> str:
    return f"""
    SELECT {key}, toUnixTimestamp({_CELL}) AS at,
        multiIf(any(MetricKind) = 'gauge', sum(Sum) / sum(Points),
                max(AggregationTemporality) = {_CUMULATIVE}, tupleElement(max(Last), 2),
                sum(Sum)) AS v0,
        (max(IsMonotonic) AND max(AggregationTemporality) = {_CUMULATIVE})::UInt8 AS rises
    FROM airis_series_1m AS series WHERE {_VALUES} AND {which} AND {{period}} GROUP BY key, cell
    """


def _metric_subjects(key: str, which: str, service: str, resource: str) -> str:
    return f"""
    SELECT {key}, {service} AS service, any(MetricName)::String AS metric,
        any(MetricUnit)::String AS unit, any(series.Attributes) AS attributes, {resource} AS resource
    FROM airis_series_1m AS series WHERE {_VALUES} AND {which} AND {{period}} GROUP BY key
    """


_PODS: Final = (f"{_SERIES} AS key", f"NOT {_HOSTS}")
_MANY: Final = f"if(any({_HOST}) = '', any(ServiceName)::String, '')"
_WHOSE: Final = f"any(if({_HOST} = '', {_RESOURCE}, map('host.name', {_HOST})))"

METRICS: Final = Source(
    "metrics",
    "metrics",
    "airis_series_1m",
    f"{_metric_points(*_PODS)} UNION ALL {_metric_points(_HOSTED, _HOSTS)}",
    f"{_metric_subjects(*_PODS, 'any(ServiceName)::String', f'any({_RESOURCE})')}"
    f" UNION ALL {_metric_subjects(_HOSTED, _HOSTS, _MANY, _WHOSE)}",
    (Measure("", "", False),),
    METRIC_STEP,
)
"""What a host is measured by (``system.*`` of the semantic conventions) is one series of the host and no service's,
whoever tells it: every pod of a node may. The maps of attributes are read of these metrics alone."""

SOURCES: Final = (SERVICES, LOGS, METRICS)
