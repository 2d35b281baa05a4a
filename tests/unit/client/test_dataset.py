from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from airis_ray.client.dataset import split


@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=300), st.integers(1, 5_000), st.integers(1, 64))
def test_ranges_touch_and_cover_everything(counts: list[int], rows: int, most: int) -> None:
    edges = np.arange(len(counts) + 1, dtype=np.int64) * 10
    ranges = split(edges, np.array(counts, dtype=np.int64), rows, most)
    assert 1 <= len(ranges) <= most
    assert ranges[0][0] == edges[0]
    assert ranges[-1][1] == edges[-1]
    assert all(low < high for low, high in ranges)
    assert all(left[1] == right[0] for left, right in pairwise(ranges))


def test_rows_are_spread_evenly() -> None:
    counts = np.array([0, 0, 100, 100, 100, 100, 0, 0])
    assert split(np.arange(9), counts, 200, 8) == [(0, 4), (4, 8)]
