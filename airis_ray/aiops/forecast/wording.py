"""Why a forecast is as it is, in a sentence."""

from __future__ import annotations

import re
from typing import Final

import numpy as np

from airis_ray.aiops.forecast.choose import Mixture
from airis_ray.aiops.forecast.history import Histories
from airis_ray.aiops.series import DAY, HOUR, MINUTE, SECOND, WEEK

UNITS: Final = ((WEEK, "week"), (DAY, "day"), (HOUR, "hour"), (MINUTE, "minute"), (SECOND, "second"))


def reason(mixture: Mixture, histories: Histories, row: int) -> str:
    """Seasons, the two largest kinds of members, and the error against the plain repeat."""
    lengths = histories.periods[row][histories.sure[row]] * histories.steps[row]
    seasons = " and ".join(_length(int(length)) for length in lengths)
    kinds: dict[str, float] = {}
    for name, share in zip(mixture.names, mixture.shares[row], strict=True):
        kind = re.sub(r" \(.*", "", name)
        kinds[kind] = kinds.get(kind, 0.0) + float(share)
    largest = sorted(kinds.items(), key=lambda item: -item[1])[:2]
    mixed = ", ".join(f"{kind} {share:.0%}" for kind, share in largest if share >= 0.05)
    first = f"repeats every {seasons}" if seasons else "no season found"
    trials = int(np.isfinite(mixture.residuals[row]).any(axis=1).sum())
    against = "the repeat of the last season" if seasons else "the last value"
    return f"{first}; {mixed}; in {trials} trials its error was {mixture.gain[row]:.2f} of that of {against}"


def _length(nanoseconds: int) -> str:
    for unit, name in UNITS:
        if nanoseconds % unit == 0:
            count = nanoseconds // unit
            return name if count == 1 else f"{count} {name}s"
    return f"{nanoseconds} ns"
