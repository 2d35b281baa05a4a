"""What ``/detect`` and ``/forecast`` have in common: a body of series, JSON with its options inside or an Arrow stream
with them in the query, and an answer in either form."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any, Final, Protocol, TypeVar

import pyarrow as pa
from fastapi import Depends, Query
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from airis_ray.aiops.asked import Asked
from airis_ray.aiops.asked_arrow import read_stream
from airis_ray.aiops.asked_json import checked, read_body, read_series
from airis_ray.aiops.models import SeriesIn
from airis_ray.errors import FieldError, Unprocessable, Unsupported
from airis_ray.web.arrow import ARROW_CONTENT, ARROW_STREAM, stream_bytes, wants_arrow
from airis_ray.web.auth import Principal, Scope, require

JSON: Final = "application/json"
MIN_POINTS: Final = 4
"""Fewer say nothing of what is usual, nor of what comes next."""
_COLUMNS: Final = (
    "An Arrow IPC stream: columns time and value with any label columns, a row a point; or timestamps and values "
    "of lists, a row a series. Options go into the query."
)
_IN_QUERY: Final = Query(description="of an Arrow stream; of a JSON body it is a field")

Reader = Annotated[Principal, Depends(require(Scope.READ))]
Option = Annotated[str | None, _IN_QUERY]
Listed = Annotated[list[str] | None, _IN_QUERY]

Options = TypeVar("Options", bound=BaseModel)


async def take(
    request: Request, options: type[Options], whole: type[Options], query: Mapping[str, Any], now_ns: int
) -> tuple[Options, Asked]:
    """The options and the series of a request, read in a thread.

    ``options`` is the model of the query of an Arrow stream, ``whole`` that of a JSON body, with ``series``. Raises
    Unsupported for another media type; for the rest see :mod:`.asked_json` and :mod:`.asked_arrow`.
    """
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media not in (JSON, ARROW_STREAM):
        raise Unsupported(f"Content-Type is {media or 'missing'}; expected {JSON} or {ARROW_STREAM}")
    given = {name: value for name, value in query.items() if value is not None}
    body = await request.body()
    if media == ARROW_STREAM:
        return checked(given, options), await asyncio.to_thread(read_stream, body)
    if given:
        fields = tuple(FieldError(f"/{name}", "belongs into the JSON body") for name in given)
        raise Unprocessable(
            f"{', '.join(given)}: in the query of an Arrow stream; here in the body", errors=fields
        )

    def read() -> tuple[Options, Asked]:
        found: Any = read_body(body, whole)
        return found, read_series(found.series, now_ns)

    return await asyncio.to_thread(read)


class Answer(Protocol):
    """What is said of the series of a request."""

    def json(self) -> bytes:
        """As a body of JSON."""
        ...

    def table(self) -> pa.Table:
        """As a row a point."""
        ...


async def answered(request: Request, found: Answer) -> Response:
    """An answer as the request accepts it, written in a thread."""
    if wants_arrow(request):
        return Response(await asyncio.to_thread(stream_bytes, found.table), media_type=ARROW_STREAM)
    return Response(await asyncio.to_thread(found.json), media_type=JSON)


def described(whole: type[BaseModel], answer: type[BaseModel]) -> dict[str, Any]:
    """What OpenAPI says of a route that reads such a body and answers so."""
    schema = whole.model_json_schema()
    schema["properties"]["series"]["items"] = SeriesIn.model_json_schema()
    stream = {"type": "string", "format": "binary", "description": _COLUMNS}
    content = {JSON: {"schema": schema}, ARROW_STREAM: {"schema": stream}}
    responses = {
        200: {"model": answer, "content": ARROW_CONTENT},
        422: {"description": "no series was good"},
    }
    return {
        "responses": responses,
        "openapi_extra": {"requestBody": {"required": True, "content": content}},
    }
