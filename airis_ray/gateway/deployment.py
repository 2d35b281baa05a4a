"""Ray Serve: the gateway at ``/``."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any, Final

from fastapi import FastAPI
from ray import serve
from ray.exceptions import RayError
from ray.serve import Application
from ray.serve.exceptions import RayServeException
from ray.serve.handle import DeploymentHandle

from airis_ray.gateway.app import create_app
from airis_ray.launch.deployment import begin_replica, prepared
from airis_ray.settings import Settings
from airis_ray.store.client import open_store
from airis_ray.store.protocol import Store
from airis_ray.web.service import service_guard
from airis_ray.web.vitals import Vitals, vitals

_ASK_SECONDS: Final = 1.5  # for all replicas of an application; they answer from memory
_AGAIN_SECONDS: Final = 0.2

_log = logging.getLogger(__name__)


@serve.deployment(name="Gateway")
@serve.ingress()
class Gateway:
    """A replica. Its parts are made on the event loop that serves them, hence not in the constructor."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._store: Store | None = None

    async def __serve_build_asgi_app__(self) -> FastAPI:
        self._store = store = open_store(self._settings)
        guard = service_guard(self._settings, "gateway", store)
        begin_replica()
        return create_app(self._settings, store, guard, applications=_applications, replicas=_Everybody())

    async def vitals(self) -> Vitals:
        """What this replica tells of itself."""
        return vitals("gateway")

    async def __del__(self) -> None:
        if self._store is not None:
            await self._store.close()


class _Everybody:
    """Asks every replica of every application that runs, by Serve's call to all replicas of a deployment."""

    def __init__(self) -> None:
        self._handles: dict[str, DeploymentHandle[Any]] = {}

    async def __call__(self) -> list[Vitals]:
        running = [name for name, state in (await _applications()).items() if state == "RUNNING"]
        answers = await asyncio.gather(*(self._ask(name) for name in running))
        return [told for answer in answers for told in answer]

    async def _ask(self, application: str) -> list[Vitals]:
        try:
            if application not in self._handles:
                self._handles[application] = await asyncio.to_thread(serve.get_app_handle, application)
            answer = self._handles[application].broadcast("vitals")
            told = await answer.results_async(timeout_s=_ASK_SECONDS, return_exceptions=True)
        except (TimeoutError, RayServeException, RayError):  # none runs, or one of them hangs
            return []
        return [each for each in told if isinstance(each, Vitals)]


async def _applications() -> Mapping[str, str]:
    try:
        status = await asyncio.to_thread(serve.status)
    except (
        Exception
    ) as error:  # the controller is asked while it changes: one failure says nothing of the rest
        _log.warning("Serve's status could not be had; asking again: %r", error)
        await asyncio.sleep(_AGAIN_SECONDS)
        status = await asyncio.to_thread(serve.status)
    return {name: str(overview.status.value) for name, overview in status.applications.items()}


def app(args: dict[str, str]) -> Application:
    """Build the application from the environment (``AIRIS_*``)."""
    return Gateway.bind(prepared())  # type: ignore[attr-defined] # Serve's decorator adds it
