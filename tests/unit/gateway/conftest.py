"""The gateway over the real tables, and keys of every kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from airis_ray.cache import CacheStore
from airis_ray.gateway.app import create_app
from airis_ray.gateway.readiness import Applications
from airis_ray.gateway.replicas import AskAll
from airis_ray.settings import Settings
from airis_ray.store.protocol import Store
from airis_ray.web.auth import ALL_SCOPES, Guard, Scope
from airis_ray.web.key_files import admin_key
from airis_ray.web.keyring import api_keys
from airis_ray.web.keys import KeyTable
from tests.support.local_store import LocalStore

KEPT = {"logs": 0, "traces": 0, "metrics": 0, "sessions": 0}  # as the tests' store was migrated


class World:
    """A gateway whose keys are real: the administrator's in a file, the others in the store."""

    def __init__(
        self,
        store: Store,
        data_dir: Path,
        *,
        applications: Applications | None = None,
        replicas: AskAll | None = None,
        cache: CacheStore | None = None,
        settings: Mapping[str, object] | None = None,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self.settings = Settings.model_validate({"data_dir": data_dir, "retention": KEPT, **(settings or {})})
        self.admin, _ = admin_key(data_dir)
        self.table = KeyTable(store)
        self.guard = Guard(self.settings, api_keys(self.settings, self.table), cache=cache)
        options = {} if clock is None else {"clock": clock}
        self.app: FastAPI = create_app(
            self.settings, store, self.guard, applications=applications, replicas=replicas, **options
        )

    def client(self, key: str | None) -> httpx.AsyncClient:
        headers = {} if key is None else {"authorization": f"Bearer {key}"}
        transport = httpx.ASGITransport(self.app)
        return httpx.AsyncClient(transport=transport, base_url="http://airis", headers=headers)

    async def key(self, tenant: str, *scopes: Scope) -> str:
        """A key of a tenant, with all scopes unless some are named."""
        _, text = await self.table.create(
            tenant=tenant, name="test", scopes=scopes or ALL_SCOPES, created_by="admin"
        )
        return text

    async def new_tenant(self, tenant: str) -> None:
        answer = await self.client(self.admin).post("/api/tenants", json={"id": tenant})
        assert answer.status_code == 201, answer.text


@pytest.fixture
def world(migrated_store: LocalStore, tmp_path: Path) -> World:
    return World(migrated_store, tmp_path)
