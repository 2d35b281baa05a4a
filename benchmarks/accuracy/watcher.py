"""The watcher as it runs: the demo's shop in an embedded store, quiet days, then its twelve faults.

``python -m benchmarks.accuracy --only watcher`` writes the section from the seeds held out;
:mod:`benchmarks.watch_faults` runs other courses and prints more. It needs no data, ten minutes of a core for each
seed, and 2 GB of disk.
"""

from __future__ import annotations

from typing import Any, Final

from benchmarks import watch_faults
from tests.support.watched import Course

COURSE: Final = Course(learned=2.25, quiet=2.0, rate=2.0)
"""The demo's own rate for a history."""
ALARMS_CEILING: Final = 3.0
MISSED: Final = 2
"""Faults of a seed that may be missed, on the mean."""


def run() -> str:
    """The section of docs/accuracy.md; raises AssertionError where a floor is missed."""
    return section(COURSE, watch_faults.together(COURSE, watch_faults.HELD_OUT))


def section(course: Course, found: dict[str, Any]) -> str:
    """What the runs found, in words."""
    runs = found["runs"]
    if (
        found["of_faults"] - found["found"] > MISSED * len(runs)
        or found["false_alarms_a_day"] > ALARMS_CEILING
    ):
        raise AssertionError(
            f"{found['found']} faults found, {found['false_alarms_a_day']:.2f} false alarms a day"
        )
    about = (
        f"The watcher's own turns over the roll-ups of an embedded store: the demo's shop at {course.rate:g}"
        f" requests/s, {found['split']}, some {next(iter(runs.values()))['series']} series,"
        f" {course.learned:g} days learned from, {course.quiet:g} quiet days, then a fault of 20 minutes every hour."
        " A fault is found where an anomaly of its service, or of a metric that it moves, is told before 35 minutes"
        " after its end; everything told at other times is a false alarm."
    )
    result = (
        f"**{found['found']} of {found['of_faults']} faults found, {found['false_alarms_a_day']:.2f} false alarms a"
        f" day** over all services ({found['false_alarms']} in {found['quiet_days']:.2f} days without a fault)."
    )
    head = ["| seed | fault | after (min) | anomalies | the first one told |", "|---|---|---|---|---|"]
    table = [_row(seed, each) for seed, run in runs.items() for each in run["faults"]]
    return "\n".join(["## Anomalies: the watcher", "", about, "", result, "", *head, *table, ""])


def _row(seed: int, fault: dict[str, Any]) -> str:
    after = "not found" if fault["after_min"] is None else f"{fault['after_min']:.0f}"
    told = fault["first"].partition(", since")[0]
    return f"| {seed} | {fault['fault']} | {after} | {fault['found']} | {told} |"
