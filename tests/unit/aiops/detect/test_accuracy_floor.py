"""A small part of the accuracy run, so that a change that makes detection worse is seen at once.

The floors are what was recorded, less what a change of library versions may move. The whole: docs/accuracy.md.
"""

import os
from pathlib import Path

import numpy as np
import pytest

from airis_ray.aiops.detect.mixed import MixedDetector
from airis_ray.aiops.series import SeriesBatch
from benchmarks.accuracy import nab, nab_scoring, tsb
from benchmarks.accuracy.vus import period, vus_pr

SHARE = 5
"""Every fifth file of at most so many bytes, packed, is measured."""
SMALL = 30_000
FLOOR = 0.60
SYNTHETIC_FLOOR = 0.75
SHORT = 2600
"""Series of NAB of fewer cells are measured."""
ALERTS_FLOOR = 80.0


def test_made_faults_are_ranked_first() -> None:
    """A season with noise; a spike, a level, a flat piece and a double pace, each in a series of its own."""
    random = np.random.default_rng(5)
    at = np.arange(3000)
    values = np.sin(2 * np.pi * at / 100)[None, :] + random.normal(scale=0.1, size=(4, 3000))
    values[0, 2000] += 3
    values[1, 2000:2060] += 1.5
    values[2, 2000:2080] = values[2, 2000]
    values[3, 2000:2100] = np.sin(2 * np.pi * at[:100] / 50) + random.normal(scale=0.1, size=100)
    truth = np.zeros((4, 3000), bool)
    for row, last in enumerate((2001, 2060, 2080, 2100)):
        truth[row, 2000:last] = True
    batch = SeriesBatch.of(values)
    score = MixedDetector().fit(batch).score(batch).score.astype(np.float64)
    figures = [vus_pr(score[row], truth[row], period(values[row])) for row in range(4)]
    assert np.mean(figures) >= SYNTHETIC_FLOOR, figures


def test_public_series_stay_above_the_recorded_floor() -> None:
    data = os.environ.get("AIRIS_TEST_DATA")
    if not data:
        pytest.skip(
            "AIRIS_TEST_DATA names no folder with tsb-ad/U: accuracy on public series is not measured"
        )
    paths = [p for p in sorted((Path(data) / "tsb-ad" / "U").glob("*.csv.gz")) if p.stat().st_size <= SMALL]
    figures = [tsb.measure("U", tsb.read_file(path)).vus for path in paths[::SHARE]]
    assert np.mean(figures) >= FLOOR, np.round(figures, 3).tolist()


def test_public_alerts_stay_above_the_recorded_floor() -> None:
    data = os.environ.get("AIRIS_TEST_DATA")
    if not data:
        pytest.skip("AIRIS_TEST_DATA names no folder with nab: accuracy of alerts is not measured")
    folder = Path(data) / "nab"
    files = [file for file in nab_scoring.read(folder) if len(file.values) < SHORT]
    standard = nab_scoring.profiles(folder)[0]
    assert nab_scoring.best(files, nab.online(files), standard).score >= ALERTS_FLOOR


@pytest.mark.parametrize(
    ("window", "digits", "theirs"),
    [
        (0, 17, 0.7530179708979764),
        (7, 17, 0.7634915594933853),
        (40, 17, 0.810931447255007),
        (40, 1, 0.7620087644383112),
    ],
)
def test_the_fast_measure_says_what_tsb_ad_says(window: int, digits: int, theirs: float) -> None:
    """Figures of ``generate_curve`` of TSB-AD 1.5 for the same input, with ties and without."""
    random = np.random.default_rng(0)
    labels = np.zeros(600, bool)
    labels[[100, 101, 102, 300]] = True
    labels[400:450] = True
    labels[590:] = True
    score = np.round(random.random(600) + 0.5 * labels, digits)
    assert vus_pr(score, labels, window) == pytest.approx(theirs, abs=1e-12)
