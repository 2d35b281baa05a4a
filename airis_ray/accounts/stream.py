"""What a consumer counts of one batch."""

from __future__ import annotations

import pyarrow as pa

from airis_ray.accounts.counts import Counts, Key, Outcome, minute_of


class StreamCounts:
    """The counts of one batch; each message is told of once, by the method that says what became of it.

    Exactly once: insert :meth:`table` into :data:`airis_ray.accounts.TABLE` after the batch's rows and before its
    offset is committed, under a token of the batch's bounds (``topic:partition:first:last:airis_accounts``). A batch
    that is made again is counted again and, like its rows, dropped by the store.

    Of a message, ``received_ns`` is the time of its header ``airis.received`` (without one Kafka's timestamp), and
    ``announced`` the number in ``airis.records``: what ingest has counted as accepted. It is None for a message that
    nobody has counted yet, which is received and accepted here: one that an OpenTelemetry Collector wrote, or a dead
    letter that was put back (without that header). Where nobody knows how many records it has, it counts as one.
    """

    def __init__(self) -> None:
        self._counts = Counts("stream")

    def stored(
        self,
        tenant: str,
        signal: str,
        received_ns: int,
        announced: int | None,
        *,
        rows: int,
        expired: int = 0,
        refused: int = 0,
    ) -> None:
        """A message of which ``rows`` are inserted.

        ``expired`` and ``refused`` are the records that ``admitted`` and the decoder leave out. Of an announced message
        ingest has left out the same ones already: only what it announced beyond ``rows`` has expired since.
        """
        if announced is not None:
            expired = max(0, announced - rows)
        else:
            self._add(tenant, signal, received_ns, Outcome.RECEIVED, refused)
            self._add(tenant, signal, received_ns, Outcome.REFUSED, refused, "malformed")
        self._read(tenant, signal, received_ns, announced is None, rows + expired)
        self._add(tenant, signal, received_ns, Outcome.STORED, rows)
        self._add(tenant, signal, received_ns, Outcome.EXPIRED, expired)

    def repeated(self, tenant: str, signal: str, received_ns: int, announced: int | None) -> None:
        """A message that was there before, and is left out."""
        records = 1 if announced is None else announced
        self._read(tenant, signal, received_ns, announced is None, records)
        self._add(tenant, signal, received_ns, Outcome.REPEATED, records)

    def dead_lettered(
        self, tenant: str, signal: str, received_ns: int, announced: int | None, *, reason: str
    ) -> None:
        """A message that went to the dead-letter topic. ``reason`` is one of a few words, never a message's text."""
        records = 1 if announced is None else announced
        self._read(tenant, signal, received_ns, announced is None, records)
        self._add(tenant, signal, received_ns, Outcome.DEAD_LETTERED, records, reason)

    def table(self) -> pa.Table:
        """The rows to insert; none for an empty batch."""
        return self._counts.table()

    def _read(self, tenant: str, signal: str, received_ns: int, is_first: bool, records: int) -> None:
        if is_first:
            self._add(tenant, signal, received_ns, Outcome.RECEIVED, records, requests=1)
            self._add(tenant, signal, received_ns, Outcome.ACCEPTED, records)
        self._add(tenant, signal, received_ns, Outcome.READ, records)

    def _add(
        self,
        tenant: str,
        signal: str,
        received_ns: int,
        outcome: Outcome,
        records: int,
        reason: str = "",
        requests: int = 0,
    ) -> None:
        self._counts.add(
            Key(minute_of(received_ns), tenant, signal, outcome, reason), records, requests=requests
        )
