"""A store in memory that fails on command."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

import pyarrow as pa

from airis_ray.errors import InvalidInput, TooLarge, Unavailable
from tests.support.insert_only import InsertOnly


@dataclass(frozen=True)
class Fault:
    """What happens to one insert: after ``seconds`` it is applied or not, and acknowledged or not."""

    kind: Literal["none", "down", "lost", "full", "hang", "crash"] = "none"
    seconds: float = 0.01


class FaultyStore(InsertOnly):
    """Keeps the values of column ``id`` per table. ``refuses`` says which of them no insert may carry."""

    def __init__(
        self, faults: Iterable[Fault] = (), refuses: Callable[[int], bool] = lambda _: False
    ) -> None:
        self._faults: Iterator[Fault] = iter(faults)
        self._refuses = refuses
        self._tokens: set[str | None] = set()
        self.rows: Counter[tuple[str, int]] = Counter()
        self.inserts: list[tuple[str, int]] = []
        self.running = 0
        self.most_running = 0

    async def insert(self, table: str, data: pa.Table | pa.RecordBatch, *, token: str | None = None) -> None:
        fault = next(self._faults, Fault())
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            await asyncio.sleep(fault.seconds)
            if fault.kind == "hang":
                await asyncio.Event().wait()
            if fault.kind == "down":
                raise Unavailable("the store is down")
            if fault.kind == "full":
                raise TooLarge("Code: 241. DB::Exception: memory limit exceeded")
            if fault.kind == "crash":
                raise RuntimeError("an insert that nobody foresaw")
            self._apply(table, data["id"].to_pylist(), token)
            if fault.kind == "lost":
                raise Unavailable("the connection broke before the acknowledgement")
        finally:
            self.running -= 1

    def faults_end(self) -> None:
        """From now on every insert is taken."""
        self._faults = iter(())

    def _apply(self, table: str, ids: list[int], token: str | None) -> None:
        if any(map(self._refuses, ids)):
            raise InvalidInput("Code: 252. DB::Exception: a row that is not taken")
        self.inserts.append((table, len(ids)))
        if token is None or token not in self._tokens:
            self.rows.update((table, value) for value in ids)
        self._tokens.add(token)


def batch(*ids: int) -> pa.RecordBatch:
    """Rows with these ids, 8 bytes each."""
    return pa.record_batch({"id": pa.array(ids, pa.int64())})
