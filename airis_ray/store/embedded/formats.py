"""Answers in pieces: how the blocks of a streamed query, each written as a whole document, become one document."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa

_JSON = "application/json; charset=UTF-8"
_ARROW = "application/vnd.apache.arrow.stream"
_CONTENT_TYPES = {
    **dict.fromkeys(("JSON", "JSONStrings", "JSONCompact", "JSONCompactStrings", "JSONColumns"), _JSON),
    "TabSeparated": "text/tab-separated-values; charset=UTF-8",
    "CSV": "text/csv; charset=UTF-8; header=absent",
    "CSVWithNames": "text/csv; charset=UTF-8; header=present",
    "CSVWithNamesAndTypes": "text/csv; charset=UTF-8; header=present",
    "JSONEachRow": "application/x-ndjson; charset=UTF-8",
    "Native": "application/octet-stream",
    "RowBinary": "application/octet-stream",
    "Arrow": _ARROW,
    "ArrowStream": _ARROW,
    "Parquet": "application/octet-stream",
    "XML": "application/xml; charset=UTF-8",
    "Null": "text/plain; charset=UTF-8",
}
_ALIASES = {"TSV": "TabSeparated", "NDJSON": "JSONEachRow", "JSONLines": "JSONEachRow"}
_PLAIN = frozenset(
    {
        "CSV",
        "JSONCompactEachRow",
        "JSONCompactStringsEachRow",
        "JSONEachRow",
        "JSONStringsEachRow",
        "LineAsString",
        "Native",
        "Null",
        "RawBLOB",
        "RowBinary",
        "TSKV",
        "TabSeparated",
        "TabSeparatedRaw",
        "TSVRaw",
    }
)
_LINES = {"Names": 1, "NamesAndTypes": 2}


def canonical(name: str) -> str:
    """ClickHouse's name of a format whose short name was given."""
    short, _, rest = name.partition("With")
    return f"{_ALIASES.get(short, short)}With{rest}" if rest else _ALIASES.get(name, name)


def content_type(name: str) -> str:
    """The Content-Type of an answer in that format."""
    name = canonical(name)
    if name in _CONTENT_TYPES:
        return _CONTENT_TYPES[name]
    if name.startswith("TabSeparated"):
        return _CONTENT_TYPES["TabSeparated"]
    return "application/octet-stream" if "Binary" in name else "text/plain; charset=UTF-8"


@dataclass(frozen=True)
class Cost:
    """What a statement has read and taken so far."""

    rows: int = 0
    bytes: int = 0
    seconds: float = 0.0


NO_COST = Cost()


class Joiner(Protocol):
    """Joins the documents of single blocks. ``last`` is the document without rows that ends every stream."""

    def piece(self, block: bytes, rows: int) -> bytes:
        """What to send for one more block."""

    def end(self, last: bytes, cost: Cost) -> bytes:
        """What to send at the end."""


class Plain:
    """Rows that simply follow each other."""

    def piece(self, block: bytes, rows: int) -> bytes:
        return block

    def end(self, last: bytes, cost: Cost) -> bytes:
        return last


class Headed:
    """Rows under a head that every block repeats."""

    def __init__(self, head_length: Callable[[bytes], int]) -> None:
        self._head_length = head_length
        self._begun = False

    def piece(self, block: bytes, rows: int) -> bytes:
        start = self._head_length(block) if self._begun else 0
        self._begun = True
        return block[start:]

    def end(self, last: bytes, cost: Cost) -> bytes:
        return b"" if self._begun else last


class ArrowStream:
    """Arrow IPC streams: the schema once, the end mark once."""

    _END = b"\xff\xff\xff\xff\x00\x00\x00\x00"

    def __init__(self) -> None:
        self._begun = False

    def piece(self, block: bytes, rows: int) -> bytes:
        schema_length = 8 + int.from_bytes(block[4:8], "little")
        start = schema_length if self._begun else 0
        self._begun = True
        return block[start : -len(self._END)]

    def end(self, last: bytes, cost: Cost) -> bytes:
        return self._END if self._begun else last


