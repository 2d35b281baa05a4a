"""Turn after turn over an engine that holds telemetry: what is found, told once, kept and taken up again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from airis_ray.aiops.series import MINUTE, SECOND
from airis_ray.aiops.watch.findings import SCHEMA
from airis_ray.aiops.watch.verdicts import record
from airis_ray.aiops.watch.watcher import Watcher
from airis_ray.aiops.watch.windows import Rollups, Scope
from airis_ray.settings import WatchSettings
from airis_ray.store import Query
from tests.support.local_store import LocalStore
from tests.unit.aiops.watch.small import Small

DAY0 = 1_790_000_000
BEGIN = DAY0 * SECOND // MINUTE * MINUTE
HISTORY = 120


class World:
    """A service with a request rate of one a second, minute by minute; and the watcher's clock."""

    def __init__(self, store: LocalStore, tenant: str, folder: Path) -> None:
        self.store, self.tenant, self.folder = store, tenant, folder
        # A time of its own for each test: the watcher looks at every tenant that sent something lately.
        self.begin = BEGIN + int(tenant[1:5], 16) * 300 * MINUTE
        self.now = self.begin

    async def gauge(self, minute: int, value: float, *, pod: str = "a") -> None:
        schema = pa.schema(
            [
                ("TimeUnix", pa.timestamp("ns", tz="UTC")),
                ("MetricName", pa.string()),
                ("ServiceName", pa.string()),
                ("Value", pa.float64()),
                ("ResourceAttributes", pa.map_(pa.string(), pa.string())),
            ]
        )
        resource = [("airis.tenant", self.tenant), ("k8s.pod.name", pod)]
        row = [self.begin + minute * MINUTE + SECOND, "load", "cart", value, resource]
        await self.store.insert(
            "otel_metrics_gauge",
            pa.Table.from_pylist([dict(zip(schema.names, row, strict=True))], schema=schema),
        )

    async def usual(self, first: int, last: int, *, pod: str = "a") -> None:
        await self.store.command(
            "INSERT INTO otel_metrics_gauge (TimeUnix, MetricName, ServiceName, Value, ResourceAttributes)"
            f" SELECT fromUnixTimestamp64Nano({self.begin} + ({first} + number) * {MINUTE} + {SECOND}), 'load', 'cart',"
            f" 1 + (number % 5) / 50, map('airis.tenant', '{self.tenant}', 'k8s.pod.name', '{pod}')"
            f" FROM numbers({last - first})"
        )

    def at(self, minute: int) -> None:
        """A little after the minute has settled."""
        self.now = self.begin + minute * MINUTE + 20 * SECOND

    def watcher(self, *, folder: Path | None = None, scope: Scope | None = None, **settings: Any) -> Watcher:
        chosen = WatchSettings(**{"history": 7200.0, "checkpoint": 1.0, **settings})
        rollups = Rollups(self.store, int(chosen.interval), scope)
        return Watcher(
            self.store,
            rollups,
            chosen,
            make=Small,
            load=Small.load,
            clock=lambda: self.now,
            folder=folder,
        )

    async def found(self) -> list[dict[str, Any]]:
        columns = ", ".join(SCHEMA.names)
        sql = f"SELECT {columns} FROM airis_anomalies FINAL ORDER BY start"
        rows: list[dict[str, Any]] = (
            await self.store.query(Query(sql, tenant=self.tenant))
        ).table.to_pylist()
        return rows


@pytest.fixture
def world(migrated_store: LocalStore, tenant: str, tmp_path: Path) -> World:
    return World(migrated_store, tenant, tmp_path)


async def run(world: World, watcher: Watcher, first: int, values: list[float]) -> None:
    """A minute after another: its point comes, it settles, the watcher turns."""
    for offset, value in enumerate(values):
        await world.gauge(first + offset, value)
        world.at(first + offset + 1)
        await watcher.turn()


async def test_an_anomaly_keeps_its_id_while_it_lasts_and_ends(world: World) -> None:
    await world.usual(0, HISTORY)
    watcher = world.watcher()
    world.at(HISTORY)
    assert (await watcher.turn()).learned == 1
    await run(world, watcher, HISTORY, [1.0, 2.0, 2.0])
    assert await world.found() == [], "two cells are not confirmed"
    await run(world, watcher, HISTORY + 3, [2.5])
    (first,) = await world.found()
    assert first["lasting"]
    assert first["direction"] == "above"
    assert first["actual"] == 2.5
    assert (first["service"], first["signal"], first["metric"]) == ("cart", "metrics", "load")
    assert dict(first["labels"]) == {"k8s.pod.name": "a"}
    assert first["model"] == "small"
    await run(world, watcher, HISTORY + 4, [1.0, 2.0, *[1.0] * 6])
    (last,) = await world.found()
    assert last["id"] == first["id"]
    assert not last["lasting"]
    start = world.begin + (HISTORY + 1) * MINUTE
    assert [int(last[name].timestamp()) * SECOND for name in ("start", "end")] == [start, start + 5 * MINUTE]


