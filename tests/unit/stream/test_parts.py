"""The small parts of a consumer: bookmarks, repeats, dead letters and their limit, commits, load."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airis_ray.errors import AirisError, InvalidInput, NotFound, Unavailable
from airis_ray.stream.bookmark import Bookmark
from airis_ray.stream.dead_letters import Dead, Letter, Limit, LimitReached
from airis_ray.stream.letters import Letters
from airis_ray.stream.load import Load
from airis_ray.stream.offsets import Offsets
from airis_ray.stream.protocol import Committed, Fenced, Partition, Received
from airis_ray.stream.repeats import Window
from tests.support.virtual import run
from tests.unit.stream.world import LOGS, P0, POISON, World, body, headers, scenario

_numbers = st.integers(min_value=0, max_value=2**62)


@given(st.builds(Bookmark, st.none() | _numbers, st.none() | _numbers, _numbers, _numbers))
def test_a_bookmark_is_read_as_it_was_written(bookmark: Bookmark) -> None:
    written = bookmark.write()
    assert Bookmark.read(written) == bookmark
    assert len(written) < 200


@pytest.mark.parametrize(
    "metadata", ["by hand", "[]", '{"airis": 2, "last": 4}', '{"airis": 1, "last": -1}', "1"]
)
def test_metadata_of_others_says_nothing(metadata: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert Bookmark.read(metadata) == Bookmark()
    assert "passed over" in caplog.text


def test_no_metadata_is_nothing_to_talk_about(caplog: pytest.LogCaptureFixture) -> None:
    assert Bookmark.read("") == Bookmark()
    assert not caplog.text


@given(
    st.lists(st.tuples(st.integers(0, 50), st.sampled_from(["a", "b", "c", None])), max_size=60),
    st.integers(1, 10),
    st.integers(1, 200),
    st.data(),
)
def test_whoever_takes_over_decides_alike(
    log: list[tuple[int, str | None]], limit: int, limit_bytes: int, data: st.DataObject
) -> None:
    """An owner that reads again from ``since`` finds the same repeats as one that read everything."""
    first = Window(limit, limit_bytes)
    seen = []
    for offset, (size, identity) in enumerate(log):
        seen.append((first.since, first.add(offset, size, identity)))
    start = data.draw(st.integers(0, len(log)))
    since = seen[start][0] if start < len(log) else first.since
    second = Window(limit, limit_bytes)
    for offset in range(start if since is None else since, len(log)):
        found = second.add(offset, *log[offset])
        if offset >= start:
            assert found == seen[offset][1]


def test_repeats_are_looked_for_among_so_many_messages_and_bytes() -> None:
    window = Window(3, 100)
    found = [window.add(offset, 10, identity) for offset, identity in enumerate("abcadb")]
    assert found == [False, False, False, True, False, False]
    assert not window.add(6, 200, "x"), "what is larger than everything is held alone"
    assert window.add(7, 0, "x")
    assert not window.add(8, 0, "b")


def test_without_a_window_there_are_no_repeats() -> None:
    window = Window(0, 100)
    assert [window.add(offset, 1, "a") for offset in range(3)] == [False] * 3
    assert window.since is None


def test_the_limit_needs_a_number_and_a_share() -> None:
    few = Limit(count=5, ratio=0.1)
    few.check(P0, range(0, 1000, 100))
    assert (few.thousand, few.dead) == (0, 10)
    few.check(P0, range(1000, 1005))
    assert (few.thousand, few.dead) == (1, 5)
    with pytest.raises(
        LimitReached, match=r"6 of the last 6 messages of otlp_logs:0 .*AIRIS_STREAM_DEAD_LETTER_COUNT=5"
    ):
        few.check(P0, [1005])


def test_a_limit_goes_on_counting_where_an_earlier_owner_was() -> None:
    limit = Limit(count=5, ratio=0.1, thousand=7, dead=5)
    with pytest.raises(LimitReached):
        limit.check(P0, [7009])


def _letter(**changes: object) -> Received:
    message = Received(P0, 42, 1_700_000_000_000, b"key", POISON, headers(POISON, records=3))
    dead = Dead(message, "malformed", "no OTLP: " + "x" * 5000)
    return Received(Partition(f"{LOGS}.dlq", 0), 0, 5, message.key, message.value, dead.headers())


def test_a_dead_letter_tells_where_it_was_and_why() -> None:
    letter = Letter.read(_letter())
    assert (letter.origin, letter.topic, letter.reason) == ("otlp_logs:0:42", LOGS, "malformed")
    assert letter.exception.startswith("no OTLP")
    assert len(letter.exception) == 2000
    assert letter.timestamp_ms == 1_700_000_000_000
    assert letter.message.value == POISON


def test_put_back_it_has_its_own_headers_another_id_and_no_count() -> None:
    again = dict(Letter.read(_letter()).again())
    own = dict(headers(POISON, records=3))
    assert set(again) == {"airis.tenant", "content-type", "airis.received", "airis.id", "airis.replayed"}
    assert again["airis.id"] not in (None, own["airis.id"])
    assert again["airis.replayed"] == b"otlp_logs:0:42"
    assert dict(Letter.read(_letter()).again()) == again, "put back twice it is a repeat of itself"


def test_what_is_no_dead_letter_is_told() -> None:
    with pytest.raises(InvalidInput, match=r"otlp_logs:0:3 is no dead letter.*airis.dead.reason"):
        Letter.read(Received(P0, 3, 0, None, b"", ()))


def test_an_operator_lists_dead_letters_and_puts_them_back_once() -> None:
    async def work(world: World) -> None:
        world.start()
        world.send(3)
        world.poison()
        fixed = body(3)
        world.broker.write(P0, b"not yet", headers=headers(b"not yet"))
        await world.drained()
        letters = Letters(world.broker, [LOGS])
        found = await letters.all()
        assert [(item.letter.origin, item.returned) for item in found] == [
            ("otlp_logs:0:3", False),
            ("otlp_logs:0:4", False),
        ]
        assert await letters.all(reason="refused") == []
        with pytest.raises(InvalidInput, match="expected one of otlp_logs"):
            await letters.all(topic="others")
        with pytest.raises(NotFound):
            await letters.one("otlp_logs:0:99")
        with pytest.raises(InvalidInput, match="topic:partition:offset"):
            await letters.one("99")
        one = (await letters.one("otlp_logs:0:4")).letter
        # What was wrong is put right meanwhile: in this test by a readable body.
        good = Received(P0, 0, one.message.timestamp_ms, one.message.key, fixed, one.message.headers)
        assert await letters.put_back([Letter(one.origin, LOGS, one.reason, one.exception, 0, good)] * 2) == 2
        await world.drained()
        assert (await letters.one("otlp_logs:0:4")).returned
        assert not (await letters.one("otlp_logs:0:3")).returned
        world.sent = 4

    world = scenario(work)
    world.assert_exactly_once()
    assert world.store.accounts["repeated", ""] == 1


class _Broker:
    """Answers commits as it is told."""

    def __init__(self, *answers: AirisError | None) -> None:
        self.answers = list(answers)
        self.calls: list[dict[Partition, Committed]] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def commit(self, offsets: Mapping[Partition, Committed]) -> Mapping[Partition, AirisError]:
        self.calls.append(dict(offsets))
        await self.gate.wait()
        error = self.answers.pop(0) if self.answers else None
        return {} if error is None else dict.fromkeys(offsets, error)


P1 = Partition(LOGS, 1)


def test_commits_that_come_together_go_together() -> None:
    async def work() -> None:
        broker = _Broker()
        offsets = Offsets(broker.commit)
        for partition in (P0, P1):
            offsets.own(partition)
        broker.gate.clear()
        first = asyncio.create_task(offsets.commit(P0, Committed(1)))
        await asyncio.sleep(0.01)
        others = [asyncio.create_task(offsets.commit(p, Committed(2))) for p in (P0, P1)]
        await asyncio.sleep(0.01)
        broker.gate.set()
        await asyncio.gather(first, *others)
        assert broker.calls == [{P0: Committed(1)}, {P0: Committed(2), P1: Committed(2)}]

    run(work())


@pytest.mark.parametrize("error", [Unavailable("away"), Fenced("a rebalance is under way")])
def test_a_commit_is_repeated_while_the_partition_is_owned(error: AirisError) -> None:
    async def work() -> None:
        broker = _Broker(error, error, error)
        offsets = Offsets(broker.commit)
        offsets.own(P0)
        await offsets.commit(P0, Committed(1))
        assert len(broker.calls) == 4

    run(work())


def test_nothing_is_committed_for_a_partition_that_is_not_owned() -> None:
    async def work() -> None:
        broker = _Broker()
        offsets = Offsets(broker.commit)
        with pytest.raises(Fenced):
            await offsets.commit(P0, Committed(1))
        offsets.own(P0)
        offsets.own(P1)
        broker.gate.clear()
        running = asyncio.create_task(offsets.commit(P1, Committed(1)))
        await asyncio.sleep(0.01)
        waiting = asyncio.create_task(offsets.commit(P0, Committed(1)))
        await asyncio.sleep(0.01)
        offsets.disown(P0)
        with pytest.raises(Fenced):
            await waiting
        broker.gate.set()
        await offsets.settled()
        await running
        assert broker.calls == [{P1: Committed(1)}]

    run(work())


def test_an_unforeseen_failure_reaches_who_waits() -> None:
    async def work() -> None:
        async def fail(_: Mapping[Partition, Committed]) -> Mapping[Partition, AirisError]:
            raise RuntimeError("nobody thought of it")

        offsets = Offsets(fail)
        offsets.own(P0)
        with pytest.raises(AirisError, match="nobody thought of it"):
            await offsets.commit(P0, Committed(1))

    run(work())


def test_load_is_told_as_rates_of_the_last_seconds() -> None:
    load = Load()
    owned = frozenset([P0, P1])
    for second in range(31):
        load.observe(
            float(second), lag=100 - second, done=10 * second, partitions=owned, working=second % 4 == 0
        )
    stats = load.stats()
    assert (stats.lag, stats.partitions) == (70, 2)
    assert stats.done == pytest.approx(10.0)
    assert stats.busy == pytest.approx(0.25, abs=0.05)


def test_partitions_that_come_and_go_are_no_work_done() -> None:
    load = Load()
    load.observe(0.0, lag=0, done=0, partitions=frozenset(), working=False)
    load.observe(1.0, lag=5, done=10**9, partitions=frozenset([P0]), working=True)
    load.observe(16.5, lag=5, done=10**9, partitions=frozenset([P0]), working=False)
    assert load.stats().done == 0
