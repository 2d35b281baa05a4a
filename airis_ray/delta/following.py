"""Comparisons that run by themselves: for every anomaly on traces or logs, kept beside it in the store.

What is to be done follows from the tables alone (``airis_anomalies`` and ``airis_comparisons``), so a call that was
lost or a replica that ended loses nothing: the next call finds it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Final

import pyarrow as pa

from airis_ray.delta.compare import Comparer
from airis_ray.delta.models import CompareAnswer, CompareRequest
from airis_ray.delta.questions import Told, questions
from airis_ray.errors import InvalidInput
from airis_ray.store import Query, Store
from airis_ray.store.keys import HotKeys
from airis_ray.telemetry.times import SECOND

_MINUTE: Final = 60 * SECOND
_RECENT: Final = 3600 * SECOND
"""An anomaly that nobody wrote for so long is not compared any more."""
_OLDEST: Final = 24 * 3600 * SECOND
_RUNS: Final = 2
"""Comparisons of one anomaly at most."""
_LONGER: Final = 4
"""Times as long as at its first comparison, and 10 minutes longer, an anomaly has to be for its second."""
_NS: Final = pa.timestamp("ns", tz="UTC")
_SCHEMA: Final = pa.schema(
    [
        ("Tenant", pa.string()),
        ("anomaly", pa.string()),
        ("start", _NS),
        ("upto", _NS),
        ("runs", pa.uint8()),
        ("request", pa.string()),
        ("answer", pa.string()),
        ("note", pa.string()),
        ("updated", pa.timestamp("us", tz="UTC")),
    ]
)
_OPEN: Final = f"""
    SELECT toString(a.Tenant) AS tenant, a.id AS id, toUnixTimestamp64Nano(a.start) AS start,
        toUnixTimestamp64Nano(a.end) AS end, toString(a.service) AS service, toString(a.signal) AS signal,
        toString(a.metric) AS metric, toString(a.direction) AS direction, a.expected AS expected, a.actual AS actual,
        c.runs AS runs
    FROM
    (
        SELECT Tenant, id, start, end, service, signal, metric, direction, expected, actual, score
        FROM airis_anomalies FINAL
        WHERE signal IN ('traces', 'logs') AND start >= fromUnixTimestamp64Nano({{oldest:Int64}})
            AND updated >= fromUnixTimestamp64Nano({{recent:Int64}})
    ) AS a
    LEFT JOIN
    (
        SELECT Tenant, anomaly, runs, start, upto FROM airis_comparisons FINAL
        WHERE start >= fromUnixTimestamp64Nano({{oldest:Int64}})
    ) AS c ON a.Tenant = c.Tenant AND a.id = c.anomaly
    WHERE c.runs = 0 OR (
        c.runs < {_RUNS} AND a.end >= c.upto + INTERVAL 10 MINUTE
        AND dateDiff('second', a.start, a.end) >= {_LONGER} * dateDiff('second', a.start, c.upto))
    ORDER BY c.runs, a.score DESC, a.start DESC, a.id LIMIT {{limit:UInt32}}
"""
_DONE: Final = """
    SELECT count() AS n FROM airis_comparisons FINAL
    WHERE start >= fromUnixTimestamp64Nano({oldest:Int64}) AND updated > fromUnixTimestamp64Nano({minute:Int64})
"""
_log = logging.getLogger(__name__)


class Follower:
    """Compares the events of anomalies, ``per_minute`` of them at most however many replicas do so.

    ``clock`` tells nanoseconds since 1970; ``hot`` which keys have a column. The anomalies are every tenant's, each
    comparison sees its own tenant's events alone.
    """

    def __init__(
        self,
        store: Store,
        comparer: Comparer,
        per_minute: int,
        *,
        clock: Callable[[], int],
        hot: Callable[[], HotKeys],
    ) -> None:
        self._store = store
        self._comparer = comparer
        self._per_minute = per_minute
        self._clock = clock
        self._hot = hot
        self._turn = asyncio.Lock()

    async def follow(self) -> int:
        """Compare what waits, the surest anomalies first; how many still wait. Raises what the store raises."""
        async with self._turn:
            now = self._clock()
            done = await self._rows(_DONE, {"oldest": now - _OLDEST, "minute": now - _MINUTE})
            waiting = await self._rows(
                _OPEN,
                {"oldest": now - _OLDEST, "recent": now - _RECENT, "limit": 10 * self._per_minute},
            )
            chosen = waiting[: max(0, self._per_minute - int(done[0]["n"]))]
            answers: dict[tuple[str, str], CompareAnswer] = {}
            for row in chosen:
                runs = int(row.pop("runs"))
                await self._keep(Told(**row), runs + 1, answers)
            return len(waiting) - len(chosen)

    async def _rows(self, sql: str, parameters: dict[str, Any]) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = (await self._store.query(Query(sql, parameters))).table.to_pylist()
        return rows

    async def _keep(self, told: Told, runs: int, answers: dict[tuple[str, str], CompareAnswer]) -> None:
        """Compare and write; what cannot be compared is written, too, with the reason, and not tried for ever."""
        request, answer, note = questions(told)[0], "", ""
        try:
            request, found = await self._answered(told, answers)
            answer = found.model_dump_json()
        except InvalidInput as error:
            note = str(error)
            _log.warning("an anomaly could not be compared", extra={"anomaly": told.id, "reason": note})
        row = {
            "Tenant": told.tenant,
            "anomaly": told.id,
            "start": told.start,
            "upto": told.end,
            "runs": runs,
            "request": request.model_dump_json(by_alias=True),
            "answer": answer,
            "note": note,
            "updated": self._clock() // 1000,
        }
        await self._store.insert("airis_comparisons", pa.Table.from_pylist([row], schema=_SCHEMA))

    async def _answered(
        self, told: Told, answers: dict[tuple[str, str], CompareAnswer]
    ) -> tuple[CompareRequest, CompareAnswer]:
        """The first question that has events on both sides, or else the last; ``answers`` are those given before."""
        asked = questions(told)
        for request in asked:
            key = (told.tenant, request.model_dump_json())
            if key not in answers:
                answers[key] = await self._comparer.compare(request, told.tenant, self._clock(), self._hot())
            found = answers[key]
            if found.target_count and found.baseline_count:
                break
        return request, found
