"""What an error becomes, said in one place: problem+json (RFC 9457), google.rpc.Status, gRPC code."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus

import orjson
from google.protobuf import json_format
from google.protobuf.duration_pb2 import Duration
from google.rpc import code_pb2, error_details_pb2, status_pb2
from starlette.responses import Response
from starlette.types import Scope as AsgiScope

from airis_ray import errors
from airis_ray.errors import AirisError, InvalidInput

PROBLEM_JSON = "application/problem+json"
PROTOBUF = "application/x-protobuf"

Render = Callable[[AsgiScope, AirisError], Response]
"""Writes an error as one application's clients want it."""


@dataclass(frozen=True)
class Kind:
    """What one class of errors becomes. ``code`` is a google.rpc.Code, the number gRPC uses too."""

    status: int
    code: int
    slug: str
    title: str


_KINDS: dict[type[AirisError], Kind] = {
    errors.TooLarge: Kind(413, code_pb2.INVALID_ARGUMENT, "too-large", "Over a limit of size or cost"),
    errors.NotFound: Kind(404, code_pb2.NOT_FOUND, "not-found", "Not found"),
    errors.Unsupported: Kind(
        415, code_pb2.INVALID_ARGUMENT, "unsupported", "Media type or encoding not supported"
    ),
    errors.Unprocessable: Kind(
        422, code_pb2.INVALID_ARGUMENT, "unprocessable", "Nothing that can be worked on"
    ),
    errors.TooSlow: Kind(408, code_pb2.DEADLINE_EXCEEDED, "too-slow", "The body did not arrive in time"),
    errors.InvalidInput: Kind(400, code_pb2.INVALID_ARGUMENT, "invalid-input", "Invalid input"),
    errors.Unauthenticated: Kind(401, code_pb2.UNAUTHENTICATED, "unauthenticated", "Not authenticated"),
    errors.Forbidden: Kind(403, code_pb2.PERMISSION_DENIED, "forbidden", "Not allowed"),
    errors.Overloaded: Kind(429, code_pb2.RESOURCE_EXHAUSTED, "overloaded", "Too many requests"),
    errors.Refused: Kind(403, code_pb2.PERMISSION_DENIED, "refused", "Refused"),
    errors.StorageFull: Kind(507, code_pb2.RESOURCE_EXHAUSTED, "storage-full", "The store's disk is full"),
    errors.Unavailable: Kind(503, code_pb2.UNAVAILABLE, "unavailable", "A needed part is down"),
    errors.AirisError: Kind(500, code_pb2.INTERNAL, "internal", "Internal error"),
}
"""Classes before their bases; a test holds that every error of the tree finds its own line."""


class HttpRefusal(InvalidInput):
    """An error that only HTTP knows, such as 405; carries its own status and headers."""

    def __init__(self, message: str, status: int, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.headers = dict(headers or {})


def kind_of(error: AirisError) -> Kind:
    """What this error becomes."""
    if isinstance(error, HttpRefusal):
        phrase = HTTPStatus(error.status).phrase
        code = code_pb2.UNIMPLEMENTED if error.status == 405 else code_pb2.INVALID_ARGUMENT
        return Kind(error.status, code, phrase.lower().replace(" ", "-"), phrase)
    return next(kind for base, kind in _KINDS.items() if isinstance(error, base))


def message_of(error: AirisError) -> str:
    """The sentence the caller reads; nothing of our insides."""
    if kind_of(error).status == 500:
        return "something went wrong here; the log has it under this request's id"
    return str(error)


def headers_of(error: AirisError) -> dict[str, str]:
    """Headers that belong to an error."""
    headers: dict[str, str] = {}
    retry_after = getattr(error, "retry_after", None)
    if retry_after is not None:
        headers["retry-after"] = str(max(1, math.ceil(retry_after)))
    if isinstance(error, errors.Unauthenticated):
        headers["www-authenticate"] = 'Bearer realm="airis"'
    if isinstance(error, HttpRefusal):
        headers.update(error.headers)
    return headers


def problem(scope: AsgiScope, error: AirisError) -> Response:
    """The error as ``application/problem+json``."""
    kind = kind_of(error)
    body: dict[str, object] = {
        "type": f"urn:airis:problem:{kind.slug}",
        "title": kind.title,
        "status": kind.status,
        "detail": message_of(error),
        "instance": scope.get("path", ""),
    }
    if request_id := scope.get("state", {}).get("request_id"):
        body["request_id"] = request_id
    if isinstance(error, InvalidInput) and error.errors:
        body["errors"] = [{"pointer": item.pointer, "detail": item.detail} for item in error.errors]
    return Response(orjson.dumps(body), kind.status, headers_of(error), PROBLEM_JSON)


def rpc_status(error: AirisError) -> status_pb2.Status:
    """The error as google.rpc.Status, with BadRequest and RetryInfo details where they apply."""
    status = status_pb2.Status(code=kind_of(error).code, message=message_of(error))
    if isinstance(error, InvalidInput) and error.errors:
        bad = error_details_pb2.BadRequest()
        for item in error.errors:
            bad.field_violations.add(field=item.pointer, description=item.detail)
        status.details.add().Pack(bad)
    retry_after = getattr(error, "retry_after", None)
    if retry_after is not None:
        delay = Duration()
        delay.FromNanoseconds(int(retry_after * 1e9))
        status.details.add().Pack(error_details_pb2.RetryInfo(retry_delay=delay))
    return status


def otlp_error(scope: AsgiScope, error: AirisError) -> Response:
    """The error as OTLP/HTTP wants it: google.rpc.Status in the encoding of the request."""
    status = rpc_status(error)
    kind = kind_of(error)
    if _content_type(scope) == PROTOBUF:
        return Response(status.SerializeToString(), kind.status, headers_of(error), PROTOBUF)
    body = orjson.dumps(json_format.MessageToDict(status))
    return Response(body, kind.status, headers_of(error), "application/json")


def grpc_status(error: AirisError) -> tuple[int, str, tuple[tuple[str, str | bytes], ...]]:
    """The error as gRPC wants it: code number, message, trailing metadata with the whole google.rpc.Status.

    OTLP clients retry RESOURCE_EXHAUSTED only where the details carry a RetryInfo, hence the metadata.
    """
    status = rpc_status(error)
    return status.code, status.message, (("grpc-status-details-bin", status.SerializeToString()),)


def _content_type(scope: AsgiScope) -> str:
    for name, value in scope.get("headers", ()):
        if name == b"content-type":
            return bytes(value).decode("latin1").partition(";")[0].strip().lower()
    return ""
