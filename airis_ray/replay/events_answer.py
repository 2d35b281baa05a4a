"""Blocks as an answer: the bytes of JSON that they hold, put together without reading it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final

import orjson
from starlette.requests import Request
from starlette.responses import Response

from airis_ray.errors import NotFound
from airis_ray.replay.chunks import unpack
from airis_ray.replay.objects import Objects
from airis_ray.replay.summary import Placed
from airis_ray.web.paging import link_next, read_cursor

_MOST: Final = 16 * 2**20
"""Bytes of JSON of one answer, or one block where that is larger."""
_JSON: Final = "application/json"
MISSING: Final = "X-Airis-Missing-Blocks"
"""How many blocks of an answer are not in the object store any more."""

LIST_OF_EVENTS: Final[dict[str, Any]] = {
    "description": "the events as they were recorded, but for what is masked; where the `Link` header names a next "
    f"page, the session goes on there. `{MISSING}` counts blocks that are gone",
    "content": {_JSON: {"schema": {"type": "array", "items": {"type": "object"}}}},
}


async def events_answer(
    request: Request, objects: Objects, placed: Sequence[Placed], cursor: str | None
) -> Response:
    """The events of the blocks from where ``cursor`` says, as many blocks as fit into one answer."""
    if cursor is not None:
        (name,) = read_cursor(cursor, 1)
        names = [each.block.name for each in placed]
        placed = placed[names.index(name) :] if name in names else ()
    if len(placed) == 1 and not placed[0].skip and _takes_zstd(request):
        return Response(await _block(objects, placed[0]), media_type=_JSON, headers=_ZSTD)
    arrays: list[bytes] = []
    size = missing = 0
    following: Placed | None = None
    for each in placed:
        if arrays and size + each.block.size > _MOST:
            following = each
            break
        size += each.block.size
        data = await objects.get(each.block.url)
        if data is None:
            missing += 1
            continue
        arrays.append(await asyncio.to_thread(_array, data, each))
    if placed and missing == len(placed):
        raise NotFound("the blocks of this session are gone")
    inner = b",".join(array[1:-1] for array in arrays if len(array) > 2)
    response = Response(b"[" + inner + b"]", media_type=_JSON)
    if missing:
        response.headers[MISSING] = str(missing)
    if following is not None:
        link_next(request, response, following.block.name)
    return response


_ZSTD: Final = {"content-encoding": "zstd", "vary": "accept-encoding"}


def _takes_zstd(request: Request) -> bool:
    accepted = request.headers.get("accept-encoding", "").lower()
    return any(name.strip() == "zstd" for name in accepted.split(","))


async def _block(objects: Objects, placed: Placed) -> bytes:
    data = await objects.get(placed.block.url)
    if data is None:
        raise NotFound("this block is gone")
    return data


def _array(data: bytes, placed: Placed) -> bytes:
    array = unpack(data, placed.block.size)
    return orjson.dumps(orjson.loads(array)[placed.skip :]) if placed.skip else array
