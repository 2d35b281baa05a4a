"""`airis detect`: a past is judged as if it had been watched, twice as well as once."""

from __future__ import annotations

from airis_ray.aiops.series import MINUTE, SECOND
from airis_ray.aiops.watch.backfill import backfill
from airis_ray.settings import WatchSettings
from airis_ray.store import Query
from airis_ray.telemetry.times import TimeRange
from tests.support.local_store import LocalStore

START = 1_790_000_000 * SECOND // MINUTE * MINUTE


async def gauges(store: LocalStore, tenant: str, minutes: int) -> None:
    """A gauge between 10 and 12, and at 60 for ten minutes after minute 300."""
    await store.command(
        "INSERT INTO otel_metrics_gauge (TimeUnix, MetricName, ServiceName, Value, ResourceAttributes)"
        f" SELECT fromUnixTimestamp64Nano({START} + number * {MINUTE} + {SECOND}), 'load', 'cart',"
        " if(number BETWEEN 300 AND 309, 60, 10 + 2 * (cityHash64(number) % 1000) / 1000),"
        f" map('airis.tenant', '{tenant}') FROM numbers({minutes})"
    )


async def test_a_past_is_judged_and_judged_again_to_the_same(migrated_store: LocalStore, tenant: str) -> None:
    await gauges(migrated_store, tenant, 360)
    period = TimeRange(START + 120 * MINUTE, START + 360 * MINUTE)
    heard: list[float] = []
    first = await backfill(migrated_store, WatchSettings(), tenant, period, heard.append)
    assert heard[-1] == 1.0
    assert heard == sorted(heard)
    assert first.points == 240
    assert first.by_service[0][0] == "cart"
    found = [each for each in first.findings.values() if each.start == START + 300 * MINUTE]
    assert len(found) == 1
    assert (found[0].kind, found[0].direction, found[0].actual) == ("level", "above", 60.0)
    for told in (found[0].explanation, found[0].explanation_ko):
        assert "cart load" in told
        assert "60" in told
    second = await backfill(migrated_store, WatchSettings(), tenant, period)
    assert second.findings.keys() == first.findings.keys()
    sql = "SELECT count() AS n FROM airis_anomalies FINAL"
    rows = (await migrated_store.query(Query(sql, tenant=tenant))).table
    assert rows["n"][0].as_py() == len(first.findings)
