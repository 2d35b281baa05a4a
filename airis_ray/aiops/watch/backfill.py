"""The watcher over a time that has passed: the same turns, with a clock of their own, as if it had watched then."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from airis_ray.aiops.detect.seasonal import SeasonalDetector
from airis_ray.aiops.series import SECOND
from airis_ray.aiops.watch.findings import Finding
from airis_ray.aiops.watch.watcher import Watcher
from airis_ray.aiops.watch.windows import Rollups
from airis_ray.settings import WatchSettings
from airis_ray.store.protocol import Store
from airis_ray.telemetry.times import TimeRange

_CELLS: Final = 30
"""Cells of a turn: as many as a series needs before it is judged."""


@dataclass
class Filled:
    """What was found: the newest version of each anomaly by id; how many points were judged."""

    points: int = 0
    findings: dict[str, Finding] = field(default_factory=dict)

    def note(self, found: Finding) -> None:
        """Hear of a version of an anomaly."""
        self.findings[found.id] = found

    @property
    def by_service(self) -> list[tuple[str, int]]:
        """Services with the number of their anomalies, the most first."""
        return Counter(found.subject.service for found in self.findings.values()).most_common()


async def backfill(
    store: Store,
    settings: WatchSettings,
    tenant: str,
    period: TimeRange,
    said: Callable[[float], None] = lambda _: None,
) -> Filled:
    """Judge a tenant's series in a period, learned from what was before it; ``said`` hears the part that is done.

    Anomalies get the ids that they would have got then: a second run, or the watcher, writes the same rows.
    """
    filled, at = Filled(), period.start_ns
    clock = [at]
    rollups = Rollups(store, int(settings.interval), tenant=tenant)
    past = settings.model_copy(update={"patience": 0.0, "settle": 0.0})  # what comes late has come
    watcher = Watcher(
        store,
        rollups,
        past,
        make=SeasonalDetector,
        load=SeasonalDetector.load,
        clock=lambda: clock[0],
        told=filled.note,
    )
    while True:
        clock[0] = at
        filled.points += (await watcher.turn()).points
        said((at - period.start_ns) / period.length_ns)
        if at >= period.end_ns:
            return filled
        at = min(at + _CELLS * int(settings.interval) * SECOND, period.end_ns)
        await asyncio.sleep(0)
