"""One group into the store: tried again while the store is away, taken apart where it refuses."""

from __future__ import annotations

import asyncio
import logging
import random
import uuid
from collections.abc import Sequence

import pyarrow as pa

from airis_ray.errors import AirisError, InvalidInput, Overloaded, StorageFull, Unavailable
from airis_ray.ingest import metrics
from airis_ray.ingest.budget import Budget
from airis_ray.ingest.lanes import Group, Part
from airis_ray.settings import IngestSettings
from airis_ray.store.protocol import Store

_FIRST_BACKOFF = 0.1  # seconds; the embedded store is back within about one after a crash
_LAST_BACKOFF = 3.0

_log = logging.getLogger(__name__)


class GroupWriter:
    """Inserts groups and settles their parts."""

    def __init__(
        self, store: Store, settings: IngestSettings, budget: Budget, *, seed: int | None = None
    ) -> None:
        self._store = store
        self._settings = settings
        self._budget = budget
        self._random = random.Random(seed)

    async def write(self, group: Group) -> None:
        """Insert a group; returns when every part of it is settled. Cancelled, it leaves parts unsettled."""
        if not group.parts:  # all of its callers went away
            return
        started = asyncio.get_running_loop().time()
        stored = await self._insert_or_split(group, group.parts)
        for part, error in group.refused:
            # Refused beside rows that were taken: these rows are to blame. All refused: the store is.
            blame = error if stored else Unavailable(f"the store takes no rows for {group.table}: {error}")
            group.settle([part], blame)
        self._budget.observe(asyncio.get_running_loop().time() - started)

    async def _insert_or_split(self, group: Group, parts: Sequence[Part]) -> bool:
        """Insert ``parts``, in halves where the store refuses them together; whether any were stored."""
        error: AirisError | None = None
        try:
            await self._insert(group.table, parts)
        except InvalidInput as refusal:
            if len(parts) == 1:
                group.refused.append((parts[0], refusal))
                return False
            half = len(parts) // 2
            first = await self._insert_or_split(group, parts[:half])
            second = await self._insert_or_split(group, parts[half:])
            return first or second
        except AirisError as failure:
            error = failure
        group.settle(parts, error)
        return error is None

    async def _insert(self, table: str, parts: Sequence[Part]) -> None:
        """Insert under one token, again and again while the store is unavailable and there is time."""
        loop = asyncio.get_running_loop()
        started, deadline = loop.time(), parts[0].since + self._settings.commit_timeout
        data = pa.Table.from_batches([part.batch for part in parts])
        token = uuid.uuid4().hex
        backoff = _FIRST_BACKOFF
        while True:
            try:
                await self._attempt(table, data, token, deadline)
            except StorageFull:
                raise  # it stays full for longer than anybody may wait here
            except (Unavailable, Overloaded) as error:
                pause = backoff * self._random.uniform(0.5, 1.0)
                if loop.time() + pause >= deadline:
                    raise Unavailable(str(error), retry_after=self._budget.retry_after) from error
                metrics.COMMIT_RETRIES.labels(table=table).inc()
                await asyncio.sleep(pause)
                backoff = min(_LAST_BACKOFF, backoff * 2)
            except InvalidInput as error:
                if backoff == _FIRST_BACKOFF:
                    raise
                # An earlier attempt may have been applied: in halves, under other tokens, rows could double.
                raise Unavailable(str(error), retry_after=self._budget.retry_after) from error
            else:
                metrics.COMMIT_ROWS.labels(table=table).observe(data.num_rows)
                metrics.COMMIT_SECONDS.labels(table=table).observe(loop.time() - started)
                return

    async def _attempt(self, table: str, data: pa.Table, token: str, deadline: float) -> None:
        """One insert, not beyond ``deadline``; what nobody foresaw is logged and told as Unavailable."""
        late = Unavailable(
            f"the store did not acknowledge within {self._settings.commit_timeout:g} s; send it again",
            retry_after=self._budget.retry_after,
        )
        if asyncio.get_running_loop().time() >= deadline:
            raise late
        try:
            async with asyncio.timeout_at(deadline):
                await self._store.insert(table, data, token=token)
        except TimeoutError:
            raise late from None
        except AirisError:
            raise
        except Exception as error:
            _log.exception("insert into %s failed in an unforeseen way", table)
            raise Unavailable("the rows could not be stored") from error
