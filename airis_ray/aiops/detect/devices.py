"""Where tensors are computed: one setting (``AIRIS_DETECT_DEVICE``) for everything that uses torch."""

from __future__ import annotations

import torch

from airis_ray.errors import InvalidInput


def device_of(name: str) -> torch.device:
    """``cpu``, ``cuda``, ``cuda:1``; ``auto`` is the first GPU, where there is one.

    Raises InvalidInput for a GPU that is not there.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    device = torch.device(name)
    there = torch.cuda.device_count() if device.type == "cuda" else 1
    if (device.index or 0) >= there:
        raise InvalidInput(f"AIRIS_DETECT_DEVICE={name}: this machine has {there} GPUs that torch can use")
    return device
