"""A model serves once it passes what every detector passes; what it fails is named."""

from __future__ import annotations

from itertools import count

import numpy as np
import pytest

from airis_ray.aiops.checks import CHECKS, spike_found
from airis_ray.aiops.custom.admission import Wanted, examine, failures
from airis_ray.aiops.custom.process import ModelProcess
from airis_ray.aiops.custom.registry import Registry
from airis_ray.errors import TooLarge, Unprocessable
from airis_ray.settings import ModelSettings
from tests.support.graphs import WIDTH, indifferent
from tests.unit.aiops.custom.made import SETTINGS, card

REGISTRY = Registry("memory://admission", most=10)


def wanted(artefact: bytes) -> Wanted:
    return Wanted("tenant", "waves", None, WIDTH, "reconstruction", artefact, "key")


def test_a_model_that_finds_nothing_does_not_serve() -> None:
    model = ModelProcess(card(indifferent(), output="unusual"), indifferent(), SETTINGS)
    try:
        (failed,) = failures(model, 60.0, [spike_found])
    finally:
        model.close()
    assert failed.pointer == "/checks/spike_found"
    assert failed.detail == "a spike of 40 deviations is not found"


def test_checks_have_an_end() -> None:
    class Nothing:
        id, width = "nothing@1", WIDTH

        def score(self, windows: np.ndarray) -> np.ndarray:
            raise Unprocessable("the model nothing@1 ended")

    ticks = count(0, 10)
    found = failures(Nothing(), 25.0, CHECKS, lambda: float(next(ticks)))
    assert [error.detail for error in found][:2] == ["the model nothing@1 ended"] * 2
    assert {error.detail for error in found[2:]} == {"no time was left: all checks together may take 25 s"}
    assert len(found) == len(CHECKS)


def test_what_is_too_large_is_not_even_opened() -> None:
    with pytest.raises(TooLarge, match="at most 1000"):
        examine(wanted(bytes(1001)), REGISTRY, ModelSettings(max_bytes=1000), 0)
    with pytest.raises(Unprocessable, match="cannot be loaded"):
        examine(wanted(bytes(1001)), REGISTRY, SETTINGS, 0)
