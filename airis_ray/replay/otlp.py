"""Recordings inside OTLP logs, as the HyperDX browser SDK (and the Splunk one it comes from) sends them.

Such a record's body is a JSON event or a part of one: ``rr-web.chunk`` of ``rr-web.total-chunks`` of the event with the
number ``rr-web.event``. The bodies are masked before anything reads them on, and what they hold is packed into chunks
as the plain form has. A part can only be masked with the rest of its event: where that is not in the same request,
its record is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from airis_ray.errors import InvalidInput
from airis_ray.replay.chunks import NAME, Chunk, Origin, pack, read_json, wrong_event
from airis_ray.replay.masking import Masker
from airis_ray.replay.rrweb import Event

MARK: Final = "rr-web.event"
_SESSION: Final = ("rum.sessionId", "session.id")
_TAB: Final = ("rum.scriptInstance", "splunk.scriptInstance")
_SAID: Final = {
    "user": ("enduser.id", "user.id", "userId", "app.user.id", "userEmail"),
    "user_agent": ("user_agent.original", "http.user_agent", "browser.user_agent"),
    "service": ("service.name",),
    "release": ("service.version",),
}
_MOST_NUMBER: Final = 1 << 31
_PARTIAL: Final = (
    "is a part of an event without the rest of it in the request: it cannot be masked, send them together"
)
_NO_TEXT: Final = "has a body that is no text: it cannot be masked"


@dataclass(frozen=True)
class Recordings:
    """``body`` is the request with its bodies masked, without the records that ``refused`` counts by reason."""

    body: bytes
    chunks: tuple[Chunk, ...]
    refused: dict[str, int]


@dataclass
class _Piece:
    """An event's records: their bodies, by the number of their part."""

    total: int
    parts: dict[int, Any] = field(default_factory=dict)
    records: list[Any] = field(default_factory=list)


def read_recordings(body: bytes, masker: Masker) -> Recordings | None:
    """The recordings in an OTLP request of logs; None where there are none, as in most, or it is damaged."""
    if MARK.encode() not in body:
        return None
    try:
        request = ExportLogsServiceRequest.FromString(body)
    except DecodeError:
        return None  # the decoder says what is wrong with it
    reader = _Reader(masker)
    for group in request.resource_logs:
        resource = _attributes(group.resource.attributes)
        for scope in group.scope_logs:
            reader.scope(resource, scope)
    return Recordings(request.SerializeToString(), tuple(reader.chunks()), reader.refused)


class _Reader:
    def __init__(self, masker: Masker) -> None:
        self._masker = masker
        self._found: dict[Origin, dict[int, tuple[Event, bytes]]] = {}
        self.refused: dict[str, int] = {}

    def scope(self, resource: dict[str, Any], scope: Any) -> None:
        """Mask a scope's records in place and take their events."""
        pieces: dict[tuple[str, str, int], _Piece] = {}
        dropped: list[int] = []
        for place, record in enumerate(scope.log_records):
            told = _attributes(record.attributes)
            if MARK not in told:
                continue
            if not record.body.HasField("string_value"):
                if record.HasField("body") and record.body.WhichOneof("value"):
                    dropped.append(place)
                    self._refuse(_NO_TEXT, 1)
                continue
            session, tab = _first(_SESSION, told, resource), _first(_TAB, told, resource)
            number, total = _whole(told.get(MARK)), max(1, _whole(told.get("rr-web.total-chunks")))
            if total == 1:
                dropped += self._event(_Piece(1, {1: record}, [place]), told, resource, number)
                continue
            piece = pieces.setdefault((session, tab, number), _Piece(total))
            piece.parts[_whole(told.get("rr-web.chunk"))] = record
            piece.records.append(place)
        for (_, _, number), piece in pieces.items():
            if len(piece.parts) == len(piece.records) == piece.total:
                told = _attributes(scope.log_records[piece.records[0]].attributes)
                dropped += self._event(piece, told, resource, number)
            else:
                dropped += piece.records
                self._refuse(_PARTIAL, len(piece.records))
        for place in sorted(dropped, reverse=True):
            del scope.log_records[place]

    def chunks(self) -> Iterator[Chunk]:
        """What was taken, as runs of consecutive events; their texts are masked."""
        for origin, events in self._found.items():
            for run in _runs(sorted(events)):
                taken = [events[number] for number in run]
                yield pack(origin, run[0], [event for event, _ in taken], [text for _, text in taken])

    def _event(self, piece: _Piece, told: dict[str, Any], resource: dict[str, Any], number: int) -> list[int]:
        """Mask an event in its records and take it; the places of the records that cannot be kept."""
        records = [piece.parts[part] for part in sorted(piece.parts)]
        text = "".join(record.body.string_value for record in records)
        try:
            event = read_json(text.encode())
        except orjson.JSONDecodeError:
            _spread(self._masker.text(text), records)
            return []
        try:
            if wrong_event(event) is not None:
                _spread(self._masker.anything(event), records)
                return []
            events = [event]
            (encoded,) = self._masker.encode(events)
        except InvalidInput as error:
            self._refuse(f"cannot be masked: {error}", len(records))
            return piece.records
        session = _first(_SESSION, told, resource)
        if NAME.fullmatch(session) and 0 <= number < _MOST_NUMBER:
            self._found.setdefault(self._origin(session, told, resource), {})[number] = events[0], encoded
        _spread(encoded.decode(), records)
        return []

    def _origin(self, session: str, told: dict[str, Any], resource: dict[str, Any]) -> Origin:
        tab = _first(_TAB, told, resource)
        said: dict[str, Any] = {name: _first(keys, told, resource)[:2000] for name, keys in _SAID.items()}
        return Origin(session=session, tab=tab if NAME.fullmatch(tab) else "0", form="otlp", **said)

    def _refuse(self, reason: str, records: int) -> None:
        self.refused[reason] = self.refused.get(reason, 0) + records


def _spread(text: str, records: Sequence[Any]) -> None:
    """Put a text into the bodies of its records, in about equal parts."""
    size = -(-len(text) // len(records))
    for place, record in enumerate(records):
        record.body.string_value = text[place * size : (place + 1) * size]


def _runs(numbers: Iterable[int]) -> Iterator[list[int]]:
    run: list[int] = []
    for number in numbers:
        if run and number != run[-1] + 1:
            yield run
            run = []
        run.append(number)
    if run:
        yield run


def _attributes(pairs: Any) -> dict[str, Any]:
    return {pair.key: getattr(pair.value, kind) for pair in pairs if (kind := pair.value.WhichOneof("value"))}


def _first(keys: Sequence[str], *places: dict[str, Any]) -> str:
    return next((str(place[key]) for key in keys for place in places if place.get(key)), "")


def _whole(value: Any) -> int:
    """A number however a sender writes it: SDKs send integers, doubles and texts."""
    try:
        return int(float(value))
    except (TypeError, ValueError, OverflowError):
        return -1
