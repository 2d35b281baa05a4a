"""Fourth step: a batch into the store, its dead letters into their topic, and its counts into the accounts.

The store is asked again until it answers: there is no caller to send away, and the messages are safe in Kafka. What it
refuses is taken apart until the refused messages are alone, under tokens of the parts; so the same is refused again and
the same is dropped as known when the batch is made again.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar

import pyarrow as pa

from airis_ray.accounts import TABLE as ACCOUNTS
from airis_ray.errors import AirisError, InvalidInput, Overloaded, TooLarge, Unavailable
from airis_ray.resilience import Retry
from airis_ray.store.protocol import Store
from airis_ray.stream import metrics
from airis_ray.stream.dead_letters import Dead, Limit
from airis_ray.stream.offsets import Offsets
from airis_ray.stream.protocol import Committed, Publisher
from airis_ray.stream.steps import Batch, Immediate, Item

_FOREVER: Final = Retry(within=math.inf, first=0.1, longest=5.0)
_SMALL_ROWS: Final = 5_000
"""Record batches below this size are made one before the insert: the store reads each as a block of its own."""

_BLAME_SECONDS: Final = 300.0
"""How long a store that refuses all messages of a batch, or lacks memory for one, is taken to be at fault, and asked
again."""

Refused = tuple[Item, AirisError]

_T = TypeVar("_T")

_INLINE_BYTES: Final = 256 * 2**10

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Inserting:
    """What the partitions of a consumer share. ``slots`` bounds the inserts that run at a time.

    A claim older than ``claim_seconds`` is made anew before the store is asked: whoever stood still for longer than
    the group's session has lost the partition and does not know it yet.
    """

    store: Store
    publisher: Publisher
    offsets: Offsets
    slots: asyncio.Semaphore
    claim_seconds: float
    taken: dict[str, float] = field(default_factory=dict)
    """When the store last took rows of a table, in the loop's time."""


