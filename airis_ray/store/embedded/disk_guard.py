"""The embedded store's disk guard: before the disk is full the oldest telemetry goes, and then inserts are refused.

ClickHouse with a full disk can neither merge nor insert nor, at worst, start. Above ``AIRIS_DISK_DROP_ABOVE`` the
oldest partitions are dropped, a day at a time over all tables of telemetry; each table keeps its newest one, and
nobody loses today's. Above ``AIRIS_DISK_REFUSE_ABOVE`` inserts are refused, which ingest answers with 507.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from airis_ray.settings import DiskSettings
from airis_ray.store.disk import Measure, Usage
from airis_ray.store.embedded.errors import NOT_ENOUGH_SPACE, ClickHouseError, error
from airis_ray.store.embedded.statement import Statement
from airis_ray.store.retention import RETENTION

Run = Callable[[str], Sequence[Sequence[str]]]
"""Runs a statement and gives its rows as text. Raises ClickHouseError."""

_OWN: Final = "airis_"
"""Tables of the platform's own may be written to a full disk: a few bytes, without which nobody could look after it."""

_PARTS: Final = """
    SELECT table, partition, partition_id, max(max_block_number), sum(bytes_on_disk), sum(rows)
    FROM system.parts WHERE active AND database = currentDatabase() GROUP BY table, partition, partition_id
"""
_FREEING: Final = (
    "SELECT sum(bytes_on_disk) FROM system.parts WHERE NOT active AND database = currentDatabase()"
)

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Partition:
    """A day (``2026-01-31``) of one table."""

    table: str
    day: str
    id: str
    newest_block: int
    nbytes: int
    rows: int


