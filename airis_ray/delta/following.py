"""Comparisons that run by themselves: for every anomaly on traces or logs, kept beside it in the store.

What is to be done follows from the tables alone (``airis_anomalies`` and ``airis_comparisons``), so a call that was
lost or a replica that ended loses nothing: the next call finds it. An anomaly whose comparison fails makes way for the
others and is tried again after a pause; only these pauses are kept in memory.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa

from airis_ray.delta.compare import Comparer
from airis_ray.delta.models import CompareAnswer, CompareRequest
from airis_ray.delta.questions import Told, questions
from airis_ray.errors import InvalidInput, Refused, Unavailable
from airis_ray.store import Query, Store
from airis_ray.store.keys import HotKeys
from airis_ray.telemetry.times import SECOND

_MINUTE: Final = 60 * SECOND
_RECENT: Final = 6 * 3600 * SECOND
"""An anomaly that nobody wrote for so long is not compared any more: what was down for hours still finds it."""
_OLDEST: Final = 24 * 3600 * SECOND
_RUNS: Final = 2
"""Comparisons of one anomaly at most."""
_LONGER: Final = 4
"""Times as long as at its first comparison, and 10 minutes longer, an anomaly has to be for its second."""
_ATTEMPTS: Final = 3
"""Failures of our own after which an anomaly is kept without a comparison; those of the store do not count."""
_LONGEST_PAUSE: Final = 30 * _MINUTE
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


@dataclass(frozen=True)
class _Failed:
    """How often the comparison of an anomaly failed, and when it may be tried again (nanoseconds since 1970)."""

    times: int
    again: int


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
        self._failed: dict[tuple[str, str], _Failed] = {}

    async def follow(self) -> int:
        """Compare what waits, the surest anomalies first; how many still wait.

        Raises :class:`Unavailable` or :class:`Refused` where the store cannot be asked: nothing is lost by that.
        """
        async with self._turn:
            now = self._clock()
            done = await self._rows(_DONE, {"oldest": now - _OLDEST, "minute": now - _MINUTE})
            waiting = await self._rows(
                _OPEN,
                {"oldest": now - _OLDEST, "recent": now - _RECENT, "limit": 10 * self._per_minute},
            )
            keys = [(str(row["tenant"]), str(row["id"])) for row in waiting]
            # No more of them than are read at once.
            self._failed = {key: self._failed[key] for key in keys if key in self._failed}
            ready = [
                row
                for key, row in zip(keys, waiting, strict=True)
                if key not in self._failed or self._failed[key].again <= now
            ]
            answers: dict[tuple[str, str], CompareAnswer] = {}
            kept = 0
            for row in ready[: max(0, self._per_minute - int(done[0]["n"]))]:
                runs = int(row.pop("runs"))
                kept += await self._keep(Told(**row), runs + 1, answers)
            return len(waiting) - kept

    async def _rows(self, sql: str, parameters: dict[str, Any]) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = (await self._store.query(Query(sql, parameters))).table.to_pylist()
        return rows

    async def _keep(self, told: Told, runs: int, answers: dict[tuple[str, str], CompareAnswer]) -> bool:
        """Compare and write, and whether that was done; what never can be compared is written with the reason."""
        request, answer, note = "{}", "", ""
        try:
            request = questions(told)[0].model_dump_json(by_alias=True)
            asked, found = await self._answered(told, answers)
            request, answer = asked.model_dump_json(by_alias=True), found.model_dump_json()
        except (Unavailable, Refused):
            self._fails(told)
            raise
        except InvalidInput as error:
            note = str(error)
        except Exception as error:  # whatever one anomaly meets, the others are compared
            _log.exception("an anomaly's comparison failed", extra={"anomaly": told.id})
            if self._fails(told) < _ATTEMPTS:
                return False
            note = f"the comparison failed: {type(error).__name__}"
        if note:
            _log.warning("an anomaly could not be compared", extra={"anomaly": told.id, "reason": note})
        row = {
            "Tenant": told.tenant,
            "anomaly": told.id,
            "start": told.start,
            "upto": told.end,
            "runs": runs,
            "request": request,
            "answer": answer,
            "note": note,
            "updated": self._clock() // 1000,
        }
        await self._store.insert("airis_comparisons", pa.Table.from_pylist([row], schema=_SCHEMA))
        return True

    def _fails(self, told: Told) -> int:
        """Let an anomaly wait, each time twice as long; how often it failed."""
        key = (told.tenant, told.id)
        times = self._failed[key].times + 1 if key in self._failed else 1
        pause = min(_LONGEST_PAUSE, _MINUTE << min(times - 1, 10)) * random.uniform(0.5, 1)
        self._failed[key] = _Failed(times, self._clock() + int(pause))
        return times

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
