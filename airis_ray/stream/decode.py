"""First step: a message of a topic into rows, or into a dead letter.

What becomes of a message follows from the log alone (its headers, its bytes, those shortly before it), never from the
clock: whoever reads it again comes to the same rows.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor

from airis_ray.errors import InvalidInput, TooLarge
from airis_ray.settings import KafkaSettings, RetentionSettings
from airis_ray.stream.dead_letters import Dead, Reason
from airis_ray.stream.messages import Envelope, read_headers, signals_by_topic
from airis_ray.stream.protocol import Received
from airis_ray.stream.repeats import Window
from airis_ray.stream.steps import Fate, Item
from airis_ray.telemetry.admission import admitted, days
from airis_ray.telemetry.otlp import IMPLEMENTATION, Decoded, decode
from airis_ray.telemetry.sessions import route_sessions
from airis_ray.telemetry.tables import Signal

MAX_DAYS = 90
"""Days of one insert. A day is a partition of the store, and ClickHouse refuses inserts into more than 100."""

_INLINE_BYTES = 16 * 2**10 if IMPLEMENTATION == "c" else 0
"""Below this size a message is decoded on the loop: a hop to a thread costs more (about 60 µs of CPU)."""

_log = logging.getLogger(__name__)


class Decoder:
    """Turns messages into rows; shared by all partitions of a consumer."""

    def __init__(self, kafka: KafkaSettings, retention: RetentionSettings, threads: Executor) -> None:
        self._signals: Mapping[str, Signal] = signals_by_topic(kafka)
        self._tenant = kafka.tenant
        self._retention = retention
        self._threads = threads

    def signal(self, topic: str) -> Signal:
        """The signal that a telemetry topic carries."""
        return self._signals[topic]

    def envelope(self, message: Received) -> Envelope:
        """What the message says of its value; raises InvalidInput."""
        return read_headers(message.headers, tenant=self._tenant, timestamp_ms=message.timestamp_ms)

    def stranger(self, message: Received) -> Envelope:
        """The envelope of a message whose own cannot be read."""
        return read_headers((), tenant=self._tenant, timestamp_ms=message.timestamp_ms)

    async def rows(self, message: Received, envelope: Envelope) -> tuple[Decoded, int]:
        """The rows of a message, and how many records its retention left out. Raises InvalidInput, TooLarge."""
        if message.size <= _INLINE_BYTES:
            return self._rows(message, envelope)
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._rows, message, envelope)

    def _rows(self, message: Received, envelope: Envelope) -> tuple[Decoded, int]:
        signal = self.signal(message.partition.topic)
        decoded = decode(signal, message.value, tenant=envelope.tenant, received_ns=envelope.received_ns)
        if signal == "logs":
            decoded = Decoded(
                route_sessions(decoded.tables), decoded.accepted, decoded.rejected, decoded.reasons
            )
        if not envelope.received_ns:  # nobody knows when it was sent
            return decoded, 0
        # Judged by the time at which ingest took the request in: what it let in is not refused for coming late here.
        kept = admitted(decoded, signal, self._retention, envelope.received_ns)
        return kept, decoded.accepted - kept.accepted


class Decode:
    """The step of one partition."""

    def __init__(self, decoder: Decoder, window: Window, start: int) -> None:
        """``start`` is the offset that the group has to go on at; messages before it are only remembered."""
        self._decoder = decoder
        self._window = window
        self._start = start

    async def take(self, item: Received) -> Sequence[Item]:
        """One item, or nothing for a message that was there before this owner."""
        since = self._window.since
        try:
            envelope: Envelope | None = self._decoder.envelope(item)
            error = ""
        except InvalidInput as refusal:
            envelope, error = None, str(refusal)
        repeated = self._window.add(item.offset, item.size, envelope.id if envelope else None)
        if item.offset < self._start:
            return ()
        known = (since, self._window.since)
        if envelope is None:
            return [self._dead(item, None, known, "headers", error)]
        if repeated:
            return [
                Item(item, {}, 0, item.size, frozenset(), known, self._fate(item, envelope, repeated=True))
            ]
        return [await self._decoded(item, envelope, known)]

    def due(self) -> float | None:
        """Never: nothing waits here."""
        return None

    async def flush(self) -> Sequence[Item]:
        """Nothing."""
        return ()

    async def _decoded(
        self, message: Received, envelope: Envelope, since: tuple[int | None, int | None]
    ) -> Item:
        try:
            decoded, expired = await self._decoder.rows(message, envelope)
        except TooLarge as error:
            return self._dead(message, envelope, since, "too_large", str(error))
        except InvalidInput as error:
            return self._dead(message, envelope, since, "malformed", str(error))
        except Exception as error:  # the decoder must not stop a partition, whatever was sent
            _log.exception("a message could not be decoded for a reason of our own", extra=_place(message))
            return self._dead(message, envelope, since, "unforeseen", repr(error))
        lying = frozenset[int]().union(*(days(batch) for batch in decoded.tables.values()))
        if len(lying) > MAX_DAYS:
            told = (
                f"the records of one message lie on {len(lying)} different days; at most {MAX_DAYS} are taken"
            )
            return self._dead(message, envelope, since, "too_many_days", told)
        fate = self._fate(
            message, envelope, accepted=decoded.accepted, expired=expired, refused=decoded.rejected - expired
        )
        rows = sum(batch.num_rows for batch in decoded.tables.values())
        nbytes = message.size + sum(batch.nbytes for batch in decoded.tables.values())
        return Item(message, decoded.tables, rows, nbytes, lying, since, fate)

    def _dead(
        self,
        message: Received,
        envelope: Envelope | None,
        since: tuple[int | None, int | None],
        reason: Reason,
        error: str,
    ) -> Item:
        fate = self._fate(message, envelope or self._decoder.stranger(message))
        return Item(message, {}, 0, message.size, frozenset(), since, fate, Dead(message, reason, error))

    def _fate(
        self,
        message: Received,
        envelope: Envelope,
        *,
        accepted: int = 0,
        expired: int = 0,
        refused: int = 0,
        repeated: bool = False,
    ) -> Fate:
        signal = self._decoder.signal(message.partition.topic)
        return Fate(
            envelope.tenant,
            signal,
            envelope.received_ns,
            envelope.records,
            accepted,
            expired,
            refused,
            repeated,
        )


def _place(message: Received) -> dict[str, object]:
    return {"partition": str(message.partition), "offset": message.offset}
