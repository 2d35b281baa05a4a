from __future__ import annotations

import asyncio
import logging

import pytest

from airis_ray.errors import InvalidInput, Overloaded, TooLarge, Unavailable
from airis_ray.ingest.budget import Budget
from airis_ray.ingest.commit import GroupCommit
from airis_ray.settings import IngestSettings
from tests.support.virtual import run
from tests.unit.ingest.faulty_store import Fault, FaultyStore, batch


def group_commit(
    store: FaultyStore, *, writers: int = 2, pending: int = 10_000, rows: int = 100, timeout: float = 30.0
) -> tuple[GroupCommit, Budget]:
    settings = IngestSettings(
        commit_rows=rows, commit_interval=0.2, commit_timeout=timeout, max_pending_bytes=pending
    )
    budget = Budget(pending)
    return GroupCommit(store, settings, budget, writers=writers, seed=1), budget


def test_a_lone_request_is_inserted_at_once() -> None:
    async def scenario() -> None:
        store = FaultyStore()
        commit, _ = group_commit(store)
        await commit.commit({"t": batch(1, 2)})
        assert asyncio.get_running_loop().time() < 0.05
        assert store.rows == {("t", 1): 1, ("t", 2): 1}

    run(scenario())


def test_requests_of_one_interval_share_an_insert() -> None:
    async def scenario() -> None:
        store = FaultyStore()
        commit, _ = group_commit(store)
        await commit.commit({"t": batch(0)})
        await asyncio.gather(*(commit.commit({"t": batch(i)}) for i in range(1, 11)))
        assert store.inserts == [("t", 1), ("t", 10)]
        assert asyncio.get_running_loop().time() == pytest.approx(0.22, abs=0.01)

    run(scenario())


def test_a_full_group_does_not_wait() -> None:
    async def scenario() -> None:
        store = FaultyStore()
        commit, _ = group_commit(store, rows=4)
        await commit.commit({"t": batch(0)})
        await asyncio.gather(*(commit.commit({"t": batch(2 * i, 2 * i + 1)}) for i in range(1, 5)))
        assert store.inserts == [("t", 1), ("t", 4), ("t", 4)]
        assert asyncio.get_running_loop().time() < 0.05

    run(scenario())


def test_callers_who_send_again_meet_in_one_group() -> None:
    async def scenario() -> None:
        store = FaultyStore([Fault(seconds=0.3)] * 99)
        commit, _ = group_commit(store)

        async def client(number: int) -> None:
            await asyncio.sleep(number / 50)
            for turn in range(5):
                await commit.commit({"t": batch(100 * number + turn)})

        await asyncio.gather(*(client(number) for number in range(10)))
        assert [rows for _, rows in store.inserts] == [1, 10, 10, 10, 10, 9]

    run(scenario())


def test_an_insert_that_hangs_does_not_hold_its_lane_up() -> None:
    async def scenario() -> None:
        store = FaultyStore([Fault("hang")])
        commit, _ = group_commit(store)
        hanging = asyncio.create_task(commit.commit({"t": batch(0)}))
        await asyncio.sleep(0.1)
        await commit.commit({"t": batch(1)})
        assert asyncio.get_running_loop().time() < 1.5
        with pytest.raises(Unavailable):
            await hanging

    run(scenario())


def test_inserts_at_once_are_bounded_and_groups_grow_meanwhile() -> None:
    async def scenario() -> None:
        store = FaultyStore([Fault(seconds=1.0)] * 2)
        commit, _ = group_commit(store, writers=2)

        async def later(table: str, value: int) -> None:
            await asyncio.sleep(0.25 * value)
            await commit.commit({table: batch(value)})

        await asyncio.gather(*(later(table, value) for table in ("a", "b", "c") for value in range(4)))
        assert store.most_running == 2
        assert [rows for table, rows in store.inserts if table == "c"] == [4]

    run(scenario())


def test_a_caller_with_many_tables_waits_for_all_of_them() -> None:
    async def scenario() -> None:
        store = FaultyStore([Fault(), Fault("hang")])
        commit, budget = group_commit(store, timeout=2.0)
        with pytest.raises(Unavailable, match="within 2 s"):
            await commit.commit({"a": batch(1), "b": batch(2)})
        assert budget.held == 0

    run(scenario())


def test_a_lost_acknowledgement_is_retried_without_doubling() -> None:
    async def scenario() -> None:
        store = FaultyStore([Fault("lost"), Fault("down"), Fault("down")])
        commit, _ = group_commit(store)
        await commit.commit({"t": batch(1)})
        assert store.rows == {("t", 1): 1}
        assert len(store.inserts) == 2

    run(scenario())


def test_what_may_have_been_applied_is_not_sent_again_in_halves() -> None:
    async def scenario() -> None:
        store = FaultyStore([Fault("lost"), Fault("full")])
        commit, _ = group_commit(store)
        answers = await asyncio.gather(
            *(commit.commit({"t": batch(i)}) for i in range(4)), return_exceptions=True
        )
        assert [type(answer) for answer in answers] == [Unavailable] * 4
        assert set(store.rows.values()) == {1}

    run(scenario())


