"""What HTTP and gRPC have in common: a payload of a tenant goes in, and is durable or refused when it returns."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from airis_ray.errors import Unavailable
from airis_ray.ingest import metrics
from airis_ray.ingest.bodies import JSON, inflate
from airis_ray.ingest.budget import Budget, Reservation
from airis_ray.ingest.commit import GroupCommit
from airis_ray.settings import Settings
from airis_ray.store.protocol import Store
from airis_ray.telemetry.admission import admitted
from airis_ray.telemetry.otlp import IMPLEMENTATION, Decoded, decode, decode_json
from airis_ray.telemetry.sessions import route_sessions
from airis_ray.telemetry.tables import Signal

_INLINE_BYTES = 16 * 2**10 if IMPLEMENTATION == "c" else 0
"""Plain protobuf below this size is decoded on the loop: a hop to a thread costs more (about 60 µs of CPU)."""


@dataclass(frozen=True)
class Payload:
    """A request body as it came: its chunks, content coding and media type."""

    chunks: Sequence[bytes]
    encoding: str
    media: str


class Intake:
    """Decodes payloads off the loop and commits them in groups. Belongs to the event loop that made it."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._settings = settings.ingest
        self._retention = settings.retention
        self._store = store
        self._budget = Budget(settings.ingest.max_pending_bytes)
        self._commit = GroupCommit(store, settings.ingest, self._budget, writers=settings.store.writers)
        # As many as can run: what waits for a thread is counted by its body, what runs by nothing but this.
        self._threads = ThreadPoolExecutor(len(os.sched_getaffinity(0)), thread_name_prefix="decode")
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
        """Decode and commit; what is returned has been stored, save for the records it says were rejected.

        ``held`` is the body's reservation and is given back once the rows have taken its place. Raises InvalidInput
        for a body that cannot be read, TooLarge, Overloaded and Unavailable as :meth:`GroupCommit.commit`.
        """
        if self._closed:
            raise Unavailable("this replica is shutting down; send the request again")
        size = sum(map(len, payload.chunks))
        limit = self._settings.max_body_bytes
        received_ns = time.time_ns()

        def work() -> Decoded:
            return _decoded(signal, payload, tenant, limit, received_ns)

        if size <= _INLINE_BYTES and payload.encoding == "identity" and payload.media != JSON:
            decoded = work()
        else:
            decoded = await self._in_thread(work)
        decoded = admitted(decoded, signal, self._retention, received_ns)
        held.release()
        await self._commit.commit(decoded.tables)
        metrics.RECEIVED_BYTES.labels(tenant=tenant, signal=signal).inc(size)
        metrics.ACCEPTED.labels(tenant=tenant, signal=signal).inc(decoded.accepted)
        if decoded.rejected:
            metrics.REJECTED.labels(tenant=tenant, signal=signal).inc(decoded.rejected)
        return decoded

    async def check(self) -> None:
        """Raise unless payloads can be decoded here; says nothing about the store."""
        await self._in_thread(lambda: decode("logs", b"", tenant="", received_ns=0))

    async def close(self, grace: float) -> None:
        """Take nothing more in, commit what waits for at most ``grace`` seconds, and close the store. Once."""
        if self._closed:
            return
        self._closed = True
        await self._commit.close(grace)
        self._threads.shutdown(wait=False)
        await self._store.close()

    async def _in_thread(self, work: Callable[[], Decoded]) -> Decoded:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)


def _decoded(signal: Signal, payload: Payload, tenant: str, limit: int, received_ns: int) -> Decoded:
    chunks = payload.chunks
    body = inflate(payload.encoding, chunks[0] if len(chunks) == 1 else b"".join(chunks), limit)
    read = decode_json if payload.media == JSON and body else decode
    decoded = read(signal, body, tenant=tenant, received_ns=received_ns)
    return replace(decoded, tables=route_sessions(decoded.tables)) if signal == "logs" else decoded
