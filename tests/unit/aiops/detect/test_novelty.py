"""Alerts come from the past alone, once for each event."""

import numpy as np
import pytest

from airis_ray.aiops.checks import daily
from airis_ray.aiops.detect import ranks, signs, state
from airis_ray.aiops.detect.novelty import SILENCE, NoveltyDetector
from airis_ray.errors import InvalidInput


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


def test_ranks_do_not_depend_on_the_unit_and_a_record_counts_more_the_higher_it_is() -> None:
    past = np.random.default_rng(1).random((2, signs.COUNT, 60))
    top = ranks.leaders(past)
    assert (np.diff(top, axis=2) <= 0).all()
    asked = np.stack([past.max(axis=2) * factor for factor in (0.2, 1.0, 2.0, 8.0)], axis=2)
    weight = ranks.weight(asked, top, 60)
    np.testing.assert_allclose(ranks.weight(7 * asked, 7 * top, 60), weight, rtol=1e-9)
    assert (np.diff(weight, axis=1) > 0).all()


def test_measures_need_no_more_of_the_past_than_they_say() -> None:
    values = np.random.default_rng(2).normal(size=(2, 900))
    little = np.full(2, 0.01)
    kinds = slice(0, signs.KINDS[4][1])
    whole = signs.measures(values, 20, 0, 1, little)[:, kinds]
    short = signs.measures(values[:, -signs.REACH - 20 :], 20, 400, 1, little)[:, kinds]
    np.testing.assert_allclose(short, whole, rtol=1e-6)


def test_a_state_of_the_detector_before_is_refused() -> None:
    earlier = state.pack("novelty", {"past_values": np.zeros((1, 3))})
    with pytest.raises(InvalidInput, match=r"earlier novelty detector, without .*past_largest"):
        NoveltyDetector.load(earlier)
