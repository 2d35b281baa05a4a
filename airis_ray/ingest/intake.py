"""What HTTP and gRPC have in common: a payload of a tenant goes in, and is durable or refused when it returns."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TypeVar

from airis_ray.accounts.ledger import Ledger
from airis_ray.errors import AirisError, Unavailable
from airis_ray.ingest import metrics
from airis_ray.ingest.alerts import AlertLog
from airis_ray.ingest.bodies import JSON, PROTOBUF, inflate
from airis_ray.ingest.budget import Budget, Reservation
from airis_ray.ingest.recordings import RecordingLog
from airis_ray.ingest.sink import Accepted, StoreSink, open_sink
from airis_ray.replay.chunks import Chunk
from airis_ray.replay.masking import Masker
from airis_ray.replay.otlp import read_recordings
from airis_ray.replay.plain import read_chunk
from airis_ray.settings import Settings, SignalKind
from airis_ray.store.protocol import Store
from airis_ray.telemetry.admission import admitted, refusal
from airis_ray.telemetry.alerts import Alert
from airis_ray.telemetry.otlp import IMPLEMENTATION, Decoded, JsonRequest, Rejected, decode, read_json
from airis_ray.telemetry.sessions import route_sessions
from airis_ray.telemetry.tables import Signal

T = TypeVar("T")

_INLINE_BYTES = 16 * 2**10 if IMPLEMENTATION == "c" else 0
"""Plain protobuf below this size is decoded on the loop: a hop to a thread costs more (about 60 µs of CPU)."""

_SMALL_BYTES = 4 * 2**10
"""Bodies in other formats below this size are translated on the loop, in some 100 µs."""

_SUMMARIES_SECONDS = 3.0  # for the last sessions' summaries
_COUNTS_SECONDS = 3.0  # for the last counts when a replica ends; with app.CLOSE_SECONDS within Serve's 20 s


@dataclass(frozen=True)
class Payload:
    """A request body as it came: its chunks, content coding and media type; and the request's trace context.

    ``refused`` counts records of a request in another format that its translator left out.
    """

    chunks: Sequence[bytes]
    encoding: str
    media: str
    traceparent: str | None = None
    refused: int = 0


class Intake:
    """Decodes payloads off the loop and hands them to a sink. Belongs to the event loop that made it."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._settings = settings.ingest
        self._retention = settings.retention
        self._store = store
        self._budget = Budget(settings.ingest.max_pending_bytes)
        self._sink = open_sink(store, settings, self._budget)
        # As many as can run: what waits for a thread is counted by its body, what runs by nothing but this.
        self._threads = ThreadPoolExecutor(len(os.sched_getaffinity(0)), thread_name_prefix="decode")
        self._ledger = Ledger(store, interval=settings.accounts.interval)
        self._alerts = AlertLog(store, settings, self._budget)
        self._masker = Masker(settings.replay)
        self._recordings = RecordingLog(store, settings, self._budget, self._emit)
        self._closed = False
        metrics.PENDING_BYTES.set_function(lambda: self._budget.held)

    @property
    def max_body_bytes(self) -> int:
        """The size limit of one body, before and after decompression."""
        return self._settings.max_body_bytes

    def reservation(self) -> Reservation:
        """Room for one request's body while it is read; hand it to :meth:`accept`."""
        return Reservation(self._budget)

    async def accept(self, signal: Signal, payload: Payload, tenant: str, held: Reservation) -> Decoded:
        """Decode and keep; what is returned is durable, save for the records it says were rejected.

        ``held`` is the body's reservation and is given back once what the sink holds takes its place. Raises
        InvalidInput for a body that cannot be read, TooLarge, Overloaded and Unavailable as :meth:`Sink.put`.
        """
        self._check_open()
        return await self._accept(signal, payload, tenant, held)

    async def _accept(self, signal: Signal, payload: Payload, tenant: str, held: Reservation) -> Decoded:
        size = sum(map(len, payload.chunks))
        limit = self._settings.max_body_bytes
        received_ns = time.time_ns()

        def work() -> tuple[bytes, Decoded, tuple[Chunk, ...]]:
            return _read(signal, payload, tenant, limit, received_ns, self._masker)

        with self._ledger.entry(tenant, signal, received_ns) as entry:
            if size <= _INLINE_BYTES and payload.encoding == "identity" and payload.media != JSON:
                body, decoded, chunks = work()
            else:
                body, decoded, chunks = await self._in_thread(work)
            malformed = decoded.rejected + payload.refused
            decoded = admitted(decoded, signal, self._retention, received_ns)
            counted = replace(decoded, rejected=decoded.rejected + payload.refused)
            entry.decoded(counted, malformed=malformed)
            if chunks:
                reasons = await self._recordings.keep(chunks, tenant, self.refusal("sessions"))
                decoded = replace(decoded, reasons=(*decoded.reasons, *reasons))
            held.release()
            await self._sink.put(Accepted(signal, tenant, body, decoded, received_ns, payload.traceparent))
            entry.accepted(stored=isinstance(self._sink, StoreSink))
        metrics.RECEIVED_BYTES.labels(tenant=tenant, signal=signal).inc(size)
        metrics.ACCEPTED.labels(tenant=tenant, signal=signal).inc(decoded.accepted)
        if counted.rejected:
            metrics.REJECTED.labels(tenant=tenant, signal=signal).inc(counted.rejected)
        return decoded

    async def translate(self, signal: Signal | None, tenant: str, size: int, work: Callable[[], T]) -> T:
        """What ``work`` makes of a body of ``size`` bytes in another format: off the loop unless it is small.

        A refusal that it raises is booked as that of a request of ``signal`` (None: of none that is accounted for).
        """
        try:
            return work() if size <= _SMALL_BYTES else await self._in_thread(work)
        except AirisError:
            if signal is None:
                raise
            with self._ledger.entry(tenant, signal, time.time_ns()):
                raise

    async def accept_alerts(self, alerts: Sequence[Alert], source: str, tenant: str) -> None:
        """Keep alerts in the store; raises as :meth:`GroupCommit.commit`."""
        self._check_open()
        await self._alerts.keep(alerts, source, tenant, time.time_ns())

    async def accept_recording(self, body: Callable[[], bytes], tenant: str, size: int) -> int:
        """Keep a chunk of a recording, ``body()`` being its request after decompression; its number of events.

        Raises InvalidInput for what cannot be read, SessionOver past a limit of the session, and what
        :meth:`GroupCommit.commit` raises.
        """
        self._check_open()
        received_ns = time.time_ns()
        with self._ledger.entry(tenant, "replay", received_ns) as entry:
            chunk = await self._in_thread(lambda: read_chunk(body(), self._masker))
            entry.decoded(Decoded({}, chunk.events, 0, ()), malformed=0)
            await self._recordings.keep_one(chunk, tenant, self.refusal("sessions"))
            entry.accepted(stored=True)
        metrics.RECEIVED_BYTES.labels(tenant=tenant, signal="replay").inc(size)
        metrics.ACCEPTED.labels(tenant=tenant, signal="replay").inc(chunk.events)
        return chunk.events

    def look_after(self) -> None:
        """Begin to remove recordings that are too old, now and then; once, on a running loop."""
        self._recordings.look_after()

    async def summarise_recordings(self) -> None:
        """Write the summaries of sessions now and not at their next turn."""
        await self._recordings.summarise()

    async def _emit(self, tenant: str, otlp: bytes) -> None:
        """Take logs of the platform's own making in, also while closing."""
        with self.reservation() as held:
            await self._accept("logs", Payload([otlp], "identity", PROTOBUF), tenant, held)

    def _check_open(self) -> None:
        if self._closed:
            raise Unavailable("this replica is shutting down; send the request again")

    def refusal(self, signal: SignalKind) -> Callable[[str, int], str | None]:
        """What tells, by service and time (ns), why :meth:`accept` would leave a record out now; None: it would not."""
        return refusal(self._retention, signal, time.time_ns())

    async def check(self) -> None:
        """Raise unless payloads can be decoded here; says nothing about the store."""
        await self._in_thread(lambda: decode("logs", b"", tenant="", received_ns=0))

    async def close(self, grace: float) -> None:
        """Take nothing more in, keep what waits for at most ``grace`` seconds, and close the store. Once."""
        if self._closed:
            return
        self._closed = True
        await self._recordings.close(_SUMMARIES_SECONDS)
        await asyncio.gather(self._sink.close(grace), self._alerts.close(grace))
        await self._ledger.close(_COUNTS_SECONDS)
        self._threads.shutdown(wait=False)
        await self._store.close()

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)


def _read(
    signal: Signal, payload: Payload, tenant: str, limit: int, received_ns: int, masker: Masker
) -> tuple[bytes, Decoded, tuple[Chunk, ...]]:
    """The request in protobuf, what it holds, and the recordings among it; these are masked in all three."""
    chunks = payload.chunks
    body = inflate(payload.encoding, chunks[0] if len(chunks) == 1 else b"".join(chunks), limit)
    request = read_json(signal, body) if payload.media == JSON and body else JsonRequest(body, {})
    recordings = read_recordings(request.data, masker) if signal == "logs" else None
    data = request.data if recordings is None else recordings.body
    decoded = request.told(decode(signal, data, tenant=tenant, received_ns=received_ns))
    if signal == "logs":
        decoded = replace(decoded, tables=route_sessions(decoded.tables))
    if recordings is None:
        return data, decoded, ()
    for reason, count in recordings.refused.items():
        told = Rejected("", f"{count} records of recordings: each {reason}")
        decoded = replace(decoded, rejected=decoded.rejected + count, reasons=(*decoded.reasons, told))
    return data, decoded, recordings.chunks
