"""The watcher as it runs: the demo's shop in an embedded store, quiet days, then its twelve faults.

``python -m benchmarks.accuracy --only watcher`` writes the section; :mod:`benchmarks.watch_faults` runs other courses
and prints more. It needs no data, an hour of one core, and 2 GB of disk.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from benchmarks import watch_faults
from tests.support.watched import Course, Outcome

SEED: Final = 5
"""Constants were chosen on seeds 1 and 2."""
COURSE: Final = Course(learned=2.25, quiet=2.0, rate=2.0, seed=SEED)
"""The demo's own rate for a history."""
ALARMS_CEILING: Final = 3.0
FOUND_FLOOR: Final = 10


def run() -> str:
    """The section of docs/accuracy.md; raises AssertionError where a floor is missed."""
    outcome, _ = asyncio.run(watch_faults.measure(COURSE, verbose=False))
    return section(outcome)


def section(outcome: Outcome) -> str:
    """What a run found, in words."""
    found = watch_faults.report(outcome)
    faults = found["faults"]
    if found["found"] < FOUND_FLOOR or found["false_alarms_a_day"] > ALARMS_CEILING:
        raise AssertionError(f"{found['found']} faults found, {found['false_alarms_a_day']:.2f} false alarms")
    course = outcome.course
    about = (
        f"The watcher's own turns over the roll-ups of an embedded store: the demo's shop at {course.rate:g}"
        f" requests/s, seed {course.seed} (constants were chosen on seeds 1 and 2), {outcome.series} series,"
        f" {course.learned:g} days learned from, {course.quiet:g} quiet days, then a fault of 20 minutes every hour."
        " A fault is found where an anomaly of its service, or of a metric that it moves, is told before 35 minutes"
        " after its end; everything told at other times is a false alarm."
    )
    result = (
        f"**{found['found']} of {len(faults)} faults found, {found['false_alarms_a_day']:.2f} false alarms a day**"
        f" over all services ({found['false_alarms']} in {found['quiet_days']:.2f} days without a fault)."
    )
    head = ["| fault | after (min) | anomalies | the first one told |", "|---|---|---|---|"]
    table = [*head, *map(_row, faults)]
    return "\n".join(["## Anomalies: the watcher", "", about, "", result, "", *table, ""])


def _row(fault: dict[str, Any]) -> str:
    after = "not found" if fault["after_min"] is None else f"{fault['after_min']:.0f}"
    told = fault["first"].partition(", since")[0]
    return f"| {fault['fault']} | {after} | {fault['found']} | {told} |"
