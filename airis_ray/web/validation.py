"""What FastAPI's validation found, as our own errors: pointers, what came, the nearest known name."""

from __future__ import annotations

import difflib
import types
from collections.abc import Iterable, Mapping
from typing import Any, Union, get_args, get_origin

from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.requests import Request

from airis_ray.errors import FieldError, InvalidInput

_SHOWN = 80
"""Characters of a bad value that an error repeats."""


def invalid_request(request: Request, error: RequestValidationError) -> InvalidInput:
    """The one error for all that FastAPI refused in a request."""
    route = request.scope.get("route")
    body_model = (
        route.body_field.field_info.annotation if isinstance(route, APIRoute) and route.body_field else None
    )
    found = tuple(_field_error(item, body_model) for item in error.errors()[:20])
    message = "; ".join(
        f"{item.pointer}: {item.detail}" if item.pointer else item.detail for item in found[:3]
    )
    return InvalidInput(message, errors=found)


def check_query_names(request: Request) -> None:
    """Raise InvalidInput for a query parameter that the route does not know."""
    sent = request.scope.get("query_string")
    if not sent:
        return
    route = request.scope.get("route")
    if not isinstance(route, APIRoute):
        return
    known = _query_names(route)
    wrong = [name for name in request.query_params if name not in known]
    if wrong:
        found = tuple(
            FieldError(f"/{escape(name)}", f"unknown query parameter{nearest(name, known)}") for name in wrong
        )
        raise InvalidInput("; ".join(f"{item.pointer[1:]}: {item.detail}" for item in found), errors=found)


def nearest(name: str, known: Iterable[str]) -> str:
    """The tail of a sentence about an unknown name: what was probably meant, or what there is."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    if close:
        return f"; did you mean {close[0]}?"
    return f"; known: {', '.join(names)}" if names else ""


def escape(step: object) -> str:
    """One step of a JSON pointer (RFC 6901)."""
    return str(step).replace("~", "~0").replace("/", "~1")


def _field_error(item: Mapping[str, Any], body_model: Any) -> FieldError:
    place, *path = item["loc"] or ("body",)
    if item["type"] == "json_invalid":
        return FieldError(
            "", f"the body is not JSON: {item.get('ctx', {}).get('error', item['msg'])} at byte {path[0]}"
        )
    pointer = "".join(f"/{escape(step)}" for step in path)
    prefix = "" if place == "body" else f"{place} parameter: "
    if item["type"] == "missing":
        what = "the body is required" if not path else "is required"
        return FieldError(pointer, prefix + what)
    if item["type"] == "extra_forbidden":
        known = _names_at(body_model, path[:-1]) if place == "body" else set()
        return FieldError(pointer, f"{prefix}unknown field{nearest(str(path[-1]), known)}")
    message = item["msg"].removeprefix("Value error, ")
    return FieldError(pointer, f"{prefix}{message}; got {_show(item.get('input'))}")


def _show(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def _names_at(annotation: Any, path: list[Any]) -> set[str]:
    """Names of the fields of the model that a path into a body leads to."""
    models = _models(annotation)
    for step in path:
        following = [
            inner
            for model in models
            for name, field in model.model_fields.items()
            if step in (name, field.alias)
            for inner in _models(field.annotation)
        ]
        models = following or models  # a list index or a union's tag: stay where we are
    return {field.alias or name for model in models for name, field in model.model_fields.items()}


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and not get_origin(annotation) and issubclass(annotation, BaseModel):
        return [annotation]
    if get_origin(annotation) in (Union, types.UnionType, list, tuple, dict) or hasattr(
        annotation, "__metadata__"
    ):
        return [model for inner in get_args(annotation) for model in _models(inner)]
    return []


_NAMES: dict[int, tuple[APIRoute, frozenset[str]]] = {}
"""Known query parameters by the route's id (routes have no hash); holding the route keeps the id its own."""


def _query_names(route: APIRoute) -> frozenset[str]:
    cached = _NAMES.get(id(route))
    if cached is None:
        cached = _NAMES[id(route)] = (route, frozenset(_query_names_of(route.dependant)))
    return cached[1]


def _query_names_of(dependant: Dependant) -> set[str]:
    names: set[str] = set()
    for field in dependant.query_params:
        models = _models(field.field_info.annotation)
        names |= {inner.alias or name for model in models for name, inner in model.model_fields.items()}
        names |= set() if models else {field.alias}
    return names.union(*(_query_names_of(inner) for inner in dependant.dependencies))
