"""The plain form: ``{"session_id", "events", "metadata"}`` of ``POST /v1/replay``."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from typing import Any, Final

import orjson

from airis_ray.errors import InvalidInput
from airis_ray.replay.chunks import Chunk, Origin, check_events, name_at, pack, read_json
from airis_ray.replay.masking import Masker

_FIELDS: Final = ("session_id", "events", "metadata")
_TEXTS: Final = ("user", "url", "user_agent", "service", "release", "reason")
_METADATA: Final = ("sequence", "tab", *_TEXTS, "first_ms", "last_ms")
_REASONS: Final = ("interval", "error", "unload", "stopped")
_MOST_CHUNKS: Final = 1_000_000
_LENGTH: Final = 2000


def read_chunk(body: bytes, masker: Masker) -> Chunk:
    """The chunk of a request's body, masked. Raises InvalidInput that names the field."""
    try:
        request = read_json(body)
    except orjson.JSONDecodeError as error:
        raise InvalidInput(f"the body is no JSON: {error}") from None
    if not isinstance(request, dict):
        raise InvalidInput('expected {"session_id", "events", "metadata"}')
    _known(request, _FIELDS, "")
    session = name_at(request, "session_id", "")
    metadata = request.get("metadata")
    if not isinstance(metadata, dict):
        raise InvalidInput.field("/metadata", "expected an object with the chunk's sequence")
    _known(metadata, _METADATA, "/metadata")
    sequence = metadata.get("sequence")
    if isinstance(sequence, bool) or not isinstance(sequence, int) or not 0 <= sequence < _MOST_CHUNKS:
        raise InvalidInput.field("/metadata/sequence", "expected the chunk's number among its tab's, from 0")
    texts = {name: _text(metadata, name) for name in _TEXTS}
    if texts["reason"] and texts["reason"] not in _REASONS:
        raise InvalidInput.field("/metadata/reason", f"expected one of {', '.join(_REASONS)}")
    masked = {name: text if name == "user" else masker.text(text) for name, text in texts.items()}
    tab = name_at(metadata, "tab", "/metadata", "0")
    origin = Origin(session=session, tab=tab, form="plain", **masked)
    events = check_events(request.get("events"))
    return pack(origin, sequence, events, masker.encode(events))


def _known(given: Mapping[str, Any], names: Collection[str], pointer: str) -> None:
    for name in given:
        if name not in names:
            near = difflib.get_close_matches(name, names, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(names)}"
            raise InvalidInput.field(f"{pointer}/{name}", f"there is no such field; {hint}")


def _text(metadata: Mapping[str, Any], name: str) -> str:
    value = metadata.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise InvalidInput.field(f"/metadata/{name}", f"expected a text, got {type(value).__name__}")
    return value[:_LENGTH]
