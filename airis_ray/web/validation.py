"""What FastAPI's validation found, as our own errors: pointers, what came, the nearest known name."""

from __future__ import annotations

import difflib
import json
import re
import types
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple, Union, get_args, get_origin

from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from airis_ray.errors import FieldError, InvalidInput, Unsupported

_SHOWN = 80
"""Characters of a bad value that an error repeats."""


_EXPECTED: Final[Mapping[str, str]] = {
    "string_type": "expected a string",
    "int_type": "expected an integer",
    "int_parsing": "expected an integer",
    "int_from_float": "expected an integer",
    "float_type": "expected a number",
    "float_parsing": "expected a number",
    "bool_type": "expected true or false",
    "bool_parsing": "expected true or false",
    "none_required": "expected null",
    "list_type": "expected an array",
    "tuple_type": "expected an array",
    "dict_type": "expected an object",
    "model_type": "expected an object",
    "model_attributes_type": "expected an object",
}
"""What a caller reads where pydantic speaks of Python's types."""


_SHOULD: Final = re.compile(r"^\w+ should (be|have|match) ")
_VERBS: Final = {"be": "", "have": "", "match": "a match of "}


_SURROGATE: Final = re.compile(rb"\\u[dD][89a-fA-F]|\xed[\xa0-\xbf]")
"""An escape, or three bytes, that may be half of a pair."""


class _Found(NamedTuple):
    """What is wrong at a pointer, and the end of the sentence that says what came."""

    pointer: str
    detail: str
    came: str = ""


def invalid_request(request: Request, error: RequestValidationError) -> InvalidInput:
    """The one error for all that FastAPI refused in a request."""
    if isinstance(error.body, bytes):  # FastAPI leaves what is not called JSON unread
        media = request.headers.get("content-type", "").partition(";")[0].strip()
        return Unsupported(f"Content-Type is {media or 'missing'}; expected application/json")
    route = request.scope.get("route")
    body_model = (
        route.body_field.field_info.annotation if isinstance(route, APIRoute) and route.body_field else None
    )
    found = _merged([_field_error(item, body_model, error.body) for item in error.errors()[:20]])
    message = "; ".join(
        f"{item.pointer}: {item.detail}" if item.pointer else item.detail for item in found[:3]
    )
    return InvalidInput(message, errors=found)


def unreadable_body(request: Request, cause: BaseException | None) -> InvalidInput:
    """The error for a body that Python's JSON parser fell over."""
    coding = request.headers.get("content-encoding", "").strip()
    if coding.lower() not in ("", "identity"):
        return Unsupported(f"Content-Encoding is {coding}; expected a body without one")
    if isinstance(cause, UnicodeDecodeError):
        return InvalidInput(f"the body is not JSON: it is no {cause.encoding} at byte {cause.start}")
    what = "it is nested too deep" if isinstance(cause, RecursionError) else "a number in it is too long"
    return InvalidInput(f"the body is not JSON that can be read: {what}")


def invalid_fields(error: ValidationError, model: type[BaseModel], body: object) -> tuple[FieldError, ...]:
    """What a model refused in a body that a route read by itself."""
    items = ({**item, "loc": ("body", *item["loc"])} for item in error.errors(include_url=False)[:20])
    return _merged([_field_error(item, model, body) for item in items])


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


async def check_text(request: Request) -> None:
    """Raise InvalidInput where a string of a JSON body that FastAPI has read holds half of a surrogate pair.

    Python's parser lets such strings in; no store, no answer and no log can hold them.
    """
    route = request.scope.get("route")
    if not isinstance(route, APIRoute) or route.body_field is None:
        return  # the body is still to be read, by the route itself
    body = await request.body()
    if _SURROGATE.search(body) is None:
        return
    try:
        pointer = _half_at(json.loads(body))
    except ValueError:
        return
    if pointer is not None:
        raise InvalidInput.field(pointer, "holds half of a surrogate pair; expected Unicode text")


def _half_at(document: object) -> str | None:
    """The pointer of the first string, or the object of the first name, that is no Unicode text."""
    pending = [("", document)]
    while pending:
        pointer, at = pending.pop()
        if isinstance(at, Mapping):
            if not _is_text("".join(at)):
                return pointer
            pending += [(f"{pointer}/{escape(name)}", inner) for name, inner in at.items()]
        elif isinstance(at, list):
            pending += [(f"{pointer}/{index}", inner) for index, inner in enumerate(at)]
        elif isinstance(at, str) and not _is_text(at):
            return pointer
    return None


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


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


def _merged(found: list[_Found]) -> tuple[FieldError, ...]:
    """One error for each pointer: a field that may be of several kinds fails once for each of them."""
    by_pointer: dict[str, list[_Found]] = {}
    for item in found:
        by_pointer.setdefault(item.pointer, []).append(item)
    return tuple(
        FieldError(pointer, " or ".join(_told_once([item.detail for item in items])) + items[0].came)
        for pointer, items in by_pointer.items()
    )


def _told_once(details: list[str]) -> list[str]:
    first, *others = dict.fromkeys(details)
    return [first, *(detail.removeprefix("expected ") for detail in others)]


def _field_error(item: Mapping[str, Any], body_model: Any, body: object) -> _Found:
    place, *path = item["loc"] or ("body",)
    if item["type"] == "json_invalid":
        return _Found(
            "", f"the body is not JSON: {item.get('ctx', {}).get('error', item['msg'])} at byte {path[0]}"
        )
    if place == "body":
        path = _data_path(path, body, ends_missing=item["type"] == "missing")
    pointer = "".join(f"/{escape(step)}" for step in path)
    prefix = "" if place == "body" else f"{place} parameter: "
    if item["type"] == "missing":
        what = "the body is required" if not path else "is required"
        return _Found(pointer, prefix + what)
    if item["type"] == "extra_forbidden":
        known = _names_at(body_model, path[:-1]) if place == "body" else set()
        return _Found(pointer, f"{prefix}unknown field{nearest(str(path[-1]), known)}")
    return _Found(
        pointer, prefix + _expected(item), f"; got {_show(item.get('input'), as_json=place == 'body')}"
    )


def _expected(item: Mapping[str, Any]) -> str:
    """What was expected, in the words of these errors where pydantic's begin with the type's name."""
    told = _EXPECTED.get(item["type"]) or item["msg"].removeprefix("Value error, ")
    told = _SHOULD.sub(lambda verb: f"expected {_VERBS[verb[1]]}", told)
    return re.sub(r"^expected (greater|less) than", r"expected a value \1 than", told)


def _data_path(path: list[Any], body: object, *, ends_missing: bool) -> list[Any]:
    """The steps that lead through the body itself: pydantic puts names of its own types between them."""
    steps: list[Any] = []
    at: Any = body
    for step in path:
        inside = (isinstance(at, Mapping) and step in at) or (
            isinstance(at, list) and isinstance(step, int) and step < len(at)
        )
        if inside:
            at = at[step]
            steps.append(step)
    if ends_missing and path and (not steps or steps[-1] != path[-1]):
        steps.append(path[-1])
    return steps


def _show(value: object, *, as_json: bool) -> str:
    try:
        text = json.dumps(value, ensure_ascii=False) if as_json else repr(value)
    except (TypeError, ValueError):
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
