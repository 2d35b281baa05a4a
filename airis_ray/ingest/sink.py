"""Where accepted telemetry goes: into the store itself, or into Kafka, from which the consumers take it there."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from airis_ray.errors import AirisError
from airis_ray.ingest.budget import Budget
from airis_ray.ingest.commit import GroupCommit
from airis_ray.ingest.timed import all_timed
from airis_ray.ingest.unfinished import Unfinished
from airis_ray.settings import Settings
from airis_ray.store.protocol import Store
from airis_ray.stream.messages import message_id
from airis_ray.telemetry.otlp import Decoded
from airis_ray.telemetry.tables import Signal


@dataclass(frozen=True)
class Accepted:
    """One request of one tenant, read and found good.

    ``body`` is the request in OTLP protobuf and ``decoded`` what it holds, both without its compression;
    ``received_ns`` (nanoseconds since 1970) is the time of records that carry none.
    """

    signal: Signal
    tenant: str
    body: bytes
    decoded: Decoded
    received_ns: int
    traceparent: str | None = None


class Sink(Protocol):
    """Keeps what was accepted. Belongs to one event loop."""

    async def put(self, accepted: Accepted) -> None:
        """Return once the request's records are durable.

        Raises Overloaded or TooLarge where there is no room (nothing was kept), Unavailable where what is behind did
        not acknowledge in time (the records may be there or not), InvalidInput where these very records are
        refused. A cancelled caller's records may be there or not.
        """

    async def close(self, grace: float) -> None:
        """Refuse what comes from now on as Unavailable; keep what waits, for at most ``grace`` seconds."""


class StoreSink:
    """Group commits into the store. ``clock`` tells seconds that never go back."""

    def __init__(self, commit: GroupCommit, clock: Callable[[], float] = time.monotonic) -> None:
        self._commit = commit
        self._unfinished = Unfinished(clock)

    async def put(self, accepted: Accepted) -> None:
        """See :meth:`Sink.put`. The repeat of a request that was kept in part adds the rest alone."""
        tables = accepted.decoded.tables
        if len(tables) < 2:
            await self._commit.commit(tables)
            return
        before = self._unfinished.take(_name(accepted)) if len(self._unfinished) else frozenset[str]()
        kept = set(before)
        try:
            await self._commit.commit({name: tables[name] for name in tables if name not in before}, kept)
        except AirisError:
            if kept and all_timed(accepted.signal, accepted.decoded, accepted.body, accepted.received_ns):
                self._unfinished.remember(_name(accepted), frozenset(kept))
            raise

    async def close(self, grace: float) -> None:
        """See :meth:`Sink.close`."""
        await self._commit.close(grace)


def _name(accepted: Accepted) -> str:
    return message_id(accepted.tenant, accepted.signal, accepted.body)


def open_sink(store: Store, settings: Settings, budget: Budget) -> Sink:
    """The sink that the settings ask for: Kafka where ``AIRIS_KAFKA_BOOTSTRAP`` is set, else the store."""
    if settings.kafka.bootstrap is not None:
        from airis_ray.ingest.kafka_sink import (
            KafkaSink,
        )  # loads librdkafka: 10 MB that a laptop does without

        return KafkaSink(settings, budget)
    return StoreSink(GroupCommit(store, settings.ingest, budget, writers=settings.store.writers))
