"""What /readyz and /metrics show of every replica's calls to the outside."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from airis_ray.cache.redis import RedisStore
from airis_ray.errors import Unavailable
from airis_ray.gateway.openapi import NoStore
from airis_ray.gateway.replicas import Replicas
from airis_ray.resilience import Breaker, BreakerPolicy, BreakerReport
from airis_ray.settings import RedisSettings
from airis_ray.web.vitals import Vitals, vitals
from tests.support.embedded_store import free_port
from tests.support.local_store import LocalStore
from tests.unit.gateway.conftest import World

TOLD = (
    Vitals("ingest", "host-12", (BreakerReport("store", "open", 7, 3.21, 0.44, "refused at 10.9.8.7"),)),
    Vitals("ingest", "host-11", (BreakerReport("store", "closed", 0, 60.0, 0.0, ""),)),
    Vitals("analytics", "host-13", (BreakerReport("redis", "half-open", 5, 1.0, 0.0, "gone"),)),
)


async def everybody() -> Sequence[Vitals]:
    return TOLD


async def test_every_replicas_breakers_are_shown_and_decide_nothing(
    migrated_store: LocalStore, tmp_path: Path
) -> None:
    world = World(migrated_store, tmp_path, replicas=everybody)
    answer = await world.client(None).get("/readyz")
    assert answer.status_code == 200
    shown = answer.json()["breakers"]
    assert [(each["service"], each["part"], each["state"]) for each in shown] == [
        ("analytics", "redis", "half-open"),
        ("ingest", "store", "closed"),
        ("ingest", "store", "open"),
    ]
    assert shown[2] | {"service": ""} == {
        "part": "store",
        "service": "",
        "replica": "",
        "state": "open",
        "failures": 7,
        "seconds": 3.2,
        "retry_in": 0.4,
        "reason": "",
    }
    assert "10.9.8.7" not in answer.text
    assert "host-1" not in answer.text
    known = (await world.client(world.admin).get("/readyz")).json()["breakers"]
    assert (known[2]["replica"], known[2]["reason"]) == ("host-12", "refused at 10.9.8.7")


async def test_metrics_have_a_number_for_each(migrated_store: LocalStore, tmp_path: Path) -> None:
    world = World(migrated_store, tmp_path, replicas=everybody)
    text = (await world.client(world.admin).get("/metrics")).text
    families = {family.name: family for family in text_string_to_metric_families(text)}
    samples = families["airis_breaker_state"].samples
    assert {(each.labels["replica"], each.labels["breaker"]): each.value for each in samples} == {
        ("host-11", "store"): 0.0,
        ("host-12", "store"): 2.0,
        ("host-13", "redis"): 1.0,
    }


def test_a_process_tells_of_its_breakers() -> None:
    breaker = Breaker("test-part", BreakerPolicy(failures=1))
    with pytest.raises(Unavailable), breaker.call():
        raise Unavailable("away")
    told = vitals("ingest")
    assert told.service == "ingest"
    (report,) = (each for each in told.breakers if each.name == "test-part")
    assert (report.state, report.reason) == ("open", "away")


async def test_replicas_are_asked_together_and_seldom() -> None:
    now, asked = [0.0], []

    async def ask() -> Sequence[Vitals]:
        asked.append(now[0])
        await asyncio.sleep(0)
        return TOLD

    replicas = Replicas(ask, clock=lambda: now[0])
    answers = await asyncio.gather(*(replicas.vitals() for _ in range(10)))
    assert all([each.replica for each in answer] == ["host-13", "host-11", "host-12"] for answer in answers)
    for now[0] in (1.0, 4.9, 5.0, 5.1, 11.0):
        await replicas.vitals()
    assert asked == [0.0, 5.0, 11.0]


async def test_slow_replicas_delay_nobody_and_are_shown_when_they_have_told() -> None:
    now, gate = [0.0], asyncio.Event()
    gate.set()

    async def ask() -> Sequence[Vitals]:
        await gate.wait()
        return TOLD[: 1 + int(now[0])]

    replicas = Replicas(ask, clock=lambda: now[0])
    assert len(await replicas.vitals()) == 1
    gate.clear()
    now[0] = 6.0
    assert len(await replicas.vitals(0.01)) == 1
    gate.set()
    assert len(await replicas.vitals()) == 3


async def test_where_nobody_can_be_asked_this_process_is_shown(
    migrated_store: LocalStore, tmp_path: Path
) -> None:
    async def broken() -> Sequence[Vitals]:
        raise RuntimeError("no controller")

    breaker = Breaker("test-part")
    world = World(migrated_store, tmp_path, replicas=broken)
    answer = await world.client(None).get("/readyz")
    assert answer.status_code == 200
    assert breaker.name in {each["part"] for each in answer.json()["breakers"]}
    assert {each["service"] for each in answer.json()["breakers"]} == {"gateway"}


async def test_a_redis_that_is_down_is_told_and_not_needed(
    migrated_store: LocalStore, tmp_path: Path
) -> None:
    url = f"redis://127.0.0.1:{free_port()}"
    cache = RedisStore(RedisSettings(url=url))
    world = World(migrated_store, tmp_path, cache=cache, settings={"redis": {"url": url}})
    answer = await world.client(None).get("/readyz")
    assert answer.status_code == 200, answer.text
    part = answer.json()["parts"]["redis"]
    assert (part["state"], part["needed"]) == ("down", False)
    assert "127.0.0.1" not in part["detail"]
    assert (await world.client(world.admin).get("/api/auth/me")).status_code == 200
    await cache.close()


async def test_without_a_redis_none_is_told(tmp_path: Path) -> None:
    answer = await World(NoStore(), tmp_path).client(None).get("/readyz")
    assert "redis" not in answer.json()["parts"]
    assert answer.json()["parts"]["store"]["needed"]
