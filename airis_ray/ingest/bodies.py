"""Request bodies: read as a stream and inflated, both with a bound that holds while it happens."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator, Callable
from typing import Final, NamedTuple

import zstandard

from airis_ray.errors import InvalidInput, TooLarge, Unsupported
from airis_ray.ingest.budget import Reservation

PROTOBUF: Final = "application/x-protobuf"
JSON: Final = "application/json"

_ZSTD_WINDOW: Final = (
    8 * 2**20
)  # RFC 9659: what a decoder of the content coding zstd must support, and the most
_ZSTD_BLOCK: Final = 128 * 2**10  # RFC 8878, 3.1.1.2.4: no block inflates to more
_ALIASES: Final = {"x-gzip": "gzip"}  # RFC 9110, 8.4.1.3
_PIECES: Final = 16_384
"""Blocks of one zstd body: walking them takes time that a sender of empty ones would not pay for."""
_MEMBERS: Final = 16  # of one gzip body; each one copies the rest
_INFLATED: Final = "the body has more after decompression"
_GZIP: Final = 31  # zlib's wbits for the gzip wrapper


def media_type(content_type: str | None) -> str:
    """``application/x-protobuf`` or ``application/json``; raises Unsupported for everything else."""
    name = (content_type or "").partition(";")[0].strip().lower()
    if name not in (PROTOBUF, JSON):
        raise Unsupported(f"Content-Type is {content_type or 'missing'}; expected {PROTOBUF} or {JSON}")
    return name


def content_encoding(values: list[str]) -> str:
    """The content coding of all ``Content-Encoding`` headers; raises Unsupported for unknown and nested ones."""
    names = [name.strip().lower() for value in values for name in value.split(",")]
    names = [_ALIASES.get(name, name) for name in names if name not in ("", "identity")]
    if not names:
        return "identity"
    if len(names) > 1:
        raise Unsupported(
            f"Content-Encoding is {', '.join(names)}; expected one encoding, not one in another"
        )
    if names[0] not in _INFLATE:
        raise Unsupported(f"Content-Encoding is {names[0]}; expected identity, gzip, zstd or deflate")
    return names[0]


def check_length(content_length: str | None, limit: int) -> None:
    """Refuse a body that says itself that it is too large, before any of it is read."""
    if content_length is not None and content_length.isdigit() and int(content_length) > limit:
        raise _too_large(f"the body has {content_length} bytes", limit)


async def read_body(chunks: AsyncIterator[bytes], limit: int, held: Reservation) -> list[bytes]:
    """The body's chunks; ``held`` grows with them. How long they may take :mod:`airis_ray.web.arrival` says.

    Raises TooLarge past ``limit`` bytes, Overloaded where there is no room.
    """
    body: list[bytes] = []
    size = 0
    async for chunk in chunks:
        if not chunk:
            continue
        size += len(chunk)
        if size > limit:
            raise _too_large("the body is larger", limit)
        held.grow(len(chunk))
        body.append(chunk)
    return body


def inflate(encoding: str, body: bytes, limit: int) -> bytes:
    """The body behind its content coding.

    Raises TooLarge where it would inflate past ``limit`` bytes (never more than that is inflated), InvalidInput
    where it is damaged or ends too early.
    """
    inflated = body if encoding == "identity" else _INFLATE[encoding](body, limit)
    if len(inflated) > limit:
        raise _too_large(_INFLATED, limit)
    return inflated


def _gzip(body: bytes, limit: int) -> bytes:
    """One or more gzip members (RFC 1952, 2.2)."""
    members: list[bytes] = []
    left = limit + 1
    while body or not members:
        if len(members) == _MEMBERS:
            raise _damaged("gzip", f"it has more than {_MEMBERS} members")
        stream = zlib.decompressobj(_GZIP)
        part = _zlib("gzip", stream, body, left)
        members.append(part)
        left -= len(part)
        if left <= 0 or not stream.eof:
            break
        body = stream.unused_data
    return members[0] if len(members) == 1 else b"".join(members)


def _deflate(body: bytes, limit: int) -> bytes:
    """zlib's wrapper as HTTP asks for (RFC 9110, 8.4.1.2), or the bare stream that some senders send."""
    wrapped = len(body) >= 2 and body[0] & 0x0F == 8 and int.from_bytes(body[:2], "big") % 31 == 0
    stream = zlib.decompressobj(zlib.MAX_WBITS if wrapped else -zlib.MAX_WBITS)
    inflated = _zlib("deflate", stream, body, limit + 1)
    if stream.eof and stream.unused_data:
        raise _damaged("deflate", f"{len(stream.unused_data)} bytes follow its end")
    return inflated


