"""Fields and values of metrics: names, units, services and labels, counted by points in the roll-up of series.

The roll-up is by the minute, so that whole minutes are counted, as ``GET /metrics`` does.
"""

from __future__ import annotations

from typing import Final

from airis_ray.analytics.compile import compile_filter
from airis_ray.analytics.fields import Field, resolve
from airis_ray.analytics.nodes import Everything, Text, leaves
from airis_ray.analytics.plan import Clock
from airis_ray.analytics.sql import Sql, all_of, begins, sql, text
from airis_ray.analytics.syntax import parse
from airis_ray.errors import InvalidInput
from airis_ray.telemetry.tables import TENANT_ATTRIBUTE
from airis_ray.telemetry.times import TimeRange

COLUMNS: Final = ("MetricName", "ServiceName", "MetricUnit")
"""The columns whose values are counted."""

_MAPS: Final = ("Attributes", "ResourceAttributes")
_MINUTE: Final = 60_000_000_000


def metric_fields(part: TimeRange, prefix: str) -> Sql:
    """``name, source, count``: how many points carry each field, the most frequent first."""
    # Two steps: a series has the same attributes in all of its minutes.
    series = sql(
        "SELECT ServiceName, MetricUnit, any(mapKeys(Attributes)) AS own, any(mapKeys(ResourceAttributes)) AS sent,"
        " sum(Points) AS n FROM airis_series_1m WHERE {} GROUP BY MetricName, MetricUnit, ServiceName, SeriesHash",
        _minutes(part),
    )
    carried = sql(
        "SELECT n, arrayConcat([('column', 'MetricName')],"
        " if(ServiceName != '', [('column', 'ServiceName')], []), if(MetricUnit != '', [('column', 'MetricUnit')], []),"
        " arrayMap(key -> ('Attributes', key), own), arrayMap(key -> ('ResourceAttributes', key), sent)) AS places"
        " FROM ({})",
        series,
    )
    return sql(
        "SELECT place.2 AS name, place.1 AS source, sum(n) AS count FROM ({}) ARRAY JOIN places AS place"
        " WHERE {} AND name NOT IN ({}, '') GROUP BY source, name ORDER BY count DESC, name, source",
        carried,
        begins(Sql("name"), prefix),
        text(TENANT_ATTRIBUTE),
    )


def metric_values(name: str, part: TimeRange, prefix: str, query: str) -> Sql:
    """``value, count``: the values of a field by their points, the most frequent first.

    Raises InvalidInput for a field, or a query over one, that the roll-up of series does not hold.
    """
    field = _listed(name, "/field")
    node = parse(query)
    for leaf in leaves(node):
        if not isinstance(leaf, Everything):
            _listed("MetricName" if isinstance(leaf, Text) else leaf.field, "/query")
    condition = compile_filter(node, "metrics", now_ns=part.end_ns)
    return sql(
        "SELECT toString({}) AS value, sum(Points) AS count FROM airis_series_1m WHERE {} AND value != '' AND {}"
        " GROUP BY value ORDER BY count DESC, value",
        field.value,
        all_of([_minutes(part), condition]),
        begins(Sql("value"), prefix),
    )


def _listed(name: str, pointer: str) -> Field:
    field = resolve(name, "metrics")
    is_kept = all(place in _MAPS for place, _ in field.places) if field.places else field.name in COLUMNS
    if not is_kept:
        raise InvalidInput.field(
            pointer,
            f"{name} of a metric has no values that are listed; expected {', '.join(COLUMNS)} or a label",
        )
    return field


def _minutes(part: TimeRange) -> Sql:
    return Clock("Time", fine=False).within(part.start_ns // _MINUTE * _MINUTE, part.end_ns)
