"""/api/accounts, and the accounts in /metrics and `airis status`."""

from __future__ import annotations

import time
import uuid

from prometheus_client.parser import text_string_to_metric_families

from airis_ray.accounts import TABLE, Counts, Key, Outcome, StreamCounts, minute_of
from airis_ray.commands.data import account_row
from airis_ray.telemetry.times import SECOND
from airis_ray.web.auth import Scope
from tests.support.local_store import LocalStore
from tests.unit.gateway.conftest import World


async def count(store: LocalStore, tenant: str, *, received_ns: int) -> None:
    """100 records received, of which 90 went to Kafka and 60 were stored from there."""
    counts = Counts("ingest")
    for outcome, reason, records in (
        (Outcome.RECEIVED, "", 100),
        (Outcome.ACCEPTED, "", 90),
        (Outcome.REFUSED, "malformed", 7),
        (Outcome.EXPIRED, "", 3),
    ):
        counts.add(Key(minute_of(received_ns), tenant, "logs", outcome, reason), records)
    counts.add(Key(minute_of(received_ns), tenant, "logs", Outcome.REFUSED, "unreadable"), 0, requests=2)
    await store.insert(TABLE, counts.table(), token=uuid.uuid4().hex)
    batch = StreamCounts()
    batch.stored(tenant, "logs", received_ns, 60, rows=60)
    await store.insert(TABLE, batch.table(), token=uuid.uuid4().hex)


async def test_a_tenant_sees_its_own_accounts_and_an_operator_all(
    world: World, migrated_store: LocalStore, tenant: str
) -> None:
    other, now = f"{tenant}o", time.time_ns()
    for name in (tenant, other):
        await world.new_tenant(name)
        await count(migrated_store, name, received_ns=now - 60 * SECOND)
    client = world.client(await world.key(tenant, Scope.READ))
    answer = await client.get("/api/accounts")
    assert answer.status_code == 200, answer.text
    (account,) = answer.json()
    assert account["oldest_on_the_way"].endswith(":00.000000000Z")
    assert account == {
        "tenant": tenant,
        "signal": "logs",
        "balanced": True,
        "state": "on_the_way",
        "received": 100,
        "accepted": 90,
        "refused": {"malformed": 7},
        "refused_requests": {"unreadable": 2},
        "expired": 3,
        "stored": 60,
        "dead_lettered": 0,
        "repeated": 0,
        "on_the_way": 30,
        "oldest_on_the_way": account["oldest_on_the_way"],
        "uncounted": 0,
        "missing": 0,
        "dropped": 0,
    }
    assert (await client.get("/api/accounts", params={"tenant": other})).status_code == 403
    assert (await client.get("/api/accounts", params={"to": "now-10m"})).json() == []
    admin = world.client(world.admin)
    everybody = (await admin.get("/api/accounts")).json()
    assert {tenant, other} <= {each["tenant"] for each in everybody}
    asked = (await admin.get("/api/accounts", params={"tenant": other})).json()
    assert [each["tenant"] for each in asked] == [other]


async def test_metrics_show_the_totals_and_the_balance(
    world: World, migrated_store: LocalStore, tenant: str
) -> None:
    await count(migrated_store, tenant, received_ns=time.time_ns() - 1800 * SECOND)
    await migrated_store.command(
        f"INSERT INTO airis_disk_drops VALUES (now(), 'otel_{tenant}', '2026-01-01', 5, 1000, 0.71)"
    )
    answer = await world.client(world.admin).get("/metrics")
    samples = {
        (
            sample.name,
            *(sample.labels.get(label, "") for label in ("tenant", "outcome", "reason", "table")),
        ): (sample.value)
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }
    assert samples["airis_accounts_records_total", tenant, "received", "", ""] == 100
    assert samples["airis_accounts_records_total", tenant, "refused", "malformed", ""] == 7
    assert samples["airis_accounts_records_total", tenant, "stored", "", ""] == 60
    assert samples["airis_accounts_on_the_way_records", tenant, "", "", ""] == 30
    assert samples["airis_accounts_balanced", tenant, "", "", ""] == 0  # on the way for half an hour
    assert 0 < samples["airis_disk_used_ratio", "", "", "", ""] < 1
    assert samples["airis_disk_dropped_rows_total", "", "", "", f"otel_{tenant}"] == 5


def test_a_row_of_the_status_says_what_is_wrong() -> None:
    account = {
        "tenant": "t",
        "signal": "logs",
        "received": 30,
        "refused": {"malformed": 5, "unavailable": 2},
        "oldest_on_the_way": "2026-01-01T10:20:00.000000000Z",
        "state": "late",
        "missing": 0,
        "uncounted": 4,
    }
    row = account_row(account)
    assert row["refused"] == "7 (malformed 5, unavailable 2)"
    assert row["state"] == "late since 2026-01-01T10:20Z, 4 uncounted"
    calm = account | {"state": "balanced", "refused": {}, "uncounted": 0}
    assert (account_row(calm)["state"], account_row(calm)["refused"]) == ("balanced", 0)
    assert account_row(account | {"state": "lost", "missing": 3, "uncounted": 0})["state"] == "lost 3"