class DiskGuard:
    """Looks at the disk. :meth:`run` belongs to one thread; :meth:`check` may be called from any."""

    def __init__(
        self, run: Run, settings: DiskSettings, measure: Measure, clock: Callable[[], float] = time.time
    ) -> None:
        self._run = run
        self._settings = settings
        self._measure = measure
        self._clock = clock
        self._refusal: str | None = None

    def check(self, statement: Statement) -> None:
        """Raise ClickHouseError (NOT_ENOUGH_SPACE) where ``statement`` would put telemetry on a full disk."""
        refusal = self._refusal
        if refusal is None or not statement.tokens[0].is_word("INSERT"):
            return
        table = _target(statement)
        if table in RETENTION or not table.startswith(_OWN):
            raise error(NOT_ENOUGH_SPACE, refusal)

    def run(self, stopped: threading.Event) -> None:
        """Look again and again until ``stopped``."""
        while True:
            try:
                self.look()
            except (ClickHouseError, OSError) as problem:
                _log.warning("the disk guard could not look", extra={"reason": str(problem)})
            except Exception:
                _log.exception("the disk guard failed in an unforeseen way")
            if stopped.wait(self._settings.interval):
                return

    def look(self) -> list[Partition]:
        """Look once: drop what has to go, refuse inserts or take them again; what was dropped."""
        usage = self._measure()
        dropped: list[Partition] = []
        if usage.share > self._settings.drop_above:
            for partition in self._due(usage):
                self._drop(partition, usage)
                dropped.append(partition)
            usage = self._measure() if dropped else usage
        self._judge(usage)
        return dropped

    def _judge(self, usage: Usage) -> None:
        above = self._settings.refuse_above
        is_full = usage.share > above
        if is_full != (self._refusal is not None):
            _log.warning(
                "inserts are refused: the disk is full" if is_full else "inserts are taken again",
                extra={"used": round(usage.share, 4)},
            )
        self._refusal = (
            f"the disk of the data folder is {usage.share:.1%} full: above {above * 100:g}% (AIRIS_DISK_REFUSE_ABOVE) "
            "nothing is taken in until there is room"
            if is_full
            else None
        )

    def _due(self, usage: Usage) -> Iterator[Partition]:
        """The partitions to drop now, the oldest day first.

        Reckoned from sizes and not measured after each: what merges and drops have left behind goes by itself, late
        where a query still reads it.
        """
        partitions = [
            Partition(table, day, id_, int(block), int(nbytes), int(rows))
            for table, day, id_, block, nbytes, rows in self._run(_PARTS)
        ]
        freeing = int(self._run(_FREEING)[0][0] or 0)
        excess = usage.used - freeing - self._settings.drop_above * usage.size
        spare = sum(partition.nbytes for partition in partitions) - self._settings.keep * usage.size
        by_day: dict[str, list[Partition]] = {}
        for partition in self._droppable(partitions):
            by_day.setdefault(partition.day, []).append(partition)
        for day in sorted(by_day):
            if excess <= 0 or spare <= 0:
                return
            yield from by_day[day]
            freed = sum(partition.nbytes for partition in by_day[day])
            excess, spare = excess - freed, spare - freed

    def _droppable(self, partitions: list[Partition]) -> Iterator[Partition]:
        """Telemetry of the days before today, without the newest of each table."""
        today = f"{datetime.fromtimestamp(self._clock(), UTC):%Y-%m-%d}"
        newest: dict[str, str] = {}
        for partition in partitions:
            newest[partition.table] = max(partition.day, newest.get(partition.table, ""))
        for partition in partitions:
            if partition.table in RETENTION and partition.day < min(today, newest[partition.table]):
                yield partition

    def _drop(self, partition: Partition, usage: Usage) -> None:
        _log.warning(
            "a day of telemetry is dropped, for the disk is filling up",
            extra={
                "table": partition.table,
                "day": partition.day,
                "rows": partition.rows,
                "used": usage.share,
            },
        )
        self._count(_counted_rows(partition))
        self._run(f"ALTER TABLE {partition.table} DROP PARTITION ID '{partition.id}'")
        self._count(
            "INSERT INTO airis_disk_drops (Time, Table, Partition, Rows, Bytes, Used) VALUES "
            f"({int(self._clock())}, '{partition.table}', '{partition.day}', {partition.rows}, {partition.nbytes}, "
            f"{usage.share:.6f})"
        )

    def _count(self, sql: str | None) -> None:
        """Write down what is dropped; a disk that fills up does not wait for tables that are not there."""
        try:
            if sql is not None:
                self._run(sql)
        except ClickHouseError as problem:
            _log.warning("a dropped day of telemetry was not counted", extra={"reason": str(problem)})


def _counted_rows(partition: Partition) -> str | None:
    """The INSERT that counts a partition's records by tenant; None for tables that are made of others.

    Its token keeps a drop that failed and is tried again from being counted twice.
    """
    signal = next((name for prefix, name in _SIGNALS if partition.table.startswith(prefix)), None)
    if signal is None or partition.table == "otel_traces_trace_id_ts":
        return None
    token = f"disk:{partition.table}:{partition.id}:{partition.newest_block}"
    return (
        "INSERT INTO airis_accounts (Time, Tenant, Signal, Stage, Outcome, Reason, Records, Requests) "
        f"SETTINGS insert_deduplication_token = '{token}' "
        f"SELECT toStartOfMinute(now('UTC')), Tenant, '{signal}', 'store', 'dropped', 'disk', count(), 0 "
        f"FROM {partition.table} WHERE _partition_id = '{partition.id}' GROUP BY Tenant"
    )


def _target(statement: Statement) -> str:
    """The table of an INSERT, without its database."""
    tokens = [token for token in statement.tokens[:6] if not token.is_word("INSERT", "INTO", "TABLE")]
    return tokens[2].text if len(tokens) > 2 and tokens[1].is_sign(".") else tokens[0].text if tokens else ""


_SIGNALS: Final = (
    ("otel_logs", "logs"),
    ("hyperdx_sessions", "logs"),
    ("otel_traces", "traces"),
    ("otel_metrics_", "metrics"),
)
