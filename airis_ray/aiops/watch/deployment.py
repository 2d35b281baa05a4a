"""Ray Serve: the watcher. No requests reach it; a replica is one shard of the series."""

from __future__ import annotations

import asyncio
import time

from ray import serve
from ray.serve import Application

from airis_ray.aiops.detect.seasonal import SeasonalDetector
from airis_ray.aiops.watch.comparisons import waits
from airis_ray.aiops.watch.explaining import Explaining
from airis_ray.aiops.watch.service import WatchService
from airis_ray.aiops.watch.watcher import Watcher
from airis_ray.aiops.watch.windows import Rollups, Scope
from airis_ray.launch.deployment import begin_replica, prepared
from airis_ray.settings import Settings
from airis_ray.store.client import ClickHouseStore, open_store
from airis_ray.web.logs import configure_logs
from airis_ray.web.telemetry import Telemetry
from airis_ray.web.vitals import Vitals, vitals

_CLOSE_SECONDS = 12.0  # below Serve's graceful_shutdown_timeout_s


@serve.deployment(name="Watch")
class Watch:
    """A replica. Its rank among them says which series are its own."""

    async def __init__(self, settings: Settings) -> None:  # type: ignore[misc] # Serve awaits it
        configure_logs(settings, "watch")
        begin_replica()
        self._telemetry = Telemetry.start(settings, "watch")
        self._settings = settings
        self._store: ClickHouseStore = open_store(settings)
        self._explaining = Explaining(_look, self._waits)
        self._service = _service(settings, self._store, self._explaining) if settings.watch.enabled else None

    async def check_health(self) -> None:
        """Raise unless the watcher goes on. A store that is down is no reason to restart it."""
        if self._service is not None:
            self._service.check()

    async def vitals(self) -> Vitals:
        """What this replica tells of itself."""
        return vitals("watch")

    async def _waits(self) -> bool:
        """Whether anomalies from before still wait to be compared, where that is wanted at all."""
        wanted = self._settings.delta.anomalies and self._settings.watch.enabled
        return bool(wanted) and await waits(self._store, time.time_ns())

    async def __del__(self) -> None:
        await self._explaining.close()
        if self._service is not None:
            await self._service.close(_CLOSE_SECONDS)
        await self._store.close()
        await asyncio.to_thread(self._telemetry.close)


async def _look() -> int:
    """Have the events of new anomalies compared by the application ``delta``; how many still wait."""
    delta = await asyncio.to_thread(serve.get_app_handle, "delta")
    return int(await delta.follow.remote())


def _service(settings: Settings, store: ClickHouseStore, explaining: Explaining) -> WatchService:
    context = serve.get_replica_context()
    scope = Scope(context.rank.rank, context.world_size)
    watched = settings.watch
    folder = settings.data_dir / "watch" / f"{scope.shard}-of-{scope.shards}"
    rollups = Rollups(store, int(watched.interval), scope)
    watcher = Watcher(
        store,
        rollups,
        watched,
        make=SeasonalDetector,
        load=SeasonalDetector.load,
        folder=folder,
        told=explaining.told if settings.delta.anomalies else lambda _: None,
    )
    return WatchService(watcher, interval=watched.interval, settle=watched.settle)


def app(args: dict[str, str]) -> Application:
    """Build the application from the environment (``AIRIS_*``)."""
    return Watch.bind(prepared())  # type: ignore[attr-defined] # Serve's decorator adds it
