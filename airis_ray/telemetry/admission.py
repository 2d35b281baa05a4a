"""Which times are taken in: none that retention would drop at once, and few days in one insert."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from airis_ray.settings import RetentionSettings
from airis_ray.telemetry.otlp import Decoded, Rejected
from airis_ray.telemetry.sessions import SESSIONS_TABLE
from airis_ray.telemetry.tables import Signal

AHEAD_SECONDS: Final = 86_400
"""How far a sender's clock may run ahead of ours. Each day is a partition of the store, and one in the year 2200
would stay until then."""

_DAY: Final = 86_400
_NS: Final = 1_000_000_000


def admitted(decoded: Decoded, signal: Signal, retention: RetentionSettings, now_ns: int) -> Decoded:
    """``decoded`` without the rows that are older than the retention of their table or too far ahead.

    They count as rejected: the store would drop the old ones right after it had acknowledged them.
    """
    newest = now_ns // _NS + AHEAD_SECONDS
    tables: dict[str, pa.RecordBatch] = {}
    for table, batch in decoded.tables.items():
        kind = "sessions" if table == SESSIONS_TABLE else signal
        kept: float = getattr(retention, kind)
        oldest = now_ns // _NS - int(kept) if kept else 0
        low, high = _bounds(batch)
        inside = batch if oldest <= low and high <= newest else _between(batch, oldest, newest)
        if inside.num_rows:
            tables[table] = inside
        if outside := batch.num_rows - inside.num_rows:
            reason = _reason(outside, low if low < oldest else high, kind, kept)
            decoded = replace(
                decoded,
                accepted=decoded.accepted - outside,
                rejected=decoded.rejected + outside,
                reasons=(*decoded.reasons, Rejected("", reason)),
            )
    return replace(decoded, tables=tables)


def days(batch: pa.RecordBatch) -> frozenset[int]:
    """The days (since 1970, UTC) that the rows lie on: the store's partitions."""
    if not batch.num_rows or _column(batch) is None:
        return frozenset()
    low, high = _bounds(batch)
    if high // _DAY - low // _DAY <= 1:
        return frozenset((low // _DAY, high // _DAY))
    return frozenset(np.unique(_seconds(batch) // _DAY).tolist())


def _column(batch: pa.RecordBatch) -> Any:
    """The column of a table's time; None for a batch that has none."""
    name = "TimeUnix" if "TimeUnix" in batch.schema.names else "Timestamp"
    return batch.column(name) if name in batch.schema.names else None


def _bounds(batch: pa.RecordBatch) -> tuple[int, int]:
    """Earliest and latest second of the rows."""
    column = _column(batch)
    bounds = pc.min_max(column)
    unit = _NS if column.type.unit == "ns" else 1
    return bounds["min"].value // unit, bounds["max"].value // unit


def _seconds(batch: pa.RecordBatch) -> Any:
    column = _column(batch)
    return column.view(pa.int64()).to_numpy() // (_NS if column.type.unit == "ns" else 1)


def _between(batch: pa.RecordBatch, oldest: int, newest: int) -> pa.RecordBatch:
    seconds = _seconds(batch)
    return batch.filter(pa.array((seconds >= oldest) & (seconds <= newest)))


def _reason(count: int, second: int, kind: str, kept: float) -> str:
    """Why rows like the one at ``second`` are refused."""
    time = f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%SZ}"
    return (
        f"{count} records lie outside the time that is taken in, for example at {time}: not older than "
        f"{kept / _DAY:g} days (AIRIS_RETENTION_{kind.upper()}) and not more than one day ahead"
        if kept
        else f"{count} records lie more than one day ahead, for example at {time}"
    )
