"""How OpenAPI shows these calls: their bodies are other systems', read as bytes."""

from __future__ import annotations

from typing import Any


def body(description: str, *media: str) -> dict[str, Any]:
    """``openapi_extra`` for a body of one of several media types."""
    return {
        "requestBody": {
            "description": description,
            "required": True,
            "content": {name: {"schema": _schema(name)} for name in media},
        }
    }


def _schema(media: str) -> dict[str, Any]:
    if "json" in media and "ndjson" not in media:
        return {}
    return (
        {"type": "string"}
        if media.startswith("text") or "ndjson" in media
        else {
            "type": "string",
            "format": "binary",
        }
    )
