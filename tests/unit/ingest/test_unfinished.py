from __future__ import annotations

import pyarrow as pa
import pytest

from airis_ray.errors import Unavailable
from airis_ray.ingest.sink import Accepted, StoreSink
from airis_ray.ingest.unfinished import Unfinished
from airis_ray.telemetry.otlp import Decoded
from tests.support.virtual import run
from tests.unit.ingest.faulty_store import Fault, FaultyStore
from tests.unit.ingest.test_commit import group_commit

_SECOND = 1_700_000_000


def points(table: int, seconds: int) -> pa.RecordBatch:
    return pa.record_batch(
        {"id": pa.array([table], pa.int64()), "TimeUnix": pa.array([seconds], pa.timestamp("s"))}
    )


def accepted(body: bytes) -> Accepted:
    tables = {"a": points(1, _SECOND), "b": points(2, _SECOND)}
    return Accepted("metrics", "default", body, Decoded(tables, 2, 0, []), (_SECOND + 60) * 10**9)


def test_the_repeat_of_a_request_that_was_kept_in_part_adds_the_rest_alone() -> None:
    async def scenario() -> None:
        store = FaultyStore([Fault(), *[Fault("down")] * 50])
        commit, _ = group_commit(store, timeout=2.0)
        sink = StoreSink(commit)
        with pytest.raises(Unavailable):
            await sink.put(accepted(b"one"))
        assert sum(store.rows.values()) == 1
        store.faults_end()
        await sink.put(accepted(b"one"))
        assert store.rows == {("a", 1): 1, ("b", 2): 1}
        await sink.put(accepted(b"one"))  # a third one is no repeat of a failure
        assert store.rows == {("a", 1): 2, ("b", 2): 2}

    run(scenario())


def test_what_was_kept_is_forgotten_after_a_while_and_bounded() -> None:
    now = 0.0
    unfinished = Unfinished(lambda: now)
    for number in range(1_500):
        unfinished.remember(str(number), frozenset({"a"}))
    assert len(unfinished) == 1_000
    assert unfinished.take("0") == frozenset()
    assert unfinished.take("1400") == {"a"}
    assert unfinished.take("1400") == frozenset()
    now = 601.0
    assert unfinished.take("1401") == frozenset()
