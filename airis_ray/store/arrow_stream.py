"""The Arrow IPC streaming format, read as its bytes arrive.

pyarrow's own reader wants a file that blocks; this one is fed, so that an answer streams on the event loop
without a thread. Framing: a continuation marker, the length of the metadata, the metadata (a flatbuffer
``Message``), the body. Dictionaries do not occur: ClickHouse writes LowCardinality columns as their values
unless asked otherwise.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

import pyarrow as pa

from airis_ray.errors import Bug, Unavailable
from airis_ray.store.codes import error_code, error_from

_CONTINUATION: Final = b"\xff\xff\xff\xff"
_PREFIX: Final = 8
_BODY_LENGTH_SLOT: Final = 4 + 2 * 3  # version, header type, header, body length


class ArrowDecoder:
    """Bytes in, record batches out. One object reads one stream."""

    def __init__(self) -> None:
        self._pending = bytearray()
        self._failure: bytearray | None = None
        self._ended = False
        self.schema: pa.Schema | None = None

    def feed(self, data: bytes) -> Iterator[pa.RecordBatch]:
        """Take the next bytes; yields the batches that are complete with them."""
        self._pending += data
        while (message := self._next()) is not None:
            if self.schema is None:
                self.schema = pa.ipc.read_schema(message)
            else:
                yield pa.ipc.read_record_batch(message, self.schema)

    def finish(self) -> None:
        """Say that no more bytes come.

        Raises the error that the server wrote into the stream after it had begun, or Unavailable where the
        stream ends in the middle of a message.
        """
        rest = bytes(self._pending)
        if b"Code: " in rest:
            text = rest[rest.index(b"Code: ") :].decode(errors="replace")
            raise error_from(error_code(text), text)
        if not self._ended:
            raise Unavailable("the store's answer broke off")

    def _next(self) -> pa.Message | None:
        if self._ended or len(self._pending) < _PREFIX or self._pending[:4] != _CONTINUATION:
            return None  # a marker that is none is the text of an error: finish() reads it
        (length,) = struct.unpack_from("<i", self._pending, 4)
        if length == 0:
            self._ended = True
            del self._pending[:_PREFIX]
            return None
        if len(self._pending) < _PREFIX + length:
            return None
        end = _PREFIX + length + _body_length(memoryview(self._pending)[_PREFIX : _PREFIX + length])
        if len(self._pending) < end:
            return None
        message = bytes(memoryview(self._pending)[:end])
        del self._pending[:end]
        return pa.ipc.read_message(pa.py_buffer(message))


def _body_length(metadata: memoryview) -> int:
    """The field ``bodyLength`` of a flatbuffer ``Message``."""
    (root,) = struct.unpack_from("<I", metadata, 0)
    (back,) = struct.unpack_from("<i", metadata, root)
    vtable = root - back
    (size,) = struct.unpack_from("<H", metadata, vtable)
    if size <= _BODY_LENGTH_SLOT:
        return 0
    (offset,) = struct.unpack_from("<H", metadata, vtable + _BODY_LENGTH_SLOT)
    return int(struct.unpack_from("<q", metadata, root + offset)[0]) if offset else 0


def read_table(body: bytes) -> pa.Table:
    """A whole stream at once, without a copy of its columns; an empty body is a table of no columns."""
    if not body:
        return pa.table({})
    if body[:4] != _CONTINUATION:
        raise Bug(f"expected an Arrow stream, the store sent {body[:80]!r}")
    return pa.ipc.open_stream(pa.py_buffer(body)).read_all()
