"""The demo's shop under the watcher, its days run through in minutes: which faults are found, how soon, and what else
is told."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pyarrow as pa

from airis_ray.aiops.detect.seasonal import SeasonalDetector
from airis_ray.aiops.series import DAY, HOUR, MINUTE, SECOND
from airis_ray.aiops.watch.findings import Finding
from airis_ray.aiops.watch.watcher import Watcher
from airis_ray.aiops.watch.windows import Rollups
from airis_ray.demo.engine import World
from airis_ray.demo.faults import Fault
from airis_ray.demo.plan import Plan
from airis_ray.demo.world.faults import FAULTS
from airis_ray.settings import WatchSettings
from airis_ray.store import Store
from airis_ray.telemetry.otlp import decode
from airis_ray.telemetry.sessions import route_sessions
from tests.support.local_store import LocalStore

START: Final = 1_788_998_400 * SECOND
"""A Thursday, 00:00 UTC."""
LENGTH: Final = 20 * MINUTE
"""Of a fault."""
EVERY: Final = 60 * MINUTE
AFTER: Final = 35 * MINUTE
"""For so long after a fault, what is told may be its end."""
_ROWS: Final = 100_000


@dataclass(frozen=True)
class Course:
    """Learned from ``learned`` days, then ``quiet`` days without faults, then the faults one after another."""

    learned: float
    quiet: float
    faults: tuple[str, ...] = tuple(FAULTS)
    rate: float = 1.0
    seed: int = 1

    @property
    def watched(self) -> int:
        """When watching begins."""
        return START + int(self.learned * DAY)

    @property
    def plan(self) -> Plan:
        """The run of the demo."""
        first = self.watched + int(self.quiet * DAY) + HOUR
        faults = tuple(
            Fault(name, first + i * EVERY, first + i * EVERY + LENGTH) for i, name in enumerate(self.faults)
        )
        end = first + len(faults) * EVERY
        return Plan.history(self.seed, START, (end - START) // SECOND, self.rate, faults)


@dataclass
class Outcome:
    """``told`` are the findings with the time at which each was first told, by id."""

    course: Course
    told: dict[str, tuple[int, Finding]] = field(default_factory=dict)
    series: int = 0

    def note(self, at: int, found: Finding) -> None:
        """Hear of a version of an anomaly."""
        self.told.setdefault(found.id, (at, found))

    def of(self, fault: Fault) -> list[tuple[int, Finding]]:
        """What was told of a fault, the first first: of its service, or of a metric that it moves."""
        near = [item for item in self.told.values() if fault.start <= item[0] <= fault.until + AFTER]
        return sorted((item for item in near if _about(fault, item[1])), key=lambda item: item[0])

    def false(self) -> list[tuple[int, Finding]]:
        """What was told while nothing was wrong."""
        faults = self.course.plan.faults
        return [
            (at, each)
            for at, each in self.told.values()
            if not any(fault.start <= at <= fault.until + AFTER for fault in faults)
        ]

    def quiet_days(self) -> float:
        """Days watched without a fault or its aftermath."""
        plan = self.course.plan
        return (plan.end - self.course.watched - len(plan.faults) * (LENGTH + AFTER)) / DAY


_SAME: Final = {
    "duration_p50": "http.server.request.duration",
    "duration_p95": "http.server.request.duration",
}


def _about(fault: Fault, found: Finding) -> bool:
    described = fault.described
    names = {found.subject.service, *(value for _, value in found.subject.labels)}
    metric = _SAME.get(found.subject.metric, found.subject.metric)
    return described.service in names or (
        described.service.startswith("node-") and metric in described.metrics
    )


class RollupsOnly(LocalStore):
    """A store whose tables of telemetry keep nothing and only fill the roll-ups: what the watcher reads, in a tenth of
    the time."""

    async def command(self, sql: str, parameters: Mapping[str, Any] | None = None) -> str:
        if _UNREAD.match(sql):
            return ""
        if _BASE.match(sql):
            lines = sql[: sql.index("\nENGINE")].splitlines()
            columns = "\n".join(line for line in lines if not line.strip().startswith("INDEX"))
            sql = re.sub(r",\s*\)\s*$", "\n)", columns) + " ENGINE = Null"
        return await super().command(sql, parameters)


_BASE: Final = re.compile(r"\s*CREATE TABLE IF NOT EXISTS (?:otel_|hyperdx_)\w+")
_UNREAD: Final = re.compile(
    r"\s*(?:ALTER TABLE (?:otel_|hyperdx_)|CREATE MATERIALIZED VIEW IF NOT EXISTS (?:otel|airis_facets))"
)
_SHARED: Final = ("Timestamp", "ServiceName")
_WATCHED: Final[Mapping[str, tuple[str, ...]]] = {
    "otel_logs": (*_SHARED, "SeverityText", "SeverityNumber"),
    "otel_traces": (*_SHARED, "SpanKind", "StatusCode", "Duration"),
    "otel_metrics_gauge": (),
    "otel_metrics_sum": (),
}
"""What the roll-ups that are watched are made of; of metrics everything."""


def _narrow(name: str, batch: pa.RecordBatch, tenant: str) -> pa.RecordBatch:
    columns = _WATCHED[name]
    if not columns:
        return batch
    owner = pa.array([[("airis.tenant", tenant)]], pa.map_(pa.string(), pa.string()))
    owners = owner.take(pa.array(np.zeros(batch.num_rows, dtype=np.int64)))
    return batch.select(list(columns)).append_column("ResourceAttributes", owners)


async def fill(
    store: Store, tenant: str, course: Course, said: Callable[[float], None] = lambda _: None
) -> int:
    """Put the run into a store; how many rows."""
    world, plan = World(course.plan), course.plan
    waiting: dict[str, list[pa.RecordBatch]] = {}
    rows = written = 0
    for start, end in world.blocks():
        for payload in world.block(start, end):
            decoded = decode(payload.signal, payload.body, tenant=tenant, received_ns=0)
            tables = route_sessions(decoded.tables) if payload.signal == "logs" else decoded.tables
            for name, batch in tables.items():
                if name in _WATCHED:
                    waiting.setdefault(name, []).append(_narrow(name, batch, tenant))
                    rows += batch.num_rows
        if rows > _ROWS or end >= plan.end:
            for name, batches in waiting.items():
                await store.insert(name, pa.Table.from_batches(batches))
            written, rows = written + rows, 0
            waiting.clear()
            said((end - plan.start) / (plan.end - plan.start))
    return written


async def watch(
    store: Store, tenant: str, course: Course, said: Callable[[float], None] = lambda _: None
) -> Outcome:
    """Run the watcher through the days after those learned from, minute by minute while a fault begins."""
    outcome, now = Outcome(course), [course.watched]
    settings = WatchSettings(history=max(course.learned * 86400.0, 3600.0), patience=0.0)
    watcher = Watcher(
        store,
        Rollups(store, int(settings.interval), tenant=tenant),
        settings,
        make=SeasonalDetector,
        load=SeasonalDetector.load,
        clock=lambda: now[0],
        told=lambda each: outcome.note(now[0], each),
    )
    for at in _times(course):
        now[0] = at + int(settings.settle * SECOND)
        await watcher.turn()
        said((at - course.watched) / (course.plan.end - course.watched))
    outcome.series = sum(map(len, watcher.held.values()))
    return outcome


def _times(course: Course) -> Iterator[int]:
    """Every minute of the first 20 of a fault, every ten of the rest."""
    plan, at = course.plan, course.watched
    while at <= plan.end:
        yield at
        close = any(fault.start <= at < fault.start + 20 * MINUTE for fault in plan.faults)
        at += MINUTE if close else 10 * MINUTE - at % (10 * MINUTE) if at % (10 * MINUTE) else 10 * MINUTE
