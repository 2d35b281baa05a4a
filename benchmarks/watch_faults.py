"""Which of the demo's faults the watcher finds, how soon, and what it tells while nothing is wrong.

``python -m benchmarks.watch_faults [--learned DAYS] [--quiet DAYS] [--rate R] [--seed N] [--faults A,B] [--json]``

The shop's telemetry goes into an embedded store in this process; the watcher runs through it with a clock of its own.
Each fault lasts 20 minutes, one every hour. Found is a fault where an anomaly of its service (of a node: of a metric
that it moves) is told before 35 minutes after its end. What is told at other times is a false alarm.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections import Counter
from typing import Any

from airis_ray.aiops.series import MINUTE, SECOND
from airis_ray.demo.faults import rfc3339
from airis_ray.demo.world.faults import FAULTS
from airis_ray.settings import RetentionSettings, Settings
from airis_ray.store.migrate import migrate
from benchmarks.report import machine
from tests.support.watched import Course, Outcome, RollupsOnly, fill, watch

TENANT = "benchmark"


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


def main() -> None:
    """Run it and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--learned", type=float, default=2.0)
    parser.add_argument("--quiet", type=float, default=1.0)
    parser.add_argument("--rate", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--faults", default=",".join(FAULTS), help="names with commas between them")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    faults = tuple(asked.faults.split(","))
    course = Course(asked.learned, asked.quiet, faults, rate=asked.rate, seed=asked.seed)
    outcome, took = asyncio.run(measure(course, sys.stderr.isatty()))
    found = report(outcome)
    if asked.json:
        sys.stdout.write(json.dumps({"machine": machine(), "took": took, **found}, indent=2) + "\n")
        return
    lines = [*(f"{key}: {value}" for key, value in {**machine(), **took}.items()), ""]
    lines += [
        f"{each['fault']:18} {each['found']:4} {each['after_min']} {each['first']}"
        for each in found["faults"]
    ]
    lines += [f"{key}: {value}" for key, value in found.items() if key not in ("faults", "false_examples")]
    sys.stdout.write("\n".join([*lines, *found["false_examples"]]) + "\n")


if __name__ == "__main__":
    main()
