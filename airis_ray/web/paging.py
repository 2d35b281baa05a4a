"""Long lists in pages: a cursor says where one ended, the header ``Link`` holds the address of the next."""

from __future__ import annotations

import base64
import binascii

from starlette.requests import Request
from starlette.responses import Response

from airis_ray.errors import InvalidInput
from airis_ray.telemetry.times import LAST

_NOT_OURS = "this is no cursor of this call; expected that of the page before, or none to begin at the start"


def link_next(request: Request, response: Response, *position: str) -> None:
    """Name the next page: the same request from ``position``, what the last row of this one is sorted by."""
    cursor = base64.urlsafe_b64encode("\n".join(position).encode()).decode().rstrip("=")
    response.headers["link"] = f'<{request.url.include_query_params(cursor=cursor)}>; rel="next"'


def read_cursor(cursor: str, parts: int) -> list[str]:
    """The position that a cursor holds, of so many parts; InvalidInput for anything else."""
    try:
        position = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode().split("\n")
    except (binascii.Error, ValueError):
        position = []
    if len(position) != parts:
        raise InvalidInput.field("/cursor", _NOT_OURS)
    return position


def cursor_number(text: str, last: int = LAST) -> int:
    """A part of a cursor that is a whole number up to ``last``."""
    if not (text.isascii() and text.isdigit()) or int(text) > last:
        raise InvalidInput.field("/cursor", _NOT_OURS)
    return int(text)