def _zlib(encoding: str, stream: zlib._Decompress, body: bytes, at_most: int) -> bytes:
    try:
        inflated = stream.decompress(body, at_most)
    except zlib.error as error:
        raise _damaged(encoding, str(error)) from None
    if not stream.eof and len(inflated) < at_most:
        raise _damaged(encoding, f"it ends too early, after {len(body)} bytes")
    return inflated


def _zstd(body: bytes, limit: int) -> bytes:
    """Frames one after the other (RFC 8878, 3).

    Each is walked before it is inflated: the decoder cannot tell one that is cut off from one that is too large.
    """
    decoder = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
    inflated: list[bytes] = []
    left = limit
    pieces = position = 0
    view = memoryview(body)
    while position < len(body) or not pieces:
        if pieces >= _PIECES:
            raise _damaged("zstd", f"it has more than {_PIECES} frames and blocks")
        frame = _zstd_frame(view[position:], _PIECES - pieces)
        if frame.declared > left:  # the library would allocate it, whatever the bound
            raise _too_large(_INFLATED, limit)
        if frame.at_most:
            data = view[position : position + frame.length]
            try:
                inflated.append(decoder.decompress(data, max_output_size=max(1, left)))
            except zstandard.ZstdError as error:
                if frame.at_most > left and ("too small" in str(error) or "full frame" in str(error)):
                    raise _too_large(_INFLATED, limit) from None
                raise _damaged("zstd", str(error)) from None
            left -= len(inflated[-1])
        position += frame.length
        pieces += frame.pieces
    return inflated[0] if len(inflated) == 1 else b"".join(inflated)


class _Frame(NamedTuple):
    length: int
    at_most: int  # bytes that its blocks can inflate to
    declared: int  # bytes that its header says, 0 where it says nothing
    pieces: int


def _zstd_frame(data: memoryview, pieces_left: int) -> _Frame:
    """The frame at the start of ``data`` (RFC 8878, 3.1)."""
    if len(data) >= 8 and int.from_bytes(data[:4], "little") & 0xFFFFFFF0 == 0x184D2A50:
        return _Frame(_within(data, 8 + int.from_bytes(data[4:8], "little")), 0, 0, 1)
    try:
        parameters = zstandard.get_frame_parameters(data)
        position = zstandard.frame_header_size(data)
    except zstandard.ZstdError as error:
        raise _damaged("zstd", str(error)) from None
    at_most = pieces = 0
    last = False
    while not last:
        if pieces == pieces_left:
            raise _damaged("zstd", f"it has more than {_PIECES} frames and blocks")
        header = int.from_bytes(data[position : _within(data, position + 3)], "little")
        last, kind, size = bool(header & 1), header >> 1 & 3, header >> 3
        at_most += _ZSTD_BLOCK if kind == 2 else size
        position += 3 + (1 if kind == 1 else size)
        pieces += 1
    position += 4 if parameters.has_checksum else 0
    known = parameters.content_size != zstandard.CONTENTSIZE_UNKNOWN
    return _Frame(_within(data, position), at_most, parameters.content_size if known else 0, pieces)


def _within(data: memoryview, end: int) -> int:
    if end > len(data):
        raise _damaged("zstd", f"it ends too early, after {len(data)} bytes")
    return end


def _damaged(encoding: str, what: str) -> InvalidInput:
    return InvalidInput(f"the body is not valid {encoding}: {what}")


def _too_large(what: str, limit: int) -> TooLarge:
    return TooLarge(f"{what}; at most {limit} bytes are taken, before and after decompression")


_INFLATE: Final[dict[str, Callable[[bytes, int], bytes]]] = {
    "gzip": _gzip,
    "deflate": _deflate,
    "zstd": _zstd,
}
