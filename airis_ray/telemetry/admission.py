"""Which times are taken in: none that retention would drop at once, and few days in one insert."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from airis_ray.settings import RetentionSettings, SignalKind
from airis_ray.telemetry.otlp import Decoded, Rejected
from airis_ray.telemetry.sessions import SESSIONS_TABLE
from airis_ray.telemetry.tables import Signal

AHEAD_SECONDS: Final = 86_400
"""How far a sender's clock may run ahead of ours. Each day is a partition of the store, and one in the year 2200
would stay until then."""

_DAY: Final = 86_400
_NS: Final = 1_000_000_000


@dataclass(frozen=True)
class _Limits:
    """The seconds between which a kind of rows is taken in; ``services`` have an oldest one of their own."""

    kind: SignalKind
    kept: float
    oldest: int
    newest: int
    services: Mapping[str, int]

    @classmethod
    def of(cls, retention: RetentionSettings, kind: SignalKind, now: int) -> _Limits:
        def oldest(kept: float) -> int:
            return now - int(kept) if kept else 0

        kept: float = getattr(retention, kind)
        services = {name: oldest(each) for name, each in retention.by_service(kind).items()}
        return cls(kind, kept, oldest(kept), now + AHEAD_SECONDS, services)

    @property
    def strictest(self) -> int:
        """What is newer has not expired, whoever sent it."""
        return max(self.oldest, *self.services.values()) if self.services else self.oldest

    def oldest_of(self, batch: pa.RecordBatch) -> Any:
        """The oldest second of each row."""
        oldest = np.full(batch.num_rows, self.oldest, np.int64)
        for name, second in self.services.items():
            oldest[pc.equal(batch.column("ServiceName"), name).to_numpy(zero_copy_only=False)] = second
        return oldest

    def reason(self, second: int) -> str:
        """Why rows like the one at ``second`` are refused."""
        time = f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%SZ}"
        if second > self.newest and not self.kept:
            return f"lie more than one day ahead, for example at {time}"
        kept = f"{self.kept / _DAY:g} days" if self.kept else "their service's retention"
        settings = f"AIRIS_RETENTION_{self.kind.upper()}" + (
            ", AIRIS_RETENTION_SERVICES" if self.services else ""
        )
        return (
            f"lie outside the time that is taken in, for example at {time}: not older than {kept} "
            f"({settings}) and not more than one day ahead"
        )


def admitted(decoded: Decoded, signal: Signal, retention: RetentionSettings, now_ns: int) -> Decoded:
    """``decoded`` without the rows that are older than the retention of their table and service, or too far ahead.

    They count as rejected, the old ones as expired too: the store would drop those right after it had acknowledged
    them.
    """
    tables: dict[str, pa.RecordBatch] = {}
    for table, batch in decoded.tables.items():
        kind: SignalKind = "sessions" if table == SESSIONS_TABLE else signal
        inside, expired, reason = _inside(batch, _Limits.of(retention, kind, now_ns // _NS))
        if inside.num_rows:
            tables[table] = inside
        if outside := batch.num_rows - inside.num_rows:
            decoded = replace(
                decoded,
                accepted=decoded.accepted - outside,
                rejected=decoded.rejected + outside,
                expired=decoded.expired + expired,
                reasons=(*decoded.reasons, Rejected("", f"{outside} records {reason}")),
            )
    return replace(decoded, tables=tables)


def _inside(batch: pa.RecordBatch, limits: _Limits) -> tuple[pa.RecordBatch, int, str]:
    """The rows within the limits, how many others are too old, and the reason to tell for all that are left out."""
    low, high = _bounds(batch)
    if limits.strictest <= low and high <= limits.newest:
        return batch, 0, ""
    seconds = _seconds(batch)
    expired = seconds < limits.oldest_of(batch)
    outside = expired | (seconds > limits.newest)
    if not outside.any():
        return batch, 0, ""
    example = seconds[expired].min() if expired.any() else seconds[outside].max()
    return batch.filter(pa.array(~outside)), int(expired.sum()), limits.reason(int(example))


def refusal(retention: RetentionSettings, kind: SignalKind, now_ns: int) -> Callable[[str, int], str | None]:
    """What tells why :func:`admitted` leaves out a row of a service and a time (ns); None for one that it takes."""
    limits = _Limits.of(retention, kind, now_ns // _NS)

    def reason(service: str, time_ns: int) -> str | None:
        second = time_ns // _NS
        inside = limits.services.get(service, limits.oldest) <= second <= limits.newest
        return None if inside else f"the record {limits.reason(second)}".replace("lie", "lies", 1)

    return reason


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
