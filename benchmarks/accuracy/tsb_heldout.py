"""What TSB-AD's figures are worth: constants chosen on some series, scored on others.

A series is fitted once; what its courses say is kept by length of window, so that every setting is a cheap sum of it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, NamedTuple
from unittest.mock import patch

import numpy as np

from airis_ray.aiops.detect import baseline, choice, shifts, tails
from airis_ray.aiops.detect.baseline import Baseline
from airis_ray.aiops.detect.mixed import MixedDetector
from airis_ray.aiops.detect.shapes import Shapes
from airis_ray.aiops.detect.together import TogetherDetector
from airis_ray.aiops.protocol import Singles
from airis_ray.aiops.series import Floats, Ints, SeriesBatch

SPLITS: Final = 200
SEED: Final = 4


class Setting(NamedTuple):
    """Constants that a figure is for."""

    windows: tuple[int, ...]
    """which of ``lengths.SHARES`` courses are compared over"""
    weight: float
    little: float
    """WEIGHT and LITTLE of ``airis_ray.aiops.detect.choice``"""
    clear: float
    """CLEAR of ``airis_ray.aiops.detect.baseline``"""


_WINDOWS: Final = ((0, 1, 2, 3, 4), (0, 1, 2), (2, 3, 4))
_WEIGHTS: Final = ((1.5, 0.25), (1.5, 0.0), (0.75, 0.25), (3.0, 0.5))
GRID: Final = {
    "U": tuple(Setting(a, b, c, d) for a, (b, c), d in itertools.product(_WINDOWS, _WEIGHTS, (0.2, 0.4))),
    "M": tuple(Setting(a, b, c, 0.2) for a, (b, c) in itertools.product(_WINDOWS, _WEIGHTS)),
}
Parts = dict[int, Floats]


@contextmanager
def kept_by_window(batch: SeriesBatch) -> Iterator[Parts]:
    """Within it, what the courses of ``batch`` say is kept: [n, t] by the window's place in ``lengths.SHARES``."""
    parts: Parts = {}
    one = Shapes._one

    def keep(self: Shapes, asked: Any, rows: Ints, place: int, *others: Any) -> Floats:
        said = one(self, asked, rows, place, *others)
        if said.shape[1] == batch.width:
            parts.setdefault(place, np.zeros(batch.values.shape))[rows] = said
        return said

    with patch.object(Shapes, "_one", keep):
        yield parts


def scores(
    detector: MixedDetector | TogetherDetector, batch: SeriesBatch, parts: Parts, grid: tuple[Setting, ...]
) -> Iterator[Singles]:
    """The joint score of the first series by each setting; ``detector`` is fitted on ``batch`` and is changed."""
    mixed = detector if isinstance(detector, MixedDetector) else detector.each
    bases: dict[float, Baseline] = {}
    known: dict[tuple[object, ...], Singles] = {}
    for setting in grid:
        if setting.clear not in bases:
            with patch.object(baseline, "CLEAR", setting.clear):
                bases[setting.clear] = Baseline.of(batch)
        base = mixed.base = bases[setting.clear]
        with patch.object(choice, "WEIGHT", setting.weight), patch.object(choice, "LITTLE", setting.little):
            shapes = mixed.shapes
            assert shapes is not None
            weighed = choice.weights(base, shapes.lengths, shapes.deviation)
            key = (setting.windows, weighed.tobytes(), base.trust.tobytes())
            if key not in known:
                unusual = np.sum([parts[place] for place in setting.windows], axis=0)
                unusual /= 2 * len(setting.windows)
                mixed.tail, mixed._own = tails.fit(unusual, batch.inside), (batch, unusual)
                # Shifts are told but change no score: not looked for again by every setting.
                with patch.object(shifts, "found", return_value=[]):
                    known[key] = detector.score(batch).score[0]
        yield known[key]


def held_out(figures: Floats, sources: list[str]) -> str:
    """A sentence from figures [files, settings], the shipped setting's first."""
    random, halves, shipped = np.random.default_rng(SEED), [], []
    for _ in range(SPLITS):
        chosen = random.permutation(len(figures)) < len(figures) // 2
        halves.append(figures[~chosen, figures[chosen].mean(axis=0).argmax()].mean())
        shipped.append(figures[~chosen, 0].mean())
    of = np.array(sources)
    left = [
        figures[of == name, figures[of != name].mean(axis=0).argmax()].sum()
        for name in np.unique(of).tolist()
    ]
    low, high = np.quantile(halves, (0.05, 0.95))
    return (
        f"Held out: window lengths, the weights of departures and what counts as clear, chosen anew from"
        f" {figures.shape[1]} settings on a random half of the files, score {np.mean(halves):.3f} on the other half"
        f" (mean of {SPLITS} halves, seed {SEED}; 5 to 95 %: {low:.3f} to {high:.3f}; the shipped setting on the same"
        f" halves {np.mean(shipped):.3f}); chosen without a source and scored on it, source by source,"
        f" {np.sum(left) / len(figures):.3f}; the best setting for all files at once,"
        f" {figures.mean(axis=0).max():.3f}, the worst {figures.mean(axis=0).min():.3f}."
        " The methods themselves were decided on with all files in view."
    )
