"""Turn after turn, whatever the last one met; and what a health check is told."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from airis_ray.aiops.series import SECOND
from airis_ray.aiops.watch.service import WatchService
from airis_ray.errors import Bug, Unavailable
from tests.support.local_store import LocalStore
from tests.unit.aiops.watch.test_watcher import World


async def test_a_turn_that_fails_is_followed_by_the_next(
    migrated_store: LocalStore, tenant: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(migrated_store, tenant, tmp_path)
    watcher = world.watcher(folder=tmp_path)
    turns, paused = 0, asyncio.Event()
    turn = watcher.turn

    async def failing() -> object:
        nonlocal turns
        turns += 1
        if turns == 1:
            raise Unavailable("the store is away")
        return await turn()

    async def pause(seconds: float) -> None:
        assert 0 < seconds <= 60
        if turns >= 3:
            paused.set()
            await asyncio.Event().wait()
        world.now += int(seconds * SECOND)

    monkeypatch.setattr(watcher, "turn", failing)
    service = WatchService(watcher, interval=60, settle=15, clock=lambda: world.now, pause=pause)
    async with asyncio.timeout(60):
        await paused.wait()
    service.check()
    world.now += 3600 * SECOND
    with pytest.raises(Bug, match="not ended"):
        service.check()
    await service.close(10)
    with pytest.raises(Bug, match="has ended"):
        service.check()
