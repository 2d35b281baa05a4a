"""Real pages in the system's Chromium, and the applications they send to, under uvicorn in this process."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from starlette.applications import Starlette
from starlette.routing import Mount

from airis_ray.gateway.app import create_app as gateway
from airis_ray.gateway.recorder import BUILT
from airis_ray.ingest.app import create_app as ingest
from airis_ray.ingest.intake import Intake
from airis_ray.replay.app import create_app as replay
from airis_ray.settings import Settings
from airis_ray.web.auth import Guard, Scope
from airis_ray.web.keyring import api_keys
from airis_ray.web.keys import KeyTable
from tests.e2e.shop import PLAYER
from tests.support.local_store import Borrowed, LocalStore
from tests.support.loopback import served

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_KEPT = {"logs": 0, "traces": 0, "metrics": 0, "sessions": 0}  # as the tests' store was migrated


@dataclass
class Airis:
    """What runs, for one tenant. ``key`` may send and no more."""

    url: str
    key: str
    reader: httpx.AsyncClient
    intake: Intake

    async def sessions(self) -> list[dict[str, Any]]:
        """The tenant's sessions, as the list tells them after what came."""
        await self.intake.summarise_recordings()
        answer = await self.reader.get("/api/replay/sessions", params={"from": "now-1h", "to": "now+1m"})
        assert answer.status_code == 200, answer.text
        return list(answer.json())

    async def arrived(self, session: str, events: int, seconds: float = 60) -> dict[str, Any]:
        """A session once it has so many events."""
        for _ in range(round(seconds / 0.1)):
            answer = await self.reader.get(f"/api/replay/sessions/{session}")
            if answer.status_code == 200 and answer.json()["events"] >= events:
                return dict(answer.json())
            await asyncio.sleep(0.1)
        raise AssertionError(f"{events} events of session {session} did not come: {answer.text}")

    async def events(self, session: str) -> list[dict[str, Any]]:
        """Everything that was recorded."""
        answer = await self.reader.get(f"/api/replay/sessions/{session}/events")
        assert answer.status_code == 200, answer.text
        assert "link" not in answer.headers
        return list(answer.json())


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of the browser."""
    found = next(filter(None, map(shutil.which, _NAMES)), None)
    if found is None:
        pytest.skip("there is no Chromium on this machine: install chromium to record real pages")
    for path in (BUILT, PLAYER):
        if not path.exists():
            pytest.skip(f"{path.name} is not there: run scripts/ui test, which builds the recorder")
    return found


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(chromium: str) -> AsyncIterator[Any]:
    """A headless Chromium for all tests."""
    playwright = pytest.importorskip(
        "playwright.async_api", reason="playwright is not installed (extra dev): nothing can drive a browser"
    )
    async with playwright.async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=chromium, timeout=120_000)
        yield browser
        await browser.close()


@pytest_asyncio.fixture
async def page(browser: Any) -> AsyncIterator[Any]:
    """A page without a past."""
    context = await browser.new_context(timezone_id="Asia/Seoul", locale="ko-KR")
    context.set_default_timeout(60_000)
    yield await context.new_page()
    await context.close()


@pytest_asyncio.fixture
async def airis(migrated_store: LocalStore, tmp_path: Path, tenant: str) -> AsyncIterator[Airis]:
    """Gateway, ingest and replay over the tests' store, on one address, as Serve would route them."""
    settings = Settings.model_validate({"data_dir": tmp_path, "retention": _KEPT, "ingest": {"origins": "*"}})
    store = Borrowed(migrated_store)
    keys = KeyTable(store)
    guard = Guard(settings, api_keys(settings, keys))
    intake = Intake(store, settings)
    routes = [
        Mount("/v1", ingest(settings, intake, guard)),
        Mount("/api/replay", replay(settings, store, guard)),
        Mount("/", gateway(settings, store, guard)),
    ]
    _, key = await keys.create(tenant=tenant, name="site", scopes=[Scope.INGEST], created_by="test")
    _, reads = await keys.create(tenant=tenant, name="team", scopes=[Scope.READ], created_by="test")
    headers = {"authorization": f"Bearer {reads}"}
    async with (
        served(Starlette(routes=routes)) as url,
        httpx.AsyncClient(base_url=url, headers=headers, timeout=120) as reader,
    ):
        yield Airis(url, key, reader, intake)
    await intake.close(10)
