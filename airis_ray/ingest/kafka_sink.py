"""Accepted requests into Kafka, a message each."""

from __future__ import annotations

import asyncio
from typing import Final

from airis_ray.errors import AirisError, InvalidInput
from airis_ray.ingest import metrics
from airis_ray.ingest.budget import Budget
from airis_ray.ingest.lanes import GROUP_DAYS
from airis_ray.ingest.sink import Accepted
from airis_ray.ingest.timed import all_timed
from airis_ray.settings import Settings
from airis_ray.stream import messages
from airis_ray.stream.messages import Envelope, Message
from airis_ray.stream.producer import Producer
from airis_ray.telemetry.admission import days
from airis_ray.telemetry.otlp import Decoded

_INLINE_BYTES: Final = 256 * 2**10
"""Bodies below this size are hashed on the event loop, at 1 GB/s; a hop to a thread costs as much."""


class KafkaSink:
    """A message a request; durable when every copy in sync has it."""

    def __init__(self, settings: Settings, budget: Budget) -> None:
        self._settings = settings.kafka
        self._producer = Producer(settings.kafka, settings.ingest.max_body_bytes)
        self._budget = budget

    async def put(self, accepted: Accepted) -> None:
        """See :meth:`Sink.put`. A request of which nothing was accepted is not sent."""
        if not accepted.decoded.accepted:
            return
        _check_days(accepted.decoded)
        size, loop = len(accepted.body), asyncio.get_running_loop()
        topic = messages.topic_of(self._settings, accepted.signal)
        self._budget.take(size)
        started = loop.time()
        try:
            if size <= _INLINE_BYTES:
                message = self._message(accepted)
            else:
                message = await loop.run_in_executor(None, self._message, accepted)
            await self._producer.send(message)
        except AirisError as error:
            metrics.DELIVERY_ERRORS.labels(topic=topic, kind=type(error).__name__).inc()
            raise
        finally:
            self._budget.give(size)
            self._budget.observe(loop.time() - started)
        metrics.DELIVERY_SECONDS.labels(topic=topic).observe(loop.time() - started)

    async def close(self, grace: float) -> None:
        """See :meth:`Sink.close`."""
        await self._producer.close(grace)

    def _message(self, accepted: Accepted) -> Message:
        tenant, signal, body = accepted.tenant, accepted.signal, accepted.body
        # Two requests of the same bytes are one that was sent twice, unless its records have no times to tell by.
        repeatable = all_timed(signal, accepted.decoded, body, accepted.received_ns)
        envelope = Envelope(
            tenant=tenant,
            received_ns=accepted.received_ns,
            records=accepted.decoded.accepted,
            id=messages.message_id(tenant, signal, body) if repeatable else None,
            traceparent=accepted.traceparent,
        )
        return messages.message(self._settings, signal, body, envelope)


def _check_days(decoded: Decoded) -> None:
    """Raise InvalidInput for records on too many days: the consumer could not insert them, long after the 200."""
    lying = frozenset[int]().union(*(days(batch) for batch in decoded.tables.values()))
    if len(lying) > GROUP_DAYS:
        raise InvalidInput(
            f"the records of one request lie on {len(lying)} different days; at most {GROUP_DAYS} are taken"
        )
