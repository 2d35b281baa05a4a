"""Alerts come from the past alone, once for each event."""

import numpy as np

from airis_ray.aiops.checks import daily
from airis_ray.aiops.detect.novelty import SILENCE, NoveltyDetector


def test_one_point_at_a_time_says_what_all_at_once_says() -> None:
    batch = daily(2)
    values = batch.values.copy()
    values[1, 500:520] += 40
    whole = type(batch).of(values, names=batch.names, starts=batch.starts, steps=batch.steps)
    first = 430
    once = NoveltyDetector().fit(whole.cut(0, first)).update(whole.cut(first, 620)).score
    stepwise = NoveltyDetector().fit(whole.cut(0, first))
    parts = [stepwise.update(whole.cut(at, at + 1)).score for at in range(first, 620)]
    np.testing.assert_allclose(np.concatenate(parts, axis=1), once, atol=1e-4)


def test_an_event_is_told_once() -> None:
    batch = daily(1)
    values = batch.values.copy()
    values[0, 500:540] += 40
    whole = type(batch).of(values, names=batch.names, starts=batch.starts, steps=batch.steps)
    score = NoveltyDetector().fit(whole.cut(0, 450)).update(whole.cut(450, 540)).score[0]
    assert np.flatnonzero(score > 0.5).tolist()[0] == 50
    assert (score > 0.5).sum() <= 2
    assert SILENCE > 40
