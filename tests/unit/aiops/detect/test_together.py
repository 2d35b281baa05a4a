"""A service is as unusual as its most unusual metric, and the anomaly names it."""

import numpy as np

from airis_ray.aiops.checks import START, daily
from airis_ray.aiops.detect.together import TogetherDetector
from airis_ray.aiops.series import MINUTE, SeriesBatch


def test_the_metric_that_carried_it_is_named() -> None:
    values = daily(4).values.copy()
    values[1, 500:506] += 60
    values[0, 502] += 40
    values[3] = np.arange(values.shape[1]) // 300 % 2
    names = ["shop/requests", "shop/errors", "cart/requests", "cart/leader"]
    batch = SeriesBatch.of(values, names=names, starts=START, steps=10 * MINUTE)
    scores = TogetherDetector().fit(batch).score(batch)
    assert (scores.score[0] == scores.score[1]).all()
    assert {anomaly.name.partition("/")[0] for anomaly in scores.anomalies} == {"shop"}
    worst = max(scores.anomalies, key=lambda anomaly: anomaly.severity)
    assert worst.metric in ("errors", "requests")
    assert worst.first <= 502 <= worst.last
    assert "With it: " in worst.sentence


def test_a_flag_carries_nothing_where_others_are_measured() -> None:
    values = daily(2).values.copy()
    values[1] = 0.0
    values[1, 700] = 1.0
    names = ["shop/requests", "shop/leader"]
    batch = SeriesBatch.of(values, names=names, starts=START, steps=10 * MINUTE)
    assert not TogetherDetector().fit(batch).score(batch).anomalies
