"""One turn of the watcher: read what settled since the last, judge it, keep what was found, learn what is new."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from airis_ray.aiops.protocol import Detector
from airis_ray.aiops.series import MINUTE, SECOND
from airis_ray.aiops.watch import checkpoint, metrics
from airis_ray.aiops.watch.findings import Finding, write
from airis_ray.aiops.watch.groups import Group, Make
from airis_ray.aiops.watch.holding import Held
from airis_ray.aiops.watch.learning import Learner
from airis_ray.aiops.watch.sources import SOURCES, Source
from airis_ray.aiops.watch.together import Alone, Together
from airis_ray.aiops.watch.tracking import Rules
from airis_ray.aiops.watch.verdicts import thresholds
from airis_ray.aiops.watch.windows import Rollups
from airis_ray.errors import AirisError
from airis_ray.settings import WatchSettings
from airis_ray.store.protocol import Store
from airis_ray.web.auth import SELF_TENANT

Load = Callable[[bytes], Detector]

_POINTS: Final = 2_000_000
"""Points read at once: 60 MB of columns."""
_CELLS: Final = 60
_RECENT: Final = 15 * MINUTE
"""Who sent something within this time is looked at."""
_GIVE_UP: Final = 6 * 60 * MINUTE
"""A state so far behind is not caught up with, but learned again."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Turn:
    """What one turn did."""

    points: int
    findings: int
    learned: int
    behind: float
    """seconds, as the metric of that name"""


