"""What the events of an anomaly have that others have not, as event deltas kept it beside the anomaly."""

from __future__ import annotations

from typing import Any, Final

import orjson
from pydantic import BaseModel, Field

from airis_ray.store.protocol import Query, Store
from airis_ray.telemetry.times import format_time

_SQL: Final = """
    SELECT runs, request, answer, note, toUnixTimestamp64Nano(upto) AS upto,
        toUnixTimestamp64Micro(updated) * 1000 AS at
    FROM airis_comparisons FINAL WHERE anomaly = {anomaly:String} ORDER BY start DESC LIMIT 1
"""
_WAITING: Final = """
    SELECT count() AS n FROM airis_anomalies
    WHERE signal IN ('traces', 'logs')
        AND start >= fromUnixTimestamp64Nano({now:Int64}) - INTERVAL 1 DAY
        AND updated >= fromUnixTimestamp64Nano({now:Int64}) - INTERVAL 6 HOUR
        AND (Tenant, id) NOT IN (SELECT Tenant, anomaly FROM airis_comparisons)
"""


class Comparison(BaseModel):
    """A comparison that ran by itself."""

    at: str = Field(description="when it was made")
    upto: str = Field(
        description="the end that the anomaly had then; it is made again where it lasts much longer"
    )
    runs: int = Field(description="how often it was made, twice at most")
    request: dict[str, Any] = Field(description="what was compared: a body of `POST /api/delta/compare`")
    answer: dict[str, Any] | None = Field(description="its answer; null where there is none")
    note: str = Field(description="why there is no answer")


async def comparison(store: Store, tenant: str, anomaly: str) -> Comparison | None:
    """The newest comparison of an anomaly; None where there is none yet, as of every anomaly on metrics."""
    rows = (await store.query(Query(_SQL, {"anomaly": anomaly}, tenant))).table.to_pylist()
    if not rows:
        return None
    (row,) = rows
    return Comparison(
        at=format_time(row["at"]),
        upto=format_time(row["upto"]),
        runs=row["runs"],
        request=orjson.loads(row["request"]),
        answer=orjson.loads(row["answer"]) if row["answer"] else None,
        note=row["note"],
    )


async def waits(store: Store, now_ns: int) -> bool:
    """Whether an anomaly of the last hours, of any tenant, has no comparison yet. Raises what the store raises."""
    rows = (await store.query(Query(_WAITING, {"now": now_ns}))).table.to_pylist()
    return bool(rows[0]["n"])