class Insert(Immediate):
    """The step of one partition. ``limit`` counts its dead letters."""

    def __init__(self, shared: Inserting, limit: Limit) -> None:
        self._shared = shared
        self._limit = limit

    async def take(self, item: Batch) -> Sequence[Batch]:
        """``item`` once everything of it is durable. Raises Fenced, LimitReached."""
        for table in sorted({table for part in item.items for table in part.tables}):
            await self._insert(item, table)
        item.dead.sort(key=lambda dead: dead.message.offset)
        self._limit.check(item.partition, [dead.message.offset for dead in item.dead])
        for dead in item.dead:
            await self._set_aside(dead)
        await self._account(item)
        return [item]

    async def _insert(self, batch: Batch, table: str) -> None:
        """The rows of one table; messages that the store refuses alone join the batch's dead letters."""
        items = [item for item in batch.items if table in item.tables]
        loop = asyncio.get_running_loop()
        patience = loop.time() + _BLAME_SECONDS
        first_refusal = math.inf

        async def once() -> list[Refused]:
            nonlocal first_refusal
            blaming = loop.time() < patience
            refused = await self._parts(batch, table, items, patience)
            # All of them: the fault is not theirs, unless it is one alone and the store took others meanwhile.
            alone = len(items) == 1 and self._shared.taken.get(table, -math.inf) > first_refusal
            if refused and len(refused) == len(items) and blaming and not alone:
                first_refusal = min(first_refusal, loop.time())
                raise Unavailable(f"the store takes no rows for {table}: {refused[0][1]}")
            # Asked once more: a store that came to its senses meanwhile refused the first of them wrongly.
            return [
                again for item, _ in refused for again in await self._parts(batch, table, [item], patience)
            ]

        for item, error in await _again(table, once):
            if all(dead.message is not item.message for dead in batch.dead):
                batch.dead.append(Dead(item.message, "refused", str(error)))

    async def _parts(self, batch: Batch, table: str, items: Sequence[Item], patience: float) -> list[Refused]:
        """Insert ``items``, in parts where the store refuses them together; those that it refuses alone.

        The parts are the same each time, so that their tokens are. Until ``patience`` (the loop's time) a store that
        lacks memory or time for them is asked again as if it were away, and where it refuses the first and the last
        of a whole batch alone, the others are not tried one by one.
        """
        loop = asyncio.get_running_loop()
        whole = len(items) == sum(table in item.tables for item in batch.items)
        token = batch.token(table, None if whole else items)
        data = await _together([item.tables[table] for item in items])
        try:
            await _again(
                table, lambda: _excused(TooLarge, patience, self._attempt(batch, table, data, token))
            )
        except InvalidInput as error:
            if len(items) == 1:
                return [(items[0], error)]
            refused: list[Refused] = []
            for part in _split(items, whole):
                if whole and len(refused) == 2 and loop.time() < patience:
                    return [(item, error) for item in items]
                refused += await self._parts(batch, table, part, patience)
            return refused
        return []

    async def _attempt(self, batch: Batch, table: str, data: pa.Table, token: str) -> None:
        loop = asyncio.get_running_loop()
        async with self._shared.slots:
            if loop.time() - batch.claimed > self._shared.claim_seconds:
                claimed = loop.time()
                await self._shared.offsets.commit(
                    batch.partition, Committed(batch.first, batch.before.write())
                )
                batch.claimed = claimed
            started = loop.time()
            try:
                await self._shared.store.insert(table, data, token=token)
            except AirisError:
                raise
            except Exception as error:  # whatever it is: no other partition has to stand still for it
                _log.exception("insert into %s failed in an unforeseen way", table)
                raise Unavailable(f"the rows could not be stored: {error!r}") from error
            self._shared.taken[table] = loop.time()
        if table != ACCOUNTS:
            metrics.INSERT_ROWS.labels(table=table).observe(data.num_rows)
            metrics.INSERT_SECONDS.labels(table=table).observe(loop.time() - started)

    async def _set_aside(self, dead: Dead) -> None:
        message = dead.message
        _log.warning(
            "a message cannot be read and is set aside",
            extra={
                "partition": str(message.partition),
                "offset": message.offset,
                "reason": dead.reason,
                "exception": dead.exception[:500],
            },
        )

        async def once() -> None:
            await self._shared.publisher.publish(
                dead.topic, message.value, key=message.key, headers=dead.headers()
            )

        await _again(dead.topic, once)

    async def _account(self, batch: Batch) -> None:
        counts = batch.counts()
        token = batch.token(ACCOUNTS)
        patience = asyncio.get_running_loop().time() + _BLAME_SECONDS
        try:
            await _again(
                ACCOUNTS,
                lambda: _excused(InvalidInput, patience, self._attempt(batch, ACCOUNTS, counts, token)),
            )
        except InvalidInput:  # rows must not wait for their own bookkeeping
            _log.exception("the accounts of a batch were refused", extra={"partition": str(batch.partition)})


def _split(items: Sequence[Item], whole: bool) -> list[Sequence[Item]]:
    """The parts of a batch (first, last, those between), or of a part (its halves)."""
    if whole and len(items) > 2:
        return [items[:1], items[-1:], items[1:-1]]
    half = len(items) // 2
    return [items[:half], items[half:]]


async def _excused(kind: type[AirisError], until: float, attempt: Awaitable[None]) -> None:
    """``attempt``; until then (the loop's time) an error of this kind is the store's fault, and passes."""
    try:
        await attempt
    except kind as error:
        if asyncio.get_running_loop().time() < until:
            raise Unavailable(str(error)) from error
        raise


async def _again(what: str, once: Callable[[], Awaitable[_T]]) -> _T:
    """Repeat while the store or Kafka is away or full; what it then says, or refuses."""
    told = False

    async def counted() -> _T:
        nonlocal told
        try:
            return await once()
        except (Unavailable, Overloaded) as error:
            metrics.INSERT_RETRIES.labels(table=what).inc()
            if not told:
                _log.warning("%s takes nothing now, it is asked again: %s", what, error)
                told = True
            raise error if isinstance(error, Unavailable) else Unavailable(str(error)) from error

    return await _FOREVER.run(counted)


async def _together(batches: Sequence[pa.RecordBatch]) -> pa.Table:
    table = pa.Table.from_batches(batches)
    if len(batches) == 1 or table.num_rows >= len(batches) * _SMALL_ROWS:
        return table
    if table.nbytes < _INLINE_BYTES:
        return table.combine_chunks()
    return await asyncio.to_thread(table.combine_chunks)
