"""Last step: the offset behind a batch that is in the store."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from airis_ray.stream import metrics
from airis_ray.stream.dead_letters import Limit
from airis_ray.stream.offsets import Offsets
from airis_ray.stream.protocol import Committed
from airis_ray.stream.steps import Batch, Immediate

_log = logging.getLogger(__name__)


class Commit(Immediate):
    """The step of one partition. ``clock`` tells the time of day in seconds, as the messages' times do."""

    def __init__(self, offsets: Offsets, limit: Limit, clock: Callable[[], float] = time.time) -> None:
        self._offsets = offsets
        self._limit = limit
        self._clock = clock

    async def take(self, item: Batch) -> Sequence[Batch]:
        """``item`` once the group goes on behind it. Raises Fenced."""
        after = replace(item.after, thousand=self._limit.thousand, dead=self._limit.dead)
        await self._offsets.commit(item.partition, Committed(item.last + 1, after.write()))
        self._tell(item)
        return [item]

    def _tell(self, batch: Batch) -> None:
        topic = batch.partition.topic
        repeated = sum(item.fate.repeated for item in batch.items)
        metrics.MESSAGES.labels(topic=topic, fate="dead").inc(len(batch.dead))
        metrics.MESSAGES.labels(topic=topic, fate="repeated").inc(repeated)
        metrics.MESSAGES.labels(topic=topic, fate="stored").inc(len(batch.items) - len(batch.dead) - repeated)
        metrics.BATCH_SECONDS.labels(topic=topic).observe(asyncio.get_running_loop().time() - batch.opened)
        newest = max(item.fate.received_ns for item in batch.items) / 1e9
        metrics.LATENCY_SECONDS.labels(topic=topic).observe(max(0.0, self._clock() - newest))
        _log.debug(
            "batch stored",
            extra={
                "partition": str(batch.partition),
                "first": batch.first,
                "last": batch.last,
                "rows": batch.rows,
            },
        )