class ArrowFile:
    """Arrow IPC files, made of the blocks' streams."""

    def __init__(self) -> None:
        self._sink = _Sink()
        self._writer: pa.RecordBatchFileWriter | None = None

    def piece(self, block: bytes, rows: int) -> bytes:
        with pa.ipc.open_stream(block) as reader:
            if self._writer is None:
                self._writer = pa.RecordBatchFileWriter(pa.PythonFile(self._sink, "w"), reader.schema)
            for batch in reader:
                self._writer.write_batch(batch)
        return self._sink.take()

    def end(self, last: bytes, cost: Cost) -> bytes:
        if self._writer is None:
            self.piece(last, 0)
        assert self._writer is not None
        self._writer.close()
        return self._sink.take()


class _Sink:
    """What the writer has written since the last look."""

    closed = False

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._parts.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""

    def take(self) -> bytes:
        parts, self._parts = self._parts, []
        return b"".join(parts)


class JsonDocument:
    """``FORMAT JSON`` and its like: the meta of the first block, the rows of all, our own closing."""

    _DATA = b'"data":\n\t[\n'
    _TAIL = b"\n\t],\n\n\t"

    def __init__(self) -> None:
        self._rows = 0

    def piece(self, block: bytes, rows: int) -> bytes:
        start = block.index(self._DATA) + len(self._DATA)
        data = block[start : block.rindex(self._TAIL)]
        lead = b",\n" if self._rows else block[:start]
        self._rows += rows
        return lead + data

    def end(self, last: bytes, cost: Cost) -> bytes:
        if not self._rows:
            return last
        statistics = (
            f'"elapsed": {cost.seconds:.9f},\n\t\t"rows_read": {cost.rows},\n\t\t"bytes_read": {cost.bytes}'
        )
        tail = f'"rows": {self._rows},\n\n\t"statistics":\n\t{{\n\t\t{statistics}\n\t}}\n}}\n'
        return self._TAIL + tail.encode()


def joiner(name: str, sql: str) -> tuple[Joiner, str] | None:
    """How to stream a SELECT in a format, and the format to ask the engine for; None where it must be held whole.

    Totals and extremes come as blocks of their own and fit only rows that follow each other.
    """
    name = canonical(name)
    if name in _PLAIN:
        return Plain(), name
    if re.search(r"\btotals\b|\bextremes\b", sql, re.IGNORECASE):
        return None
    if name in ("JSON", "JSONStrings", "JSONCompact", "JSONCompactStrings"):
        return JsonDocument(), name
    if name == "ArrowStream":
        return ArrowStream(), name
    if name == "Arrow":
        return ArrowFile(), "ArrowStream"
    short, _, head = name.partition("With")
    if head in _LINES and short in _PLAIN:
        measure = {"RowBinary": _binary_head, "CSV": _csv_head}.get(short, _line_head)
        lines = _LINES[head]
        return Headed(lambda block: measure(block, lines)), name
    return None


def _line_head(block: bytes, lines: int) -> int:
    """The length of so many lines."""
    position = 0
    for _ in range(lines):
        position = block.index(b"\n", position) + 1
    return position


def _csv_head(block: bytes, lines: int) -> int:
    """The length of so many records; a line end within double quotes ends none."""
    position = 0
    for _ in range(lines):
        start = position
        position = block.index(b"\n", position) + 1
        while block.count(b'"', start, position) % 2:
            position = block.index(b"\n", position) + 1
    return position


def _binary_head(block: bytes, lines: int) -> int:
    """The length of the column count and of so many rows of strings."""
    columns, position = varint(block, 0)
    for _ in range(columns * lines):
        length, position = varint(block, position)
        position += length
    return position


def varint(data: bytes, position: int) -> tuple[int, int]:
    """The LEB128 number at ``position``, and where it ends."""
    value = shift = 0
    while True:
        byte = data[position]
        value |= (byte & 0x7F) << shift
        position, shift = position + 1, shift + 7
        if byte < 0x80:
            return value, position
