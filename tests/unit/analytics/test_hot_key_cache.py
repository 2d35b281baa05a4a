"""Keys that the operator added are used by queries without a restart."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from airis_ray.analytics.app import create_app
from airis_ray.analytics.hot_keys import REFRESH, HotKeyCache
from airis_ray.errors import Unavailable
from airis_ray.settings import Settings
from airis_ray.store import Query, Result
from airis_ray.store.keys import HOT_KEYS, add_hot_key, materialized_column
from airis_ray.web.auth import Guard
from tests.support.local_store import LocalStore
from tests.support.records import START, batch
from tests.unit.analytics.conftest import NOW, AnyTenant


class Watched(LocalStore):
    """The store of the tests that keeps what it was asked, and can be away."""

    def __init__(self, store: LocalStore) -> None:
        self._store = store
        self.asked: list[str] = []
        self.error: BaseException | None = None
        self.gate = asyncio.Event()
        self.gate.set()

    async def query(self, query: Query) -> Result:
        self.asked.append(query.sql)
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        return await self._store.query(query)

    async def close(self) -> None:
        """Left open: one engine serves every test of the run."""


@pytest.fixture
def store(migrated_store: LocalStore) -> Watched:
    return Watched(migrated_store)


async def test_searches_read_the_column_of_an_added_key(
    store: Watched, migrated_store: LocalStore, tenant: str
) -> None:
    key = f"shop.{tenant}"
    records = [{"Timestamp": START, "ServiceName": "cart", "LogAttributes": {key: "1"}}, {"Timestamp": START}]
    await migrated_store.insert("otel_logs", batch("otel_logs", tenant, records))
    settings, now = Settings(), NOW
    app = create_app(settings, store, Guard(settings, AnyTenant()), clock=lambda: now)
    cache: HotKeyCache = app.state.hot_keys
    body = {"query": f"{key}:1", "from": START, "to": NOW, "fields": ["service", key]}
    by_key = {"signal": "logs", "group_by": [key], "query": f"{key}:*", "from": START, "to": NOW}
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://a", headers={"Authorization": f"Bearer {tenant}"}
    ) as client:

        async def answers() -> tuple[list[Any], str]:
            store.asked.clear()
            found = await client.post("/search", json=body)
            series = await client.post("/timeseries", json=by_key)
            values = await client.get(
                f"/fields/{key}/values", params={"query": f"{key}:1", "from": START, "to": NOW}
            )
            assert [each.status_code for each in (found, series, values)] == [200, 200, 200]
            sql = " ".join(each for each in store.asked if "system.columns" not in each)
            return [found.json()["rows"], series.json()["series"], values.json()], sql

        before, sql = await answers()
        assert before[0] == [["cart", "1"]]
        assert before[2] == [{"value": "1", "count": 1}]
        assert "`LogAttributes`[" in sql
        await cache.settled()

        await add_hot_key(migrated_store, "otel_logs", key)
        now += REFRESH
        await cache.settled()
        after, sql = await answers()
        assert after == before
        assert f"`{materialized_column(key)}`" in sql
        assert "Attributes`[" not in sql
    await migrated_store.command(f"ALTER TABLE otel_logs DROP COLUMN `{materialized_column(key)}`")


async def test_the_store_is_asked_once_in_a_minute_and_nobody_waits_for_it(store: Watched) -> None:
    now = START
    cache = HotKeyCache(store, lambda: now)
    store.gate.clear()
    for _ in range(5):
        assert cache.current() == HOT_KEYS
        await asyncio.sleep(0)
    assert len(store.asked) == 1
    now += REFRESH
    cache.current()
    assert len(store.asked) == 1  # the first question is still under way
    store.gate.set()
    found = await cache.settled()
    assert set(HOT_KEYS["otel_traces"]) <= set(found["otel_traces"])
    assert cache.current() == found
    await cache.close()


@pytest.mark.parametrize("error", [Unavailable("away"), TimeoutError()])
async def test_a_store_that_is_away_changes_nothing(store: Watched, error: Exception) -> None:
    now = START
    cache = HotKeyCache(store, lambda: now)
    known = await cache.settled()
    store.error = error
    now += REFRESH
    assert await cache.settled() == known
    store.error = None
    assert await cache.settled() == known
    assert len(store.asked) == 2  # not before the next minute
    now += REFRESH
    await cache.settled()
    assert len(store.asked) == 3


async def test_closing_gives_up_the_question(store: Watched) -> None:
    cache = HotKeyCache(store, lambda: START)
    store.gate.clear()
    cache.current()
    await cache.close()
    store.gate.set()
