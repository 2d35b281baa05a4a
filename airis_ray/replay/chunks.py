"""A chunk: consecutive events of one recorder (a tab of a session), as they came in, checked, masked and packed.

Its place among the recorder's others is ``first`` to ``last``: of the plain form the chunk's own number (0 where it has
none), of the OTLP form the numbers of its events. A chunk is told from others by session, form, tab, place and digest.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Any, Final, Literal

import orjson
import zstandard

from airis_ray.errors import InvalidInput
from airis_ray.replay.marks import Facts, facts_of
from airis_ray.replay.rrweb import Event

Form = Literal["plain", "timed", "otlp"]
"""``timed``: the plain form without numbers; such chunks are ordered by their time."""

NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")
"""What the ids of sessions and tabs look like."""
_ESCAPES: Final = re.compile(
    rb"\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
)
"""Escaped backslashes, surrogate pairs, and (group 1) halves of them."""
_MOST_EVENTS: Final = 100_000
_LEVEL: Final = 3  # of zstd: 8 times smaller at some 200 MB/s
_LATEST_MS: Final = 1 << 43  # the year 2248
_SHOWN: Final = 40


@dataclass(frozen=True)
class Origin:
    """Whose events they are: what a recorder says of itself. ``user`` is kept as it is, ``url`` and the rest masked."""

    session: str
    tab: str
    form: Form
    user: str = ""
    url: str = ""
    user_agent: str = ""
    service: str = ""
    release: str = ""
    reason: str = ""
    attributes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Chunk:
    """``block`` is a zstd frame of a JSON array of the ``events`` events, of ``size`` bytes before compression."""

    origin: Origin
    first: int
    last: int
    digest: str
    events: int
    size: int
    block: bytes
    facts: Facts


def pack(origin: Origin, first: int, events: list[Event], texts: list[bytes]) -> Chunk:
    """Read and compress masked events, which have passed :func:`check_events`; ``texts`` are their JSON."""
    data = b"[" + b",".join(texts) + b"]"
    block = zstandard.ZstdCompressor(level=_LEVEL).compress(data)
    last = first + len(events) - 1 if origin.form == "otlp" else first
    return Chunk(
        origin=origin,
        first=first,
        last=last,
        digest=hashlib.blake2b(block, digest_size=16).hexdigest(),  # of an eighth of the bytes
        events=len(events),
        size=len(data),
        block=block,
        facts=facts_of(events),
    )


def read_json(text: bytes) -> Any:
    """A JSON text; halves of surrogate pairs, which browsers write where a text was cut, become U+FFFD.

    Raises ``orjson.JSONDecodeError``.
    """
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        mended = _ESCAPES.sub(lambda found: rb"\ufffd" if found[1] else found[0], text)
        if mended == text:
            raise
        return orjson.loads(mended)


def check_events(events: Any, pointer: str = "/events") -> list[Event]:
    """The events of a request; raises InvalidInput at the first that is none of rrweb's."""
    if not isinstance(events, list) or not events:
        raise InvalidInput.field(
            pointer, f"expected an array of one or more rrweb events, got {_shown(events)}"
        )
    if len(events) > _MOST_EVENTS:
        raise InvalidInput.field(pointer, f"{len(events)} events; at most {_MOST_EVENTS} are taken at once")
    for place, event in enumerate(events):
        if (wrong := wrong_event(event)) is not None:
            raise InvalidInput.field(f"{pointer}/{place}", wrong)
    return events


def wrong_event(event: Any) -> str | None:
    """Why something is no event of rrweb's; None for one."""
    if isinstance(event, str):
        return "expected an rrweb event, got a text: packed events are not read"
    if not isinstance(event, dict):
        return f"expected an rrweb event, got {_shown(event)}"
    kind, at = event.get("type"), event.get("timestamp")
    if isinstance(kind, bool) or not isinstance(kind, int) or not 0 <= kind <= 99:
        return f"type is {_shown(kind)}; expected one of rrweb's numbers"
    if isinstance(at, bool) or not isinstance(at, int | float) or not 0 < at < _LATEST_MS:
        return f"timestamp is {_shown(at)}; expected milliseconds since 1970"
    return None


def unpack(block: bytes, size: int) -> bytes:
    """The JSON array of a block; ``size`` is what its row says. Raises ``zstandard.ZstdError`` for a damaged one."""
    return zstandard.ZstdDecompressor().decompress(block, max_output_size=size)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
