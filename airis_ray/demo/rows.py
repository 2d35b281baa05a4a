"""Encoded records on their way into payloads: kept back until their time, put together by resource."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from airis_ray.demo import wire
from airis_ray.demo.wire import Column, Ints

Signal = Literal["logs", "traces", "metrics"]

MAX_BYTES = 3 << 20
MAX_RECORDS = 5000
"""A payload is closed at whichever comes first; both are well below what an intake takes."""


@dataclass(frozen=True)
class Payload:
    """One OTLP ``Export…ServiceRequest``: ``records`` spans, log records or data points in ``body``."""

    signal: Signal
    body: bytes
    records: int


@dataclass(frozen=True)
class Rows:
    """Framed records, each with its resource's number and the time (ns) at which it may be sent.

    ``count`` tells how many records a row stands for (the points of a metric); None is one each.
    """

    data: Column
    resource: Ints
    time: Ints
    count: Ints | None = None

    def __len__(self) -> int:
        return len(self.time)

    def of(self, keep: npt.NDArray[np.bool_]) -> Rows:
        """Some of the records."""
        rows = np.flatnonzero(keep)
        return (
            self
            if len(rows) == len(self)
            else Rows(wire.take(self.data, rows), self.resource[rows], self.time[rows])
        )

    def before(self, time: int) -> tuple[Rows, Rows]:
        """The records before ``time``, and the others."""
        early = self.time < time
        return self.of(early), self.of(~early)

    @staticmethod
    def concat(parts: list[Rows]) -> Rows:
        """All of ``parts``, in order."""
        return Rows(
            wire.concat([part.data for part in parts]),
            np.concatenate([part.resource for part in parts]) if parts else np.zeros(0, np.int64),
            np.concatenate([part.time for part in parts]) if parts else np.zeros(0, np.int64),
            np.concatenate([part.count for part in parts if part.count is not None])
            if parts and parts[0].count is not None
            else None,
        )


def pack(signal: Signal, rows: Rows, heads: Sequence[tuple[bytes, bytes]]) -> Iterator[Payload]:
    """Put records into payloads, grouped by resource and in order of time within it.

    ``heads`` holds what comes before the records of each resource, as :func:`head` makes it.
    """
    if not len(rows):
        return
    order = np.lexsort((rows.time, rows.resource))
    data = wire.take(rows.data, order)
    resource = rows.resource[order]
    weight = np.ones(len(rows), np.int64) if rows.count is None else rows.count[order]
    records = np.concatenate([[0], np.cumsum(weight)])
    offsets = wire.offsets_of(data)
    buffer = wire.data_of(data)
    parts: list[bytes] = []
    size = count = 0
    for low, high in _runs(resource, offsets, records):
        body = _resource_message(heads[int(resource[low])], buffer[offsets[low] : offsets[high]])
        inside = int(records[high] - records[low])
        if parts and (size + len(body) > MAX_BYTES or count + inside > MAX_RECORDS):
            yield Payload(signal, b"".join(parts), count)
            parts, size, count = [], 0, 0
        parts.append(body)
        size += len(body)
        count += inside
    yield Payload(signal, b"".join(parts), count)


def head(resource: bytes, scope: str) -> tuple[bytes, bytes]:
    """The two fixed parts of a resource's message."""
    return wire.field(1, resource), wire.field(1, wire.field(1, scope) + wire.field(2, "1.0"))


def _resource_message(fixed: tuple[bytes, bytes], records: memoryview) -> bytes:
    resource, scope = fixed
    inner = len(scope) + len(records)
    frame = wire.tag(2, 2) + wire.varint(inner)
    whole = len(resource) + len(frame) + inner
    return b"".join((wire.tag(1, 2), wire.varint(whole), resource, frame, scope, records))


def _runs(resource: Ints, offsets: npt.NDArray[np.int32], records: Ints) -> Iterator[tuple[int, int]]:
    """Stretches of one resource, cut where they grow over the bounds."""
    edges = np.flatnonzero(np.diff(resource)) + 1
    for low, high in zip([0, *edges.tolist()], [*edges.tolist(), len(resource)], strict=True):
        while low < high:
            full = int(np.searchsorted(offsets, offsets[low] + MAX_BYTES // 2))
            many = int(np.searchsorted(records, records[low] + MAX_RECORDS // 2))
            cut = min(high, max(full, low + 1), max(many, low + 1))
            yield low, cut
            low = cut
