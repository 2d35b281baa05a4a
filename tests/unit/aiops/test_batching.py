"""Requests that are computed together get what each would get alone."""

from __future__ import annotations

import asyncio

import numpy as np

from airis_ray.aiops.batching import (
    JOINED_CELLS,
    DetectWork,
    ForecastWork,
    Threads,
    detect_all,
    detecting,
    forecast_all,
    joint_size,
)
from airis_ray.aiops.detect.tails import RATE
from airis_ray.aiops.series import SeriesBatch
from tests.unit.aiops.http import MINUTE, START, wave


def batch(*lengths: int, seed: int = 0, spike: bool = False) -> SeriesBatch:
    width = max(lengths)
    values = np.stack([wave(width, seed=seed + i) for i in range(len(lengths))])
    if spike:
        values[0, width // 2] += 30
    names = [f"{seed}-{i}" for i in range(len(lengths))]
    return SeriesBatch.of(values, names=names, starts=START, steps=MINUTE, lengths=lengths)


def same(left: object, right: object) -> bool:
    """Equal in every field; arrays by their elements."""
    names = left.__dataclass_fields__  # type: ignore[attr-defined] # only data classes are compared
    for name in names:
        one, other = getattr(left, name), getattr(right, name)
        equal = np.array_equal(one, other, equal_nan=True) if isinstance(one, np.ndarray) else one == other
        if not equal:
            return False
    return True


def test_detection_together_is_detection_alone() -> None:
    works = [
        DetectWork((batch(400, 300, spike=True), batch(90, seed=5)), RATE),
        DetectWork((batch(420, seed=9, spike=True),), RATE),
        DetectWork((batch(400, seed=20),), RATE * 100),
        DetectWork((), RATE),
    ]
    together = detect_all(works)
    alone = [detect_all([work])[0] for work in works]
    assert [len(found) for found in together] == [2, 1, 1, 0]
    assert together[0][0].anomalies
    assert together[1][0].anomalies[0].series == 0
    for ours, theirs in zip(together, alone, strict=True):
        for left, right in zip(ours, theirs, strict=True):
            assert same(left, right)


def test_forecasts_together_are_forecasts_alone_and_errors_stay_with_their_series() -> None:
    dead = SeriesBatch.of(np.full((2, 380), np.nan), names=["x", "y"], starts=START, steps=MINUTE)
    works = [
        ForecastWork((batch(400, 380),), 5, (80.0,)),
        ForecastWork((dead, batch(390, seed=7)), 5, (80.0,)),
        ForecastWork((batch(400),), 6, (80.0,)),
    ]
    together = forecast_all(works)
    alone = [forecast_all([work])[0] for work in works]
    assert [error.name for error in together[1][0].errors] == ["0", "1"]
    assert len(together[1][0].rows) == 0
    for ours, theirs in zip(together, alone, strict=True):
        for left, right in zip(ours, theirs, strict=True):
            assert left.rows.tolist() == right.rows.tolist()
            assert np.allclose(left.mean, right.mean)
            assert np.allclose(left.quantiles, right.quantiles)
            assert left.reasons == right.reasons


def test_one_work_always_fits_and_many_only_below_the_bound() -> None:
    large = DetectWork((SeriesBatch.of(np.zeros((1, JOINED_CELLS + 1))),), RATE)
    small = DetectWork((batch(100),), RATE)
    assert joint_size([large]) == JOINED_CELLS
    assert joint_size([small]) == 100
    assert joint_size([large, small]) > JOINED_CELLS


async def test_the_event_loop_goes_on_while_threads_compute() -> None:
    threads = Threads()
    detect = detecting(threads)
    running = [asyncio.ensure_future(detect(DetectWork((batch(2000, seed=i),), RATE))) for i in range(3)]
    turns = 0
    while not all(task.done() for task in running):
        await asyncio.sleep(0)
        turns += 1
    threads.close()
    assert turns > 3
    assert [len(task.result()) for task in running] == [1, 1, 1]
