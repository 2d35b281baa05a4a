"""A request's statement and its data, wherever they stand: in the URL, in the body, in both."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain

from airis_ray.store.embedded.errors import QUERY_IS_TOO_LARGE, error
from airis_ray.store.embedded.request import Body, Request
from airis_ray.store.embedded.statement import HEAD_LIMIT, Incomplete, Statement, Verb, is_insert, parse
from airis_ray.store.embedded.wire import Decoder, decoder

_TEXT_LIMIT = 32 << 20  # bytes of SQL; an INSERT's data do not count
_HELD = 8 << 20  # bytes of an INSERT read before it takes a writer's place, so that a slow sender holds none
_BLOCK = 1 << 20  # bytes given to the engine at a time


@dataclass
class Source:
    """A statement, and for an INSERT its data, in this order: ``head`` and ``opened`` are plain, ``packed`` and the
    rest of the body are not.
    """

    statement: Statement
    body: Body
    codec: Decoder
    head: bytes = b""
    opened: Iterator[bytes] = field(default_factory=lambda: iter(()))  # inflates as it is read
    packed: tuple[bytes, ...] = ()

    def held(self, limit: int) -> bytes | None:
        """All of the data, where they have arrived and are no more than ``limit`` bytes; nothing is lost by asking."""
        if not self.body.has_ended:
            return None
        rest = chain(self.opened, *(self.codec.pieces(data) for data in self.packed))
        held, size = [self.head], len(self.head)
        for data in rest:
            held.append(data)
            size += len(data)
            if size > limit:
                break
        self.head, self.opened, self.packed = b"".join(held), rest, ()
        return self.head if size <= limit else None

    def blocks(self, loop: asyncio.AbstractEventLoop) -> Iterator[bytes]:
        """The data, decompressed, for the worker thread: the rest of the body is read on the loop as it is needed."""
        held, size = [self.head], len(self.head)
        for data in self._plain(loop):
            held.append(data)
            size += len(data)
            if size >= _BLOCK:
                yield b"".join(held)
                held, size = [], 0
        if size:
            yield b"".join(held)

    def _plain(self, loop: asyncio.AbstractEventLoop) -> Iterator[bytes]:
        yield from self.opened
        for data in self.packed:
            yield from self.codec.pieces(data)
        while data := asyncio.run_coroutine_threadsafe(self.body.next(), loop).result():
            yield from self.codec.pieces(data)
        self.codec.finish()


async def read_source(request: Request) -> Source | None:
    """Read as much of the request as tells its statement; None where it has none at all.

    Raises ClickHouseError, and Gone where the client leaves meanwhile.
    """
    if request.is_form:
        request.take_form(await _whole(request.body))
    query = request.values.get("query", "").encode()
    codec = decoder(request.headers.get("content-encoding", ""), native=request.flag("decompress"))
    if is_insert(query):
        try:
            return await _with_data(Source(parse(query, complete=False), request.body, codec), query)
        except Incomplete:
            pass  # the rest of the INSERT is in the body
    return await _from_body(request, query + b"\n" if query else b"", codec)


async def _from_body(request: Request, text: bytes, codec: Decoder) -> Source | None:
    """The statement is in the body, or begins in the URL and ends there."""
    while data := await request.body.next():
        pieces = codec.pieces(data)
        # A packed body is inflated beside the loop: few bytes may take long.
        while plain := next(pieces, b"") if request.is_plain else await asyncio.to_thread(next, pieces, b""):
            text += plain
            if is_insert(text):
                try:
                    statement = parse(text, complete=False)
                except Incomplete:
                    _check_size(text, HEAD_LIMIT)
                    continue
                if statement.verb is Verb.INSERT:
                    return await _with_data(Source(statement, request.body, codec, opened=pieces), text)
            _check_size(text, _TEXT_LIMIT)
    codec.finish()
    if not text.strip():
        return None
    statement = parse(text, complete=True)
    return Source(
        statement, request.body, codec, text[statement.data_at :] if statement.verb is Verb.INSERT else b""
    )


async def _with_data(source: Source, text: bytes) -> Source:
    if source.statement.verb is Verb.INSERT:
        source.head = text[source.statement.data_at :]
    packed, size = [], 0
    while size < _HELD and (data := await source.body.next()):
        packed.append(data)
        size += len(data)
    source.packed = tuple(packed)
    return source


async def _whole(body: Body) -> bytes:
    parts, size = [], 0
    while data := await body.next():
        parts.append(data)
        size += len(data)
        if size > _TEXT_LIMIT:
            raise error(QUERY_IS_TOO_LARGE, f"a form may hold {_TEXT_LIMIT} bytes")
    return b"".join(parts)


def _check_size(text: bytes, limit: int) -> None:
    if len(text) > limit:
        raise error(QUERY_IS_TOO_LARGE, f"the query is longer than {limit} bytes")
