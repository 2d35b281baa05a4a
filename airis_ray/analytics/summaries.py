"""Summary metrics: what their quantiles can answer, and what is said where they cannot.

A sender of a summary has worked its quantiles out by itself. Those of two senders cannot be put together: the p99 of
two services is not the mean of their p99s, nor bounded by it.
"""

from __future__ import annotations

from typing import Final

from airis_ray.analytics.increments import Points
from airis_ray.analytics.measures import Measure, over_values
from airis_ray.analytics.plan import POINT_TIME, names_of
from airis_ray.analytics.sql import Sql, all_of, join, sql
from airis_ray.errors import InvalidInput
from airis_ray.store import Query, Store

_NEAR: Final = 1e-9  # quantiles are told as floats
_NAMED: Final = 8  # labels that an error names


def told_quantile(q: float) -> Measure:
    """The mean over a series' points in a bucket of the value that they tell for a quantile; NULL for another one."""
    quantiles, values = "`ValueAtQuantiles.Quantile`", "`ValueAtQuantiles.Value`"
    place = f"arrayFirstIndex(x -> abs(x - {q!r}) < {_NEAR}, {quantiles})"
    return over_values("avg", Sql(f"if({place} = 0, NULL, {values}[{place}])"))


async def check_quantile(store: Store, tenant: str, name: str, points: Points, q: float) -> None:
    """Raise InvalidInput where the points tell no such quantile, or a group holds several series of them."""
    within = all_of([POINT_TIME.within(points.grid.start, points.grid.end), points.filter])
    keys = join("", [sql(", {} AS {}", key, Sql(label)) for label, key in points.keys.items()])
    statement = sql(
        "SELECT max(series) AS most, arraySort(groupUniqArrayArray(told)) AS told FROM (SELECT"
        " uniqExact(SeriesHash) AS series, groupUniqArrayArray(`ValueAtQuantiles.Quantile`) AS told{}"
        " FROM {} WHERE {} GROUP BY 'all'{})",
        keys,
        Sql(points.table),
        within,
        names_of(points.keys),
    )
    found = (await store.query(Query(statement.text, statement.parameters, tenant))).table.to_pylist()[0]
    if found["told"] and not any(abs(q - each) < _NEAR for each in found["told"]):
        known = ", ".join(f"p{each * 100:g}" for each in found["told"])
        raise InvalidInput.field("/aggregate", f"{name} is a summary that tells {known} alone")
    if found["most"] > 1:
        labels = await _labels(store, tenant, points, within)
        raise InvalidInput.field(
            "/group_by",
            f"{name} is a summary, and {found['most']} of its series fall into one group: their quantiles cannot be"
            f" put together; group by what tells them apart ({labels}), or narrow the query to one",
        )


async def _labels(store: Store, tenant: str, points: Points, within: Sql) -> str:
    """The labels that differ between series, those of the points first."""
    statement = sql(
        "SELECT pair.1 AS key, min(own) AS later FROM"
        " (SELECT SeriesHash, arrayJoin([0, 1]) AS own, arrayJoin(CAST(if(own = 0, any(Attributes),"
        " any(ResourceAttributes)), 'Array(Tuple(String, String))')) AS pair FROM {} WHERE {} GROUP BY SeriesHash)"
        " GROUP BY key HAVING uniqExact(pair.2) > 1 ORDER BY later, key LIMIT {}",
        Sql(points.table),
        within,
        Sql(str(_NAMED)),
    )
    table = (await store.query(Query(statement.text, statement.parameters, tenant))).table
    return ", ".join(table["key"].to_pylist()) or "scope"
