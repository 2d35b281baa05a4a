"""Keys, tenants, audit: who may do what, and what is left behind."""

from __future__ import annotations

import base64
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from airis_ray.web.auth import Scope
from airis_ray.web.keys import key_id_of
from tests.unit.gateway.conftest import World


async def test_a_new_key_opens_what_its_scopes_say_and_is_shown_once(world: World, tenant: str) -> None:
    await world.new_tenant(tenant)
    admin = world.client(world.admin)
    body = {"name": "수집기", "scopes": ["ingest", "read"], "tenant": tenant, "expires": "90d"}
    answer = await admin.post("/api/keys", json=body)
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert key_id_of(made["key"]) == made["id"]
    assert (made["tenant"], made["name"], made["scopes"]) == (tenant, "수집기", ["ingest", "read"])
    expires = datetime.fromisoformat(made["expires"]) - datetime.now(UTC)
    assert timedelta(days=89, hours=23) < expires < timedelta(days=90, minutes=1)

    me = await world.client(made["key"]).get("/api/auth/me")
    assert me.json() == {
        "key_id": made["id"],
        "tenant": tenant,
        "scopes": ["ingest", "read"],
        "operator": False,
    }
    listed = (await admin.get("/api/keys", params={"tenant": tenant})).json()
    assert [key["id"] for key in listed] == [made["id"]]
    assert "key" not in listed[0]
    assert made["key"] not in (await admin.get("/api/keys", params={"tenant": tenant})).text


async def test_a_revoked_key_opens_nothing(world: World, tenant: str) -> None:
    key = await world.key(tenant)
    admin = world.client(world.admin)
    for _ in range(2):  # revoking again changes nothing
        answer = await admin.delete(f"/api/keys/{key_id_of(key)}")
        assert answer.status_code == 200
        assert answer.json()["revoked"] is not None
    assert (await world.client(key).get("/api/auth/me")).status_code == 401
    assert (await admin.get("/api/keys", params={"tenant": tenant})).json() == []
    revoked = (await admin.get("/api/keys", params={"tenant": tenant, "revoked": True})).json()
    assert [item["id"] for item in revoked] == [key_id_of(key)]


@pytest.mark.parametrize("scope", [Scope.INGEST, Scope.READ, Scope.WRITE])
async def test_keys_are_managed_with_the_scope_admin_alone(world: World, tenant: str, scope: Scope) -> None:
    client = world.client(await world.key(tenant, scope))
    for method, path in (("GET", "/api/keys"), ("POST", "/api/keys"), ("DELETE", "/api/keys/x")):
        body = {"name": "n", "scopes": ["read"]} if method == "POST" else None
        assert (await client.request(method, path, json=body)).status_code == 403
    for path in ("/api/tenants", "/api/audit"):
        assert (await client.get(path)).status_code == 403


async def test_an_administrator_of_a_tenant_stays_inside_it(world: World, tenant: str) -> None:
    other = f"{tenant}-other"
    await world.new_tenant(tenant)
    await world.new_tenant(other)
    foreign = await world.key(other)
    client = world.client(await world.key(tenant))
    new = {"name": "n", "scopes": ["read"]}
    assert (await client.get("/api/keys", params={"tenant": other})).status_code == 403
    assert (await client.get("/api/audit", params={"tenant": other})).status_code == 403
    assert (await client.post("/api/keys", json={**new, "tenant": other})).status_code == 403
    assert (await client.delete(f"/api/keys/{key_id_of(foreign)}")).status_code == 404
    assert (await client.get("/api/tenants")).status_code == 403
    assert (await client.post("/api/tenants", json={"id": "mine"})).status_code == 403
    assert (await client.post("/api/keys", json=new)).json()["tenant"] == tenant
    assert (await world.client(foreign).get("/api/auth/me")).status_code == 200


async def test_what_was_done_is_in_the_audit_with_who_and_when(world: World, tenant: str) -> None:
    admin = world.client(world.admin)
    await world.new_tenant(tenant)
    request_id = uuid.uuid4().hex
    made = await admin.post(
        "/api/keys",
        json={"name": "n", "scopes": ["read"], "tenant": tenant},
        headers={"x-request-id": request_id},
    )
    await admin.delete(f"/api/keys/{made.json()['id']}")
    events = (await admin.get("/api/audit", params={"tenant": tenant})).json()
    assert [(event["action"], event["actor"]) for event in events] == [
        ("key.revoke", "admin"),
        ("key.create", "admin"),
        ("tenant.create", "admin"),
    ]
    assert events[0]["target"] == made.json()["id"]
    assert events[1]["detail"] == {"name": "n", "scopes": "read", "expires": ""}
    assert events[1]["request_id"] == request_id
    assert events[1]["peer"] == "127.0.0.1"
    assert made.json()["key"] not in str(events)
    past = {"tenant": tenant, "from": "now-2h", "to": "now-1h"}
    assert (await admin.get("/api/audit", params=past)).json() == []


