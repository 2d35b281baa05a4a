"""The one document: valid, whole, with the errors and scopes of every call."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from airis_ray.gateway.applications import APPLICATIONS
from airis_ray.gateway.openapi import NoStore, openapi
from airis_ray.settings import Settings
from airis_ray.web.app import routes_of, scopes_of, unguarded_routes
from airis_ray.web.auth import Guard, Principal
from tests.unit.gateway.conftest import World

METHODS = ("get", "post", "put", "patch", "delete")


class NoKeys:
    async def verify(self, key: str) -> Principal | None:
        return None


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return openapi(Settings())


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (path, method, item[method])
        for path, item in document["paths"].items()
        for method in METHODS
        if method in item
    ]


def test_it_is_valid_openapi_31(document: dict[str, Any]) -> None:
    OpenAPIV31SpecValidator(document).validate()
    assert document["openapi"].startswith("3.1")


def test_every_reference_leads_somewhere_and_ids_are_unique(document: dict[str, Any]) -> None:
    for reference in re.findall(r'"\$ref": "([^"]+)"', json.dumps(document)):
        at: Any = document
        for step in reference.removeprefix("#/").split("/"):
            at = at[step]
    ids = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(ids) == len(set(ids))
    assert not [name for name in ids if not re.fullmatch(r"[a-z]+_[A-Za-z0-9_]+", name)]


def test_every_call_of_every_application_is_in_it_with_its_scopes(document: dict[str, Any]) -> None:
    for application in APPLICATIONS:
        app = application.build(Settings(), NoStore(), Guard(Settings(), NoKeys()))
        for route in routes_of(app):
            if not getattr(route, "include_in_schema", False):
                continue
            for method in route.methods or ():
                operation = document["paths"][f"{application.prefix}{route.path_format}"][method.lower()]
                scopes = scopes_of(route)
                assert operation["security"] == ([] if scopes is None else [{"key": list(scopes)}])


def test_every_call_says_what_it_does_and_which_errors_it_answers(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        assert operation.get("summary"), (method, path)
        assert "HTTPValidationError" not in json.dumps(operation["responses"]), (method, path)
        if operation["security"]:
            assert {"401", "403", "429", "503"} <= operation["responses"].keys(), (method, path)


@pytest.mark.parametrize("application", APPLICATIONS, ids=lambda application: application.name)
def test_nothing_is_unguarded(application: Any) -> None:
    app = application.build(Settings(), NoStore(), Guard(Settings(), NoKeys()))
    assert unguarded_routes(app) == []
    if application.name != "gateway":
        assert app.state.public == frozenset()


async def test_the_gateway_serves_it_to_anybody(world: World, document: dict[str, Any]) -> None:
    answer = await world.client(None).get("/openapi.json")
    assert answer.status_code == 200
    assert answer.json()["paths"].keys() == document["paths"].keys()
    assert {"/v1/logs", "/api/keys", "/readyz"} <= answer.json()["paths"].keys()
