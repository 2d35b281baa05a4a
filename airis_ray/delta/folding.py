"""Attributes that say the same under different names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from airis_ray.delta.attributes import Codes

_ALIKE: Final = 0.98
"""Part of the information of each of two attributes that the other must tell for both to count as one."""


def folded(codes: Sequence[Codes]) -> list[int]:
    """For each attribute the first one that carries the same information (itself, where none does).

    Two do where each is a function of the other, but for a few rows: Theil's uncertainty coefficient both ways. Which
    side a row is on plays no part in it.
    """
    entropies = [_entropy(np.bincount(each)) for each in codes]
    leaders: list[int] = []
    result: list[int] = []
    for at, own in enumerate(codes):
        same = next((one for one in leaders if _alike(codes[one], own, entropies[one], entropies[at])), at)
        if same == at:
            leaders.append(at)
        result.append(same)
    return result


def _alike(first: Codes, second: Codes, first_bits: float, second_bits: float) -> bool:
    low, high = sorted((first_bits, second_bits))
    if low <= 0 or low < _ALIKE * high:
        return False
    joint = first.astype(np.int64) * (int(second.max(initial=0)) + 1) + second
    shared = first_bits + second_bits - _entropy(np.unique(joint, return_counts=True)[1])
    return bool(shared >= _ALIKE * high)


def _entropy(counts: np.ndarray[tuple[int], np.dtype[np.int64]]) -> float:
    shares = counts[counts > 0] / max(1, counts.sum())
    return float(-(shares * np.log(shares)).sum())
