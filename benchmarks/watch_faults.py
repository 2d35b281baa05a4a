"""Which of the demo's faults the watcher finds, how soon, and what it tells while nothing is wrong.

``python -m benchmarks.watch_faults [--seeds 21,22,23] [--learned DAYS] [--quiet DAYS] [--rate R]
[--faults A,B] [--json]``

Without ``--seeds`` these are :data:`HELD_OUT`, on which nothing was chosen. Each runs in a process of its own, for the
engine opens one folder a process. The shop's telemetry goes into an embedded store in that process; the watcher runs
through it with a clock of its own. Each fault lasts 20 minutes, one every hour. Found is a fault where an anomaly of
its service (of a node: of a metric that it moves) is told before 35 minutes after its end. What is told at other times
is a false alarm.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from airis_ray.aiops.series import MINUTE, SECOND
from airis_ray.demo.faults import rfc3339
from airis_ray.demo.world.faults import FAULTS
from airis_ray.settings import RetentionSettings, Settings
from airis_ray.store.migrate import migrate
from benchmarks.report import machine
from tests.support.watched import Course, Outcome, RollupsOnly, fill, watch

TENANT = "benchmark"
USED: Final = (1, 2, 3, 4, 5, 11, 12, 13, 14)
"""Seeds that constants were chosen on, or that were looked at while they were."""
HELD_OUT: Final = (21, 22, 23)
"""Seeds for figures. Who changes the watcher because of one of them takes others from then on."""
_LONGEST: Final = 4 * 3600.0
"""Seconds that one seed may take."""


async def measure(course: Course, verbose: bool) -> tuple[Outcome, dict[str, float]]:
    """Fill a store, watch it; the outcome and what it took."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="airis-watch-") as folder:
        store = RollupsOnly(folder)
        keep = RetentionSettings(logs=0, traces=0, metrics=0, sessions=0)
        await migrate(store, settings=Settings(retention=keep))
        rows = await fill(store, TENANT, course, _bar("filling", verbose))
        filled = time.monotonic()
        outcome = await watch(store, TENANT, course, _bar("watching", verbose))
        await store.close()
    return outcome, {"rows": rows, "fill_s": filled - started, "watch_s": time.monotonic() - filled}


def _bar(what: str, verbose: bool) -> Any:
    def said(part: float) -> None:
        if verbose:
            sys.stderr.write(f"\r{what} {part:6.1%} ")

    return said


def report(outcome: Outcome) -> dict[str, Any]:
    """The figures."""
    faults = []
    for fault in outcome.course.plan.faults:
        found = outcome.of(fault)
        first = found[0] if found else None
        delay = (first[0] - 15 * SECOND - fault.start) / MINUTE if first else None
        told = first[1].explanation if first else ""
        faults.append({"fault": fault.name, "found": len(found), "after_min": delay, "first": told})
    false = outcome.false()
    days = outcome.quiet_days()
    return {
        "faults": faults,
        "found": sum(1 for each in faults if each["found"]),
        "false_alarms": len(false),
        "false_alarms_a_day": len(false) / days,
        "false_episodes_a_day": episodes([at for at, _ in false]) / days,
        "quiet_days": days,
        "series": outcome.series,
        "false_by_metric": dict(Counter(each.subject.metric for _, each in false).most_common(12)),
        "false_examples": [
            f"{rfc3339(at)[:16]} {each.score:.2f} {each.explanation}" for at, each in false[:40]
        ],
    }


def episodes(times: list[int]) -> int:
    """Alarms within half an hour of each other are one to whoever is called."""
    ordered = sorted(times)
    return sum(1 for i, at in enumerate(ordered) if i == 0 or at - ordered[i - 1] > 30 * MINUTE)


def together(course: Course, seeds: Sequence[int]) -> dict[str, Any]:
    """The reports of several seeds, and their sums: ``found`` and ``false_alarms`` of ``faults`` and ``quiet_days``."""
    runs = {seed: _in_own_process(replace(course, seed=seed)) for seed in seeds}
    summed = {
        name: sum(run[name] for run in runs.values()) for name in ("found", "false_alarms", "quiet_days")
    }
    faults = sum(len(run["faults"]) for run in runs.values())
    a_day = summed["false_alarms"] / summed["quiet_days"]
    return {**summed, "of_faults": faults, "false_alarms_a_day": a_day, "split": split(seeds), "runs": runs}


def split(seeds: Sequence[int]) -> str:
    """Which of the seeds were looked at before, in words."""
    used = [seed for seed in seeds if seed in USED]
    told = (
        f"seeds {', '.join(map(str, seeds))}; constants were chosen on others ({', '.join(map(str, USED))})"
    )
    return f"seeds {', '.join(map(str, seeds))}; NOT held out: {', '.join(map(str, used))}" if used else told


def _in_own_process(course: Course) -> dict[str, Any]:
    command = [
        sys.executable,
        "-m",
        "benchmarks.watch_faults",
        "--one",
        "--json",
        "--seeds",
        str(course.seed),
    ]
    command += ["--learned", str(course.learned), "--quiet", str(course.quiet), "--rate", str(course.rate)]
    command += ["--faults", ",".join(course.faults)]
    run = subprocess.run(command, stdout=subprocess.PIPE, timeout=_LONGEST, check=True)
    found: dict[str, Any] = json.loads(run.stdout)
    return found


def _lines(found: dict[str, Any]) -> list[str]:
    """One seed's report, to be read."""
    listed = [
        f"{each['fault']:18} {each['found']:4} {each['after_min']} {each['first']}"
        for each in found["faults"]
    ]
    rest = [f"{key}: {value}" for key, value in found.items() if key not in ("faults", "false_examples")]
    return [*listed, *rest, *found["false_examples"], ""]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--learned", type=float, default=2.25)
    parser.add_argument("--quiet", type=float, default=2.0)
    parser.add_argument("--rate", type=float, default=2.0)
    parser.add_argument(
        "--seeds", default=",".join(map(str, HELD_OUT)), help="numbers with commas between them"
    )
    parser.add_argument("--faults", default=",".join(FAULTS), help="names with commas between them")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--one", action="store_true", help="the one seed given, in this process")
    return parser.parse_args()


def main() -> None:
    """Run it and print."""
    asked = _arguments()
    seeds = [int(seed) for seed in asked.seeds.split(",")]
    course = Course(
        asked.learned, asked.quiet, tuple(asked.faults.split(",")), rate=asked.rate, seed=seeds[0]
    )
    if asked.one:
        outcome, took = asyncio.run(measure(course, sys.stderr.isatty()))
        sys.stdout.write(json.dumps({"took": took, **report(outcome)}, indent=2) + "\n")
        return
    found = {"machine": machine(), **together(course, seeds)}
    if asked.json:
        sys.stdout.write(json.dumps(found, indent=2) + "\n")
        return
    runs = found.pop("runs")
    lines = [line for seed, run in runs.items() for line in [f"seed {seed}", *_lines(run)]]
    sys.stdout.write("\n".join([*lines, *(f"{key}: {value}" for key, value in found.items())]) + "\n")


if __name__ == "__main__":
    main()
