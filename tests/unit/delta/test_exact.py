"""The tests and intervals against scipy's, and the guarantee on groups that are alike."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from airis_ray.delta.exact import adjusted, difference, fisher, least_rows, log_odds


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_fisher_is_twice_the_smaller_exact_tail(data: st.DataObject) -> None:
    n, m = data.draw(st.integers(1, 400)), data.draw(st.integers(1, 400))
    a, b = data.draw(st.integers(0, n)), data.draw(st.integers(0, m))
    law = stats.hypergeom(n + m, a + b, n)
    expected = min(1.0, 2 * min(law.cdf(a), law.sf(a - 1)))
    assert fisher(a, n, b, m)[0] == pytest.approx(expected, rel=1e-6)


def test_fisher_of_large_groups_goes_over_into_the_normal_distribution() -> None:
    for n, m, a, b in ((10**6, 10**6, 500_000, 501_500), (10**5, 10**7, 30_500, 3 * 10**6)):
        law = stats.hypergeom(n + m, a + b, n)
        expected = 2 * min(law.cdf(a), law.sf(a - 1))
        assert fisher(a, n, b, m)[0] == pytest.approx(expected, rel=0.02)


def test_extremes_are_numbers() -> None:
    assert fisher(0, 10, 0, 10)[0] == 1
    assert fisher(10, 10, 10, 10)[0] == 1
    assert 0 <= fisher(10**7, 10**7, 0, 10**7)[0] < 1e-300
    assert np.isfinite(log_odds(0, 10, 10, 10)).all()
    assert np.isfinite(difference(0, 10, 10, 10)).all()


@given(st.integers(1, 300), st.integers(1, 300), st.data())
def test_the_interval_holds_the_difference(n: int, m: int, data: st.DataObject) -> None:
    a, b = data.draw(st.integers(0, n)), data.draw(st.integers(0, m))
    gap, low, high = difference(a, n, b, m)
    assert low - 1e-12 <= gap <= high + 1e-12
    assert gap == pytest.approx(a / n - b / m)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=50))
def test_adjusted_is_benjamini_and_hochbergs(p_values: list[float]) -> None:
    assert adjusted(p_values) == pytest.approx(stats.false_discovery_control(p_values, method="bh"))


@given(st.integers(2, 200), st.integers(2, 200), st.sampled_from([0.05, 1e-3, 1e-6]))
def test_fewer_rows_than_the_least_are_never_significant(n: int, m: int, level: float) -> None:
    rows = least_rows(n, m, level) - 1
    split = np.arange(max(0, rows - m), min(rows, n) + 1)
    assert rows == 0 or fisher(split, n, rows - split, m).min() > level
