"""How much of a body may come, and how long it may take: who drips would hold what others wait for."""

from __future__ import annotations

import asyncio
from typing import Final

from starlette.types import Message, Receive

from airis_ray.errors import TooLarge, TooSlow, Unavailable

READ_SECONDS: Final = 30.0
"""Longest time that one body may take to arrive."""

PAUSE_SECONDS: Final = 10.0
SLOWEST_RATE: Final = 4096.0
"""Bytes a second that a body must bring once PAUSE_SECONDS have gone: who drips is told so, not asked to repeat it."""


def bounded(receive: Receive, limit: int) -> Receive:
    """``receive`` that gives up on a body that is too large or does not arrive.

    Raises TooLarge past ``limit`` bytes (chunked bodies announce no length), TooSlow where the body pauses or drips,
    Unavailable where one that comes steadily takes longer than READ_SECONDS.
    """
    size = 0
    whole = False
    begun: float | None = None  # counted from when somebody wants the body

    async def body() -> Message:
        nonlocal size, whole, begun
        if whole:  # what comes now is that the client leaves
            return await receive()
        if begun is None:
            begun = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout_at(begun + min(_patience(size), READ_SECONDS)):
                message = await receive()
        except TimeoutError:
            raise _late(size) from None
        size += len(message.get("body", b""))
        whole = not message.get("more_body", False)
        if size > limit:
            raise TooLarge(f"the body has more than the {limit} bytes that are taken")
        return message

    return body


def _patience(size: int) -> float:
    return PAUSE_SECONDS + size / SLOWEST_RATE


def _late(size: int) -> TooSlow | Unavailable:
    if _patience(size) < READ_SECONDS:
        return TooSlow(
            f"{size} bytes of the body arrived within {_patience(size):.0f} s;"
            f" expected at least {SLOWEST_RATE:g} bytes a second"
        )
    return Unavailable(f"the body did not arrive within {READ_SECONDS:g} s; send the request again")
