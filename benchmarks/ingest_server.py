"""The ingest application under uvicorn, without Ray: what the ingest benchmark sends to by default."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount

from airis_ray.garbage import collect_rarely
from airis_ray.ingest.app import create_app
from airis_ray.ingest.intake import Intake
from airis_ray.settings import Settings
from airis_ray.store.client import open_store
from airis_ray.store.migrate import migrate
from airis_ray.web.service import service_guard


async def main(port: int) -> None:
    """Serve until SIGTERM. The store of the settings must run already."""
    collect_rarely()  # as a replica does
    settings = Settings.from_env()
    store = open_store(settings)
    await migrate(store, settings=settings)
    intake = Intake(store, settings)
    app = create_app(settings, intake, service_guard(settings, "ingest", store))

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with app.router.lifespan_context(app):
            yield

    outer = Starlette(routes=[Mount("/v1", app)], lifespan=lifespan)
    config = uvicorn.Config(outer, host="127.0.0.1", port=port, log_level="warning", access_log=False)
    await uvicorn.Server(config).serve()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
