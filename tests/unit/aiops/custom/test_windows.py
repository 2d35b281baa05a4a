"""Windows of series, and what is said of them back on cells."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airis_ray.aiops.custom.windows import Cut, asked, training
from airis_ray.aiops.series import Floats, SeriesBatch


@given(
    width=st.integers(4, 40),
    lengths=st.lists(st.integers(0, 120), min_size=1, max_size=4),
    seed=st.integers(0, 99),
)
@settings(max_examples=30, deadline=None)
def test_a_cell_has_the_least_of_the_windows_that_cover_it(width: int, lengths: list[int], seed: int) -> None:
    size = np.array(lengths, np.int64)
    values = np.random.default_rng(seed).normal(size=(len(size), 120)).astype(np.float32)
    found = asked(lambda windows: windows.max(axis=1).astype(float), Cut(width), values, size)
    for row, length in enumerate(lengths):
        assert np.isnan(found[row, length:]).all()
        assert np.allclose(found[row, :length], slow(values[row, :length], width), equal_nan=True)


def slow(values: Floats, width: int) -> Floats:
    starts = list(range(len(values) - width, -1, -max(1, width // 16)))
    found = np.full(len(values), np.nan)
    for cell in range(len(values) if starts else 0):
        own = [start for start in starts if start <= cell < start + width] or [starts[-1]]
        found[cell] = min([values[start : start + width].max() for start in own])
    return found


def test_what_a_model_is_trained_on_is_standardised_and_without_holes() -> None:
    values = 1e6 + 5 * np.sin(np.arange(200) / 5)[None, :]
    values[0, 50] = np.nan
    windows = training(SeriesBatch.of(values), 32)
    assert windows.shape == (85, 32)
    assert windows.dtype == np.float32
    assert np.isfinite(windows).all()
    assert windows.std() == pytest.approx(1.0, abs=0.1)
    assert training(SeriesBatch.of(values[:, :20]), 32).shape == (0, 32)
