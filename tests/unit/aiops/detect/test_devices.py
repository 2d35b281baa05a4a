"""Where tensors are computed is one setting, and what it says is what is used."""

import numpy as np
import pytest
import torch

from airis_ray.aiops.batching import DetectWork, detect_all
from airis_ray.aiops.checks import daily
from airis_ray.aiops.detect.devices import device_of
from airis_ray.errors import InvalidInput
from airis_ray.settings import Settings


def test_the_setting() -> None:
    assert Settings.from_env({}).detect.device == "auto"
    assert Settings.from_env({"AIRIS_DETECT_DEVICE": "cuda:1"}).detect.device == "cuda:1"
    with pytest.raises(InvalidInput, match="AIRIS_DETECT_DEVICE='meta'"):
        Settings.from_env({"AIRIS_DETECT_DEVICE": "meta"})


def test_a_device_that_is_not_there_is_an_error() -> None:
    assert device_of("cpu") == torch.device("cpu")
    assert device_of("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")
    with pytest.raises(InvalidInput, match="AIRIS_DETECT_DEVICE=cuda:99"):
        device_of("cuda:99")
    with pytest.raises(InvalidInput, match="cuda:99"):
        detect_all([DetectWork((daily(1),), 1e-5)], "cuda:99")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no GPU that torch can use")
def test_a_gpu_says_what_the_processor_says() -> None:
    works = [DetectWork((daily(4),), 1e-5)]
    ((one,),), ((other,),) = detect_all(works, "cpu"), detect_all(works, "cuda")
    np.testing.assert_allclose(one.score, other.score, atol=1e-3)
