"""Two tenants never see each other's rows: every route of every application, asked as both."""

from __future__ import annotations

import time
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI

from airis_ray.aiops.custom.registry import Registry
from airis_ray.aiops.series import SECOND
from airis_ray.aiops.watch.findings import Finding, Subject, write
from airis_ray.gateway.applications import APPLICATIONS
from airis_ray.web.app import routes_of
from tests.support.graphs import smooth
from tests.support.local_store import LocalStore
from tests.unit.aiops.custom.made import card
from tests.unit.gateway.conftest import World
from tests.unit.gateway.parties import Call, Party, payload
from tests.unit.gateway.tenancy import CASES

SIGNALS = ("logs", "traces", "metrics")


class Platform:
    """Every application on one store, each at its prefix, and two tenants."""

    def __init__(self, store: LocalStore, data_dir: Path) -> None:
        self.store = store
        self.world = World(store, data_dir)
        self.apps = {
            application.prefix: application.build(self.world.settings, store, self.world.guard)
            for application in APPLICATIONS
        }
        self.parties: list[Party] = []

    def routes(self) -> set[tuple[str, str]]:
        return {
            (method, f"{prefix}{route.path_format}")
            for prefix, app in self.apps.items()
            for route in routes_of(app)
            for method in (route.methods or {"*"})
            if method not in ("HEAD", "OPTIONS")
        }

    async def add(self, tenant: str) -> None:
        await self.world.new_tenant(tenant)
        party = Party(tenant, await self.world.key(tenant))
        made = await self.send(
            party, "POST", "/api/keys", Call(json={"name": party.secret, "scopes": ["read"]})
        )
        party.key_id = made.json()["id"]
        for signal in SIGNALS:
            answer = await self.send(party, "POST", f"/v1/{signal}", Call(json=payload(signal, party)))
            assert answer.status_code == 200, answer.text
        party.anomaly = await self.find(party)
        Registry.of(self.world.settings).put(tenant, card(smooth(), name=party.model), smooth())
        self.parties.append(party)

    async def find(self, party: Party) -> str:
        """An anomaly of the party's, as the watcher would write it."""
        now = time.time_ns()
        subject = Subject(party.service, "metrics", party.metric, labels=(("host", party.secret),))
        told = (party.secret, party.secret)
        found = Finding(party.tenant, 1, subject, now - SECOND, now, "point", 0.8, "above", 1, 2, *told, "m")
        await write(self.store, [found], now)
        return found.id

    async def send(self, party: Party, method: str, path: str, call: Call) -> httpx.Response:
        """As Serve does: the application of the longest prefix, which it finds in ``root_path``."""
        path = call.path or path
        prefix = max((prefix for prefix in self.apps if path.startswith(prefix)), key=len)
        app: FastAPI = self.apps[prefix]
        transport = httpx.ASGITransport(app, root_path=prefix, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://airis") as client:
            headers = {"authorization": f"Bearer {party.key}", **call.headers}
            return await client.request(
                method, path, params=call.params, json=call.json, content=call.content, headers=headers
            )


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def platform(
    migrated_store: LocalStore, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Platform]:
    platform = Platform(migrated_store, tmp_path_factory.mktemp("platform"))
    for _ in range(2):
        await platform.add(f"t{uuid.uuid4().hex[:12]}")
    yield platform


async def test_every_route_has_its_calls(platform: Platform) -> None:
    assert platform.routes() == CASES.keys()


@pytest.mark.parametrize(("method", "path"), CASES, ids=lambda value: value)
async def test_no_answer_to_one_holds_what_is_the_others(platform: Platform, method: str, path: str) -> None:
    for me, other in (platform.parties, reversed(platform.parties)):
        for call in CASES[method, path](me, other):
            answer = await platform.send(me, method, path, call)
            assert answer.status_code < 500, (call, answer.text)
            # A refusal may repeat the question; what an answer holds may not be the other's.
            if answer.status_code < 400 or other.secret not in repr(call):
                assert other.secret.encode() not in answer.content, (call, answer.text[:2000])
            if call.shows:
                assert answer.status_code in (200, 201), (call, answer.text)
                assert me.secret.encode() in answer.content, (call, answer.text[:500])


async def test_nobody_can_take_away_or_use_what_is_the_others(platform: Platform) -> None:
    me, other = platform.parties
    assert (await platform.send(me, "DELETE", f"/api/keys/{other.key_id}", Call())).status_code == 404
    for method, path, call in (
        ("GET", "/api/keys", Call(params={"tenant": other.tenant})),
        ("POST", "/api/keys", Call(json={"name": "n", "scopes": ["read"], "tenant": other.tenant})),
        ("GET", "/api/audit", Call(params={"tenant": other.tenant})),
        ("GET", "/api/tenants", Call()),
        ("GET", "/metrics", Call()),
    ):
        assert (await platform.send(me, method, path, call)).status_code == 403, path


async def test_a_tenant_that_the_sender_claims_is_not_believed(platform: Platform) -> None:
    me, other = platform.parties
    for signal in SIGNALS:
        sent = await platform.send(
            me, "POST", f"/v1/{signal}", Call(json=payload(signal, me, claims=other.tenant))
        )
        assert sent.status_code == 200
    for signal in ("logs", "traces"):
        found = await platform.send(
            other,
            "POST",
            "/api/analytics/search",
            Call(json={"signal": signal, "query": f"service:{me.service}"}),
        )
        assert found.json()["rows"] == []
