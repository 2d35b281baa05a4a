"""Ray Serve: aiops at ``/api/aiops``."""

from __future__ import annotations

import asyncio

from fastapi import FastAPI
from ray import serve
from ray.serve import Application

from airis_ray.aiops.app import create_app
from airis_ray.aiops.batching import (
    JOINED_CELLS,
    THREADS,
    DetectWork,
    ForecastWork,
    Threads,
    detect_all,
    forecast_all,
    joint_size,
)
from airis_ray.aiops.custom.loading import HELD, open_model
from airis_ray.aiops.custom.process import ModelProcess
from airis_ray.aiops.custom.registry import Registry
from airis_ray.aiops.forecast.result import Forecast
from airis_ray.aiops.protocol import Scores
from airis_ray.launch.deployment import begin_replica, prepared
from airis_ray.settings import Settings
from airis_ray.store.client import open_store
from airis_ray.web.service import service_guard
from airis_ray.web.vitals import Vitals, vitals

WAIT_SECONDS = 0.005
"""How long a request waits for others to be computed with; a computation takes tens of milliseconds and more."""


@serve.deployment(name="Aiops")
@serve.ingress()
class Aiops:
    """A replica. Its parts are made on the event loop that serves them, hence not in the constructor."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._threads = Threads()

    async def __serve_build_asgi_app__(self) -> FastAPI:
        begin_replica()
        store = open_store(self._settings)
        # The application closes the store and the threads when Serve shuts the replica down.
        guard = service_guard(self._settings, "aiops", store)
        return create_app(
            self._settings,
            store,
            guard,
            threads=self._threads,
            detect=self.detect,
            ahead=self.ahead,
            load=self.load,
        )

    @serve.batch(  # type: ignore[untyped-decorator] # Serve's is
        max_batch_size=JOINED_CELLS,
        batch_size_fn=joint_size,
        batch_wait_timeout_s=WAIT_SECONDS,
        max_concurrent_batches=THREADS,
    )
    async def detect(self, works: list[DetectWork]) -> list[tuple[Scores, ...]]:
        """Scores of requests that came at about the same time."""
        return await self._threads.run(detect_all, works, self._settings.detect.device)

    @serve.batch(  # type: ignore[untyped-decorator] # Serve's is
        max_batch_size=JOINED_CELLS,
        batch_size_fn=joint_size,
        batch_wait_timeout_s=WAIT_SECONDS,
        max_concurrent_batches=THREADS,
    )
    async def ahead(self, works: list[ForecastWork]) -> list[tuple[Forecast, ...]]:
        """Forecasts of requests that came at about the same time."""
        return await self._threads.run(forecast_all, works)

    @serve.multiplexed(max_num_models_per_replica=HELD)  # type: ignore[untyped-decorator] # Serve's is
    async def load(self, key: str) -> ModelProcess:
        """A tenant's model; of the one that has to go nobody holds the process any more, which ends it."""
        return await asyncio.to_thread(open_model, key, Registry.of(self._settings), self._settings.models)

    async def vitals(self) -> Vitals:
        """What this replica tells of itself."""
        return vitals("aiops")


def app(args: dict[str, str]) -> Application:
    """Build the application from the environment (``AIRIS_*``)."""
    return Aiops.bind(prepared())  # type: ignore[attr-defined] # Serve's decorator adds it
