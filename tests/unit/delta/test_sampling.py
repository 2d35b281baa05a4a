"""Cells are drawn so that every row of a side is as likely as any other, and a burst of it for certain."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airis_ray.delta import sampling


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=200), st.integers(1, 200))
def test_the_sample_has_as_many_rows_as_it_should(cells: list[int], clusters: int) -> None:
    counts = np.array(cells, np.int64)
    chances = sampling._chances(counts, clusters) / sampling._CHANCES
    assert ((chances >= 0) & (chances <= 1)).all()
    expected = float((chances * counts).sum())
    total = float(counts.sum())
    assert expected == pytest.approx(min(total, sampling.SAMPLE_ROWS), rel=0.02, abs=clusters) or (
        (chances == 1).any() and expected < sampling.SAMPLE_ROWS
    )
    # A cell with more than its part of the rows is always among those drawn.
    assert (chances[counts * clusters > total] > 0).all()


def test_without_clusters_all_cells_are_alike() -> None:
    chances = sampling._chances(np.array([5, 50_000, 950_000]), 0)
    assert len(set(chances.tolist())) == 1
    assert chances[0] / sampling._CHANCES == pytest.approx(0.01, rel=0.01)
