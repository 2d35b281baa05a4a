"""What every detector here does in the same way."""

from __future__ import annotations

from dataclasses import replace
from typing import Final, TypeVar

import numpy as np

from airis_ray.aiops.detect import tails
from airis_ray.aiops.detect.baseline import Expectation
from airis_ray.aiops.detect.counts import Judged
from airis_ray.aiops.protocol import Anomaly, Choice, Scores, Singles
from airis_ray.aiops.series import Floats, Ints, SeriesBatch
from airis_ray.errors import InvalidInput

BAND: Final = 3.0
"""Deviations to either side that the band spans: 99.7 % of a normal distribution."""
_LARGEST: Final = 3e38

_T = TypeVar("_T")


def fitted(state: _T | None) -> _T:
    """What was learned. Raises InvalidInput before the first ``fit``."""
    if state is None:
        raise InvalidInput("this detector has learned nothing yet: call fit first")
    return state


def check_rows(names: tuple[str, ...], batch: SeriesBatch) -> None:
    """Raises InvalidInput unless the batch holds the series fitted, in their order."""
    if names != batch.names:
        raise InvalidInput(
            f"{len(batch)} series; expected the {len(names)} that were fitted, in the same order"
        )


def assembled(
    batch: SeriesBatch,
    found: Expectation,
    score: Singles,
    choices: tuple[Choice, ...],
    anomalies: tuple[Anomaly, ...],
    rate: float = tails.RATE,
) -> Scores:
    """Scores with the band around what was expected."""
    reach = BAND * found.deviation
    inside = batch.inside
    expected, low, high = (
        single(np.where(inside, part, np.nan))
        for part in (found.expected, found.expected - reach, found.expected + reach)
    )
    return Scores(score, expected, low, high, tails.threshold(rate), rate, choices, anomalies)


def single(values: Floats) -> Singles:
    """In single precision, what is too large for it as large as it goes."""
    held: Singles = np.clip(values, -_LARGEST, _LARGEST).astype(np.float32)
    return held


def counted(
    rows: Ints, judged: Judged, improbable: Floats, found: Expectation, batch: SeriesBatch
) -> tuple[Floats, Expectation, Expectation, SeriesBatch]:
    """With the rows that are counts put in: the chances, the expectation of each cell, and what is told of anomalies,
    the expectation and the values, which are means of the windows."""
    improbable, values = improbable.copy(), batch.values.copy()
    improbable[rows], values[rows] = judged.improbable, judged.value
    cells, windows = (
        Expectation(found.expected.copy(), found.deviation.copy(), found.departure.copy()) for _ in range(2)
    )
    for each, expected in ((cells, judged.expected), (windows, judged.usual)):
        each.expected[rows], each.deviation[rows], each.departure[rows] = (
            expected,
            judged.deviation,
            judged.departure,
        )
    return improbable, cells, windows, replace(batch, values=values)
