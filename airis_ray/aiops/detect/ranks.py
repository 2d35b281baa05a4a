"""How rare a measure is among its own past: ranks among the largest of each stretch, comparable between all series.

A rank does not depend on the unit, the distribution or the length of a series: the largest of what has been comes up
as often in a year of minutes as in a day of seconds, seen over the whole of it.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from airis_ray.aiops.detect import signs
from airis_ray.aiops.series import Floats

STRETCH: Final = 50
"""Cells of which the largest is remembered."""
REMEMBERED: Final = 512
"""Stretches, at most."""
TOP: Final = 48
"""Of which so many count."""
COUNTED: Final = 4.5
"""Powers of two of the rank from which on a measure counts at all, with a past of 40 stretches."""
GROWTH: Final = 0.25
"""And by how much this grows as the past doubles."""
LARGEST: Final = 20.0
"""What a single measure weighs at most."""
POWER: Final = 1.5
"""Kinds of measures are added by this norm: several at once weigh more than one alone, but not their whole sum."""
_SAME: Final = 1e-6
"""Relative difference that is rounding."""


def leaders(largest: Floats) -> Floats:
    """[n, measures, TOP] in falling order of the remembered [n, measures, stretches], missing ones 0."""
    n, kinds, count = largest.shape
    found = np.zeros((n, kinds, TOP))
    kept = min(count, TOP)
    if count > TOP:
        largest = np.partition(largest, count - TOP, axis=2)[:, :, count - TOP :]
    found[:, :, :kept] = np.sort(largest, axis=2)[:, :, ::-1]
    return found


def weight(measured: Floats, top: Floats, stretches: int) -> Floats:
    """[n, m]: how new the cells are as a whole, from measures [n, measures, m] and their ``leaders``.

    A measure weighs 0 at a rank of about 2**COUNTED, COUNTED above all before, and one more for each doubling.
    """
    low = measured * (1 - _SAME) - 1e-12
    rank = (top[:, :, None, :] >= low[:, :, :, None]).sum(axis=3)
    over = np.take_along_axis(top, np.maximum(rank - 1, 0), axis=2)
    under = np.where(rank < TOP, np.take_along_axis(top, np.minimum(rank, TOP - 1), axis=2), 0.0)
    between = np.clip((measured - under) / np.maximum(over - under, 1e-12), 0.0, 1.0)
    behind = -np.log2(1.0 + rank) + (between - 1.0) * np.log2((2.0 + rank) / (1.0 + rank))
    ahead = np.log2(np.maximum(measured, 1e-9) / np.maximum(top[:, :, :1], 1e-9))
    counted = COUNTED + GROWTH * np.log2(max(stretches, 2) / 40)
    single = np.clip(np.where(rank > 0, behind, ahead) + counted, 0.0, LARGEST)
    kinds = [single[:, first:last].mean(axis=1) for first, last in signs.KINDS]
    found: Floats = sum((kind**POWER for kind in kinds), np.zeros(measured[:, 0].shape)) ** (1 / POWER)
    return found
