"""Ray Serve: the consumers. No requests reach them; a replica is one member of the consumer group."""

from __future__ import annotations

import asyncio
from dataclasses import asdict

from ray import serve
from ray.serve import Application

from airis_ray.launch.deployment import begin_replica, prepared
from airis_ray.settings import Settings
from airis_ray.store.client import ClickHouseStore, open_store
from airis_ray.stream.consumer import StreamConsumer
from airis_ray.stream.kafka import KafkaBroker
from airis_ray.stream.service import StreamService
from airis_ray.web.logs import configure_logs
from airis_ray.web.telemetry import Telemetry
from airis_ray.web.vitals import Reading, Vitals, vitals

_CLOSE_SECONDS = 12.0  # below Serve's graceful_shutdown_timeout_s, with time to leave the group


@serve.deployment(name="Stream")
class Stream:
    """A replica. Without Kafka there is none: :mod:`airis_ray.stream.policy` asks for zero."""

    async def __init__(self, settings: Settings) -> None:  # type: ignore[misc] # Serve awaits it
        configure_logs(settings, "stream")
        begin_replica()
        self._telemetry = Telemetry.start(settings, "stream")
        self._store: ClickHouseStore = open_store(settings)
        broker = KafkaBroker(settings.kafka, settings.stream, max_body_bytes=settings.ingest.max_body_bytes)
        self._service = StreamService(lambda: StreamConsumer(broker, self._store, settings))

    async def check_health(self) -> None:
        """Raise unless the consumer goes on. A store or a Kafka that is down is no reason to restart it."""
        self._service.check()

    async def record_autoscaling_stats(self) -> dict[str, float]:
        """For the policy: lag, throughput and load of this consumer."""
        return asdict(self._service.stats())

    async def vitals(self) -> Vitals:
        """What this replica tells of itself."""
        found = self._service.readings()
        return vitals("stream", [Reading(str(partition), lag, stopped) for partition, lag, stopped in found])

    async def __del__(self) -> None:
        await self._service.close(_CLOSE_SECONDS)
        await self._store.close()
        await asyncio.to_thread(self._telemetry.close)


def app(args: dict[str, str]) -> Application:
    """Build the application from the environment (``AIRIS_*``)."""
    return Stream.bind(prepared())  # type: ignore[attr-defined] # Serve's decorator adds it
