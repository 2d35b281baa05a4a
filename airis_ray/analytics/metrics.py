"""GET /metrics: which metrics there are."""

from __future__ import annotations

from typing import Final

from airis_ray.analytics.models import MetricRow
from airis_ray.analytics.plan import Clock
from airis_ray.analytics.sql import Sql, all_of, begins, sql, text
from airis_ray.store import Query, Store
from airis_ray.telemetry.tables import TENANT_ATTRIBUTE
from airis_ray.telemetry.times import TimeRange

_MINUTE: Final = 60_000_000_000
_MAX_SERVICES: Final = 100
"""Names of services told of one metric."""


async def metrics(
    store: Store, tenant: str, asked: TimeRange, *, prefix: str = "", service: str = "", limit: int = 1000
) -> list[MetricRow]:
    """The metrics that had points in the range (whole minutes of it), by name.

    One row for each name, kind and unit. ``prefix`` is of the name, in any case.
    """
    conditions = [Clock("Time", fine=False).within(asked.start_ns // _MINUTE * _MINUTE, asked.end_ns)]
    if prefix:
        conditions.append(begins(Sql("MetricName"), prefix))
    if service:
        conditions.append(sql("ServiceName = {}", text(service)))
    # Two steps: a series has the same attributes in all of its minutes.
    series = sql(
        "SELECT MetricName, MetricKind, MetricUnit, ServiceName, SeriesHash, "
        "any(mapKeys(Attributes)) AS own, any(mapKeys(ResourceAttributes)) AS sent, "
        "max(IsMonotonic) AS rises, max(Last.1) AS seen FROM airis_series_1m WHERE {} "
        "GROUP BY MetricName, MetricKind, MetricUnit, ServiceName, SeriesHash",
        all_of(conditions),
    )
    statement = sql(
        "SELECT toString(MetricName) AS name, toString(MetricKind) AS kind, toString(MetricUnit) AS unit, "
        "arraySort(groupUniqArrayArray(own)) AS labels, "
        "arrayFilter(key -> key != {}, arraySort(groupUniqArrayArray(sent))) AS resource_labels, "
        "arraySort(groupUniqArray({})(toString(ServiceName))) AS services, "
        "uniqExact(SeriesHash) AS series, max(rises) AS monotonic, "
        "formatDateTime(max(seen), '%Y-%m-%dT%H:%i:%S.000000000Z', 'UTC') AS last_seen "
        "FROM ({}) GROUP BY name, kind, unit ORDER BY name, kind, unit LIMIT {}",
        text(TENANT_ATTRIBUTE),
        Sql(str(_MAX_SERVICES)),
        series,
        Sql(str(limit)),
    )
    rows = (await store.query(Query(statement.text, statement.parameters, tenant))).table.to_pylist()
    return [
        MetricRow.model_validate(
            row | {"monotonic": bool(row["monotonic"]) if row["kind"] == "sum" else None}
        )
        for row in rows
    ]
