"""Plausible calls of the routes of the gateway."""

from __future__ import annotations

from airis_ray.gateway.applications import APPLICATIONS
from tests.unit.gateway.parties import Call, Party, Routes, none


def log_in(me: Party, other: Party) -> list[Call]:
    return [Call(json={"key": me.key})]


def list_keys(me: Party, other: Party) -> list[Call]:
    return [
        Call(shows=True),
        Call(params={"revoked": True, "limit": 1000}, shows=True),
        Call(params={"tenant": other.tenant}),
    ]


def create_key(me: Party, other: Party) -> list[Call]:
    body = {"name": f"another of {me.secret}", "scopes": ["read"]}
    return [Call(json=body, shows=True), Call(json={**body, "tenant": other.tenant})]


def revoke_key(me: Party, other: Party) -> list[Call]:
    return [Call(f"/api/keys/{other.key_id}")]


def create_tenant(me: Party, other: Party) -> list[Call]:
    return [Call(json={"id": other.tenant, "name": "mine now"})]


def audit(me: Party, other: Party) -> list[Call]:
    return [Call(params={"limit": 1000}, shows=True), Call(params={"tenant": other.tenant})]


def accounts(me: Party, other: Party) -> list[Call]:
    return [Call(), Call(params={"from": "now-7d"}), Call(params={"tenant": other.tenant})]


ROUTES: Routes = {
    ("GET", "/"): none,
    ("GET", "/healthz"): none,
    ("GET", "/readyz"): none,
    ("GET", "/openapi.json"): none,
    ("GET", "/docs"): none,
    ("GET", "/recorder.js"): none,
    ("GET", "/metrics"): none,
    ("GET", "/api/auth/me"): none,
    ("POST", "/api/auth/login"): log_in,
    ("POST", "/api/auth/logout"): none,
    ("GET", "/api/keys"): list_keys,
    ("POST", "/api/keys"): create_key,
    ("DELETE", "/api/keys/{key_id}"): revoke_key,
    ("GET", "/api/tenants"): none,
    ("POST", "/api/tenants"): create_tenant,
    ("GET", "/api/audit"): audit,
    ("GET", "/api/accounts"): accounts,
    **{
        (method, f"{application.prefix}/{{path}}"): none  # answered while an application is not there
        for application in APPLICATIONS
        if application.prefix
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE")
    },
}
