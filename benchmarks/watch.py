"""How many series the watcher keeps up with: synthetic metric series in an embedded store, a turn a minute.

``python -m benchmarks.watch [--series 100000] [--history 64] [--turns 5] [--json]``

The store runs in this process, so that what it costs is in the figures: a turn is the queries, the scores, the update
of every series' state and the anomalies' rows. The limit that is told beside is copying the points' columns once.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from airis_ray.aiops.detect.seasonal import SeasonalDetector
from airis_ray.aiops.series import MINUTE, SECOND
from airis_ray.aiops.watch.watcher import Watcher
from airis_ray.aiops.watch.windows import Rollups
from airis_ray.settings import RetentionSettings, Settings, WatchSettings
from airis_ray.store.migrate import migrate
from benchmarks.report import Report, Stopwatch
from tests.support.local_store import LocalStore

TENANT = "benchmark"
START = 1_788_998_400 * SECOND
CORES = 2
SECONDS = 60.0
FIRST_GATE, GOAL = 20_000, 100_000
MAX_BYTES = 2e9


@dataclass(frozen=True)
class Took:
    """Wall and CPU seconds of one turn, and the points that it judged."""

    wall: float
    cpu: float
    points: int


async def fill(store: LocalStore, series: int, first: int, minutes: int) -> None:
    """Rows of the roll-up: gauges with a wave and noise, 50 metrics of 40 services."""
    await store.command(
        f"""
        INSERT INTO airis_series_1m
            (Tenant, Time, MetricName, MetricKind, MetricUnit, ServiceName, SeriesHash, Points, Sum)
        SELECT '{TENANT}', toDateTime({START // SECOND + first * 60} + intDiv(number, {series}) * 60, 'UTC'),
            concat('metric.', toString(number % {series} % 50)), 'gauge', '1',
            concat('service-', toString(intDiv(number % {series}, 50) % 40)), cityHash64(number % {series}), 4,
            4 * (20 + 5 * sin(number / {series} / 60) + rand64(number) / 18446744073709551615)
        FROM numbers({series * minutes})
        """
    )


async def measure(series: int, history: int, turns: int, folder: Path) -> tuple[Took, list[Took], int]:
    """The turn that learns, those that judge, and the resident bytes after them."""
    store = LocalStore(str(folder / "store"))
    keep = RetentionSettings(logs=0, traces=0, metrics=0, sessions=0)
    await migrate(store, settings=Settings(retention=keep))
    for first in range(0, history, 8):
        await fill(store, series, first, min(8, history - first))
    now = [START + history * MINUTE + 20 * SECOND]
    settings = WatchSettings(history=max(history * 60.0, 3600.0), max_series=2 * series)
    watcher = Watcher(
        store,
        Rollups(store, 60, tenant=TENANT),
        settings,
        make=SeasonalDetector,
        load=SeasonalDetector.load,
        clock=lambda: now[0],
        folder=folder / "states",
    )
    learned = await _turn(watcher)
    judged = []
    for minute in range(history, history + turns):
        await fill(store, series, minute, 1)
        now[0] += MINUTE
        judged.append(await _turn(watcher))
    resident = _resident()
    await watcher.close()
    await store.close()
    return learned, judged, resident


async def _turn(watcher: Watcher) -> Took:
    with Stopwatch() as watch:
        turn = await watcher.turn()
    return Took(watch.wall, watch.cpu, turn.points or turn.learned)


def _resident() -> int:
    fields = Path("/proc/self/statm").read_text(encoding="ascii").split()
    return int(fields[1]) * 4096


def _copying(points: int) -> float:
    """Seconds in which this machine copies the three columns of the points once: nothing is faster than that."""
    columns = np.zeros((3, points))
    started = time.perf_counter()
    for _ in range(10):
        columns.copy()
    return (time.perf_counter() - started) / 10


def main() -> None:
    """Run it and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", type=int, default=GOAL)
    parser.add_argument("--history", type=int, default=64)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="airis-watch-") as folder:
        learned, judged, resident = asyncio.run(
            measure(asked.series, asked.history, asked.turns, Path(folder))
        )
    cpu = statistics.median(each.cpu for each in judged)
    wall = statistics.median(each.wall for each in judged)
    report = Report("Watcher")
    report.ratio("series a minute on two cores (by CPU)", asked.series * CORES * SECONDS / cpu, float(GOAL))
    report.ratio(
        "the same over the first gate of 20,000", asked.series * CORES * SECONDS / cpu / FIRST_GATE, 1.0
    )
    report.ratio("resident MB, the embedded store's included", resident / 1e6, MAX_BYTES / 1e6, at_most=True)
    copied = _copying(asked.series) * 1e3
    report.notes += [
        f"{asked.series:,} series; a turn: {cpu:.2f} s CPU, {wall:.2f} s wall (median of {len(judged)})",
        f"learning {learned.points:,} series of {asked.history} cells: {learned.cpu:.1f} s CPU",
        f"points judged: {judged[-1].points:,} a turn; copying their columns alone: {copied:.2f} ms",
    ]
    report.print(as_json=asked.json)


if __name__ == "__main__":
    main()
