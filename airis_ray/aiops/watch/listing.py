"""The anomalies of a tenant as they stand, with what operators said of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from airis_ray.aiops.watch.tracking import AT_THRESHOLD
from airis_ray.aiops.watch.verdicts import thresholds
from airis_ray.store.protocol import Query, Store
from airis_ray.telemetry.times import TimeRange

_TEXTS: Final = ("service", "signal", "metric", "unit", "kind", "direction", "model")
_PLAIN: Final = (
    "id",
    "start",
    "end",
    "lasting",
    "score",
    "expected",
    "actual",
    "explanation",
    "explanation_ko",
    "series",
)
_ORDER: Final = "ORDER BY start DESC, id DESC"
COLUMNS: Final = (
    "id", "start", "end", "lasting", "service", "signal", "metric", "unit", "labels", "kind", "score", "direction",
    "expected", "actual", "explanation", "explanation_ko", "model", "series", "verdict", "verdict_by", "threshold",
)  # fmt: skip
"""The columns of a list, in their order."""


@dataclass(frozen=True)
class Wanted:
    """Which anomalies; without a period those of any time. ``after`` is (start in nanoseconds, id) of the last one of
    the page before."""

    period: TimeRange | None = None
    service: str = ""
    ids: tuple[str, ...] = ()
    after: tuple[int, str] | None = None
    limit: int = 1000


async def anomalies(store: Store, tenant: str, wanted: Wanted) -> pa.Table:
    """The newest first, with the columns of :data:`COLUMNS`; ``series`` is text, numbers are null where unknown."""
    conditions, parameters = _conditions(wanted)
    columns = [*_PLAIN, *(f"toString({name}) AS {name}" for name in _TEXTS)]
    sql = f"""
        SELECT a.*, toString(v.verdict) AS verdict, v.actor AS verdict_by
        FROM
        (
            SELECT {", ".join(columns)}, CAST(labels, 'Map(String, String)') AS labels
            FROM airis_anomalies WHERE {" AND ".join(conditions)} {_ORDER} LIMIT {{limit:UInt32}}
        ) AS a
        LEFT JOIN (SELECT series, anomaly, verdict, actor FROM airis_verdicts WHERE verdict != '') AS v
            ON a.series = v.series AND a.id = v.anomaly
        {_ORDER}
    """
    table = (await store.query(Query(sql, parameters, tenant, settings={"final": 1}))).table
    moved = await thresholds(store, tenant)
    asked = [moved.get(int(series), AT_THRESHOLD) for series in table["series"].to_pylist()]
    table = table.append_column("threshold", pa.array(asked, pa.float64()))
    for name, column in _readable(table).items():
        table = table.set_column(table.column_names.index(name), name, column)
    return table.select(list(COLUMNS))


def _conditions(wanted: Wanted) -> tuple[list[str], dict[str, Any]]:
    parameters: dict[str, Any] = {"limit": wanted.limit}
    conditions = ["1"]
    if wanted.period is not None:
        # One that began before the period and lasts into it belongs to it.
        conditions += [
            "start < fromUnixTimestamp64Nano({to:Int64})",
            "end > fromUnixTimestamp64Nano({from:Int64})",
        ]
        parameters |= {"from": wanted.period.start_ns, "to": wanted.period.end_ns}
    if wanted.service:
        conditions.append("service = {service:String}")
        parameters["service"] = wanted.service
    if wanted.ids:
        conditions.append("id IN {ids:Array(String)}")
        parameters["ids"] = list(wanted.ids)
    if wanted.after is not None:
        conditions.append("(start, id) < (fromUnixTimestamp64Nano({at:Int64}, 'UTC'), {last:String})")
        parameters |= {"at": wanted.after[0], "last": wanted.after[1]}
    return conditions, parameters


def _readable(table: pa.Table) -> dict[str, pa.ChunkedArray]:
    """Nothing is null and not NaN or ''; a key of 64 bits is text, for JavaScript's numbers end at 53."""
    numbers = {name: table[name] for name in ("expected", "actual")}
    texts = {name: table[name] for name in ("verdict", "verdict_by")}
    return {
        **{name: pc.if_else(pc.is_nan(column), None, column) for name, column in numbers.items()},
        **{name: pc.if_else(pc.equal(column, ""), None, column) for name, column in texts.items()},
        "series": table["series"].cast(pa.string()),
    }
