"""The OpenAPI document as tests read it."""

from __future__ import annotations

from typing import Any

from airis_ray.gateway.openapi import openapi
from airis_ray.settings import Settings

DOCUMENT = openapi(Settings())


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema behind its reference; of a list, that of its items."""
    while "$ref" in schema or schema.get("type") == "array":
        if "$ref" in schema:
            schema = DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        else:
            schema = schema["items"]
    return schema


def body_of(operation: dict[str, Any]) -> dict[str, Any] | None:
    """The schema of a call's JSON body; None where it takes none."""
    content = operation.get("requestBody", {}).get("content", {})
    return resolved(content["application/json"]["schema"]) if "application/json" in content else None


def answer_of(operation: dict[str, Any], status: str = "200") -> dict[str, Any]:
    """The schema of a call's JSON answer."""
    return resolved(operation["responses"][status]["content"]["application/json"]["schema"])
