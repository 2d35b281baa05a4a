"""Counts in memory, and the rows of ``airis_accounts`` that they become."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, Literal, NamedTuple

import pyarrow as pa

TABLE: Final = "airis_accounts"

_MINUTE_NS: Final = 60 * 10**9
_LAST_MINUTE: Final = ((1 << 32) - 1) // 60  # of ClickHouse's DateTime

Stage = Literal["ingest", "stream", "store"]
"""Who counted: ingest; a consumer, with the batch under its token; the store's disk guard."""


class Outcome(StrEnum):
    """What became of records."""

    RECEIVED = "received"  # came in a body that could be read
    ACCEPTED = "accepted"  # the sender was told that they are durable
    REFUSED = "refused"  # the sender was told that they are not; the reason says why
    EXPIRED = "expired"  # older than the retention
    READ = "read"  # taken from Kafka by a consumer
    STORED = "stored"  # inserted into their table
    DEAD_LETTERED = "dead_lettered"  # set aside in the dead-letter topic; the reason says why
    REPEATED = "repeated"  # came twice and were kept once
    DROPPED = "dropped"  # were stored, and went with their partition because the disk was filling up


SCHEMA: Final = pa.schema(
    [
        pa.field(name, kind, nullable=False)
        for name, kind in {
            "Time": pa.timestamp("s", tz="UTC"),
            "Tenant": pa.string(),
            "Signal": pa.string(),
            "Stage": pa.string(),
            "Outcome": pa.string(),
            "Reason": pa.string(),
            "Records": pa.int64(),
            "Requests": pa.int64(),
        }.items()
    ]
)


class Key(NamedTuple):
    """What is counted by. ``minute``: the one that the records were received in, since 1970."""

    minute: int
    tenant: str
    signal: str
    outcome: Outcome
    reason: str = ""


def minute_of(received_ns: int) -> int:
    """The minute of an instant; that of a sender's impossible one is the nearest that the store can keep."""
    return min(max(received_ns // _MINUTE_NS, 0), _LAST_MINUTE)


class Counts:
    """Counts of one stage. For one thread; adding takes about a microsecond."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._counts: dict[Key, list[int]] = {}

    def __len__(self) -> int:
        return len(self._counts)

    def __contains__(self, key: object) -> bool:
        return key in self._counts

    def add(self, key: Key, records: int, *, requests: int = 0) -> None:
        """Count ``records``; ``requests`` counts bodies, also those whose records nobody could count."""
        if not records and not requests:
            return
        found = self._counts.get(key)
        if found is None:
            self._counts[key] = [records, requests]
        else:
            found[0] += records
            found[1] += requests

    def take(self) -> pa.Table:
        """The rows of what was counted, which begins at zero again."""
        table = self.table()
        self._counts.clear()
        return table

    def table(self) -> pa.Table:
        """Rows of ``airis_accounts``, one for each key."""
        keys, values = list(self._counts), list(self._counts.values())
        columns = [
            pa.array([key.minute * 60 for key in keys], pa.int64()).cast(SCHEMA.field("Time").type),
            pa.array([key.tenant for key in keys], pa.string()),
            pa.array([key.signal for key in keys], pa.string()),
            pa.array([self._stage] * len(keys), pa.string()),
            pa.array([key.outcome.value for key in keys], pa.string()),
            pa.array([key.reason for key in keys], pa.string()),
            pa.array([value[0] for value in values], pa.int64()),
            pa.array([value[1] for value in values], pa.int64()),
        ]
        return pa.Table.from_arrays(columns, schema=SCHEMA)
