"""What judging the metrics of a service together adds: shifts too small for any metric by itself.

``python -m benchmarks.watch_together [--services 60] [--shifts 3,4,5,6] [--of 3] [--json]``

Made-up services of eight gauges with a daily course and noise, half of it shared; learned from 2.25 days, watched a
quiet day (what is told then is a false alarm), then some of the metrics shift up for ten minutes.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np

from airis_ray.aiops.detect.seasonal import SeasonalDetector
from airis_ray.aiops.protocol import Scores
from airis_ray.aiops.series import DAY, MINUTE, Floats, SeriesBatch
from airis_ray.aiops.watch.findings import Subject
from airis_ray.aiops.watch.together import Alone, Together
from airis_ray.aiops.watch.tracking import AT_THRESHOLD, Rules, Track, follow, tracks_of
from benchmarks.report import machine

METRICS = 8
LEARNED, QUIET, SHIFTED = 3240, 1440, 10
START = 20_700 * DAY
RULES = Rules(MINUTE)
SHARED = 0.5
"""Of the variance of a metric's noise."""


@dataclass
class Told:
    """Services told of, by a metric by itself and together."""

    alone: set[str]
    together: set[str]


def made(services: int, shift: float, of: int, seed: int) -> Floats:
    """[services · METRICS, t]; the last cells of the first ``of`` metrics are ``shift`` deviations up."""
    rng = np.random.default_rng(seed)
    cells = LEARNED + QUIET + SHIFTED
    common = rng.normal(size=(services, 1, cells)) * np.sqrt(SHARED)
    noise = common + rng.normal(size=(services, METRICS, cells)) * np.sqrt(1 - SHARED)
    course = 3 * np.sin(2 * np.pi * np.arange(cells) / 1440)
    noise[:, :of, -SHIFTED:] += shift
    values: Floats = (50.5 + course + noise).reshape(services * METRICS, cells)
    return values


def watched(values: Floats, subjects: list[Subject]) -> tuple[Told, Told]:
    """What was told in the quiet day, and of the shift."""
    names = [subject.name for subject in subjects]
    detector = SeasonalDetector().fit(_batch(values, names, 0, LEARNED))
    together, tracks = Together("t"), dict[int, Track]()
    members = together.members(subjects)
    together.judge(START + LEARNED * MINUTE, RULES, {}, [])
    quiet, shifted = Told(set(), set()), Told(set(), set())
    turns = [*range(LEARNED, LEARNED + QUIET, 60), *range(LEARNED + QUIET, LEARNED + QUIET + SHIFTED)]
    for first, last in zip(turns, [*turns[1:], values.shape[1]], strict=True):
        scores = detector.update(_batch(values, names, first, last))
        told = quiet if first < LEARNED + QUIET else shifted
        alone = _alone(scores, tracks, subjects, START + last * MINUTE)
        told.alone |= {each.service for each in alone}
        together.take(members, scores, START + first * MINUTE, MINUTE)
        found = together.judge(START + last * MINUTE, RULES, {}, alone)
        told.together |= {each.subject.service for each in found}
    return quiet, shifted


def _batch(values: Floats, names: list[str], first: int, last: int) -> SeriesBatch:
    return SeriesBatch.of(values[:, first:last], names=names, starts=START + first * MINUTE, steps=MINUTE)


def _alone(scores: Scores, tracks: dict[int, Track], subjects: list[Subject], upto: int) -> list[Alone]:
    """What single series are told of in a turn, as a group tells it."""
    by_row = tracks_of(scores, MINUTE)
    told: list[Alone] = []
    for row in sorted({*by_row, *tracks}):
        found = by_row.get(row, [])
        written, going = follow(tracks.pop(row, None), found, RULES, threshold=AT_THRESHOLD, upto=upto)
        if going is not None:
            tracks[row] = going
        told += [Alone(subjects[row].service, each.start, each.end) for each in written]
    return told


def measure(services: int, shift: float, of: int, seed: int = 1) -> dict[str, Any]:
    """Shares of the services whose shift is told, and false alarms a service and day."""
    subjects = [
        Subject(f"service-{s}", "metrics", f"metric.{m}") for s in range(services) for m in range(METRICS)
    ]
    quiet, shifted = watched(made(services, shift, of, seed), subjects)
    return {
        "shift": shift,
        "alone": len(shifted.alone) / services,
        "alone or together": len(shifted.alone | shifted.together) / services,
        "false a service and day, alone": len(quiet.alone) / services,
        "false a service and day, together": len(quiet.together) / services,
    }


def main() -> None:
    """Run it and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--services", type=int, default=60)
    parser.add_argument("--shifts", default="3,4,5,6")
    parser.add_argument("--of", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    found = [measure(asked.services, float(shift), asked.of) for shift in asked.shifts.split(",")]
    if asked.json:
        sys.stdout.write(json.dumps({"machine": machine(), "of": asked.of, "shifts": found}, indent=2) + "\n")
        return
    lines = [", ".join(f"{key}: {value:.3g}" for key, value in each.items()) for each in found]
    sys.stdout.write("\n".join([*(f"{key}: {value}" for key, value in machine().items()), *lines]) + "\n")


if __name__ == "__main__":
    main()