async def test_a_killed_watcher_goes_on_where_it_had_written_its_state(world: World) -> None:
    await world.usual(0, HISTORY)
    first = world.watcher(folder=world.folder)
    world.at(HISTORY)
    await first.turn()
    await run(world, first, HISTORY, [1.0, 5.0, 5.0])
    kept = {path.name: path.read_bytes() for path in world.folder.iterdir()}
    await run(world, first, HISTORY + 3, [5.0])
    (told,) = await world.found()
    for name, content in kept.items():  # as if the process had died before its last checkpoint
        (world.folder / name).write_bytes(content)
    second = world.watcher(folder=world.folder)
    assert await second.restore() == 1
    await run(world, second, HISTORY + 4, [5.0, *[1.0] * 6])
    (again,) = await world.found()
    assert again["id"] == told["id"]
    assert not again["lasting"]
    assert again["end"] > told["end"]


async def test_broken_states_are_removed_and_learned_again(world: World) -> None:
    await world.usual(0, HISTORY)
    world.folder.joinpath("t.metrics.one.npz").write_bytes(b"PK\x03\x04 broken")
    watcher = world.watcher(folder=world.folder)
    assert await watcher.restore() == 0
    assert list(world.folder.iterdir()) == []
    world.at(HISTORY)
    assert (await watcher.turn()).learned == 1


async def test_a_new_series_is_judged_once_it_has_its_warmup(world: World) -> None:
    await world.usual(0, 20)
    watcher = world.watcher()
    world.at(20)
    assert (await watcher.turn()).learned == 0
    await world.usual(20, 40)
    world.at(40)
    assert (await watcher.turn()).learned == 1


async def test_data_on_its_way_is_waited_for_and_not_called_absent(world: World) -> None:
    await world.usual(0, HISTORY)
    watcher = world.watcher()
    world.at(HISTORY)
    await watcher.turn()
    world.at(HISTORY + 4)
    assert (await watcher.turn()).points == 0
    held = watcher.held[world.tenant, "metrics"]
    assert held.done == world.begin + HISTORY * MINUTE, "the cells of four minutes are on their way"
    await world.usual(HISTORY, HISTORY + 4)
    assert (await watcher.turn()).points == 4
    world.at(HISTORY + 20)
    report = await watcher.turn()
    assert held.done == world.begin + (HISTORY + 20) * MINUTE
    assert report.behind <= 5


async def test_series_past_the_limit_are_left_out_and_the_rest_goes_on(world: World) -> None:
    for pod in "abc":
        await world.usual(0, HISTORY, pod=pod)
    watcher = world.watcher(max_series=2)
    world.at(HISTORY)
    assert (await watcher.turn()).learned == 2
    assert len(watcher.held[world.tenant, "metrics"]) == 2


async def test_a_silent_series_is_forgotten_and_one_that_returns_is_learned_anew(world: World) -> None:
    for pod in "ab":
        await world.usual(0, HISTORY, pod=pod)
    watcher = world.watcher(forget=3600.0)
    world.at(HISTORY)
    await watcher.turn()
    await world.usual(HISTORY, HISTORY + 130)
    for minute in (HISTORY + 60, HISTORY + 130):
        world.at(minute)
        await watcher.turn()
    held = watcher.held[world.tenant, "metrics"]
    assert len(held) == 1
    assert {subject.labels for group in held for subject in group.subjects} == {(("k8s.pod.name", "a"),)}


async def test_verdicts_raise_the_threshold_and_taken_back_they_do_not(world: World) -> None:
    await world.usual(0, HISTORY)
    watcher = world.watcher()
    world.at(HISTORY)
    await watcher.turn()
    key = int(next(iter(watcher.held[world.tenant, "metrics"])).keys[0])

    async def say(verdict: Any, later: int) -> None:
        said = {"series": key, "anomaly": "x", "verdict": verdict, "score": 0.95, "actor": "me"}
        await record(world.store, world.tenant, now_ns=later * SECOND, **said)

    await say("false", 1)
    await run(world, watcher, HISTORY, [5.0, 5.0, 5.0, 5.0])
    assert await world.found() == []
    await say(None, 2)
    await run(world, watcher, HISTORY + 4, [5.0, 5.0, 5.0])
    (found,) = await world.found()
    assert found["score"] > 0.9


async def test_shards_find_together_what_one_finds(world: World) -> None:
    for pod in "abcdef":
        await world.usual(0, HISTORY, pod=pod)
        for minute in range(3):
            await world.gauge(HISTORY + minute, 9.0, pod=pod)
    watchers = [world.watcher(scope=Scope(shard, 2)) for shard in range(2)]
    sizes = []
    for watcher in watchers:
        world.at(HISTORY)
        sizes.append((await watcher.turn()).learned)
        world.at(HISTORY + 3)
        await watcher.turn()
    assert sum(sizes) == 6
    assert len({row["series"] for row in await world.found()}) == 6
