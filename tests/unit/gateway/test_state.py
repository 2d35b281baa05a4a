"""/healthz, /readyz, /metrics and the pages."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from prometheus_client.parser import text_string_to_metric_families

from airis_ray.errors import Unavailable
from airis_ray.gateway.openapi import NoStore
from airis_ray.gateway.readiness import Probes
from airis_ray.settings import Settings
from airis_ray.store.disk import Usage
from airis_ray.store.protocol import Query, Result
from airis_ray.web.auth import Scope
from tests.support.local_store import LocalStore
from tests.unit.gateway.conftest import World


async def running() -> Mapping[str, str]:
    return {"gateway": "RUNNING", "ingest": "RUNNING"}


async def test_healthy_needs_nothing_else(tmp_path: Path) -> None:
    world = World(NoStore(), tmp_path)
    assert (await world.client(None).get("/healthz")).json() == {"status": "ok"}


async def test_ready_when_every_part_is(migrated_store: LocalStore, tmp_path: Path) -> None:
    world = World(migrated_store, tmp_path, applications=running)
    answer = await world.client(None).get("/readyz")
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["ready"]
    assert {name: part["state"] for name, part in body["parts"].items()} == {
        "store": "ready",
        "migrations": "ready",
        "disk": "ready",
        "gateway": "ready",
        "ingest": "ready",
    }
    assert all(part["ms"] >= 0 for part in body["parts"].values())


async def test_a_store_that_is_down_is_told_and_its_insides_to_operators_alone(tmp_path: Path) -> None:
    class Broken(NoStore):
        async def ping(self) -> None:
            raise Unavailable("connection refused: 10.9.8.7:8123")

    world = World(Broken(), tmp_path, applications=running)
    answer = await world.client(None).get("/readyz")
    assert answer.status_code == 503
    assert not answer.json()["ready"]
    part = answer.json()["parts"]["store"]
    assert (part["state"], part["detail"]) == ("down", "does not answer")
    assert "10.9.8.7" not in answer.text
    assert str(tmp_path) not in answer.text
    known = await world.client(world.admin).get("/readyz")
    assert "10.9.8.7" in known.json()["parts"]["store"]["detail"]
    assert known.json()["parts"]["ingest"]["detail"] == "RUNNING"
    unverifiable = await world.client("airis_aaaaaaaaaaaa_" + "x" * 43).get("/readyz")
    assert unverifiable.status_code == 503
    assert "parts" in unverifiable.json()


async def test_a_wrong_key_is_refused_also_where_none_is_needed(world: World) -> None:
    assert (await world.client("nonsense").get("/readyz")).status_code == 401


@pytest.mark.parametrize(
    ("status", "state", "says"),
    [
        ("DEPLOYING", "waiting", "not running yet"),
        ("DEPLOY_FAILED", "down", "does not run"),
        ("UNHEALTHY", "down", "does not run"),
    ],
)
async def test_an_application_that_does_not_run(
    migrated_store: LocalStore, tmp_path: Path, status: str, state: str, says: str
) -> None:
    async def applications() -> Mapping[str, str]:
        return {"gateway": "RUNNING", "ingest": status}

    world = World(migrated_store, tmp_path, applications=applications)
    answer = await world.client(None).get("/readyz")
    assert answer.status_code == 503
    parts = answer.json()["parts"]
    assert (parts["ingest"]["state"], parts["ingest"]["detail"]) == (state, says)
    assert parts["gateway"]["state"] == "ready"


async def test_tables_that_are_not_made_yet_and_a_full_disk(tmp_path: Path) -> None:
    class Empty(NoStore):
        async def ping(self) -> None:
            return None

        async def query(self, query: Query) -> Result:
            columns: dict[str, list[Any]] = {
                "n": [0],
                "name": [],
                "engine_full": [],
                "engine": ["Atomic"],
                "logs": [""],
            }
            wanted = ["n"] if "count()" in query.sql else ["name", "engine_full"]
            if "system.databases" in query.sql:  # the layout
                wanted = ["engine", "logs"]
            return Result(pa.table({name: pa.array(columns[name]) for name in wanted}), 0, 0, 0.0)

    small = Usage(used=100 * 2**20, free=100 * 2**20)
    probes = Probes(Settings(data_dir=tmp_path), Empty(), disk=lambda: small)
    report = await probes.report()
    assert not report.ready
    assert report.parts["migrations"].state == "waiting"
    assert "steps are due: airis migrate" in report.parts["migrations"].reason
    assert report.parts["disk"].state == "down"


@pytest.mark.parametrize(
    ("used", "clickhouse", "state", "says"),
    [
        (60, None, "ready", "60% used"),
        (80, None, "ready", "AIRIS_DISK_DROP_ABOVE"),
        (96, None, "down", "AIRIS_DISK_REFUSE_ABOVE"),
        (96, "http://elsewhere:8123", "ready", "96% used"),  # that store's disk is another one
    ],
)
async def test_what_the_disk_guard_does_is_told(
    tmp_path: Path, used: int, clickhouse: str | None, state: str, says: str
) -> None:
    settings = Settings(data_dir=tmp_path, clickhouse_url=clickhouse)
    usage = Usage(used=used * 2**30, free=(100 - used) * 2**30)
    found = (await Probes(settings, NoStore(), disk=lambda: usage).report()).parts["disk"]
    assert found.state == state
    assert found.needed == (state == "ready")  # a store that takes nothing in still answers questions
    assert says in found.detail
    assert str(tmp_path) not in found.reason


async def test_a_part_that_hangs_is_bounded_and_rounds_are_shared(
    migrated_store: LocalStore, tmp_path: Path
) -> None:
    now, asked = [0.0], []

    async def applications() -> Mapping[str, str]:
        asked.append(1)
        if len(asked) == 2:
            await asyncio.Event().wait()
        return {}

    probes = Probes(Settings(data_dir=tmp_path), migrated_store, applications, clock=lambda: now[0])
    reports = await asyncio.gather(*(probes.report() for _ in range(5)))
    assert len({id(report) for report in reports}) == 1
    now[0] = 0.9
    assert await probes.report() is reports[0]
    now[0] = 1.1
    async with asyncio.timeout(5):
        hanging = await probes.report()
    assert hanging.parts["serve"].state == "down"
    assert hanging.parts["store"].state == "ready"
    assert len(asked) == 2


async def test_metrics_are_prometheus_text_for_readers_of_the_default_tenant(
    world: World, tenant: str
) -> None:
    answer = await world.client(world.admin).get("/metrics")
    assert answer.status_code == 200
    families = {family.name: family for family in text_string_to_metric_families(answer.text)}
    tables = {sample.labels["table"] for sample in families["airis_store_rows"].samples}
    assert {"airis_migrations"} <= tables
    ready = {sample.labels["part"]: sample.value for sample in families["airis_part_ready"].samples}
    assert ready == {"store": 1.0, "migrations": 1.0, "disk": 1.0}
    assert "process_resident_memory_bytes" in families
    assert (await world.client(await world.key(tenant)).get("/metrics")).status_code == 403
    assert (await world.client(await world.key("default", Scope.READ)).get("/metrics")).status_code == 200
    assert (await world.client(None).get("/metrics")).status_code == 401


async def test_metrics_are_there_while_the_store_is_not(tmp_path: Path) -> None:
    world = World(NoStore(), tmp_path)
    answer = await world.client(world.admin).get("/metrics")
    families = {family.name: family for family in text_string_to_metric_families(answer.text)}
    assert families["airis_store_rows"].samples == []
    ready = {sample.labels["part"]: sample.value for sample in families["airis_part_ready"].samples}
    assert ready["store"] == 0.0


@pytest.mark.parametrize("path", ["/", "/docs"])
async def test_pages_load_nothing_from_elsewhere(world: World, path: str) -> None:
    answer = await world.client(None).get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert "{{" not in answer.text
    assert re.findall(r"""(?:src|href|@import|url\()\s*=?\s*["'(]?(?:https?:)?//""", answer.text) == []
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert answer.headers["content-security-policy"].count("sha256-") == 2
    assert "innerHTML" not in answer.text


@pytest.mark.parametrize("path", ["/", "/docs", "/healthz", "/readyz", "/openapi.json"])
async def test_monitors_may_ask_by_head(world: World, path: str) -> None:
    client = world.client(None)
    assert (await client.head(path)).status_code == (await client.get(path)).status_code


async def test_the_page_speaks_korean_and_english(world: World) -> None:
    text = (await world.client(None).get("/")).text
    assert len(re.findall(r'class="ko"', text)) == len(re.findall(r'class="en"', text)) > 5


async def test_an_application_that_is_not_there_is_unavailable_and_not_unknown(world: World) -> None:
    client = world.client(world.admin)
    for method, path in (("POST", "/v1/traces"), ("GET", "/api/analytics/services")):
        answer = await client.request(method, path)
        assert answer.status_code == 503, path
        assert answer.headers["retry-after"] == "1"
        assert path in answer.json()["detail"]
    assert (await client.get("/api/nothing")).status_code == 404
