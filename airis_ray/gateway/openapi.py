"""The one OpenAPI 3.1 document: every application's calls under their prefixes, with the errors all of them have."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any, Final

import pyarrow as pa
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from airis_ray import __version__
from airis_ray.errors import Unavailable
from airis_ray.gateway.applications import APPLICATIONS, Application
from airis_ray.settings import Settings
from airis_ray.store.protocol import Query, Result
from airis_ray.web.app import routes_of, scopes_of
from airis_ray.web.auth import Guard, Principal
from airis_ray.web.problems import PROBLEM_JSON

_REF: Final = "#/components/schemas/"
_METHODS: Final = ("get", "post", "put", "patch", "delete")

_DESCRIPTION: Final = """\
Telemetry in, what is wrong and why out. Send OTLP to `/v1`, ask under `/api`.

Times are RFC 3339 strings, integer nanoseconds or relative (`now-15m`); answers are RFC 3339 with nanoseconds.
Durations are `15s`, `5m`, `1h`, `7d`. Ranges are `[from, to)`. Tables come as an Arrow IPC stream for
`Accept: application/vnd.apache.arrow.stream`. Errors are RFC 9457 problems; those of OTLP
are `google.rpc.Status`, those of the other intakes what their own clients read.
"""

_PROBLEM: Final[dict[str, Any]] = {
    "type": "object",
    "title": "Problem",
    "description": "RFC 9457",
    "required": ["type", "title", "status", "detail", "instance"],
    "properties": {
        "type": {"type": "string", "format": "uri", "examples": ["urn:airis:problem:invalid-input"]},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string", "format": "uri-reference"},
        "request_id": {"type": "string", "description": "as in the header `x-request-id` and in the log"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "detail"],
                "properties": {
                    "pointer": {"type": "string", "description": "JSON pointer of the bad field"},
                    "detail": {"type": "string"},
                },
            },
        },
    },
}

_RESPONSES: Final = {
    "400": ("InvalidInput", "names each bad field, what came and what was expected"),
    "401": ("Unauthenticated", "no credentials, or unknown ones"),
    "403": ("Forbidden", "a key without the scope, or another tenant's thing"),
    "408": ("TooSlow", "the body pauses or drips: less than 4 KiB a second after its first 10 s"),
    "413": ("TooLarge", "over a limit of size or cost"),
    "422": ("Unprocessable", "readable, and nothing to work on; names each bad series and position"),
    "429": ("TooManyRequests", "over the limit of the key; see `Retry-After` and `RateLimit-*`"),
    "500": ("Internal", "a mistake of ours, logged under the request id"),
    "503": ("Unavailable", "a needed part is down; see `Retry-After`"),
}


class NoStore:
    """A store that is not there: enough to build an application for its document."""

    async def query(self, query: Query) -> Result:
        raise Unavailable("no store")

    def stream(self, query: Query) -> AsyncIterator[pa.RecordBatch]:
        raise Unavailable("no store")

    async def insert(self, table: str, data: pa.Table | pa.RecordBatch, *, token: str | None = None) -> None:
        raise Unavailable("no store")

    async def command(self, sql: str, parameters: Mapping[str, Any] | None = None) -> str:
        raise Unavailable("no store")

    async def ping(self) -> None:
        raise Unavailable("no store")

    async def close(self) -> None:
        return None


class _NoKeys:
    async def verify(self, key: str) -> Principal | None:
        return None


def openapi(settings: Settings, applications: Iterable[Application] = APPLICATIONS) -> dict[str, Any]:
    """The document over ``applications``, built without a store; takes about a second with all imports."""
    guard = Guard(settings, _NoKeys())
    merged: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {
            "title": "AIRIS-Ray",
            "version": __version__,
            "description": _DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [],
        "paths": {},
        "components": {
            "schemas": {"Problem": _PROBLEM},
            "responses": _components(),
            "securitySchemes": {
                "key": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "an API key: `Authorization: Bearer airis_…`",
                }
            },
        },
    }
    for application in applications:
        _merge(merged, application, application.build(settings, NoStore(), guard))
    _number_ids(merged)
    return merged


def _components() -> dict[str, Any]:
    headers = {
        "Retry-After": {"description": "seconds", "schema": {"type": "integer", "minimum": 1}},
    }
    return {
        name: {
            "description": meaning,
            "content": {PROBLEM_JSON: {"schema": {"$ref": f"{_REF}Problem"}}},
            **({"headers": headers} if status in ("429", "503") else {}),
        }
        for status, (name, meaning) in _RESPONSES.items()
    }


def _merge(merged: dict[str, Any], application: Application, app: FastAPI) -> None:
    document = get_openapi(title=app.title, version=app.version, routes=app.routes)
    schemas = document.get("components", {}).get("schemas", {})
    for dropped in ("HTTPValidationError", "ValidationError"):  # FastAPI's 422; we answer 400 with a problem
        schemas.pop(dropped, None)
    taken = merged["components"]["schemas"]
    renamed = {
        name: f"{application.name.capitalize()}{name}"
        for name, schema in schemas.items()
        if name in taken and taken[name] != schema
    }
    scopes = _scopes(app)
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method in _METHODS:
                _complete(operation, application, scopes[path, method])
        merged["paths"][application.prefix + path] = _renamed(item, renamed)
    for name, schema in schemas.items():
        taken[renamed.get(name, name)] = _renamed(schema, renamed)
    merged["tags"].append({"name": application.name, "description": application.description})


def _scopes(app: FastAPI) -> dict[tuple[str, str], tuple[str, ...] | None]:
    return {
        (str(route.path_format), method.lower()): scopes_of(route)
        for route in routes_of(app)
        for method in (route.methods or ())
    }


def _complete(operation: dict[str, Any], application: Application, scopes: tuple[str, ...] | None) -> None:
    """Security, tag, a readable id and the errors that the guard and the handlers may answer."""
    operation["security"] = [] if scopes is None else [{"key": list(scopes)}]
    operation["tags"] = [application.name]
    operation["operationId"] = f"{application.name}_{re.sub(r'[^A-Za-z0-9]+', '_', operation['operationId'])}"
    responses = operation["responses"]
    refused = responses.pop("422", None)  # FastAPI's is our 400; a route's own stays
    own = refused is not None and "HTTPValidationError" not in str(refused)
    takes_input = "parameters" in operation or "requestBody" in operation
    wanted = ["500"] if scopes is None else ["401", "403", "429", "500", "503"]
    wanted += ["400"] if takes_input else []
    wanted += ["408", "413"] if "requestBody" in operation else []
    wanted += ["422"] if own else []
    for status in sorted(wanted):
        responses.setdefault(status, {"$ref": f"#/components/responses/{_RESPONSES[status][0]}"})


def _renamed(node: Any, names: Mapping[str, str]) -> Any:
    """A copy of a part of a document with its references to renamed schemas put right."""
    if isinstance(node, dict):
        return {
            key: _new_ref(value, names) if key == "$ref" else _renamed(value, names)
            for key, value in node.items()
        }
    return [_renamed(value, names) for value in node] if isinstance(node, list) else node


def _new_ref(reference: str, names: Mapping[str, str]) -> str:
    name = reference.removeprefix(_REF)
    return f"{_REF}{names[name]}" if reference.startswith(_REF) and name in names else reference


def _number_ids(document: dict[str, Any]) -> None:
    """Make operation ids unique, as OpenAPI wants: a second one of the same name gets a number."""
    seen: set[str] = set()
    for item in document["paths"].values():
        for method, operation in item.items():
            if method not in _METHODS:
                continue
            name, number = operation["operationId"], 2
            while operation["operationId"] in seen:
                operation["operationId"] = f"{name}_{number}"
                number += 1
            seen.add(operation["operationId"])
