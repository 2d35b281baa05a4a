"""Errors as each system's clients want them: what they retry, and what they show.

A client that is told 429 may drop its data: Prometheus does unless it is configured otherwise, Splunk's handlers and
Alertmanager do. To these "not now" is 503, which all of them retry.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import orjson
from starlette.responses import Response
from starlette.types import Scope

from airis_ray.errors import (
    AirisError,
    Forbidden,
    NotFound,
    Overloaded,
    TooLarge,
    Unauthenticated,
    Unavailable,
)
from airis_ray.ingest.intakes.credentials import family_of
from airis_ray.telemetry.splunk import BadEvent
from airis_ray.web.problems import headers_of, kind_of, message_of, otlp_error, problem

PRODUCT: Final = {"x-elastic-product": "Elasticsearch"}
"""Elasticsearch's clients refuse to speak to a server that does not send it."""

_NEVER_RETRY_429: Final = frozenset({"prometheus", "splunk", "alerts"})

_ELASTIC_TYPES: Final = (
    (Unauthenticated, "security_exception"),
    (Forbidden, "security_exception"),
    (Overloaded, "es_rejected_execution_exception"),
    (Unavailable, "unavailable_shards_exception"),
    (NotFound, "index_not_found_exception"),
    (TooLarge, "content_too_long_exception"),
)
_SPLUNK_CODES: Final = ((Unauthenticated, 4), (Forbidden, 4), (Overloaded, 9), (Unavailable, 9))
"""HEC's own codes: 4 invalid token, 9 server is busy; 6 invalid data format for the rest."""


def render(scope: Scope, error: AirisError) -> Response:
    """The error as the clients of the request's path read it."""
    family = family_of(scope)
    writer = _WRITERS.get(family)
    return otlp_error(scope, error) if writer is None else writer(scope, error, status_of(family, error))


def status_of(family: str, error: AirisError) -> int:
    """The HTTP status of an error in the routes of one system."""
    status = kind_of(error).status
    return 503 if status == 429 and family in _NEVER_RETRY_429 else status


def _text(scope: Scope, error: AirisError, status: int) -> Response:
    return Response(f"{message_of(error)}\n", status, headers_of(error), "text/plain; charset=utf-8")


def _elastic(scope: Scope, error: AirisError, status: int) -> Response:
    kind = next(
        (name for base, name in _ELASTIC_TYPES if isinstance(error, base)), "illegal_argument_exception"
    )
    reason = {"type": kind, "reason": message_of(error)}
    body = {"error": {"root_cause": [reason], **reason}, "status": status}
    return _json(body, status, {**headers_of(error), **PRODUCT})


def _splunk(scope: Scope, error: AirisError, status: int) -> Response:
    if isinstance(error, BadEvent):
        body: dict[str, Any] = {"text": str(error), "code": error.code}
        if error.number >= 0:
            body["invalid-event-number"] = error.number
    else:
        code = next((number for base, number in _SPLUNK_CODES if isinstance(error, base)), 6)
        body = {"text": message_of(error), "code": code}
    return _json(body, status, headers_of(error))


def _problem(scope: Scope, error: AirisError, status: int) -> Response:
    if isinstance(error, Overloaded) and status == 503:
        error = Unavailable(str(error), retry_after=error.retry_after or 1.0)
    return problem(scope, error)


def _json(body: dict[str, Any], status: int, headers: dict[str, str]) -> Response:
    return Response(orjson.dumps(body), status, headers, "application/json")


_WRITERS: Final[dict[str, Callable[[Scope, AirisError, int], Response]]] = {
    "prometheus": _text,
    "loki": _text,
    "elastic": _elastic,
    "splunk": _splunk,
    "alerts": _problem,
    "replay": _problem,
}
