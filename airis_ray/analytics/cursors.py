"""Cursors of ``/search``: where a page ended, in a form that only the same request continues.

A cursor is no secret: its values are bound like any other, and the store shows a tenant's own rows whatever they say.
The checksum finds what was changed or cut off on the way; the digest, what belongs to another request.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import asdict, dataclass
from typing import Any, Final

import orjson

from airis_ray.errors import InvalidInput

_CHECK: Final = 8
_DIGEST: Final = 8

KeyValue = int | float | str


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
    return hashlib.blake2b(orjson.dumps(parts), digest_size=_DIGEST).hexdigest()


def encode(position: Position, request: str) -> str:
    """The cursor of a position in the request with this digest."""
    payload = orjson.dumps({**asdict(position), "request": request})
    return base64.urlsafe_b64encode(_check(payload) + payload).decode().rstrip("=")


def decode(cursor: str, request: str) -> Position:
    """The position that a cursor tells; InvalidInput unless it is whole and of this request."""
    fields = _fields(cursor)
    if fields.pop("request") != request:
        raise InvalidInput.field(
            "/cursor",
            "the cursor belongs to another request; only limit and fields may change from page to page",
        )
    tie = None if fields["tie"] is None else Tie(**fields["tie"])
    return Position(**{**fields, "key": tuple(fields["key"]), "tie": tie})


def _fields(cursor: str) -> dict[str, Any]:
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) <= _CHECK or _check(raw[_CHECK:]) != raw[:_CHECK]:
        raise InvalidInput.field(
            "/cursor", "no cursor of ours; send the cursor of the page before, unchanged"
        )
    fields: dict[str, Any] = orjson.loads(raw[_CHECK:])
    return fields


def _check(payload: bytes) -> bytes:
    return hashlib.blake2b(payload, digest_size=_CHECK, person=b"airis cursor 1").digest()
