"""``/readyz``: the state of each part, probed together, within two seconds."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from airis_ray.cache import CacheStore
from airis_ray.errors import Unavailable
from airis_ray.settings import Settings
from airis_ray.store.disk import Measure, Usage, usage_of
from airis_ray.store.migrate import plan
from airis_ray.store.protocol import Store

_BOUND: Final = 2.0  # seconds for all probes together
_CACHED: Final = 1.0  # seconds: load balancers and the page ask often
_DISK_FREE: Final = 512 * 2**20  # bytes; with less, merges and then inserts begin to fail

Applications = Callable[[], Awaitable[Mapping[str, str]]]
"""The Serve applications: name → status as Serve writes it (``RUNNING``, ``DEPLOYING``, …)."""

State = Literal["ready", "waiting", "down"]


@dataclass(frozen=True)
class Finding:
    """What a probe found. ``reason`` is for everybody; ``detail`` names insides and is for operators.

    A part that is not ``needed`` is shown, and the rest is ready without it.
    """

    state: State
    reason: str = ""
    detail: str = ""
    ms: float = 0.0
    needed: bool = True


@dataclass(frozen=True)
class Report:
    """All findings. Ready when every part that is needed is."""

    parts: Mapping[str, Finding] = field(default_factory=dict)

    @property
    def ready(self) -> bool:
        return all(finding.state == "ready" for finding in self.parts.values() if finding.needed)


class Probes:
    """Asks every part how it is. The report is kept for a second; those who ask meanwhile share one round."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        applications: Applications | None = None,
        *,
        cache: CacheStore | None = None,
        clock: Callable[[], float] = time.monotonic,
        disk: Measure | None = None,
    ) -> None:
        self._settings = settings
        self._store = store
        self._applications = applications
        self._cache = cache
        self._clock = clock
        self._disk = disk or (lambda: usage_of(settings.data_dir))
        self._round: asyncio.Task[Report] | None = None
        self._asked = float("-inf")

    async def disk(self) -> Usage:
        """How full the file system of the data folder is; raises OSError."""
        return await asyncio.to_thread(self._disk)

    async def report(self) -> Report:
        """The state of every part, at most a second old."""
        now = self._clock()
        if self._round is None or (self._round.done() and now - self._asked >= _CACHED):
            self._asked = now
            self._round = asyncio.create_task(self._probe_all())
        return await asyncio.shield(self._round)

    async def _probe_all(self) -> Report:
        probes = {"store": self._probe_store, "migrations": self._probe_migrations, "disk": self._probe_disk}
        if self._cache is not None and self._settings.redis.url is not None:
            probes["redis"] = self._probe_redis
        findings, served = await asyncio.gather(
            asyncio.gather(*(_bounded(probe) for probe in probes.values())), self._probe_applications()
        )
        return Report(dict(zip(probes, findings, strict=True)) | served)

    async def _probe_store(self) -> Finding:
        await self._store.ping()
        return Finding("ready")

    async def _probe_migrations(self) -> Finding:
        due = await plan(self._store, settings=self._settings)
        if not due:
            return Finding("ready")
        names = ", ".join(f"{step.version:04d}_{step.name}" for step in due)
        return Finding("waiting", f"{len(due)} steps are due: airis migrate", names)

    async def _probe_disk(self) -> Finding:
        usage, limits = await self.disk(), self._settings.disk
        free = f"{usage.free / 2**30:.1f} GiB free in {self._settings.data_dir}"
        detail = f"{usage.share:.0%} used, {free}"
        if usage.free < _DISK_FREE:
            return Finding("down", "the disk of the data folder is nearly full", detail)
        if self._settings.clickhouse_url is None and usage.share > limits.refuse_above:
            told = f"{detail}: above {limits.refuse_above * 100:g}% (AIRIS_DISK_REFUSE_ABOVE) nothing is taken in"
            reason = "the disk of the data folder is full: nothing is taken in"
            return Finding("down", reason, told, needed=False)  # what is there can be asked for
        if self._settings.clickhouse_url is None and usage.share > limits.drop_above:
            detail += f": above {limits.drop_above * 100:g}% (AIRIS_DISK_DROP_ABOVE) the oldest days of telemetry go"
            return Finding("ready", "the disk of the data folder is filling up: the oldest days go", detail)
        return Finding("ready", "", detail)

    async def _probe_redis(self) -> Finding:
        assert self._cache is not None
        try:
            await self._cache.ping()
        except Unavailable as error:
            reason = "does not answer; the rest works without it"
            return Finding("down", reason, str(error), needed=False)
        return Finding("ready", needed=False)

    async def _probe_applications(self) -> dict[str, Finding]:
        """A finding for each Serve application; one named ``serve`` where Serve itself cannot be asked."""
        states: Mapping[str, str] = {}

        async def ask() -> Finding:
            nonlocal states
            if self._applications is not None:
                states = await self._applications()
            return Finding("ready")

        asked = await _bounded(ask)
        if asked.state != "ready":
            return {"serve": asked}
        return {name: _application(status, asked.ms) for name, status in sorted(states.items())}


def _application(status: str, ms: float) -> Finding:
    if status == "RUNNING":
        return Finding("ready", "", status, ms)
    if status in ("DEPLOY_FAILED", "UNHEALTHY"):
        return Finding("down", "does not run", status, ms)
    return Finding("waiting", "not running yet", status, ms)


async def _bounded(probe: Callable[[], Awaitable[Finding]]) -> Finding:
    start = time.perf_counter()
    try:
        async with asyncio.timeout(_BOUND):
            found = await probe()
    except TimeoutError:
        found = Finding("down", "does not answer", f"no answer within {_BOUND:.0f} s")
    except Unavailable as error:
        found = Finding("down", "does not answer", str(error))
    except Exception as error:  # whatever is wrong with a part, the report has to come
        found = Finding("down", "is not in order; an operator's key shows why", str(error) or repr(error))
    return replace(found, ms=(time.perf_counter() - start) * 1e3)
