"""A small part of the benchmark: accuracy must not fall below what was recorded (docs/accuracy.md has all of it)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from benchmarks.accuracy import forecast as accuracy
from benchmarks.accuracy import forecast_data

DATA = os.environ.get("AIRIS_TEST_DATA")
FLOORS = {"l2c/H/short": (0.49, 0.48), "l2c/H/medium": (0.36, 0.29)}
"""MASE and weighted quantile loss relative to the seasonal naive, some way above the recorded figures."""


@pytest.mark.skipif(
    DATA is None, reason="public data is not part of the repository; AIRIS_TEST_DATA names its folder"
)
def test_accuracy_is_not_below_the_recorded_floor() -> None:
    rows = {
        configuration.name: accuracy.measure(configuration)
        for configuration in forecast_data.configurations(Path(str(DATA)))
        if configuration.name in FLOORS
    }
    assert rows.keys() == FLOORS.keys()
    for name, (mase, loss) in FLOORS.items():
        assert rows[name].mase <= mase
        assert rows[name].loss <= loss
        assert 0.75 <= rows[name].inside80 <= 0.90
        assert rows[name].inside95 >= 0.93
        published = forecast_data.PUBLISHED[name]["seasonal naive"]
        assert (rows[name].naive_mase, rows[name].naive_loss) == pytest.approx(published, rel=1e-4)
