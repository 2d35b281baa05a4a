"""What is counted, and the rows that it becomes."""

from __future__ import annotations

from collections import Counter

import pyarrow as pa

from airis_ray.accounts import Counts, Key, Outcome, StreamCounts, minute_of

MINUTE = 60 * 10**9
NOW = 30_000_000 * MINUTE


def records(table: pa.Table) -> Counter[str]:
    """Records by outcome."""
    found: Counter[str] = Counter()
    for row in table.to_pylist():
        found[row["Outcome"]] += row["Records"]
    return found


def test_rows_are_by_the_minute_of_receipt() -> None:
    counts = Counts("ingest")
    for received in (NOW, NOW + MINUTE - 1, NOW + MINUTE):
        counts.add(Key(minute_of(received), "t", "logs", Outcome.RECEIVED), 5, requests=1)
    counts.add(Key(minute_of(NOW), "t", "logs", Outcome.REFUSED, "malformed"), 0)
    rows = counts.take().to_pylist()
    assert [(row["Time"].timestamp(), row["Records"], row["Requests"]) for row in rows] == [
        (NOW // 10**9, 10, 2),
        (NOW // 10**9 + 60, 5, 1),
    ]
    assert {(row["Tenant"], row["Signal"], row["Stage"], row["Reason"]) for row in rows} == {
        ("t", "logs", "ingest", "")
    }
    assert counts.table().num_rows == 0


def test_an_impossible_time_is_one_that_the_store_can_keep() -> None:
    counts = Counts("stream")
    for received in (-1, 1 << 62):
        counts.add(Key(minute_of(received), "t", "logs", Outcome.READ), 1)
    assert [row["Time"].year for row in counts.table().to_pylist()] == [1970, 2106]


def test_a_batch_balances() -> None:
    """What was announced by ingest, whatever becomes of it."""
    counts = StreamCounts()
    counts.stored("t", "logs", NOW, 10, rows=10, refused=3)  # ingest has refused the three already
    counts.stored("t", "logs", NOW, 10, rows=8, expired=2)  # the retention is shorter now
    counts.stored("t", "logs", NOW, 10, rows=12)  # or longer
    counts.repeated("t", "logs", NOW, 7)
    counts.dead_lettered("t", "logs", NOW, 5, reason="unreadable")
    assert records(counts.table()) == {
        "read": 44,
        "stored": 30,
        "expired": 2,
        "repeated": 7,
        "dead_lettered": 5,
    }


def test_what_nobody_announced_is_received_and_accepted_here() -> None:
    """A Collector's messages, and dead letters put back; one that cannot be read counts as one record."""
    counts = StreamCounts()
    counts.stored("t", "traces", NOW, None, rows=6, expired=2, refused=3)
    counts.dead_lettered("t", "traces", NOW, None, reason="unreadable")
    assert records(counts.table()) == {
        "received": 12,
        "refused": 3,
        "accepted": 9,
        "read": 9,
        "stored": 6,
        "expired": 2,
        "dead_lettered": 1,
    }
    requests = [row["Requests"] for row in counts.table().to_pylist() if row["Outcome"] == "received"]
    assert sum(requests) == 2


def test_an_empty_batch_has_no_rows() -> None:
    assert StreamCounts().table().num_rows == 0
