"""What ingest counts: a request's records at once when its fate is known, written to the store every few seconds."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Final

import pyarrow as pa

from airis_ray.accounts import metrics
from airis_ray.accounts.counts import TABLE, Counts, Key, Outcome, minute_of
from airis_ray.errors import (
    AirisError,
    InvalidInput,
    Overloaded,
    StorageFull,
    TooLarge,
    Unavailable,
    Unsupported,
)
from airis_ray.store.protocol import Store
from airis_ray.telemetry.otlp import Decoded

_MOST_KEYS: Final = 100_000
"""Counts that wait for a store that is away, about 40 MB: 100 tenants for some hours. Past it new ones are let go."""

_REASONS: Final = (
    (StorageFull, "disk_full"),
    (TooLarge, "too_large"),
    (Unsupported, "unsupported"),
    (Overloaded, "overloaded"),
    (Unavailable, "unavailable"),
)

_log = logging.getLogger(__name__)


class Ledger:
    """The counts of one ingest replica. Belongs to the event loop of its first entry.

    A request is booked whole when it is answered, and what was booked goes to the store in one insert under one
    token, repeated until it is acknowledged: what is written always balances. A replica that is killed takes the
    counts of at most ``interval`` seconds with it.
    """

    def __init__(self, store: Store, *, interval: float) -> None:
        self._store = store
        self._interval = interval
        self._counts = Counts("ingest")
        self._sending: tuple[str, pa.Table] | None = None
        self._lock = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    def entry(self, tenant: str, signal: str, received_ns: int) -> Entry:
        """A request's entry: a context to answer the request in."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())
        return Entry(self, tenant, signal, received_ns)

    def book(self, counts: Iterable[tuple[Key, int, int]]) -> None:
        """Count a request's records and requests, all of them or, where nothing more may wait, none."""
        counts = list(counts)
        if len(self._counts) >= _MOST_KEYS:
            metrics.LOST_COUNTS.inc(max(records for _, records, _ in counts))
            return
        for key, records, requests in counts:
            self._counts.add(key, records, requests=requests)

    async def flush(self) -> None:
        """Write what was counted so far; what the store does not acknowledge is written by a later call."""
        async with self._lock:
            if self._sending is None:
                if not len(self._counts):
                    return
                self._sending = uuid.uuid4().hex, self._counts.take()
            token, table = self._sending
            await self._store.insert(TABLE, table, token=token)
            self._sending = None

    async def close(self, grace: float) -> None:
        """Write everything, for at most ``grace`` seconds; what is not acknowledged by then is lost."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        try:
            async with asyncio.timeout(grace):
                await self.flush()
                await self.flush()  # the first one may have repeated an insert
        except (AirisError, TimeoutError) as error:
            _log.warning("the last counts of received records were not written", extra={"reason": str(error)})

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._interval)
            try:
                await self.flush()
            except AirisError as error:
                metrics.FAILED_WRITES.inc()
                _log.debug("counts of received records wait for the store", extra={"reason": str(error)})
            except Exception:
                metrics.FAILED_WRITES.inc()
                _log.exception("counts of received records could not be written")


class Entry:
    """One request. Leaving the context books it: as accepted where :meth:`accepted` was called, else as refused."""

    __slots__ = ("_accepted", "_expired", "_ledger", "_minute", "_outcome", "_refused", "_signal", "_tenant")

    def __init__(self, ledger: Ledger, tenant: str, signal: str, received_ns: int) -> None:
        self._ledger = ledger
        self._tenant, self._signal, self._minute = tenant, signal, minute_of(received_ns)
        self._accepted = self._expired = 0
        self._refused: dict[str, int] = {}
        self._outcome: Outcome | None = None

    def decoded(self, decoded: Decoded, *, malformed: int) -> None:
        """What the body holds.

        ``decoded`` is what is left to be accepted, with the counts of what is not; ``malformed`` are those of its
        ``rejected`` that the decoder refused: the others are too old or too far ahead.
        """
        self._accepted, self._expired = decoded.accepted, decoded.expired
        self._refused = {"malformed": malformed, "ahead": decoded.rejected - malformed - decoded.expired}

    def accepted(self, *, stored: bool) -> None:
        """The records are durable: in the store, or else in Kafka."""
        self._outcome = Outcome.STORED if stored else Outcome.ACCEPTED

    def __enter__(self) -> Entry:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ledger.book(
            (Key(self._minute, self._tenant, self._signal, outcome, reason), records, requests)
            for outcome, reason, records, requests in self._counts(error)
        )

    def _counts(self, error: BaseException | None) -> Iterator[tuple[Outcome, str, int, int]]:
        received = self._accepted + self._expired + sum(self._refused.values())
        yield Outcome.RECEIVED, "", received, 1
        yield Outcome.EXPIRED, "", self._expired, 0
        for reason, records in self._refused.items():
            yield Outcome.REFUSED, reason, records, 0
        if self._outcome is None:
            yield Outcome.REFUSED, _reason(error, received), self._accepted, 1
            return
        yield Outcome.ACCEPTED, "", self._accepted, 0
        if self._outcome is Outcome.STORED:
            yield Outcome.STORED, "", self._accepted, 0


def _reason(error: BaseException | None, received: int) -> str:
    for kind, reason in _REASONS:
        if isinstance(error, kind):
            return reason
    if isinstance(error, InvalidInput):
        return "not_storable" if received else "unreadable"
    return "error" if isinstance(error, Exception) else "cancelled"
