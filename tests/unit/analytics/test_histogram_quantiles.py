"""Quantiles of histograms against hand-computed values and against a slow reference."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airis_ray.analytics.histogram_quantiles import (
    Rows,
    explicit_rows,
    exponential_bounds,
    merged,
    quantiles,
)


def explicit(bounds: list[float], *rows: list[float]) -> Rows:
    return explicit_rows(np.arange(len(rows)), np.array(bounds, dtype=float), np.array(rows, dtype=float))


def reference(bounds: list[float], counts: list[int], q: float) -> float:
    """Prometheus's bucketQuantile, line by line."""
    total = sum(counts)
    if total == 0 or not bounds:
        return math.nan
    rank, reached = q * total, list(itertools.accumulate(counts))
    index = next(n for n, count in enumerate(counts) if count and reached[n] >= rank)
    if index == len(bounds):
        return bounds[-1]
    if index == 0 and bounds[0] <= 0:
        return bounds[0]
    low = bounds[index - 1] if index else 0.0
    return low + (bounds[index] - low) * (rank - (reached[index] - counts[index])) / counts[index]


def test_the_middle_of_a_bucket() -> None:
    rows = explicit([1, 2, 4], [0, 10, 0, 0], [4, 0, 4, 0], [0, 0, 0, 7], [0, 0, 0, 0])
    answer = quantiles(rows, 4, 0.5)
    assert answer[:3].tolist() == [1.5, 1.0, 4.0]
    assert math.isnan(answer[3])


def test_a_first_bucket_below_zero_has_no_length() -> None:
    assert quantiles(explicit([-5, 5], [3, 0, 0]), 1, 0.5)[0] == -5


def test_without_bounds_nothing_is_known() -> None:
    assert math.isnan(quantiles(explicit([], [9]), 1, 0.5)[0])


@given(
    bounds=st.lists(st.integers(-50, 200), min_size=1, max_size=8, unique=True).map(sorted),
    seed=st.integers(0, 2**32 - 1),
    q=st.sampled_from([0.0, 0.01, 0.25, 0.5, 0.9, 0.99, 1.0]),
)
def test_as_prometheus(bounds: list[int], seed: int, q: float) -> None:
    counts = np.random.default_rng(seed).integers(0, 5, (6, len(bounds) + 1))
    edges = [float(bound) for bound in bounds]
    answer = quantiles(explicit(edges, *counts.tolist()), 6, q)
    expected = [reference(edges, row, q) for row in counts.tolist()]
    np.testing.assert_allclose(answer, expected, rtol=1e-9, atol=1e-9)


def test_exponential_buckets_spread_logarithms() -> None:
    low, high = exponential_bounds(np.array([0, 1, -1]), np.array([0, 0, 0]))
    assert low.tolist() == [1.0, 2.0, 0.5]
    assert high.tolist() == [2.0, 4.0, 1.0]
    rows = Rows(np.zeros(1, dtype=np.int64), low[1:2], high[1:2], np.array([4.0]))
    assert quantiles(rows, 1, 0.5, logarithmic=True)[0] == pytest.approx(math.sqrt(8))


def test_negative_and_zero_buckets() -> None:
    rows = Rows(
        np.zeros(3, dtype=np.int64),
        np.array([-4.0, 0.0, 1.0]),
        np.array([-2.0, 0.0, 2.0]),
        np.array([2.0, 1.0, 1.0]),
    )
    assert quantiles(rows, 1, 0.25, logarithmic=True)[0] == pytest.approx(-math.sqrt(8))
    assert quantiles(rows, 1, 0.75, logarithmic=True)[0] == 0
    assert quantiles(rows, 1, 1.0, logarithmic=True)[0] == 2


def test_merging_adds_equal_buckets() -> None:
    rows = merged([explicit([1, 2], [1, 2, 3], [5, 5, 5]), explicit([1, 2], [1, 0, 1])])
    assert rows.row.tolist() == [0, 0, 0, 1, 1, 1]
    assert rows.count.tolist() == [2, 2, 4, 5, 5, 5]


def test_merging_other_bounds_cuts_at_all_of_them() -> None:
    rows = merged([explicit([2, 4], [4, 2, 1]), explicit([1, 4], [1, 3, 0])])
    assert list(zip(rows.low.tolist(), rows.high.tolist(), rows.count.tolist(), strict=True)) == [
        (0, 1, 3),
        (1, 2, 3),
        (2, 4, 4),
        (4, math.inf, 1),
    ]
