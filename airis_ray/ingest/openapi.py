"""How OpenAPI shows the OTLP calls: their bodies are read as a stream, so that no model describes them."""

from __future__ import annotations

from typing import Any, Final

from airis_ray.ingest.answers import JSON_FIELDS
from airis_ray.ingest.bodies import JSON, PROTOBUF
from airis_ray.telemetry.tables import Signal

_MESSAGES: Final[dict[Signal, str]] = {
    "logs": "ExportLogsServiceRequest",
    "traces": "ExportTraceServiceRequest",
    "metrics": "ExportMetricsServiceRequest",
}
_RETRY: Final = {
    "retry-after": {"description": "seconds to wait", "schema": {"type": "integer", "minimum": 1}}
}
_REFUSALS: Final = {
    400: "the body is damaged or no OTLP request; the message says where",
    401: "no credentials, or unknown ones",
    403: "a key without the scope ingest",
    408: "the body pauses or drips: less than 4 KiB a second after its first 10 s",
    413: "over the size limit, before or after decompression",
    415: "a Content-Type or Content-Encoding that is not spoken here",
    429: "over the limit of the key, or more than the store takes in now",
    503: "the store did not acknowledge; send the request again",
    507: "the disk of the embedded store is full: nothing is taken in until there is room",
}


def operation(signal: Signal, max_body_bytes: int) -> dict[str, Any]:
    """The keyword arguments of ``add_api_route`` that document the call of one signal."""
    return {
        "summary": f"OTLP/HTTP: {signal} in",
        "description": (
            f"`{_MESSAGES[signal]}` in protobuf or JSON, at most {max_body_bytes} bytes before and after "
            "decompression (`Content-Encoding` identity, gzip, zstd or deflate). 200 means that the records are "
            "durable, but for those that `partial_success` counts as rejected."
        ),
        "tags": ["ingest"],
        "responses": {
            200: {"description": "durable", "content": _contents(_answer(signal))},
            **{
                status: {
                    "description": f"google.rpc.Status: {what}",
                    "content": _contents(_STATUS),
                    **({"headers": _RETRY} if status in (429, 503, 507) else {}),
                }
                for status, what in _REFUSALS.items()
            },
        },
        "openapi_extra": {
            "requestBody": {
                "description": f"`opentelemetry.proto.collector…{_MESSAGES[signal]}`",
                "required": True,
                "content": _contents({"type": "object"}),
            },
            "parameters": [
                {
                    "name": "Content-Encoding",
                    "in": "header",
                    "required": False,
                    "schema": {"type": "string", "enum": ["identity", "gzip", "zstd", "deflate"]},
                }
            ],
        },
    }


def _contents(schema: dict[str, Any]) -> dict[str, Any]:
    return {PROTOBUF: {"schema": {"type": "string", "format": "binary"}}, JSON: {"schema": schema}}


def _answer(signal: Signal) -> dict[str, Any]:
    partial = {JSON_FIELDS[signal]: {"type": "string"}, "errorMessage": {"type": "string"}}
    return {
        "type": "object",
        "properties": {"partialSuccess": {"type": "object", "properties": partial}},
    }


_STATUS: Final = {
    "type": "object",
    "properties": {
        "code": {"type": "integer"},
        "message": {"type": "string"},
        "details": {"type": "array", "items": {"type": "object"}},
    },
}
