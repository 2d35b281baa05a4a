"""/recorder.js: a script that pages of any origin may load."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from airis_ray.gateway.openapi import NoStore
from airis_ray.gateway.recorder import recorder_endpoint
from airis_ray.web.app import service_app
from tests.unit.gateway.conftest import World

SCRIPT = "(function(){/* 기록 */})();" * 100


@pytest.fixture
def client(tmp_path: Path) -> httpx.AsyncClient:
    world = World(NoStore(), tmp_path)
    app: FastAPI = service_app("gateway", world.settings, world.guard, public=("/recorder.js",))
    app.add_api_route("/recorder.js", recorder_endpoint(tmp_path / "recorder.js"), methods=["GET", "HEAD"])
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://airis")


async def test_every_origin_may_load_it_and_keeps_it_for_an_hour(
    client: httpx.AsyncClient, tmp_path: Path
) -> None:
    (tmp_path / "recorder.js").write_text(SCRIPT, encoding="utf-8")
    answer = await client.get("/recorder.js")
    assert answer.status_code == 200
    assert answer.text == SCRIPT
    assert answer.headers["content-encoding"] == "gzip"
    assert int(answer.headers["content-length"]) < len(SCRIPT) // 10
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["cache-control"] == "public, max-age=3600"
    again = await client.get("/recorder.js", headers={"if-none-match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    plain = await client.get("/recorder.js", headers={"accept-encoding": "identity"})
    assert plain.text == SCRIPT
    assert "content-encoding" not in plain.headers


async def test_not_built_is_told_until_it_is(client: httpx.AsyncClient, tmp_path: Path) -> None:
    answer = await client.get("/recorder.js")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert "make recorder" in answer.json()["detail"]
    (tmp_path / "recorder.js").write_text(SCRIPT, encoding="utf-8")
    assert (await client.get("/recorder.js")).status_code == 200


async def test_the_gateway_serves_it_without_a_key(tmp_path: Path) -> None:
    answer = await World(NoStore(), tmp_path).client(None).get("/recorder.js")
    assert answer.status_code in (200, 404)  # as this checkout was built
