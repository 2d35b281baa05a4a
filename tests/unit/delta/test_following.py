"""Comparisons of anomalies that run by themselves: of each once, again where it lasts, so many a minute."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import orjson
import pytest

from airis_ray.aiops.watch.comparisons import comparison, waits
from airis_ray.analytics.syntax import MAX_LENGTH
from airis_ray.delta.compare import Comparer
from airis_ray.delta.following import Follower
from airis_ray.delta.models import CompareAnswer, CompareRequest
from airis_ray.delta.questions import Told, questions
from airis_ray.errors import TooLarge, Unavailable
from airis_ray.store import Query
from airis_ray.store.keys import HOT_KEYS, HotKeys
from tests.support import records
from tests.support.local_store import LocalStore

MINUTE = 60 * 10**9
DAY = 24 * 60 * MINUTE


def told(tenant: str, start: int, **changes: Any) -> Told:
    return replace(
        Told(tenant, "a" * 32, start, start + 5 * MINUTE, "cart", "traces", "errors", "above", 1.0, 50.0),
        **changes,
    )


class World:
    """A follower at a time of its own, for it looks at every tenant's anomalies; ``now`` moves with the test.

    Each test is later than those before it: what is kept later than ``now`` counts as this minute's.
    """

    def __init__(self, store: LocalStore, day: int, per_minute: int = 6, comparer: Any = None) -> None:
        self.store = store
        self.start = records.START + day * DAY
        self.now = self.start + 6 * MINUTE
        made = comparer or Comparer(store, 60.0, lambda: 0.0)
        self.follower = Follower(store, made, per_minute, clock=lambda: self.now, hot=lambda: HOT_KEYS)

    async def anomaly(self, each: Told, score: float = 0.9) -> None:
        await self.store.command(
            "INSERT INTO airis_anomalies (Tenant, id, start, end, service, signal, metric, direction, expected, actual,"
            f" score, updated) SELECT '{each.tenant}', '{each.id}', fromUnixTimestamp64Nano({each.start}),"
            f" fromUnixTimestamp64Nano({each.end}), '{each.service}', '{each.signal}', '{each.metric}',"
            f" '{each.direction}', {each.expected}, {each.actual}, {score}, fromUnixTimestamp64Nano({self.now})"
        )

    async def kept(self, tenant: str) -> list[dict[str, Any]]:
        sql = "SELECT anomaly, runs, request, answer, note FROM airis_comparisons FINAL ORDER BY anomaly"
        rows: list[dict[str, Any]] = (await self.store.query(Query(sql, tenant=tenant))).table.to_pylist()
        return rows


class Answers:
    """A comparer that counts what it is asked and finds nothing; ``fails``: what it meets at a service's anomalies."""

    def __init__(self, **fails: Exception) -> None:
        self.asked: list[str] = []
        self.fails = fails

    async def compare(self, request: CompareRequest, tenant: str, now_ns: int, hot: HotKeys) -> CompareAnswer:
        self.asked.append(request.target.query)
        for service, error in self.fails.items():
            if f'service:"{service}"' in request.target.query:
                raise error
        sizes = {"target_count": 1, "baseline_count": 1, "elapsed_ms": 1.0}
        rest = {"sampled": False, "sample": 1.0, "attributes": [], "left_out": [], "notes": []}
        return CompareAnswer.model_validate(sizes | rest)


def spans(start: int) -> Iterator[dict[str, Any]]:
    for at in range(400):
        failed = at % 4 == 0
        yield {
            "Timestamp": start + at * 10**8,
            "SpanId": f"{at:016x}",
            "ServiceName": "cart",
            "SpanKind": "Server",
            "StatusCode": "Error" if failed else "Ok",
            "SpanAttributes": {"k": str(at % 3)},
            "ResourceAttributes": {"service.version": "2.4" if failed and at % 8 else "2.3"},
        }


