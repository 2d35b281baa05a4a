"""Second step: successive messages together into one insert, by size and age, or as they were before."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from airis_ray.settings import StreamSettings
from airis_ray.stream.bookmark import Bookmark
from airis_ray.stream.decode import MAX_DAYS
from airis_ray.stream.protocol import Partition
from airis_ray.stream.steps import Batch, Item

BATCH_BYTES: Final = 64 * 2**20
"""Bytes (as read and as decoded) that close a batch before its rows do: the store holds it in memory."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How large a batch becomes: rows, bytes, and seconds since its first message came."""

    rows: int
    seconds: float
    nbytes: int = BATCH_BYTES

    @classmethod
    def of(cls, settings: StreamSettings) -> Bounds:
        """Those of the settings."""
        return cls(settings.batch_rows, settings.batch_interval, min(BATCH_BYTES, settings.max_pending_bytes))


class Collect:
    """The step of one partition.

    ``until``: an owner before this one has claimed the messages up to this offset and may have stored them: the
    first batch ends there, whatever its size and age.
    """

    def __init__(self, partition: Partition, bounds: Bounds, until: int | None = None) -> None:
        self._partition = partition
        self._bounds = bounds
        self._until = until
        self._items: list[Item] = []
        self._opened = 0.0
        self._rows = 0
        self._nbytes = 0
        self._days: frozenset[int] = frozenset()

    @property
    def remaking(self) -> bool:
        """Whether the batch has to become exactly what it was: nothing but its last message may close it."""
        return self._until is not None

    async def take(self, item: Item) -> Sequence[Batch]:
        """The batches that ``item`` closes: those before it, where it does not fit, or with it."""
        offset = item.message.offset
        closed = []
        if self._until is not None:
            if offset > self._until:  # its last messages are gone: retention took them
                closed += self._close()
                self._until = None
        elif self._items and self._overflows(item):
            closed += self._close()
        self._add(item)
        if offset == self._until:
            closed += self._close()
            self._until = None
        elif self._until is None and (self._rows >= self._bounds.rows or self._nbytes >= self._bounds.nbytes):
            closed += self._close()
        return closed

    def due(self) -> float | None:
        """When the open batch is old enough."""
        return self._opened + self._bounds.seconds if self._items and not self.remaking else None

    async def flush(self) -> Sequence[Batch]:
        """The open batch as it is, unless it is being made again."""
        return [] if self.remaking else self._close()

    def _overflows(self, item: Item) -> bool:
        return (
            self._rows + item.rows > self._bounds.rows
            or self._nbytes + item.nbytes > self._bounds.nbytes
            or len(self._days | item.days) > MAX_DAYS
        )

    def _add(self, item: Item) -> None:
        if not self._items:
            self._opened = asyncio.get_running_loop().time()
        self._items.append(item)
        self._rows += item.rows
        self._nbytes += item.nbytes
        self._days |= item.days

    def _close(self) -> list[Batch]:
        if not self._items:
            return []
        items, self._items = self._items, []
        self._rows = self._nbytes = 0
        self._days = frozenset()
        return [
            Batch(
                self._partition,
                items,
                self._opened,
                dead=[item.dead for item in items if item.dead is not None],
                before=Bookmark(last=items[-1].message.offset, since=items[0].since[0]),
                after=Bookmark(since=items[-1].since[1]),
            )
        ]
