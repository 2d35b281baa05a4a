"""Cursors of ``/search``: where a page ended, in a form that only the same request continues.

A cursor is no secret: its values are bound like any other, and the store shows a tenant's own rows whatever they say.
The checksum finds what was changed or cut off on the way; the digest, what belongs to another request.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Annotated, Final

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from airis_ray.errors import InvalidInput

_CHECK: Final = 8
_DIGEST: Final = 8

KeyValue = int | float | str

_Int64 = Annotated[int, Field(ge=-(2**63), lt=2**63)]
_UInt64 = Annotated[int, Field(ge=0, lt=2**64)]


@dataclass(frozen=True)
class Tie:
    """How far a page got among rows that share all sorting keys.

    The last row's hash, how many rows with these keys were sent, and how many of them with this hash too.
    """

    row_hash: int
    same_key: int
    same_row: int


@dataclass(frozen=True)
class Position:
    """Where a page ended: the last row's values of the sorting keys; ``tie`` is None where no row shares them.

    The last of the keys is the time.

    ``start_ns``, ``end_ns`` and ``now_ns`` are the range and the time as the first page saw them, so that relative
    times stay where they were.
    """

    start_ns: int
    end_ns: int
    now_ns: int
    key: tuple[KeyValue, ...]
    tie: Tie | None


def digest(*parts: object) -> str:
    """What a request's pages have in common, in few characters."""
    # Not by orjson: a caller's integer may be of any size, and its string half a surrogate pair.
    return hashlib.blake2b(json.dumps(parts).encode(), digest_size=_DIGEST).hexdigest()


def encode(position: Position, request: str) -> str:
    """The cursor of a position in the request with this digest."""
    *key, at = position.key
    payload = orjson.dumps({**asdict(position), "key": key, "at": at, "request": request})
    return base64.urlsafe_b64encode(_check(payload) + payload).decode().rstrip("=")


def decode(cursor: str, request: str) -> Position:
    """The position that a cursor tells; InvalidInput unless it is whole and of this request."""
    found = _payload(cursor)
    if found.request != request:
        raise InvalidInput.field(
            "/cursor",
            "the cursor belongs to another request; only limit and fields may change from page to page",
        )
    tie = None if found.tie is None else Tie(**found.tie.model_dump())
    return Position(found.start_ns, found.end_ns, found.now_ns, (*found.key, found.at), tie)


class _Tie(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    row_hash: _UInt64
    same_key: _UInt64
    same_row: _UInt64


class _Payload(BaseModel):
    """A cursor's content. Anybody can compute the checksum, so that the types are checked as of any input."""

    model_config = ConfigDict(strict=True, extra="forbid")

    start_ns: _Int64
    end_ns: _Int64
    now_ns: _Int64
    key: tuple[KeyValue, ...]
    at: _Int64  # the last key, which is the time
    tie: _Tie | None
    request: str


def _payload(cursor: str) -> _Payload:
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        if len(raw) > _CHECK and _check(raw[_CHECK:]) == raw[:_CHECK]:
            return _Payload.model_validate_json(raw[_CHECK:])
    except (binascii.Error, ValidationError, ValueError):
        pass
    raise not_ours()


def not_ours() -> InvalidInput:
    """The error of a cursor that no page ended with."""
    return InvalidInput.field(
        "/cursor", "this is no cursor of ours; expected that of the page before, unchanged"
    )


def _check(payload: bytes) -> bytes:
    return hashlib.blake2b(payload, digest_size=_CHECK, person=b"airis cursor 1").digest()
