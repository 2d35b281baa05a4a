"""The way of a partition's messages into the store, step by step: what a step is, and what goes from one to the next.

::

    Received → decode → Item → batch → Batch → claim → Batch → insert → Batch → commit

Each step is one class in one file. The first two run ahead while the last three have a batch under way
(:mod:`airis_ray.stream.pipeline`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

import pyarrow as pa

from airis_ray.accounts import StreamCounts
from airis_ray.stream.bookmark import Bookmark
from airis_ray.stream.dead_letters import Dead
from airis_ray.stream.protocol import Partition, Received

In = TypeVar("In", contravariant=True)
Out = TypeVar("Out", covariant=True)


class Step(Protocol[In, Out]):
    """One stage on the way from the log to the store, for one partition during one assignment.

    Items come in the order of the log, one at a time: a step that takes its time makes those before it wait, and that
    is all the back-pressure there is. A step is never called again after it has raised, nor after it was cancelled.
    """

    async def take(self, item: In) -> Sequence[Out]:
        """Take ``item`` over; what is ready for the next step, often nothing or ``item`` itself."""

    def due(self) -> float | None:
        """When :meth:`flush` ought to be called although nothing came, in the loop's time; None where nothing waits."""

    async def flush(self) -> Sequence[Out]:
        """What has waited for more to come."""


class Immediate:
    """A step that keeps nothing back."""

    def due(self) -> float | None:
        """Never: nothing waits here."""
        return None

    async def flush(self) -> Sequence[Batch]:
        """Nothing."""
        return ()


@dataclass(frozen=True, slots=True)
class Item:
    """A message after decoding.

    ``tables`` are its rows, empty for a repeat and for a dead letter. ``since`` is the oldest message among which
    repeats are looked for, before this one was read and after it.
    """

    message: Received
    tables: dict[str, pa.RecordBatch]
    rows: int
    nbytes: int
    days: frozenset[int]
    since: tuple[int | None, int | None]
    fate: Fate
    dead: Dead | None = None


@dataclass(frozen=True, slots=True)
class Fate:
    """What the accounts are told of a message: see :class:`airis_ray.accounts.StreamCounts`."""

    tenant: str
    signal: str
    received_ns: int
    announced: int | None = None
    accepted: int = 0
    expired: int = 0
    refused: int = 0
    repeated: bool = False


@dataclass(eq=False)
class Batch:
    """Successive messages of one partition, from ``first`` to ``last``, both included.

    ``before`` and ``after`` are the bookmarks of the offsets that the batch begins and ends with; their dead letters
    are filled in by the steps that know them.
    """

    partition: Partition
    items: list[Item]
    opened: float
    dead: list[Dead] = field(default_factory=list)
    claimed: float = 0.0
    before: Bookmark = field(default_factory=Bookmark)
    after: Bookmark = field(default_factory=Bookmark)

    @property
    def first(self) -> int:
        return self.items[0].message.offset

    @property
    def last(self) -> int:
        return self.items[-1].message.offset

    @property
    def rows(self) -> int:
        return sum(item.rows for item in self.items)

    @property
    def nbytes(self) -> int:
        return sum(item.nbytes for item in self.items)

    def token(self, table: str, items: Sequence[Item] | None = None) -> str:
        """What makes an insert of the same messages the same insert.

        Kafka's time of the last message is part of it: a topic that was made anew counts its offsets from 0 again, and
        its batches must not pass for those of the old one.
        """
        items = items or self.items
        first, last = items[0].message, items[-1].message
        return f"{self.partition}:{first.offset}:{last.offset}:{last.timestamp_ms}:{table}"

    def counts(self) -> pa.Table:
        """What became of each message, as rows of ``airis_accounts``."""
        counts = StreamCounts()
        dead = {letter.message.offset: letter.reason for letter in self.dead}
        for item in self.items:
            fate = item.fate
            whose = (fate.tenant, fate.signal, fate.received_ns, fate.announced)
            if (reason := dead.get(item.message.offset)) is not None:
                counts.dead_lettered(*whose, reason=reason)
            elif fate.repeated:
                counts.repeated(*whose)
            else:
                counts.stored(*whose, rows=fate.accepted, expired=fate.expired, refused=fate.refused)
        return counts.table()