async def test_long_lists_are_paged_by_the_link_header(world: World, tenant: str) -> None:
    await world.new_tenant(tenant)
    admin = world.client(world.admin)
    for number in range(5):
        body = {"name": str(number), "scopes": ["read"], "tenant": tenant}
        assert (await admin.post("/api/keys", json=body)).status_code == 201
    for path, expected in (("/api/keys", 5), ("/api/audit", 6)):
        url, seen = f"{path}?tenant={tenant}&limit=2", []
        for _ in range(3):
            answer = await admin.get(url)
            seen += [item.get("id") or item["time"] for item in answer.json()]
            url = answer.links.get("next", {}).get("url", "")
        assert url == ""
        assert len(set(seen)) == len(seen) == expected


BAD: list[tuple[dict[str, Any], str, str]] = [
    ({"scopes": ["read"]}, "/name", "is required"),
    ({"name": "", "scopes": ["read"]}, "/name", "at least 1 character"),
    ({"name": "n", "scopes": []}, "/scopes", "at least 1 item"),
    ({"name": "n", "scopes": ["reed"]}, "/scopes/0", "'ingest', 'read', 'write' or 'admin'; got \"reed\""),
    ({"name": "n", "scope": ["read"], "scopes": ["read"]}, "/scope", "did you mean scopes?"),
    ({"name": "n", "scopes": ["read"], "tenant": "No Such"}, "/tenant", "pattern"),
    ({"name": "n", "scopes": ["read"], "expires": "soon"}, "/expires", "'soon' is no time"),
    ({"name": "n", "scopes": ["read"], "expires": "2001-01-01T00:00:00Z"}, "/expires", "not in the future"),
    ({"name": "n", "scopes": ["read"], "expires": "0s"}, "/expires", "not in the future"),
    ({"name": "n", "scopes": ["read"], "expires": "9999999999d"}, "/expires", ""),
]


async def test_an_operator_names_a_new_tenant_and_it_is_made_with_its_first_key(
    world: World, tenant: str
) -> None:
    admin = world.client(world.admin)
    made = await admin.post("/api/keys", json={"name": "n", "scopes": ["read"], "tenant": tenant})
    assert made.status_code == 201, made.text
    assert tenant in {found["id"] for found in (await admin.get("/api/tenants")).json()}


@pytest.mark.parametrize(("body", "pointer", "says"), BAD)
async def test_a_key_that_cannot_be_made_says_which_field_is_wrong(
    world: World, body: dict[str, Any], pointer: str, says: str
) -> None:
    answer = await world.client(world.admin).post("/api/keys", json=body)
    assert answer.status_code == 400
    [error] = answer.json()["errors"]
    assert error["pointer"] == pointer
    assert says in error["detail"]


@pytest.mark.parametrize(
    "cursor", ["", "!!", "AAAA", "bm90LWEtbnVtYmVyCng", "OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTkKeA", "가"]
)
async def test_a_cursor_of_elsewhere_is_refused(world: World, cursor: str) -> None:
    for path in ("/api/keys", "/api/audit"):
        answer = await world.client(world.admin).get(path, params={"cursor": cursor})
        assert answer.status_code == 400, (path, answer.text)
        assert answer.json()["errors"][0]["pointer"] == "/cursor"


@pytest.mark.parametrize("number", ["²", "٣", "9223372036854775807", "1_0", "-1"])
async def test_a_cursor_that_somebody_made_up_is_refused(world: World, number: str) -> None:
    for path, position in (("/api/keys", f"{number}\nx"), ("/api/audit", number)):
        if path == "/api/audit" and number.startswith("922"):
            continue  # nanoseconds: the year 2262, before which everything was
        cursor = base64.urlsafe_b64encode(position.encode()).decode().rstrip("=")
        answer = await world.client(world.admin).get(path, params={"cursor": cursor})
        assert answer.status_code == 400, (path, answer.text)
        assert answer.json()["errors"][0]["pointer"] == "/cursor"


async def test_tenants_are_made_once_and_listed_with_their_keys(world: World, tenant: str) -> None:
    admin = world.client(world.admin)
    answer = await admin.post("/api/tenants", json={"id": tenant, "name": "가게"})
    assert answer.json() | {"created": ""} == {
        "id": tenant,
        "name": "가게",
        "created": "",
        "created_by": "admin",
        "keys": 0,
    }
    again = await admin.post("/api/tenants", json={"id": tenant})
    assert again.status_code == 400
    await world.key(tenant)
    tenants = {item["id"]: item for item in (await admin.get("/api/tenants")).json()}
    assert tenants[tenant]["keys"] == 1
    assert {"default", "airis"} <= tenants.keys()
    assert (await admin.post("/api/tenants", json={"id": "default"})).status_code == 400
    assert (await admin.post("/api/tenants", json={"id": "Not Good"})).status_code == 400