class Watcher:
    """The series of one shard. ``clock`` tells nanoseconds since 1970; ``folder`` keeps the states, None: nothing does;
    ``told`` hears of every version of an anomaly that is kept.

    A turn that raises leaves everything at the cell that it had reached; the next one goes on there.
    """

    def __init__(
        self,
        store: Store,
        rollups: Rollups,
        settings: WatchSettings,
        *,
        make: Make,
        load: Load,
        clock: Callable[[], int] = time.time_ns,
        folder: Path | None = None,
        told: Callable[[Finding], None] = lambda _: None,
    ) -> None:
        self._store = store
        self._rollups = rollups
        self._settings = settings
        self._load = load
        self._clock = clock
        self._folder = folder
        self._told = told
        self._held: dict[tuple[str, str], Held] = {}
        self._together: dict[str, Together] = {}
        self._files: dict[int, tuple[Path, int]] = {}  # id of a group → its file, and its ``done`` there
        self._learner = Learner(rollups, settings, make)
        self._saved = clock()
        self._thresholds: dict[str, Mapping[int, float]] = {}
        self._left_out = 0
        self._told_alone: list[Alone] = []

    @property
    def held(self) -> Mapping[tuple[str, str], Held]:
        """The series by tenant and source."""
        return self._held

    async def restore(self) -> int:
        """Take up the states in the folder; how many series they hold. Called once, before the first turn."""
        if self._folder is None:
            return 0
        self._together = await asyncio.to_thread(checkpoint.load_together, self._folder)
        taken: set[tuple[str, str, int]] = set()
        oldest = self._clock() - _GIVE_UP
        for path, group in await asyncio.to_thread(checkpoint.load_all, self._folder, self._load):
            series = {(group.tenant, group.source, int(key)) for key in group.keys}
            source = next(each for each in SOURCES if each.name == group.source)
            if group.done < oldest or group.step != self._rollups.step(source) or series & taken:
                path.unlink(missing_ok=True)
                continue
            taken |= series
            self._of(group.tenant, group.source).groups.append(group)
            self._files[id(group)] = (path, group.done)
        return len(taken)

    async def turn(self) -> Turn:
        """Judge everything that has settled. Raises what the store raises."""
        with metrics.TURN_SECONDS.time():
            now = self._clock()
            points = findings = learned = self._left_out = 0
            found = await self._rollups.tenants(now - _RECENT, now)
            tenants = sorted({tenant for tenant, _ in self._held} | set(found))
            for tenant in tenants:
                if tenant == SELF_TENANT and not self._settings.own:
                    continue
                self._thresholds[tenant] = await thresholds(self._store, tenant)
                reached = []
                for source in SOURCES:
                    upto = await self._settled(tenant, source, now)
                    reached.append(upto)
                    counted = await self._advance(tenant, source, upto)
                    points, findings = points + counted[0], findings + counted[1]
                    learned += await self._learn(tenant, source, upto, now)
                findings += await self._judge_together(tenant, min(reached))
            await self._checkpoint(now)
            return Turn(points, findings, learned, self._tell(now))

    async def close(self) -> None:
        """Write every state."""
        await self._checkpoint(self._clock(), every=True)

    def _of(self, tenant: str, source: str) -> Held:
        return self._held.setdefault((tenant, source), Held())

    async def _settled(self, tenant: str, source: Source, now: int) -> int:
        """Up to when the cells are whole: all that settled, or what has come where more is on its way."""
        step = self._rollups.step(source)
        upto = (now - int(self._settings.settle * SECOND)) // step * step
        newest = await self._rollups.newest(tenant, source, upto - _RECENT, upto)
        if newest is not None and newest < upto and now - newest < self._settings.patience * SECOND:
            return newest // step * step
        return upto

    async def _advance(self, tenant: str, source: Source, upto: int) -> tuple[int, int]:
        held = self._of(tenant, source.name)
        step = self._rollups.step(source)
        start = held.done if held.done is not None else upto - _CELLS * step
        lasting = self._settings.confirm * self._settings.interval * SECOND
        rules = Rules(step, confirm=max(round(lasting / step), 1))
        together = self._together.setdefault(tenant, Together(tenant)) if self._settings.together else None
        points = findings = 0
        while start < upto:
            cells = min(max(_POINTS // max(len(held), 1), 1), _CELLS)
            end = min(start + cells * step, upto)
            window = await self._rollups.points(tenant, source, start, end)
            for group in held:
                found, count = await asyncio.to_thread(
                    group.advance, window, end, rules, self._thresholds[tenant], together
                )
                self._told_alone += [Alone(each.subject.service, each.start, each.end) for each in found]
                points, findings = points + count, findings + await self._keep(found)
            self._left_out += held.note(window, self._settings.max_series - self._series())
            start = end
        metrics.POINTS.labels(source.name).inc(points)
        return points, findings

    async def _judge_together(self, tenant: str, upto: int) -> int:
        """The services of a tenant, up to where every source is judged."""
        alone, self._told_alone = self._told_alone, []
        together = self._together.get(tenant)
        if together is None:
            return 0
        alone += [
            each for source in SOURCES for group in self._of(tenant, source.name) for each in group.told()
        ]
        lasting = self._settings.confirm * self._settings.interval * SECOND
        rules = Rules(MINUTE, confirm=max(round(lasting / MINUTE), 1))
        found = await asyncio.to_thread(together.judge, upto, rules, self._thresholds[tenant], alone)
        return await self._keep(found)

    async def _keep(self, found: list[Finding]) -> int:
        await write(self._store, found, self._clock())
        for each in found:
            self._told(each)
            if each.lasting:
                continue
            metrics.FOUND.labels(each.tenant, each.subject.signal).inc()
        return len(found)

    async def _learn(self, tenant: str, source: Source, upto: int, now: int) -> int:
        """Learn what waits, and what has become old, as long as there is time for it in this turn."""
        held = self._of(tenant, source.name)
        deadline = now + int(self._settings.interval * SECOND / 2)
        learned = 0
        async for change in self._learner.changes(tenant, source, held, upto):
            await self._keep(change.ended)
            held.replace(change.old, change.new)
            for group in change.old:
                await self._forget(group)
            learned += len(change.new) if change.new else 0
            metrics.FORGOTTEN.inc(change.forgotten)
            if self._clock() >= deadline:
                break
        metrics.LEARNED.labels(source.name).inc(learned)
        return learned

    def _series(self) -> int:
        return sum(len(held) + len(held.waiting) for held in self._held.values())

    async def _forget(self, group: Group) -> None:
        path, _ = self._files.pop(id(group), (None, 0))
        if path is not None:
            await asyncio.to_thread(path.unlink, missing_ok=True)

    async def _checkpoint(self, now: int, *, every: bool = False) -> None:
        if self._folder is None or (not every and now - self._saved < self._settings.checkpoint * SECOND):
            return
        for held in self._held.values():
            for group in held:
                name = self._folder / f"{group.tenant}.{group.source}.{uuid.uuid4().hex[:12]}.npz"
                path, done = self._files.get(id(group), (name, -1))
                if done != group.done:
                    await asyncio.to_thread(checkpoint.save, group, path)
                    self._files[id(group)] = (path, group.done)
        await asyncio.to_thread(checkpoint.save_together, self._together, self._folder)
        self._saved = now

    def _tell(self, now: int) -> float:
        """The gauges; answers how far behind everything is, in seconds."""
        for source in SOURCES:
            mine = [held for (_, name), held in self._held.items() if name == source.name]
            metrics.SERIES.labels(source.name).set(sum(map(len, mine)))
            metrics.PENDING.labels(source.name).set(sum(len(held.waiting) for held in mine))
        metrics.LEFT_OUT.set(self._left_out)
        behind = 0.0
        for held in self._held.values():
            for group in held.groups:
                late = (now - group.done - group.step) / SECOND - self._settings.settle
                behind = max(behind, late)
        metrics.BEHIND.set(behind)
        return behind


def failed(error: Exception) -> None:
    """Count and say a turn that failed; the next one goes on."""
    metrics.ERRORS.labels(type(error).__name__).inc()
    if isinstance(error, AirisError):
        _log.warning("a look at what came in failed", extra={"reason": str(error)})
    else:
        _log.error("a look at what came in failed", exc_info=error)
