"""What waits for the store: a lane per table, and the groups that are closed off it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import pyarrow as pa

from airis_ray.errors import AirisError
from airis_ray.ingest.budget import Budget

GROUP_BYTES: Final = 64 * 2**20
"""Decoded bytes that close a group before its rows do: the store holds a block of this size in memory."""

GROUP_DAYS: Final = 90
"""Days of one group's rows. A day is a partition, and ClickHouse refuses inserts into more than 100."""


@dataclass(eq=False)
class Caller:
    """One ``commit`` call; ``done`` is answered when its last part is settled.

    ``kept`` names the tables that took their rows.
    """

    done: asyncio.Future[None]
    waiting: int
    kept: set[str]
    error: AirisError | None = None

    def settle(self, table: str, error: AirisError | None) -> None:
        """Note the fate of one part; the first error of all is the call's."""
        if error is None:
            self.kept.add(table)
        self.waiting -= 1
        self.error = self.error or error
        if self.waiting or self.done.done():
            return
        if self.error is None:
            self.done.set_result(None)
        else:
            self.done.set_exception(self.error)


@dataclass(eq=False)
class Part:
    """One caller's rows for one table."""

    batch: pa.RecordBatch
    nbytes: int
    days: frozenset[int]
    since: float
    caller: Caller


@dataclass(eq=False)
class Group:
    """A closed group on its way into the store."""

    table: str
    parts: list[Part]
    budget: Budget
    refused: list[tuple[Part, AirisError]] = field(default_factory=list)
    unsettled: set[Part] = field(init=False)

    def __post_init__(self) -> None:
        self.unsettled = set(self.parts)

    def settle(self, parts: Iterable[Part], error: AirisError | None) -> None:
        """Tell the callers of ``parts`` and let go of their bytes."""
        for part in list(parts):
            self.unsettled.discard(part)
            self.budget.give(part.nbytes)
            part.caller.settle(self.table, error)


@dataclass(eq=False)
class Lane:
    """What waits for one table, oldest first."""

    table: str
    group_rows: int
    parts: deque[Part] = field(default_factory=deque)
    rows: int = 0
    nbytes: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)  # it is full, or an insert ended
    inserting: int = 0
    ended_at: float = float("-inf")  # the last insert
    draining: bool = False

    @property
    def full(self) -> bool:
        """Whether what waits fills a group."""
        return self.rows >= self.group_rows or self.nbytes >= GROUP_BYTES

    def add(self, part: Part) -> None:
        """Append a part to the open group."""
        self.parts.append(part)
        self.rows += part.batch.num_rows
        self.nbytes += part.nbytes
        if self.full:
            self.changed.set()

    def take(self, budget: Budget) -> Group:
        """Close a group: the oldest parts up to the bounds, without those of cancelled callers."""
        taken: list[Part] = []
        on: frozenset[int] = frozenset()
        rows = nbytes = 0
        while self.parts:
            part = self.parts[0]
            on |= part.days
            rows += part.batch.num_rows
            nbytes += part.nbytes
            if taken and (rows > self.group_rows or nbytes > GROUP_BYTES or len(on) > GROUP_DAYS):
                break
            self.parts.popleft()
            self.rows -= part.batch.num_rows
            self.nbytes -= part.nbytes
            if part.caller.done.cancelled():
                budget.give(part.nbytes)
            else:
                taken.append(part)
        return Group(self.table, taken, budget)
