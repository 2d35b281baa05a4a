"""Counts in a store that is killed while they are written: each is there once, in the totals of all time too."""

from __future__ import annotations

import asyncio
import random
import time
from pathlib import Path

from airis_ray.accounts.balance import accounts
from airis_ray.accounts.ledger import Ledger
from airis_ray.errors import Unavailable
from airis_ray.settings import RetentionSettings, Settings
from airis_ray.store import Query
from airis_ray.store.client import ClickHouseStore
from airis_ray.store.migrate import migrate
from airis_ray.telemetry.otlp import Decoded
from airis_ray.telemetry.times import SECOND, TimeRange
from tests.support.embedded_store import EmbeddedProcess

KILLS = 3
DECODED = Decoded({}, accepted=9, rejected=1, reasons=())


def book(ledger: Ledger, now: float) -> None:
    with ledger.entry("t", "logs", int(now * SECOND)) as entry:
        entry.decoded(DECODED, malformed=1)
        entry.accepted(stored=True)


async def written(ledger: Ledger) -> None:
    """Write what was counted, as often as it takes."""
    for _ in range(100):
        try:
            await ledger.flush()
            return
        except Unavailable:
            await asyncio.sleep(0.1)
    raise AssertionError("the store did not come back within 10 s")


async def test_counts_survive_a_killed_store_once(tmp_path: Path) -> None:
    process = await asyncio.to_thread(EmbeddedProcess(tmp_path).start)
    store = ClickHouseStore(process.url, password=process.key)
    ledger = Ledger(store, interval=3600)
    chance, now, booked = random.Random(7), time.time(), 0
    try:
        await migrate(store, settings=Settings(retention=RetentionSettings()))
        for _ in range(KILLS):
            for _ in range(100):
                book(ledger, now)
                booked += 1
            writing = asyncio.create_task(written(ledger))
            await asyncio.sleep(chance.uniform(0, 0.05))
            await asyncio.to_thread(process.kill)
            await asyncio.to_thread(process.start)
            await writing
        await ledger.close(10.0)
        period = TimeRange(int((now - 3600) * SECOND), int((now + 3600) * SECOND))
        (account,) = await accounts(store, period, now=now)
        assert (account.received, account.accepted, account.stored) == (10 * booked, 9 * booked, 9 * booked)
        assert (account.refused, account.state) == ({"malformed": booked}, "balanced")
        sql = "SELECT sum(Records) AS n FROM airis_account_totals WHERE Outcome = 'stored'"
        assert (await store.query(Query(sql))).table["n"].to_pylist() == [9 * booked]
    finally:
        await store.close()
        await asyncio.to_thread(process.stop)
