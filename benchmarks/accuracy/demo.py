"""The demo shop: faults found, false alarms of a quiet week, beside the formulas of SigNoz and Netdata.

``python -m benchmarks.accuracy.demo`` prints the section of docs/accuracy.md. It needs no data.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import numpy as np

from airis_ray.aiops.detect.choice import COUNTS
from airis_ray.aiops.detect.seasonal import SeasonalDetector
from airis_ray.aiops.protocol import Anomaly, Scores
from airis_ray.aiops.series import MINUTE, SECOND, Bools, Floats, Ints, SeriesBatch
from airis_ray.aiops.watch.tracking import SURE_OF_COUNTS
from airis_ray.demo.engine import World
from airis_ray.demo.failures import SOFT
from airis_ray.demo.faults import Fault
from airis_ray.demo.model import CONSUMER, SERVER
from airis_ray.demo.plan import Plan
from airis_ray.demo.world.services import SERVICES
from benchmarks.accuracy.peers import netdata, signoz

SEED: Final = 11
START: Final = int(datetime(2026, 10, 25, 15, tzinfo=UTC).timestamp()) * SECOND
"""Sunday to Monday, midnight in Korea."""
DAYS: Final = 7
"""Of history, and as many quiet ones after it."""
RATE: Final = 0.5
"""Requests/s at the frontend."""
STEP: Final = 5 * MINUTE
ENOUGH: Final = 5
"""Requests of a cell below which its median duration is missing, as in the watcher."""
LASTS: Final = 3
SEVERE: Final = 0.9
"""An anomaly is told once it has lasted so many cells, or at once where it is so severe: as in the watcher."""
FAULT_HOURS: Final = 2
FAULTS: Final = (
    "bad-deploy",
    "slow-db",
    "payment-declined",
    "cpu-saturation",
    "traffic-spike",
    "dns-failure",
)
"""Those that must be seen in requests, errors or durations."""
AT: Final = (DAYS + 1) * 24 + 11
"""Hours after the start: eleven in the morning of the second quiet day."""
ALARMS_FLOOR: Final = 3.0
"""A day, over all services."""


@dataclass(frozen=True)
class Shop:
    """Requests, failures and median duration of each service, [series, t]."""

    names: list[str]
    values: Floats

    def batch(self, first: int, last: int) -> SeriesBatch:
        """Cells ``[first, last)``."""
        return SeriesBatch.of(
            self.values[:, first:last], names=self.names, starts=START + first * STEP, steps=STEP
        )


def shop(days: int, faults: tuple[Fault, ...] = ()) -> Shop:
    """Simulate; requests are counted where they were served, nothing is encoded."""
    world = World(Plan.history(SEED, START, days * 86_400, RATE, faults))
    cells = days * 86_400 * SECOND // STEP
    size = len(SERVICES) * cells
    served: list[tuple[Ints, Bools, Floats]] = []
    for start, end in world.blocks():
        for spans in world.simulation.run(world.traffic.draw(start, end), start):
            if spans.kind.kind not in (SERVER, CONSUMER):
                continue  # no requests, as in the watcher
            cell: Ints = (spans.start - START) // STEP
            good = cell < cells
            failed = (spans.failure > 0) & ~SOFT[spans.failure]  # as spans have the status Error
            at = spans.kind.service * cells + cell[good]
            served.append((at, failed[good], (spans.end - spans.start)[good] / SECOND))
    at, failed, seconds = (np.concatenate(column) for column in zip(*served, strict=True))
    count = np.bincount(at, minlength=size)
    errors = np.bincount(at, weights=failed, minlength=size)
    middle = np.cumsum(count) - count + count // 2
    ordered = np.append(seconds[np.lexsort((seconds, at))], np.nan)
    median = np.where(count >= ENOUGH, ordered[middle], np.nan)
    names = [f"{service.name}/{kind}" for kind in ("requests", "errors", "duration") for service in SERVICES]
    return Shop(
        names, np.concatenate([part.reshape(len(SERVICES), cells) for part in (count, errors, median)])
    )


def ours(known: Shop, first: int) -> list[tuple[int, int]]:
    """Series and first cell of each anomaly from cell ``first`` on, an hour of points at a time."""
    detector = SeasonalDetector().fit(known.batch(0, first))
    hour = 12
    found = []
    for at in range(first, known.values.shape[1], hour):
        scores = detector.update(known.batch(at, at + hour))
        found += [(one.series, at + one.first) for one in scores.anomalies if _told(one, scores)]
    return found


def _told(one: Anomaly, scores: Scores) -> bool:
    sure = SURE_OF_COUNTS if scores.choices[one.series].model == COUNTS else SEVERE
    fewer_errors = "/errors" in one.name and one.value < one.expected
    return not fewer_errors and (one.last - one.first + 1 >= LASTS or one.severity >= sure)


Method = Callable[[Shop, int], list[tuple[int, int]]]


def _seen(methods: dict[str, Method], first: int) -> dict[str, list[str]]:
    """The faults within whose two hours each method finds something."""
    seen: dict[str, list[str]] = {name: [] for name in methods}
    for fault in FAULTS:
        begin = START + AT * 3600 * SECOND
        ill = shop(DAYS + 2, (Fault(fault, begin, begin + FAULT_HOURS * 3600 * SECOND),))
        low = AT * 12
        for name, method in methods.items():
            inside = [1 for _, cell in method(ill, first) if low <= cell < low + FAULT_HOURS * 12]
            seen[name] += [fault] if inside else []
    return seen


def run() -> str:
    """The section of docs/accuracy.md; raises AssertionError where a floor is missed."""
    first = DAYS * 86_400 * SECOND // STEP
    quiet = shop(2 * DAYS)
    methods: dict[str, Method] = {
        "**ours (seasonal)**": ours,
        "SigNoz's formula, |z| > 3": signoz,
        "Netdata's formula, 18 of 18": netdata,
    }
    alarms = {name: len(_events(method(quiet, first))) / DAYS for name, method in methods.items()}
    seen = _seen(methods, first)
    lines = [
        "## Anomalies: the demo",
        "",
        f"Requests, errors and median durations (of {ENOUGH} requests or more) of {len(SERVICES)} services,"
        f" {STEP // MINUTE} minutes a cell, seed {SEED}, {RATE} requests/s, {DAYS} days of history; then {DAYS} quiet"
        f" days, and apart from them {len(FAULTS)} faults of {FAULT_HOURS} h. False alarms: starts of anomalies in the"
        " quiet days, those within an hour of each other, over all series, as one. Ours are told as the watcher tells"
        f" them: after {LASTS} cells, or at once from severity {SEVERE} ({SURE_OF_COUNTS} for counts) on, and never"
        " fewer errors; the peers' as their formulas give them.",
        "",
        "| method | faults found | false alarms a day |",
        "|---|---|---|",
        *(
            f"| {name} | {len(seen[name])} of {len(FAULTS)} ({', '.join(seen[name])}) | {alarms[name]:.2f} |"
            for name in methods
        ),
        "",
    ]
    if alarms["**ours (seasonal)**"] > ALARMS_FLOOR:
        raise AssertionError(f"{alarms} false alarms a day; at most {ALARMS_FLOOR}")
    return "\n".join(lines)


def _events(found: list[tuple[int, int]]) -> list[int]:
    """Starts no more than an hour apart are one event."""
    cells = sorted({cell for _, cell in found})
    return [cell for cell, before in zip(cells, [-100, *cells], strict=False) if cell - before > 12]


if __name__ == "__main__":
    print(run())
