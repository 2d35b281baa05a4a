"""What sessions have so far is asked for together, and whoever asked is answered."""

from __future__ import annotations

import asyncio

from airis_ray.errors import Unavailable
from airis_ray.replay.chunks import Chunk, Origin, pack
from airis_ray.replay.limits import Limits
from airis_ray.settings import ReplaySettings
from airis_ray.store import Query, Result
from tests.support.local_store import Borrowed, LocalStore
from tests.unit.replay.events import meta
from tests.unit.replay.site import now


class Counting(Borrowed):
    """Counts queries; refuses those after the first ``most``."""

    def __init__(self, store: LocalStore, most: int = 100) -> None:
        super().__init__(store)
        self.queries = 0
        self.most = most

    async def query(self, query: Query) -> Result:
        self.queries += 1
        if self.queries > self.most:
            raise Unavailable("the store is away")
        result: Result = await self._store.query(query)
        return result


def chunk(session: str) -> Chunk:
    events = [meta(now())]
    return pack(Origin(session, "t", "plain"), 0, events, [b"{}"])


async def test_sessions_that_come_together_are_read_together(migrated_store: LocalStore, tenant: str) -> None:
    store = Counting(migrated_store)
    limits = Limits(store, ReplaySettings())
    await asyncio.gather(*(limits.check(tenant, chunk(f"s{number % 30}")) for number in range(40)))
    assert store.queries <= 2
    await limits.check(tenant, chunk("s1"))
    assert store.queries <= 2


async def test_a_store_that_is_away_is_told_to_everybody(migrated_store: LocalStore, tenant: str) -> None:
    store = Counting(migrated_store, most=0)
    limits = Limits(store, ReplaySettings())
    told = await asyncio.gather(
        *(limits.check(tenant, chunk(f"s{number}")) for number in range(5)), return_exceptions=True
    )
    assert [type(each) for each in told] == [Unavailable] * 5
    store.most = 100
    await limits.check(tenant, chunk("s1"))