async def test_an_anomaly_is_compared_once_and_again_where_it_lasts(
    migrated_store: LocalStore, tenant: str
) -> None:
    world = World(migrated_store, 40)
    await migrated_store.insert("otel_traces", records.span(tenant, *spans(world.start)))
    one = told(tenant, world.start)
    await world.anomaly(one)
    await world.anomaly(told(tenant, world.start, id="b" * 32, signal="metrics"))
    assert await world.follower.follow() == 0
    (kept,) = await world.kept(tenant)
    assert (kept["anomaly"], kept["runs"], kept["note"]) == (one.id, 1, "")
    answer = orjson.loads(kept["answer"])
    assert answer["target_count"] == 100
    assert answer["attributes"][0]["key"] == "service.version"
    assert CompareRequest.model_validate_json(kept["request"]).target.query.endswith("status:error")
    for minutes, runs in ((14, 1), (20, 2), (200, 2)):
        world.now = world.start + (minutes + 1) * MINUTE
        await world.anomaly(replace(one, end=one.start + minutes * MINUTE))
        assert await world.follower.follow() == 0
        assert [row["runs"] for row in await world.kept(tenant)] == [runs]


async def test_so_many_a_minute_the_surest_first(migrated_store: LocalStore, tenant: str) -> None:
    answers = Answers()
    world = World(migrated_store, 50, per_minute=2, comparer=answers)
    for at in range(5):
        one = told(tenant, world.start, id=f"{at:032x}", service=f"s{at}")
        await world.anomaly(one, score=0.5 + at / 10)
    assert await world.follower.follow() == 3
    assert await world.follower.follow() == 3
    assert [query.split()[0] for query in answers.asked] == ['service:"s4"', 'service:"s3"']
    for left in (1, 0, 0):
        world.now += MINUTE + 1
        assert await world.follower.follow() == left
    assert len(answers.asked) == 5


async def test_the_same_question_is_asked_once(migrated_store: LocalStore, tenant: str) -> None:
    answers = Answers()
    world = World(migrated_store, 60, comparer=answers)
    for at, metric in enumerate(("errors", "error_rate")):
        await world.anomaly(told(tenant, world.start, id=f"{at:032x}", metric=metric))
    assert await world.follower.follow() == 0
    assert len(answers.asked) == 1
    assert len(await world.kept(tenant)) == 2


async def test_what_takes_too_long_is_kept_as_such(migrated_store: LocalStore, tenant: str) -> None:
    answers = Answers(cart=TooLarge("the comparison takes too long"))
    world = World(migrated_store, 70, comparer=answers)
    await world.anomaly(told(tenant, world.start))
    assert await world.follower.follow() == 0
    assert await world.follower.follow() == 0
    (kept,) = await world.kept(tenant)
    assert (kept["answer"], kept["runs"]) == ("", 1)
    assert "too long" in kept["note"]
    assert len(answers.asked) == 1


async def test_new_logs_are_compared_with_others_where_there_were_none_before(
    migrated_store: LocalStore, tenant: str
) -> None:
    world = World(migrated_store, 80)
    rows = [
        {
            "Timestamp": world.start + at * 10**8,
            "Body": f"line {at % 5}",
            "ServiceName": "cart",
            "SeverityText": "ERROR" if at % 2 else "INFO",
            "SeverityNumber": 17 if at % 2 else 9,
            "LogAttributes": {"shard": "7" if at % 2 else str(at % 6)},
        }
        for at in range(300)
    ]
    await migrated_store.insert("otel_logs", records.log(tenant, *rows))
    await world.anomaly(told(tenant, world.start, signal="logs", metric="logs.error"))
    assert await world.follower.follow() == 0
    (kept,) = await world.kept(tenant)
    request, answer = orjson.loads(kept["request"]), orjson.loads(kept["answer"])
    assert request["baseline"]["query"] == 'service:"cart" -level:error'
    assert (answer["target_count"], answer["baseline_count"]) == (150, 150)
    assert "shard" in [each["key"] for each in answer["attributes"][:2]]


