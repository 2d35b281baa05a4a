"""Third step: the bounds of a batch go beside the committed offset, before anything of it goes into the store.

Whoever gets the partition next reads them there and makes the very same batch again, with the same token: what is in
the store already is dropped there. An owner of the past cannot claim, because Kafka refuses commits of a generation
of the group that is over; and what was not claimed is not inserted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from airis_ray.stream.dead_letters import Limit
from airis_ray.stream.offsets import Offsets
from airis_ray.stream.protocol import Committed
from airis_ray.stream.steps import Batch, Immediate


class Claim(Immediate):
    """The step of one partition. ``limit`` counts its dead letters so far."""

    def __init__(self, offsets: Offsets, limit: Limit) -> None:
        self._offsets = offsets
        self._limit = limit

    async def take(self, item: Batch) -> Sequence[Batch]:
        """``item`` once its bounds are committed. Raises Fenced."""
        item.before = replace(item.before, thousand=self._limit.thousand, dead=self._limit.dead)
        # Taken before the commit: a claim is never held for younger than it is.
        item.claimed = asyncio.get_running_loop().time()
        await self._offsets.commit(item.partition, Committed(item.first, item.before.write()))
        return [item]
