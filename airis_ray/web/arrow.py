"""Arrow IPC streams as answers, for those who accept them by name."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, Final

import pyarrow as pa
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

ARROW_STREAM: Final = "application/vnd.apache.arrow.stream"
ARROW_CONTENT: Final[dict[str, Any]] = {ARROW_STREAM: {"schema": {"type": "string", "format": "binary"}}}
"""``content`` of a route that answers one too, for OpenAPI."""


def wants_arrow(request: Request) -> bool:
    """Whether the caller accepts an Arrow stream (and says so by name: ``*/*`` gets JSON)."""
    accepted = ",".join(request.headers.getlist("accept")).lower().split(",")
    for each in accepted:
        media_type, *parameters = (part.strip() for part in each.split(";"))
        if media_type == ARROW_STREAM:
            return not any(_is_zero(parameter) for parameter in parameters)
    return False


def arrow_answer(
    schema: pa.Schema, batches: AsyncIterator[pa.RecordBatch], headers: Mapping[str, str] | None = None
) -> Response:
    """An Arrow IPC stream, each batch sent as it comes."""
    return StreamingResponse(_ipc(schema, batches), media_type=ARROW_STREAM, headers=dict(headers or {}))


def stream_bytes(table_of: Callable[[], pa.Table]) -> bytes:
    """A whole table, made by ``table_of``, as an Arrow IPC stream."""
    table = table_of()
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


async def _ipc(schema: pa.Schema, batches: AsyncIterator[pa.RecordBatch]) -> AsyncIterator[bytes]:
    sink = _Sink()
    with pa.ipc.new_stream(sink, schema) as writer:
        yield sink.take()
        async for batch in batches:
            writer.write_batch(batch)
            yield sink.take()
    yield sink.take()


class _Sink:
    """A file for Arrow's writer that is emptied after each batch."""

    closed = False

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, data: Any) -> int:
        self._parts.append(bytes(data))
        return len(self._parts[-1])

    def take(self) -> bytes:
        whole = b"".join(self._parts)
        self._parts.clear()
        return whole

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        self.closed = True


def _is_zero(parameter: str) -> bool:
    name, _, value = parameter.partition("=")
    return name.strip() == "q" and value.strip() in ("0", "0.0", "0.00", "0.000")
