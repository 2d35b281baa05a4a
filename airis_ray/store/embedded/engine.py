"""chDB, a connection at a time.

A connection costs an eighth of a millisecond, so every request gets its own: settings, parameters and temporary tables
of one cannot be seen by another, and none is ever shared between threads (shared ones mixed parameters up).
One connection is held open for the whole life, for the engine ends with its last one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from chdb import _chdb

from airis_ray.store.embedded.errors import BAD_REQUEST_PARAMETER, error, from_engine
from airis_ray.store.embedded.formats import NO_COST, Cost, Joiner


@dataclass(frozen=True)
class Setup:
    """What a connection is told before its statement.

    ``forced`` are the settings that no caller may choose. They and ``readonly`` come last, in a SET of their own, and
    ``readonly`` cannot be taken back.
    """

    settings: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    database: str = "default"
    readonly: bool = False
    forced: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Written:
    """What an INSERT has written, materialized views included."""

    rows: int
    bytes: int
    seconds: float


def literal(value: str) -> str:
    """A ClickHouse string literal."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def identifier(name: str) -> str:
    """A ClickHouse quoted name."""
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def checked_name(name: str) -> str:
    """The name of a setting or a parameter. ClickHouseError where it is none.

    A parameter's name stands in SQL as it is: ``a = '1', additional_table_filters = '{}', param_b`` would be three.
    """
    if _NAME.fullmatch(name) is None:
        raise error(BAD_REQUEST_PARAMETER, f"{name[:100]!r} is no name of a setting or a parameter")
    return name


class Connection:
    """One chDB connection; one thread at a time. Raises ClickHouseError."""

    def __init__(self, address: str) -> None:
        self._connection: Any = _chdb.connect(address)  # type: ignore[attr-defined] # has no types
        self.cost = NO_COST
        self.rows = 0
        self._connection.set_progress_callback(self._note)

    def _note(self, progress: Mapping[str, int]) -> None:
        self.cost = Cost(progress["read_rows"], progress["read_bytes"], progress["elapsed_ns"] / 1e9)

    def close(self) -> None:
        """End it, and what it is running."""
        self._connection.close()

    def prepare(self, setup: Setup) -> None:
        """Apply a setup."""
        if setup.database != "default":
            self.run(f"USE {identifier(setup.database)}")
        pairs = _pairs(setup.settings)
        pairs += [
            f"param_{checked_name(name)} = {literal(value)}" for name, value in setup.parameters.items()
        ]
        self._set(pairs)
        self._set(_pairs(setup.forced) + ["readonly = 1"] * setup.readonly)

    def _set(self, pairs: Sequence[str]) -> None:
        if pairs:
            self.run(f"SET {', '.join(pairs)}")

    def undo(self, setup: Setup, standing: Setup) -> None:
        """Take a setup back, except for what a session has set for good."""
        if setup.database != standing.database:
            self.run(f"USE {identifier(standing.database)}")
        pairs = []
        for name in {**setup.settings, **setup.forced}:
            value = standing.settings.get(name)
            pairs.append(f"{identifier(name)} = {'DEFAULT' if value is None else literal(value)}")
        self._set(pairs)

    def run(self, sql: str, output_format: str = "TabSeparated") -> memoryview:
        """Run any statement and hold its whole answer; ``cost`` and ``rows`` tell of it."""
        self.cost = NO_COST
        try:
            answer = self._connection.query(sql, output_format, params={})
        except RuntimeError as problem:
            raise from_engine(str(problem)) from None
        self.cost = Cost(answer.storage_rows_read(), answer.storage_bytes_read(), answer.elapsed())
        self.rows = answer.rows_read()
        return memoryview(answer.bytes())

    def stream(self, sql: str, output_format: str, joiner: Joiner) -> Iterator[tuple[bytes, int]]:
        """Run a SELECT and yield pieces of its answer with the rows in each; ``cost`` grows meanwhile."""
        self.cost = NO_COST
        try:
            handle = self._connection.send_query(sql, output_format, params={})
            while True:
                block = self._connection.streaming_fetch_result(handle)
                rows, data = block.rows_read(), block.bytes()
                if rows == 0:
                    yield joiner.end(data, self.cost), 0
                    return
                yield joiner.piece(data, rows), rows
        except RuntimeError as problem:
            raise from_engine(str(problem)) from None

    def insert(self, sql: str, input_format: str, blocks: Iterator[bytes]) -> Written:
        """Feed bytes in a format to an INSERT; returns once the rows are in the table."""
        try:
            handle = self._connection.send_insert(sql, input_format)
        except RuntimeError as problem:
            raise from_engine(str(problem)) from None
        try:
            for block in blocks:
                self._connection.insert_append(handle, block)
            done = self._connection.insert_done(handle)
        except RuntimeError as problem:
            raise from_engine(str(problem)) from None
        except BaseException:
            self._connection.insert_cancel(handle)
            raise
        return Written(done.rows_written(), done.bytes_written(), done.elapsed())


def _pairs(settings: Mapping[str, str]) -> list[str]:
    return [f"{identifier(checked_name(name))} = {literal(value)}" for name, value in settings.items()]


class Engine:
    """The engine over one data folder. At most one in a process."""

    def __init__(self, path: str, *, options: Mapping[str, str | int]) -> None:
        query = "&".join(f"{name}={value}" for name, value in options.items())
        self._address = f"{path}?{query}" if query else path
        self._keeper = Connection(self._address)
        self.version = bytes(self._keeper.run("SELECT version()", "TabSeparatedRaw")).decode().strip()
        self.time_zone = bytes(self._keeper.run("SELECT timezone()", "TabSeparatedRaw")).decode().strip()

    def connect(self, setup: Setup) -> Connection:
        """A fresh connection with that setup."""
        connection = Connection(self._address)
        try:
            connection.prepare(setup)
        except BaseException:
            connection.close()
            raise
        return connection

    @contextmanager
    def connected(self, setup: Setup) -> Iterator[Connection]:
        """A fresh connection for the length of a block."""
        connection = self.connect(setup)
        try:
            yield connection
        finally:
            connection.close()

    def kill(self, tag: str) -> None:
        """Stop what carries ``log_comment = tag``; does not wait for it."""
        connection = Connection(self._address)
        try:
            connection.run(f"KILL QUERY WHERE Settings['log_comment'] = {literal(tag)} ASYNC")
        finally:
            connection.close()

    def close(self) -> None:
        """End the engine; every other connection is closed by now."""
        self._keeper.close()
