"""Whatever the store does: an acknowledged row is there once, and nobody is left without an answer."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from airis_ray.errors import AirisError
from airis_ray.ingest.budget import Budget
from airis_ray.ingest.commit import GroupCommit
from airis_ray.settings import IngestSettings
from tests.support.virtual import run
from tests.unit.ingest.faulty_store import Fault, FaultyStore, batch

PENDING_BYTES = 1_000
TABLES = ("a", "b", "c")


@dataclass(frozen=True)
class Call:
    """One client: when it calls, how many rows for which tables, and when it loses patience."""

    at: float
    rows: dict[str, int]
    patience: float | None


CALLS = st.lists(
    st.builds(
        Call,
        st.floats(0, 3),
        st.dictionaries(st.sampled_from(TABLES), st.integers(0, 30), min_size=1),
        st.none() | st.floats(0, 4),
    ),
    max_size=30,
)
FAULTS = st.lists(
    st.builds(
        Fault,
        st.sampled_from(["none", "none", "none", "down", "lost", "lost", "full", "hang", "crash"]),
        st.floats(0, 1),
    ),
    max_size=30,
)


@settings(deadline=None, max_examples=200)
@given(CALLS, FAULTS, st.sets(st.integers(0, 29), max_size=2), st.integers(1, 3), st.none() | st.floats(0, 4))
def test_every_acknowledged_row_once_and_every_caller_answered(
    calls: list[Call], faults: list[Fault], poisoned: set[int], writers: int, close_at: float | None
) -> None:
    run(_check(calls, faults, poisoned, writers, close_at))


async def _check(
    calls: list[Call], faults: list[Fault], poisoned: set[int], writers: int, close_at: float | None
) -> None:
    store = FaultyStore(faults, refuses=lambda value: value // 1000 in poisoned)
    bounds = IngestSettings(
        commit_rows=40, commit_interval=0.2, commit_timeout=2.0, max_pending_bytes=PENDING_BYTES
    )
    budget = Budget(PENDING_BYTES)
    commit = GroupCommit(store, bounds, budget, writers=writers, seed=7)
    most_held = 0

    async def client(number: int, call: Call) -> bool:
        nonlocal most_held
        await asyncio.sleep(call.at)
        tables = {
            table: batch(*(number * 1000 + i for i in range(count))) for table, count in call.rows.items()
        }
        try:
            async with asyncio.timeout(call.patience):
                await commit.commit(tables)
        except (AirisError, TimeoutError):
            return False
        finally:
            most_held = max(most_held, budget.held)
        return True

    clients = [asyncio.create_task(client(number, call)) for number, call in enumerate(calls)]
    if close_at is not None:
        await asyncio.sleep(close_at)
        await commit.close(0.5)
    acknowledged = await asyncio.gather(*clients)
    if close_at is None:
        # Bounded: the last call is at 3 s, and no commit may take much longer than its timeout.
        assert asyncio.get_running_loop().time() <= 3 + 2 * bounds.commit_timeout + 1
    await commit.close(5.0)

    assert all(count == 1 for count in store.rows.values())
    for number, (call, done) in enumerate(zip(calls, acknowledged, strict=True)):
        wanted = {(table, number * 1000 + i) for table, count in call.rows.items() for i in range(count)}
        if done:
            assert wanted <= store.rows.keys()
    assert most_held <= PENDING_BYTES
    assert budget.held == 0
    assert store.most_running <= writers
