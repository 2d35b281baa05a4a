"""The body of a request with series: JSON with its options inside, or an Arrow stream with them in the query."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final, TypeVar

from pydantic import BaseModel
from starlette.requests import Request

from airis_ray.aiops.asked import Asked
from airis_ray.aiops.asked_arrow import read_stream
from airis_ray.aiops.asked_json import checked, read_body, read_series
from airis_ray.aiops.models import SeriesIn
from airis_ray.errors import FieldError, Unprocessable, Unsupported
from airis_ray.web.arrow import ARROW_STREAM

JSON: Final = "application/json"

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


def request_body(whole: type[BaseModel], columns: str) -> dict[str, Any]:
    """``openapi_extra`` of a route that reads such a body."""
    schema = whole.model_json_schema()
    schema["properties"]["series"]["items"] = SeriesIn.model_json_schema()
    stream = {"type": "string", "format": "binary", "description": columns}
    content = {JSON: {"schema": schema}, ARROW_STREAM: {"schema": stream}}
    return {"requestBody": {"required": True, "content": content}}
