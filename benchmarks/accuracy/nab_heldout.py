"""What NAB's figure is worth: constants and threshold chosen on some files, scored on others.

The score at a threshold is a sum over files, so the whole grid is run once and the choices are sums over parts of it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Final
from unittest.mock import patch

import numpy as np

from airis_ray.aiops.detect import novelty, ranks
from airis_ray.aiops.series import Bools, Floats, Ints
from benchmarks.accuracy import nab_scoring as nab

RANKS: Final = (*itertools.product((3.5, 4.5), (0.25,), (1.0, 1.5, 2.0)), (4.5, 0.0, 1.5))
"""COUNTED, GROWTH, POWER of ``airis_ray.aiops.detect.ranks``."""
SILENCES: Final = ((60, 3.0), (120, 2.0), (120, 3.0), (120, 4.0), (180, 3.0))
"""SILENCE and LEAST of ``airis_ray.aiops.detect.novelty``."""
THRESHOLDS: Final = (2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 13.0, 16.0, 20.0)
"""Strengths from which an alert counts."""
SPLITS: Final = 200
SEED: Final = 4


def held_out(files: list[nab.File], values: Floats, profile: nab.Profile) -> str:
    """A sentence with the figures: of the other half of the files, and of the folder that was left out."""
    gains = _gains(files, values, profile)
    most = np.array([len(file.windows) * (profile.hit + profile.miss) for file in files])
    random, halves = np.random.default_rng(SEED), []
    for _ in range(SPLITS):
        chosen = random.permutation(len(files)) < len(files) // 2
        halves.append(100 * gains[~chosen, _best(gains, chosen)].sum() / most[~chosen].sum())
    folders = np.array([file.name.split("/")[0] for file in files])
    left = sum(gains[folders == name, _best(gains, folders != name)].sum() for name in np.unique(folders))
    low, high = np.quantile(halves, (0.05, 0.95))
    return (
        f"Held out, {profile.name}: the rank constants, silence, least strength and threshold chosen anew from"
        f" {gains.shape[1]:,} settings on a random half of the files score {np.mean(halves):.1f} on the other half"
        f" (mean of {SPLITS} halves, seed {SEED}; 5 to 95 %: {low:.1f} to {high:.1f}); chosen without a folder and"
        f" scored on it, folder by folder, {100 * left / most.sum():.1f}; the best setting of this grid for all files"
        f" at once, {100 * gains.sum(axis=0).max() / most.sum():.1f}. Which measures there are was decided with all"
        " files in view."
    )


def _best(gains: Floats, chosen: Bools) -> int:
    return int(gains[chosen].sum(axis=0).argmax())


def _gains(files: list[nab.File], values: Floats, profile: nab.Profile) -> Floats:
    """[files, settings]: what each setting gains on each file over no alerts at all, not yet scaled."""
    worths = [nab.worth(file, profile) for file in files]
    found = [
        [
            _gain(file, profile.miss, *worth, row)
            for file, worth, row in zip(files, worths, alerts, strict=True)
        ]
        for alerts in _alerts(values)
    ]
    return np.concatenate([np.array(part) for part in found], axis=1)


def _alerts(values: Floats) -> Iterator[Floats]:
    n = len(values)
    zeros, ones = np.zeros(n, np.int64), np.ones(n, np.int64)
    for counted, growth, power in RANKS:
        with ExitStack() as stack:
            for name, value in (("COUNTED", counted), ("GROWTH", growth), ("POWER", power)):
                stack.enter_context(patch.object(ranks, name, value))
            strength = novelty.Past.empty(zeros, ones).strengths(values)
        for silence, least in SILENCES:
            with patch.object(novelty, "SILENCE", silence), patch.object(novelty, "LEAST", least):
                yield novelty.Past.empty(zeros, ones).silenced(strength, 0)


def _gain(file: nab.File, miss: float, worth: Floats, window: Ints, alerts: Floats) -> list[float]:
    """At each threshold: every false alert, and of each window found its best alert and what a miss would cost."""
    at = np.flatnonzero(alerts[: len(file.values)])
    at = at[at >= file.probation]
    found = []
    for threshold in THRESHOLDS:
        told = at[alerts[at] >= threshold]
        value, inside = worth[told], window[told]
        hits = [value[inside == number].max() + miss for number in np.unique(inside[inside >= 0])]
        found.append(float(value[inside < 0].sum() + np.sum(hits)))
    return found
