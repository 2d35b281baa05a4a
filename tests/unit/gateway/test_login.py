"""Browser sessions: in by a key, out by a call, and nothing changed by a foreign page."""

from __future__ import annotations

import httpx
import pytest

from airis_ray.web.auth import Scope
from airis_ray.web.keys import key_id_of
from airis_ray.web.sessions import COOKIE, CSRF_COOKIE, csrf_token
from tests.unit.gateway.conftest import World


async def logged_in(world: World, key: str) -> httpx.AsyncClient:
    """A browser after the login; it sends the token of its page with every call."""
    browser = world.client(None)
    answer = await browser.post("/api/auth/login", json={"key": key})
    assert answer.status_code == 200, answer.text
    assert key not in str(answer.headers)
    browser.headers["x-csrf-token"] = browser.cookies[CSRF_COOKIE]
    return browser


async def test_a_login_opens_what_its_key_opens(world: World, tenant: str) -> None:
    key = await world.key(tenant, Scope.READ)
    browser = await logged_in(world, key)
    me = (await browser.get("/api/auth/me")).json()
    assert me == {"key_id": key_id_of(key), "tenant": tenant, "scopes": ["read"], "operator": False}
    assert (await browser.get("/api/keys")).status_code == 403


async def test_the_cookies_are_kept_from_scripts_and_other_sites(world: World) -> None:
    answer = await world.client(None).post(
        "/api/auth/login", json={"key": world.admin}, headers={"x-forwarded-proto": "https"}
    )
    session, csrf = sorted(
        answer.headers.get_list("set-cookie"), key=lambda line: line.startswith(CSRF_COOKIE)
    )
    assert session.startswith(f"{COOKIE}=")
    for part in ("HttpOnly", "SameSite=lax", "Path=/", "Max-Age=43", "Secure"):
        assert part in session, session
    assert "HttpOnly" not in csrf
    for part in ("SameSite=lax", "Secure"):
        assert part in csrf, csrf


async def test_a_logout_ends_the_session(world: World, tenant: str) -> None:
    key = await world.key(tenant)
    browser = await logged_in(world, key)
    session = browser.cookies[COOKIE]
    answer = await browser.post("/api/auth/logout")
    assert answer.status_code == 204
    assert COOKIE not in browser.cookies
    record = await world.table.find(key_id_of(session) or "")  # what replicas know is seconds old
    assert record is not None
    assert record.revoked is not None
    assert (await world.client(key).get("/api/auth/me")).status_code == 200


async def test_a_revoked_key_takes_its_sessions_with_it(world: World, tenant: str) -> None:
    key, kept = await world.key(tenant), await world.key(tenant)
    session = (await logged_in(world, key)).cookies[COOKIE]
    other = (await logged_in(world, kept)).cookies[COOKIE]
    admin = world.client(world.admin)
    assert (await admin.delete(f"/api/keys/{key_id_of(key)}")).status_code == 200
    assert (await world.client(session).get("/api/auth/me")).status_code == 401
    assert (await world.client(other).get("/api/auth/me")).status_code == 200


async def test_a_write_needs_the_token_of_the_page(world: World) -> None:
    browser = await logged_in(world, world.admin)
    body = {"name": "n", "scopes": ["read"]}
    assert (await browser.post("/api/keys", json=body)).status_code == 201
    for token in ("", "0" * 32, csrf_token("another")):
        answer = await browser.post("/api/keys", json=body, headers={"x-csrf-token": token})
        assert answer.status_code == 403
        assert "X-CSRF-Token" in answer.json()["detail"]


async def test_sessions_are_no_keys_of_the_list_and_make_none(world: World, tenant: str) -> None:
    await world.new_tenant(tenant)
    key = await world.key(tenant)
    browser = await logged_in(world, key)
    assert [each["id"] for each in (await browser.get("/api/keys")).json()] == [key_id_of(key)]
    tenants = (await world.client(world.admin).get("/api/tenants")).json()
    assert next(each["keys"] for each in tenants if each["id"] == tenant) == 1
    again = await world.client(None).post("/api/auth/login", json={"key": browser.cookies[COOKIE]})
    assert again.status_code == 401


async def test_a_session_ends_with_its_key_at_the_latest(world: World, tenant: str) -> None:
    admin = world.client(world.admin)
    body = {"name": "short", "scopes": ["read"], "tenant": tenant, "expires": "90s"}
    key = (await admin.post("/api/keys", json=body)).json()["key"]
    answer = await world.client(None).post("/api/auth/login", json={"key": key})
    ages = [line.partition("Max-Age=")[2].partition(";")[0] for line in answer.headers.get_list("set-cookie")]
    assert all(80 <= int(age) <= 90 for age in ages), ages


@pytest.mark.parametrize("key", ["", "no key", "airis_abc_" + "x" * 43])
async def test_a_wrong_key_begins_nothing(world: World, key: str) -> None:
    answer = await world.client(None).post("/api/auth/login", json={"key": key})
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers
