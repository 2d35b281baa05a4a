"""The plain form: ``{"session_id", "events", "metadata"}`` of ``POST /v1/replay``."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Mapping
from typing import Any, Final

import orjson

from airis_ray.errors import InvalidInput
from airis_ray.replay.chunks import NAME, Chunk, Origin, check_events, pack, read_json
from airis_ray.replay.masking import Masker

_FIELDS: Final = ("session_id", "events", "metadata")
_TEXTS: Final = ("url", "user_agent", "service", "release", "reason")
_USERS: Final = ("user", "user_id", "userId", "user.id")
_KNOWN: Final = frozenset({"sequence", "tab", *_TEXTS, *_USERS, "first_ms", "last_ms"})
_MOST_CHUNKS: Final = 1_000_000
_LENGTH: Final = 2000
_MOST_ATTRIBUTES: Final = 50
_ATTRIBUTE_LENGTH: Final = 200


def read_chunk(body: bytes, masker: Masker) -> Chunk:
    """The chunk of a request's body, masked. Raises InvalidInput that names the field."""
    try:
        request = read_json(body)
    except orjson.JSONDecodeError as error:
        raise InvalidInput(f"the body is no JSON: {error}") from None
    if not isinstance(request, dict):
        raise InvalidInput('expected {"session_id", "events", "metadata"}')
    _check_names(request)
    metadata = request.get("metadata", {})
    if not isinstance(metadata, dict):
        raise InvalidInput.field("/metadata", "expected an object")
    sequence = _sequence(metadata)
    texts = {name: masker.text(_text(metadata.get(name))) for name in _TEXTS}
    origin = Origin(
        session=session_of(request),
        tab=_tab(metadata),
        form="timed" if sequence is None else "plain",
        user=_user(metadata),
        attributes=_attributes(metadata, masker),
        **texts,
    )
    events = check_events(request.get("events"))
    return pack(origin, sequence or 0, events, masker.encode(events))


def session_of(request: Mapping[str, Any]) -> str:
    """The id of a request's session; raises InvalidInput where it is none."""
    value = request.get("session_id")
    if not isinstance(value, str) or not NAME.fullmatch(value):
        raise InvalidInput.field(
            "/session_id",
            f"expected 1 to 128 of A-Z a-z 0-9 . _ : - beginning with a letter or digit, got {value!r:.40}",
        )
    return value


def _check_names(request: Mapping[str, Any]) -> None:
    for name in request:
        if name not in _FIELDS:
            near = difflib.get_close_matches(name, _FIELDS, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(_FIELDS)}"
            raise InvalidInput.field(f"/{name}", f"there is no such field; {hint}")


def _sequence(metadata: Mapping[str, Any]) -> int | None:
    """The chunk's number; None where the sender counts none."""
    value = metadata.get("sequence")
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < _MOST_CHUNKS:
        raise InvalidInput.field("/metadata/sequence", "expected the chunk's number among its tab's, from 0")
    return value


def _tab(metadata: Mapping[str, Any]) -> str:
    """The tab's id; of one that could not stand in a path, a digest."""
    value = _text(metadata.get("tab")) or "0"
    return value if NAME.fullmatch(value) else hashlib.blake2b(value.encode(), digest_size=8).hexdigest()


def _user(metadata: Mapping[str, Any]) -> str:
    for name in _USERS:
        value = metadata.get(name)
        if isinstance(value, dict):
            value = value.get("id")
        if text := _text(value):
            return text
    return ""


def _attributes(metadata: Mapping[str, Any], masker: Masker) -> tuple[tuple[str, str], ...]:
    """What else a sender says, masked; the first few of it."""
    others = [(name, value) for name, value in metadata.items() if name not in _KNOWN and value is not None]
    return tuple(
        (masker.text(name[:_ATTRIBUTE_LENGTH]), masker.text(_text(value)[:_ATTRIBUTE_LENGTH]))
        for name, value in others[:_MOST_ATTRIBUTES]
    )


def _text(value: Any) -> str:
    """A value of metadata as a text: JSON where it is neither text nor number."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value[:_LENGTH]
    return orjson.dumps(value).decode()[:_LENGTH]
