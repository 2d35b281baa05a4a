"""Ingest and analytics under uvicorn, without Ray: what the query benchmark asks with ``--parts``."""

from __future__ import annotations

import asyncio
import sys

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount

from airis_ray.analytics.app import create_app as analytics_app
from airis_ray.ingest.app import create_app as ingest_app
from airis_ray.ingest.intake import Intake
from airis_ray.settings import Settings
from airis_ray.store.client import open_store
from airis_ray.store.migrate import migrate
from airis_ray.web.service import service_guard


async def main(port: int) -> None:
    """Serve until SIGTERM. The store of the settings must run already."""
    settings = Settings.from_env()
    store = open_store(settings)
    await migrate(store, settings=settings)
    ingest = ingest_app(settings, Intake(store, settings), service_guard(settings, "ingest", store))
    guard = service_guard(settings, "analytics", store)
    analytics = analytics_app(settings, open_store(settings), guard)
    outer = Starlette(
        routes=[Mount("/v1", ingest), Mount("/api/analytics", analytics)],
        lifespan=lambda _: ingest.router.lifespan_context(ingest),
    )
    config = uvicorn.Config(outer, host="127.0.0.1", port=port, log_level="warning", access_log=False)
    await uvicorn.Server(config).serve()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