def test_a_group_too_large_for_the_store_goes_in_halves() -> None:
    async def scenario() -> None:
        store = FaultyStore([Fault("full")])
        commit, _ = group_commit(store)
        await asyncio.gather(*(commit.commit({"t": batch(i)}) for i in range(4)))
        assert store.inserts == [("t", 2), ("t", 2)]

    run(scenario())


def test_an_unforeseen_error_is_logged_and_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        store = FaultyStore([Fault("crash")])
        commit, budget = group_commit(store)
        await commit.commit({"t": batch(1)})
        assert store.rows == {("t", 1): 1}
        assert budget.held == 0

    with caplog.at_level(logging.ERROR):
        run(scenario())
    assert "unforeseen" in caplog.text


def test_one_callers_bad_rows_fail_no_neighbour() -> None:
    async def scenario() -> None:
        store = FaultyStore(refuses=lambda value: value == 3)
        commit, _ = group_commit(store)
        answers = await asyncio.gather(
            *(commit.commit({"t": batch(i)}) for i in range(6)), return_exceptions=True
        )
        assert [type(answer) for answer in answers] == [
            InvalidInput if i == 3 else type(None) for i in range(6)
        ]
        assert sorted(value for _, value in store.rows) == [0, 1, 2, 4, 5]

    run(scenario())


def test_a_store_that_takes_nothing_is_not_the_callers_fault() -> None:
    async def scenario() -> None:
        commit, _ = group_commit(FaultyStore(refuses=lambda _: True))
        answers = await asyncio.gather(
            *(commit.commit({"t": batch(i)}) for i in range(3)), return_exceptions=True
        )
        assert [type(answer) for answer in answers] == [Unavailable] * 3

    run(scenario())


def test_what_does_not_fit_is_refused_with_the_time_to_come_back() -> None:
    async def scenario() -> None:
        store = FaultyStore([Fault(seconds=5.0)])
        commit, budget = group_commit(store, pending=80)
        first = asyncio.create_task(commit.commit({"t": batch(*range(8))}))
        await asyncio.sleep(1)
        with pytest.raises(Overloaded) as refusal:
            await commit.commit({"t": batch(8, 9, 10)})
        assert refusal.value.retry_after is not None
        assert 1 <= refusal.value.retry_after <= 30
        with pytest.raises(TooLarge):
            await commit.commit({"t": batch(*range(11))})
        await first
        assert budget.held == 0
        await commit.commit({"t": batch(8, 9, 10)})
        assert len(store.rows) == 11

    run(scenario())


@pytest.mark.parametrize("wait", [0.0, 0.1, 0.3])
def test_a_cancelled_caller_takes_no_neighbour_with_it(wait: float) -> None:
    async def scenario() -> None:
        store = FaultyStore([Fault(), Fault(seconds=0.5)])
        commit, budget = group_commit(store)
        await commit.commit({"t": batch(0)})
        tasks = [asyncio.create_task(commit.commit({"t": batch(i)})) for i in range(1, 5)]
        await asyncio.sleep(wait)
        tasks[1].cancel()
        answers = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(answer).__name__ for answer in answers] == [
            "NoneType",
            "CancelledError",
            "NoneType",
            "NoneType",
        ]
        assert {1, 3, 4} <= {value for _, value in store.rows}
        await commit.close(1.0)
        assert budget.held == 0

    run(scenario())


def test_closing_commits_what_waits() -> None:
    async def scenario() -> None:
        store = FaultyStore()
        commit, _ = group_commit(store)
        await commit.commit({"t": batch(0)})
        waiting = [asyncio.create_task(commit.commit({"t": batch(i)})) for i in range(1, 4)]
        await asyncio.sleep(0)
        await commit.close(5.0)
        await asyncio.gather(*waiting)
        assert asyncio.get_running_loop().time() < 0.2
        assert len(store.rows) == 4
        with pytest.raises(Unavailable, match="shutting down"):
            await commit.commit({"t": batch(9)})

    run(scenario())


@pytest.mark.parametrize("grace", [0.0, 1.0])
def test_closing_is_bounded_and_tells_those_it_leaves(grace: float) -> None:
    async def scenario() -> None:
        store = FaultyStore([Fault("hang")] * 9)
        commit, budget = group_commit(store, writers=1)
        waiting = [asyncio.create_task(commit.commit({table: batch(1)})) for table in "abc"]
        await asyncio.sleep(0)
        await commit.close(grace)
        answers = await asyncio.gather(*waiting, return_exceptions=True)
        assert [type(answer) for answer in answers] == [Unavailable] * 3
        assert asyncio.get_running_loop().time() <= grace + 0.1
        assert budget.held == 0

    run(scenario())


def test_nothing_to_commit_is_committed() -> None:
    async def scenario() -> None:
        store = FaultyStore()
        commit, _ = group_commit(store)
        await commit.commit({})
        await commit.commit({"t": batch()})
        assert store.inserts == []

    run(scenario())
