"""Snappy's block format, inflated with a bound."""

from __future__ import annotations

from typing import Final

import cramjam

from airis_ray.errors import InvalidInput, TooLarge

_VARINT_BYTES: Final = 5
"""Of the length before a block: it is below 2**32."""


def inflate(body: bytes, limit: int) -> bytes:
    """The content of one block. Raises TooLarge where it says that it has more than ``limit`` bytes (nothing is
    inflated then), InvalidInput where it is damaged."""
    if (size := _declared(body)) > limit:
        raise TooLarge(f"the body has {size} bytes after decompression; at most {limit} are taken")
    try:
        return bytes(cramjam.snappy.decompress_raw(body))
    except cramjam.DecompressionError as error:
        raise InvalidInput(f"the body is not valid snappy (block format): {error}") from None


def _declared(body: bytes) -> int:
    """The length that a block begins with."""
    length = 0
    for index, byte in enumerate(body[:_VARINT_BYTES]):
        length |= (byte & 0x7F) << 7 * index
        if byte < 0x80:
            return length
    raise InvalidInput("the body is not valid snappy (block format): it has no length")