async def test_a_comparison_that_fails_holds_up_no_other(migrated_store: LocalStore, tenant: str) -> None:
    answers = Answers(cart=ValueError("a fault of ours"))
    world = World(migrated_store, 110, comparer=answers)
    await world.anomaly(told(tenant, world.start), score=0.99)
    for at in range(2):
        await world.anomaly(told(tenant, world.start, id=f"{at:032x}", service=f"s{at}"))
    assert await world.follower.follow() == 1
    assert len(await world.kept(tenant)) == 2
    assert await world.follower.follow() == 1
    assert len(answers.asked) == 3
    for left in (1, 0, 0):
        world.now += 40 * MINUTE
        assert await world.follower.follow() == left
    assert len(answers.asked) == 5
    assert (await world.kept(tenant))[-1]["note"] == "the comparison failed: ValueError"


async def test_a_store_that_is_away_loses_nothing(migrated_store: LocalStore, tenant: str) -> None:
    answers = Answers(cart=Unavailable("the store is away"))
    world = World(migrated_store, 120, comparer=answers)
    await world.anomaly(told(tenant, world.start))
    for _ in range(6):
        with pytest.raises(Unavailable):
            await world.follower.follow()
        assert await world.follower.follow() == 1  # not at once
        world.now += 31 * MINUTE
    assert len(answers.asked) == 6
    answers.fails.clear()
    # A replica that starts now knows nothing of all this, and finds an anomaly that ended hours ago.
    again = World(migrated_store, 120, comparer=answers)
    again.now = world.now
    assert await again.follower.follow() == 0
    assert [row["runs"] for row in await world.kept(tenant)] == [1]


async def test_a_service_too_long_for_a_query_is_kept_with_a_note(
    migrated_store: LocalStore, tenant: str
) -> None:
    world = World(migrated_store, 130, comparer=Answers())
    one = told(tenant, world.start, service="s" * (MAX_LENGTH + 1))
    await world.anomaly(one)
    for left in (1, 1, 0):
        assert await world.follower.follow() == left
        world.now += 40 * MINUTE
    kept = await comparison(migrated_store, tenant, one.id)
    assert kept is not None
    assert kept.answer is None
    assert kept.note.startswith("the comparison failed")


async def test_whether_something_waits_is_known_to_the_watcher(
    migrated_store: LocalStore, tenant: str
) -> None:
    world = World(migrated_store, 3_000, comparer=Answers())  # later than any other's rows
    for signal, answer in (("metrics", False), ("traces", True)):
        await world.anomaly(told(tenant, world.start, signal=signal))
        assert await waits(migrated_store, world.now) is answer
    assert await world.follower.follow() == 0
    assert not await waits(migrated_store, world.now)


@pytest.mark.parametrize(
    ("changes", "target", "baseline"),
    [
        ({}, "status:error", "-status:error"),
        (
            {"metric": "duration_p95", "expected": 10.0, "actual": 40.0},
            "duration:>=20000000ns",
            "-duration:>=",
        ),
        ({"metric": "duration_p95", "expected": 0.0}, "consumer)", "consumer)"),
        ({"metric": "requests", "direction": "below"}, "consumer)", "consumer)"),
        ({"signal": "logs", "metric": "logs.warn"}, "level:warn", "level:warn"),
        ({"signal": "logs", "metric": "logs"}, '"cart"', '"cart"'),
        ({"service": "", "signal": "logs", "metric": "logs"}, "-service:*", "-service:*"),
        ({"service": 'a "b" \\c', "signal": "logs", "metric": "logs"}, r'"a \"b\" \\c"', r'"a \"b\" \\c"'),
    ],
)
def test_what_is_asked_of_an_anomaly(changes: dict[str, Any], target: str, baseline: str) -> None:
    one = told("t", records.START, **changes)
    first = questions(one)[0]
    assert target in first.target.query
    assert baseline in first.baseline.query
    assert first.target.from_ == "2100-01-01T00:00:00.000000000Z"
    assert (first.baseline.from_ == first.target.from_) == (first.target.query != first.baseline.query)
