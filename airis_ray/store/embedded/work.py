"""What a worker thread does with a statement. One thread has a connection from its first call to its last."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from itertools import chain

from airis_ray.store.embedded.channel import Channel, Closed
from airis_ray.store.embedded.engine import Connection, Written
from airis_ray.store.embedded.errors import QUERY_WAS_CANCELLED, ClickHouseError, error, from_engine
from airis_ray.store.embedded.formats import NO_COST, Cost, Joiner, joiner
from airis_ray.store.embedded.native import Revised, at_revision
from airis_ray.store.embedded.request import Gone
from airis_ray.store.embedded.statement import Statement, Verb
from airis_ray.store.embedded.wire import Codec

_LOG = logging.getLogger(__name__)
_FIRST = (
    1 << 20
)  # bytes held back: an answer that ends before has its length and its whole cost in the headers
_PIECE = 256 << 10  # bytes that go out together afterwards
_ARROW_MAGIC = b"ARROW1\0\0"
_UNSTREAMED = "Streaming query is not supported"


@dataclass(frozen=True)
class Piece:
    """Some bytes of an answer that goes on."""

    data: bytes


@dataclass(frozen=True)
class Finished:
    """The rest of an answer, and what all of it took."""

    data: bytes = b""
    cost: Cost = NO_COST
    result_rows: int = 0
    written: Written | None = None


@dataclass(frozen=True)
class Failed:
    """The statement's error."""

    problem: ClickHouseError


Item = Piece | Finished | Failed
Connect = Callable[[], AbstractContextManager[Connection]]


def guarded(work: Callable[[], None], channel: Channel[Item]) -> None:
    """Run ``work`` and hand its error over, whatever it is."""
    try:
        work()
    except Closed:
        return
    except Exception as problem:
        with suppress(Closed):
            channel.put(Failed(_explained(problem)))


def _explained(problem: Exception) -> ClickHouseError:
    if isinstance(problem, ClickHouseError):
        return problem
    if isinstance(problem, Gone):
        return error(QUERY_WAS_CANCELLED, "Query was cancelled: the client left before its data had arrived")
    _LOG.error("a statement failed in a way that chDB does not fail", exc_info=problem)
    return from_engine(f"{type(problem).__name__}: {problem}")


def read(
    connect: Connect,
    statement: Statement,
    output_format: str,
    *,
    revision: int,
    whole: bool,
    codec: Codec,
    channel: Channel[Item],
) -> None:
    """Run a statement that answers, and hand its answer over in pieces; ``revision`` is that of ``FORMAT Native``."""
    with connect() as connection:
        outgoing = _Outgoing(codec, channel)
        how = _whole if whole else _streamed
        for data, rows in how(connection, statement, output_format, revision):
            outgoing.add(data, rows)
        cost = connection.cost
    outgoing.finish(cost)


class _Outgoing:
    """Collects, compresses and hands over."""

    def __init__(self, codec: Codec, channel: Channel[Item]) -> None:
        self._codec, self._channel = codec, channel
        self._held: list[bytes] = []
        self._size, self._limit, self._rows = 0, _FIRST, 0

    def add(self, data: bytes, rows: int) -> None:
        data = self._codec.feed(data)
        self._rows += rows
        self._held.append(data)
        self._size += len(data)
        if self._size > self._limit:
            self._channel.put(Piece(b"".join(self._held)))
            self._held, self._size, self._limit = [], 0, _PIECE

    def finish(self, cost: Cost) -> None:
        self._held.append(self._codec.finish())
        self._channel.put(Finished(b"".join(self._held), cost, self._rows))


def _streamed(
    connection: Connection, statement: Statement, name: str, revision: int
) -> Iterator[tuple[bytes, int]]:
    how: tuple[Joiner, str] | None = None
    if statement.verb is Verb.SELECT:
        how = (Revised(revision), name) if _is_revised(name, revision) else joiner(name, statement.sql)
    if how is None:
        yield from _whole(connection, statement, name, revision)
        return
    join, engine_format = how
    try:
        yield from connection.stream(statement.without_format(), engine_format, join)
    except ClickHouseError as problem:
        if _UNSTREAMED not in str(problem):
            raise
        yield from _whole(connection, statement, name, revision)


def _whole(
    connection: Connection, statement: Statement, name: str, revision: int
) -> Iterator[tuple[bytes, int]]:
    answer = connection.run(statement.without_format(), name)
    if _is_revised(name, revision):
        answer = memoryview(at_revision(bytes(answer), revision))
    rows = connection.rows
    for start in range(0, len(answer), _FIRST):
        yield bytes(answer[start : start + _FIRST]), 0
    yield b"", rows


def _is_revised(name: str, revision: int) -> bool:
    return revision > 0 and name == "Native"


def write(
    connect: Connect, statement: Statement, blocks: Callable[[], Iterator[bytes]], channel: Channel[Item]
) -> None:
    """Run an INSERT over the request's data."""
    with connect() as connection:
        written = connection.insert(statement.sql, *_unframed(statement.format or "Values", blocks()))
    channel.put(Finished(written=written))


def _unframed(name: str, blocks: Iterator[bytes]) -> tuple[str, Iterator[bytes]]:
    """An Arrow file as the Arrow stream that it holds, which the engine reads as it comes and 30 % faster.

    The file is eight bytes, the stream with its end mark, and an index behind it that nobody needs.
    """
    if name != "Arrow":
        return name, blocks
    first = next(blocks, b"")
    is_file = first.startswith(_ARROW_MAGIC)
    rest = chain((first[len(_ARROW_MAGIC) :] if is_file else first,), blocks)
    return ("ArrowStream" if is_file else name), rest
