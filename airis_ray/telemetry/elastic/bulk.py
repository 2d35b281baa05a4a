"""Bodies of ``_bulk`` (NDJSON: an action, and for most of them a document) and of ``_doc``."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from airis_ray.errors import InvalidInput
from airis_ray.telemetry.elastic.documents import Admit, BadDocument, log_of
from airis_ray.telemetry.lines import LiftRules
from airis_ray.telemetry.otlp import encode

SCOPE: Final = "elasticsearch"
_ACTIONS: Final = ("create", "delete", "index", "update")
_APPENDED: Final = "documents are appended as log records: only index and create are taken"


@dataclass(frozen=True)
class Item:
    """One action of a request and what became of it: ``error`` empty for a document that was taken."""

    action: str
    index: str
    id: str
    error: str = ""

    @property
    def status(self) -> int:
        """The HTTP status of this item."""
        return 400 if self.error else 201

    def document(self) -> dict[str, Any]:
        """The item of a bulk answer."""
        head = {"_index": self.index, "_id": self.id}
        if self.error:
            kind = "illegal_argument_exception" if self.error == _APPENDED else "document_parsing_exception"
            return {**head, "status": 400, "error": {"type": kind, "reason": self.error}}
        return {**head, **CREATED, "status": 201}


CREATED: Final[dict[str, Any]] = {
    "_version": 1,
    "result": "created",
    "_shards": {"total": 1, "successful": 1, "failed": 0},
    "_seq_no": 0,
    "_primary_term": 1,
}


@dataclass
class Bulk:
    """A request: its items in their order, and the OTLP request of those that were taken."""

    items: list[Item] = field(default_factory=list)
    otlp: bytes = b""

    @property
    def errors(self) -> bool:
        """Whether an item was refused."""
        return any(item.error for item in self.items)


def translate_bulk(body: bytes, index: str, rules: LiftRules, admit: Admit, limit: int) -> Bulk:
    """A bulk request; ``index`` is that of the URL, for actions that name none.

    A document that cannot be taken fails its own item. Raises InvalidInput where the sequence of actions cannot be
    read, TooLarge where the request is more than ``limit`` bytes as OTLP.
    """
    bulk = Bulk()
    requests = encode.Requests("logs", SCOPE, limit)
    lines = _lines(body)
    for number, line in lines:
        action, target = _action(line, number)
        named, given = target.get("_index") or index, target.get("_id")
        if not named or not isinstance(named, str):
            raise InvalidInput(f"Malformed action/metadata line [{number}], an index is missing")
        source = None if action == "delete" else next(lines, (0, b""))[1]
        if source == b"":
            raise InvalidInput(
                "The bulk request must be terminated by a newline and have a document for each action"
            )
        error = _APPENDED if action in ("delete", "update") else ""
        if not error and source is not None:
            error = _add(requests, source, named, given, rules, admit)
        bulk.items.append(Item(action, named, str(given) if given is not None else _new_id(), error))
    if not bulk.items:
        raise InvalidInput("request body is required")
    bulk.otlp = requests.encode()
    return bulk


def translate_document(
    body: bytes, index: str, given: str | None, rules: LiftRules, admit: Admit, limit: int
) -> Bulk:
    """A single document (``_doc``, ``_create``) as a bulk of one."""
    requests = encode.Requests("logs", SCOPE, limit)
    error = _add(requests, body, index, given, rules, admit)
    return Bulk([Item("index", index, given or _new_id(), error)], requests.encode())


def _add(
    requests: encode.Requests, source: bytes, index: str, given: Any, rules: LiftRules, admit: Admit
) -> str:
    """Add a document's record; the reason where it cannot be taken."""
    try:
        document = orjson.loads(source)
    except orjson.JSONDecodeError as error:
        return f"failed to parse: {error}"
    if not isinstance(document, dict):
        return "failed to parse: a document is a JSON object"
    try:
        resource, record = log_of(document, index, given, rules, admit)
    except (BadDocument, InvalidInput) as error:
        return str(error)
    requests.add(resource, record)
    return ""


def _lines(body: bytes) -> Iterator[tuple[int, bytes]]:
    """The lines that are not empty, with their numbers from 1."""
    start, number = 0, 1
    while start < len(body):
        end = body.find(b"\n", start)
        end = len(body) if end < 0 else end
        if line := body[start:end].strip():
            yield number, line
        start, number = end + 1, number + 1


def _action(line: bytes, number: int) -> tuple[str, dict[str, Any]]:
    try:
        action = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise InvalidInput(f"Malformed action/metadata line [{number}]: {error}") from None
    if not isinstance(action, dict) or len(action) != 1:
        raise InvalidInput(f"Malformed action/metadata line [{number}], expected an object of one action")
    name, target = next(iter(action.items()))
    if name not in _ACTIONS or not isinstance(target, dict):
        raise InvalidInput(
            f"Malformed action/metadata line [{number}], expected one of [{', '.join(_ACTIONS)}] with an object, "
            f"found [{name}]"
        )
    return name, target


def _new_id() -> str:
    return secrets.token_urlsafe(15)
