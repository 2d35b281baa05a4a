"""Every detector passes every check."""

import pytest

from airis_ray.aiops.checks import CHECKS, Make, daily
from airis_ray.aiops.detect.mixed import MixedDetector
from airis_ray.aiops.detect.novelty import NoveltyDetector
from airis_ray.aiops.detect.seasonal import SeasonalDetector
from airis_ray.aiops.detect.together import TogetherDetector
from airis_ray.aiops.protocol import Detector
from airis_ray.errors import InvalidInput

DETECTORS: tuple[type[Detector], ...] = (SeasonalDetector, MixedDetector, TogetherDetector, NoveltyDetector)


@pytest.mark.parametrize("make", DETECTORS, ids=lambda make: str(make.name))
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: str(check.__name__))
def test_generic(check: object, make: Make) -> None:
    assert callable(check)
    check(make)


@pytest.mark.parametrize("make", DETECTORS, ids=lambda make: str(make.name))
def test_what_is_no_state_is_refused(make: type[Detector]) -> None:
    for wrong in (
        b"",
        b"PK\x03\x04",
        b"{}",
        next(d for d in DETECTORS if d is not make)().fit(daily()).save(),
    ):
        with pytest.raises(InvalidInput, match="expected one"):
            make.load(wrong)


@pytest.mark.parametrize("make", DETECTORS, ids=lambda make: str(make.name))
def test_asked_too_early_or_of_other_series(make: type[Detector]) -> None:
    with pytest.raises(InvalidInput, match="call fit first"):
        make().score(daily())
    with pytest.raises(InvalidInput, match="that were fitted"):
        make().fit(daily(2)).score(daily(3))
