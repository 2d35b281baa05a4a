"""The accounts as they are read back: each way in which they balance, and each in which they do not."""

from __future__ import annotations

import pyarrow as pa
import pytest

from airis_ray.accounts import TABLE, Counts, Key, Outcome, Stage, StreamCounts, minute_of
from airis_ray.accounts.balance import LATE_SECONDS, Account, accounts
from airis_ray.telemetry.times import SECOND, TimeRange
from tests.support.local_store import LocalStore

NOW = 1_799_999_970
"""Seconds: in the middle of a minute."""

DAY = TimeRange((NOW - 86_400) * SECOND, NOW * SECOND)


def counted(stage: Stage, tenant: str, at: int, **records: int) -> pa.Table:
    counts = Counts(stage)
    for name, number in records.items():
        outcome, _, reason = name.partition("__")
        key = Key(minute_of(at * SECOND), tenant, "logs", Outcome(outcome), reason)
        counts.add(key, number, requests=1)
    return counts.table()


async def account(store: LocalStore, tenant: str) -> Account:
    (found,) = await accounts(store, DAY, now=NOW, tenant=tenant)
    return found


async def ingested(store: LocalStore, tenant: str, at: int, records: int) -> None:
    await store.insert(TABLE, counted("ingest", tenant, at, received=records, accepted=records))


async def streamed(store: LocalStore, tenant: str, at: int, records: int) -> None:
    batch = StreamCounts()
    batch.stored(tenant, "logs", at * SECOND, records, rows=records)
    await store.insert(TABLE, batch.table())


async def test_without_kafka(migrated_store: LocalStore, tenant: str) -> None:
    table = counted(
        "ingest",
        tenant,
        NOW - 60,
        received=100,
        accepted=80,
        stored=80,
        refused__malformed=5,
        refused__unavailable=10,
        expired=5,
    )
    await migrated_store.insert(TABLE, table)
    found = await account(migrated_store, tenant)
    assert (found.received, found.accepted, found.stored, found.expired) == (100, 80, 80, 5)
    assert found.refused == {"malformed": 5, "unavailable": 10}
    assert found.refused_requests == {"malformed": 1, "unavailable": 1}
    assert (found.on_the_way, found.uncounted, found.missing, found.state) == (0, 0, 0, "balanced")


@pytest.mark.parametrize(
    ("age", "state", "balanced"), [(30, "on_the_way", True), (LATE_SECONDS + 60, "late", False)]
)
async def test_on_the_way(
    migrated_store: LocalStore, tenant: str, age: int, state: str, balanced: bool
) -> None:
    await ingested(migrated_store, tenant, NOW - age, 100)
    await streamed(migrated_store, tenant, NOW - age, 60)
    found = await account(migrated_store, tenant)
    assert (found.on_the_way, found.stored, found.state, found.balanced) == (40, 60, state, balanced)
    assert found.oldest_on_the_way == (NOW - age) // 60 * 60
    await streamed(migrated_store, tenant, NOW - age, 40)
    assert (await account(migrated_store, tenant)).state == "balanced"


async def test_what_a_killed_replica_did_not_count_hides_no_loss(
    migrated_store: LocalStore, tenant: str
) -> None:
    """40 uncounted in one minute, 40 lost in Kafka in another: the sums agree, the accounts do not."""
    await ingested(migrated_store, tenant, NOW - 3600, 100)
    await streamed(migrated_store, tenant, NOW - 3600, 140)
    found = await account(migrated_store, tenant)
    assert (found.on_the_way, found.uncounted, found.state) == (0, 40, "balanced")
    await ingested(migrated_store, tenant, NOW - 7200, 100)
    await streamed(migrated_store, tenant, NOW - 7200, 60)
    found = await account(migrated_store, tenant)
    assert found.accepted == found.stored == 200
    assert (found.on_the_way, found.uncounted, found.state) == (40, 40, "late")


async def test_a_consumer_may_count_before_ingest_has_written(
    migrated_store: LocalStore, tenant: str
) -> None:
    await streamed(migrated_store, tenant, NOW - 10, 50)
    found = await account(migrated_store, tenant)
    assert (found.uncounted, found.state) == (0, "balanced")


async def test_lost_between_read_and_stored(migrated_store: LocalStore, tenant: str) -> None:
    """Which no code of ours may do: the check is against our own mistakes."""
    await ingested(migrated_store, tenant, NOW - 60, 100)
    await migrated_store.insert(TABLE, counted("stream", tenant, NOW - 60, read=100, stored=97))
    found = await account(migrated_store, tenant)
    assert (found.missing, found.state, found.balanced) == (3, "lost", False)


async def test_lost_in_ingest(migrated_store: LocalStore, tenant: str) -> None:
    table = counted("ingest", tenant, NOW - 60, received=100, accepted=98, stored=98)
    await migrated_store.insert(TABLE, table)
    found = await account(migrated_store, tenant)
    assert (found.missing, found.state) == (2, "lost")


async def test_everything_that_may_become_of_a_record(migrated_store: LocalStore, tenant: str) -> None:
    at = (NOW - 600) * SECOND
    await ingested(migrated_store, tenant, NOW - 600, 100)
    batch = StreamCounts()
    batch.stored(tenant, "logs", at, 60, rows=50)
    batch.repeated(tenant, "logs", at, 30)
    batch.dead_lettered(tenant, "logs", at, 10, reason="unreadable")
    batch.stored(tenant, "logs", at, None, rows=7, expired=2, refused=1)  # a Collector's
    await migrated_store.insert(TABLE, batch.table())
    await migrated_store.insert(TABLE, counted("store", tenant, NOW - 5, dropped=20))
    found = await account(migrated_store, tenant)
    assert (found.received, found.accepted, found.stored) == (110, 109, 57)
    assert (found.repeated, found.dead_lettered, found.expired, found.dropped) == (30, 10, 12, 20)
    assert (found.on_the_way, found.uncounted, found.missing, found.state) == (0, 0, 0, "balanced")


async def test_one_tenant_or_all_in_a_range(migrated_store: LocalStore, tenant: str) -> None:
    other = f"{tenant}o"
    for name in (tenant, other):
        await ingested(migrated_store, name, NOW - 60, 5)
    await ingested(migrated_store, tenant, NOW - 2 * 86_400, 1000)
    everybody = {each.tenant: each for each in await accounts(migrated_store, DAY, now=NOW)}
    assert {tenant, other} <= set(everybody)
    assert everybody[tenant].received == 5
    assert [each.tenant for each in await accounts(migrated_store, DAY, now=NOW, tenant=other)] == [other]
    ever = TimeRange(0, (1 << 63) - 1)
    (found,) = await accounts(migrated_store, ever, now=NOW, tenant=tenant)
    assert found.received == 1005


async def test_a_batch_that_is_made_again_counts_once(migrated_store: LocalStore, tenant: str) -> None:
    """Also where the totals of all time are made."""
    batch = StreamCounts()
    batch.stored(tenant, "logs", (NOW - 60) * SECOND, None, rows=7)
    for _ in range(3):
        await migrated_store.insert(TABLE, batch.table(), token=f"{tenant}:0:1:2:{TABLE}")
    assert (await account(migrated_store, tenant)).stored == 7
