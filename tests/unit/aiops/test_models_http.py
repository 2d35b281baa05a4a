"""``/models``: registered once it passed, served by name to its tenant alone, rolled back, deleted, audited."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pyarrow as pa
import pytest_asyncio

from airis_ray.aiops.app import create_app
from airis_ray.aiops.custom.registry import Registry
from airis_ray.settings import Settings
from airis_ray.web.auth import Guard, Principal, Scope
from tests.support.graphs import WIDTH, indifferent, smooth
from tests.support.insert_only import InsertOnly
from tests.unit.aiops.custom.made import card
from tests.unit.aiops.http import START, one, wave

OCTETS = {"content-type": "application/octet-stream"}
HOW: dict[str, Any] = {"width": WIDTH, "output": "reconstruction"}


class Tenants:
    """A key ring to which a key is its tenant's; ``-reader`` may only read."""

    async def verify(self, key: str) -> Principal | None:
        scopes = {Scope.READ} if key.endswith("-reader") else {Scope.READ, Scope.WRITE}
        return Principal(f"key-of-{key}", key.removesuffix("-reader"), frozenset(scopes))


class Audited(InsertOnly):
    """Keeps what is recorded."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []

    async def insert(self, table: str, data: pa.Table | pa.RecordBatch, *, token: str | None = None) -> None:
        assert table == "airis_audit"
        self.rows += data.to_pylist()


class Place:
    """The application with its registry and its audit."""

    def __init__(self, folder: Path) -> None:
        settings = Settings(data_dir=folder)
        self.registry, self.audit = Registry.of(settings), Audited()
        app = create_app(settings, self.audit, Guard(settings, Tenants()), lambda: START)
        self.app = app
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        self.http = httpx.AsyncClient(transport=transport, base_url="http://airis")

    async def ask(self, method: str, path: str, key: str = "acme", **body: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {key}", **body.pop("headers", {})}
        return await self.http.request(method, path, headers=headers, **body)

    async def detect(
        self, model: str, key: str = "acme", values: Any = None, **options: Any
    ) -> httpx.Response:
        body = {"series": [one(values, host="a")], "model": model, **options}
        return await self.ask("POST", "/detect", key, json=body)

    def keep(self, *versions: str, tenant: str = "acme") -> None:
        for version in versions:
            self.registry.put(tenant, card(smooth(), version=version), smooth())


@pytest_asyncio.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    place = Place(tmp_path)
    async with place.app.router.lifespan_context(place.app), place.http:
        yield place


async def test_a_model_is_checked_registered_and_asked_by_name(place: Place) -> None:
    made = await place.ask("POST", "/models/waves", params=HOW, content=smooth(), headers=OCTETS)
    assert made.status_code == 201, made.text
    assert (made.json()["version"], made.json()["serving"]) == ("1", True)
    assert [(row["Action"], row["Target"]) for row in place.audit.rows] == [("model.register", "waves@1")]
    (listed,) = (await place.ask("GET", "/models", "acme-reader")).json()
    assert (listed["name"], listed["serving"], listed["before"]) == ("waves", "1", [])
    assert listed["versions"] == [made.json()]
    values = wave()
    values[300] += 15.0
    for asked in ("waves", "waves@1"):
        (series,) = (await place.detect(asked, "acme-reader", values)).json()["series"]
        assert series["model"] == "waves@1"
        assert "모델" in series["reason_ko"]
        assert int(np.argmax(series["scores"])) == 300
        assert series["is_anomaly"][300] is True
        assert sum(series["is_anomaly"]) < 10


async def test_what_fails_a_check_is_named_and_not_kept(place: Place) -> None:
    how = {"width": WIDTH, "output": "unusual"}
    answer = await place.ask("POST", "/models/blind", params=how, content=indifferent(), headers=OCTETS)
    assert answer.status_code == 422
    pointers = {error["pointer"] for error in answer.json()["errors"]}
    assert {"/checks/spike_found", "/checks/updates"} <= pointers
    assert (await place.ask("GET", "/models")).json() == []
    assert place.audit.rows == []


async def test_requests_that_are_none(place: Place) -> None:
    for path, params, headers, key, status in (
        ("/models/Waves", HOW, OCTETS, "acme", 422),
        ("/models/waves", {**HOW, "width": 3}, OCTETS, "acme", 422),
        ("/models/waves", {**HOW, "output": "pickle"}, OCTETS, "acme", 422),
        ("/models/waves", {**HOW, "version": "a/b"}, OCTETS, "acme", 422),
        ("/models/waves", HOW, {"content-type": "application/json"}, "acme", 415),
        ("/models/waves", HOW, OCTETS, "acme-reader", 403),
        ("/models/waves", HOW, OCTETS, "acme", 422),
    ):
        answer = await place.ask("POST", path, key, params=params, content=b"no model", headers=headers)
        assert answer.status_code in (status, 400 if status == 422 else status), (path, params, answer.text)
    for asked, status in (("waves", 404), ("Waves", 422), ("../x", 422)):
        assert (await place.detect(asked)).status_code == status


async def test_a_model_is_its_tenants_alone(place: Place) -> None:
    place.keep("1", "2")
    assert (await place.ask("GET", "/models", "other")).json() == []
    assert (await place.detect("waves@1", "other")).status_code == 404
    for method, path in (
        ("POST", "/models/waves/rollback"),
        ("DELETE", "/models/waves"),
        ("DELETE", "/models/waves/versions/1"),
    ):
        body = {"json": {}} if method == "POST" else {}
        assert (await place.ask(method, path, "other", **body)).status_code == 404
        assert (await place.ask(method, path, "acme-reader", **body)).status_code == 403
    assert place.registry.find("acme", "waves").version == "2"


async def test_going_back_and_deleting(place: Place) -> None:
    place.keep("1", "2")
    back = await place.ask("POST", "/models/waves/rollback", json={})
    assert (back.status_code, back.json()["serving"]) == (200, "1")
    assert (await place.detect("waves")).json()["series"][0]["model"] == "waves@1"
    assert (await place.ask("POST", "/models/waves/rollback", json={})).status_code == 422
    assert (await place.ask("POST", "/models/waves/rollback", json={"version": "7"})).status_code == 404
    assert (await place.ask("DELETE", "/models/waves/versions/1")).status_code == 422
    assert (await place.ask("DELETE", "/models/waves/versions/2")).status_code == 204
    assert (await place.detect("waves@2")).status_code == 404
    assert (await place.ask("DELETE", "/models/waves")).status_code == 204
    assert (await place.detect("waves")).status_code == 404
    done = [row["Action"] for row in place.audit.rows]
    assert done.count("model.delete") == 3
    assert done[0] == "model.rollback"


async def test_series_of_one_label_together_name_the_one_that_carried_it(place: Place) -> None:
    quiet, loud = wave(seed=1), wave(seed=2)
    loud[300] += 15.0
    labels = [
        ({"service": "a/b", "metric": "requests"}, quiet),
        ({"service": "a/b", "metric": "errors"}, loud),
        ({"service": "cart", "metric": "errors"}, quiet),
    ]
    body = {"series": [one(values, **each) for each, values in labels], "together": "service"}
    first, second, third = (await place.ask("POST", "/detect", json=body)).json()["series"]
    assert first["scores"] == second["scores"] != third["scores"]
    told = max(second["anomalies"], key=lambda each: float(each["severity"]))
    assert told["metric"] == "errors"
    assert told["sentence"].startswith("a∕b/errors: ")
    assert (await place.detect("waves", together="host")).status_code == 404
    place.keep("1")
    assert (await place.detect("waves", together="host")).json()["errors"][0]["pointer"] == "/together"
    body["together"] = "region"
    assert (await place.ask("POST", "/detect", json=body)).json()["errors"][0]["pointer"] == "/together"
