"""Ingest's counts: whole requests, written once, whatever the store does meanwhile."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace

import pyarrow as pa
import pytest

from airis_ray.accounts import ledger as ledger_module
from airis_ray.accounts.ledger import Ledger
from airis_ray.errors import (
    AirisError,
    InvalidInput,
    Overloaded,
    StorageFull,
    TooLarge,
    Unavailable,
    Unsupported,
)
from airis_ray.store import Store
from airis_ray.telemetry.otlp import Decoded
from tests.support.virtual import run

NOW = 1_800_000_000 * 10**9
DECODED = Decoded({}, accepted=90, rejected=10, reasons=(), expired=4)


class Table:
    """The table ``airis_accounts``: keeps what it is sent, but drops a token that it knows."""

    def __init__(self) -> None:
        self.tokens: set[str] = set()
        self.records: Counter[tuple[str, str]] = Counter()
        self.requests: Counter[tuple[str, str]] = Counter()
        self.attempts = 0
        self.error: Exception | None = None
        self.loses_the_answer = False

    async def insert(self, table: str, data: pa.Table, *, token: str) -> None:
        assert table == "airis_accounts"
        self.attempts += 1
        if self.error is not None and not self.loses_the_answer:
            raise self.error
        if token not in self.tokens:
            self.tokens.add(token)
            for row in data.to_pylist():
                self.records[row["Outcome"], row["Reason"]] += row["Records"]
                self.requests[row["Outcome"], row["Reason"]] += row["Requests"]
        if self.error is not None:
            raise self.error


def ledger(table: Table, interval: float = 5.0) -> Ledger:
    store: Store = table
    return Ledger(store, interval=interval)


def book(counts: Ledger, error: BaseException | None = None, *, decoded: Decoded | None = DECODED) -> None:
    try:
        with counts.entry("t", "logs", NOW) as entry:
            if decoded is not None:
                entry.decoded(decoded, malformed=5)
            if error is not None:
                raise error
            entry.accepted(stored=True)
    except BaseException as raised:
        if raised is not error:
            raise


def test_an_accepted_request() -> None:
    async def scenario() -> None:
        table = Table()
        counts = ledger(table)
        book(counts)
        with counts.entry("t", "logs", NOW) as entry:
            entry.decoded(replace(DECODED, rejected=0, expired=0), malformed=0)
            entry.accepted(stored=False)
        await counts.flush()
        assert table.records == {
            ("received", ""): 190,
            ("expired", ""): 4,
            ("refused", "malformed"): 5,
            ("refused", "ahead"): 1,
            ("accepted", ""): 180,
            ("stored", ""): 90,
        }
        assert table.requests["received", ""] == 2
        await counts.close(1.0)

    run(scenario())


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (StorageFull("full"), "disk_full"),
        (Unavailable("down"), "unavailable"),
        (Overloaded("later"), "overloaded"),
        (TooLarge("large"), "too_large"),
        (InvalidInput("no"), "not_storable"),
        (ValueError("what"), "error"),
        (asyncio.CancelledError(), "cancelled"),
    ],
)
def test_a_refused_request_has_a_reason(error: BaseException, reason: str) -> None:
    async def scenario() -> None:
        table = Table()
        counts = ledger(table)
        book(counts, error)
        await counts.flush()
        assert table.records["received", ""] == 100
        assert table.records["refused", reason] == 90
        assert table.requests["refused", reason] == 1
        assert sum(table.records.values()) == 200  # received = refused + expired
        await counts.close(1.0)

    run(scenario())


@pytest.mark.parametrize(
    ("error", "reason"), [(InvalidInput("damaged"), "unreadable"), (Unsupported("what"), "unsupported")]
)
def test_a_body_that_cannot_be_read_counts_as_a_request(error: AirisError, reason: str) -> None:
    async def scenario() -> None:
        table = Table()
        counts = ledger(table)
        book(counts, error, decoded=None)
        await counts.flush()
        assert sum(table.records.values()) == 0
        assert table.requests == {("received", ""): 1, ("refused", reason): 1}
        await counts.close(1.0)

    run(scenario())


def test_counts_are_written_by_themselves_and_once() -> None:
    """While the store is away, and when it loses its answers, they wait; nothing is counted twice."""

    async def scenario() -> None:
        table = Table()
        counts = ledger(table, interval=5.0)
        book(counts)
        await asyncio.sleep(5.5)
        assert table.records["stored", ""] == 90

        table.error = Unavailable("away")
        book(counts)
        await asyncio.sleep(12)
        book(counts)
        table.loses_the_answer = True
        await asyncio.sleep(12)
        assert table.records["stored", ""] == 180
        table.error = None
        await asyncio.sleep(12)
        assert table.records["stored", ""] == 270
        attempts = table.attempts
        await asyncio.sleep(60)
        assert table.attempts == attempts  # nothing to write is not written
        await counts.close(1.0)

    run(scenario())


def test_an_unforeseen_error_does_not_end_the_counting() -> None:
    async def scenario() -> None:
        table = Table()
        counts = ledger(table)
        table.error = ValueError("a bug")
        book(counts)
        await asyncio.sleep(6)
        table.error = None
        await asyncio.sleep(5)
        assert table.records["stored", ""] == 90
        await counts.close(1.0)

    run(scenario())


def test_closing_writes_the_rest_and_waits_for_no_store() -> None:
    async def scenario() -> None:
        table = Table()
        counts = ledger(table)
        table.error = Unavailable("away")
        book(counts)
        with pytest.raises(Unavailable):
            await counts.flush()
        book(counts)
        table.error = None
        await counts.close(1.0)
        assert table.records["stored", ""] == 180

        table.error = Unavailable("away")
        counts = ledger(table)
        book(counts)
        await counts.close(1.0)
        assert table.records["stored", ""] == 180

        await ledger(table).close(1.0)  # one that nobody wrote into

    run(scenario())


def test_what_waits_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        table = Table()
        counts = ledger(table)
        monkeypatch.setattr(ledger_module, "_MOST_KEYS", 1)
        before = ledger_module.metrics.LOST_COUNTS._value.get()
        book(counts)
        book(counts)
        await counts.close(1.0)
        assert table.records["received", ""] == 100
        assert ledger_module.metrics.LOST_COUNTS._value.get() - before == 100

    run(scenario())
