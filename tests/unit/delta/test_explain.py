"""Which combination of values explains a change: found where it was planted, silent where nothing was."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airis_ray.delta.cube import Cause, Cube
from airis_ray.delta.explain_ratios import Before, explain_ratio
from airis_ray.delta.explain_sums import explain_sum
from airis_ray.errors import InvalidInput

_SIZES = {"region": 5, "version": 4, "client": 6, "tier": 3}


def leaves() -> dict[str, list[str]]:
    rows = list(itertools.product(*([f"{name}{at}" for at in range(size)] for name, size in _SIZES.items())))
    return {name: [row[at] for row in rows] for at, name in enumerate(_SIZES)}


def under(cube: dict[str, list[str]], combination: dict[str, str]) -> np.ndarray[Any, np.dtype[np.bool_]]:
    return np.logical_and.reduce([np.array(cube[name]) == value for name, value in combination.items()])


def named(causes: list[Cause]) -> list[dict[str, str]]:
    return [dict(cause.combination) for cause in causes]


combinations = st.dictionaries(
    st.sampled_from(sorted(_SIZES)), st.integers(0, 2), min_size=1, max_size=3
).map(lambda chosen: {name: f"{name}{at}" for name, at in chosen.items()})


@settings(max_examples=40, deadline=None)
@given(combinations, st.integers(0, 2**32 - 1), st.sampled_from([-1, 1]))
def test_a_sum_that_changes_under_a_combination(
    combination: dict[str, str], seed: int, direction: int
) -> None:
    rng = np.random.default_rng(seed)
    values = leaves()
    expected = rng.weibull(0.8, len(values["tier"])) * 100 + 1
    actual = expected * (1 + rng.normal(0, 0.05, len(expected)))
    actual *= expected.sum() / actual.sum()  # what changes the total is the cause: its direction is looked in
    hit = under(values, combination)
    actual[hit] *= 1 + 0.6 * direction
    causes = explain_sum(Cube(values), expected, actual)
    assert named(causes)[0] == combination
    assert causes[0].expected == pytest.approx(expected[hit].sum())
    assert causes[0].actual == pytest.approx(actual[hit].sum())


@settings(max_examples=40, deadline=None)
@given(combinations, st.integers(0, 2**32 - 1), st.booleans())
def test_a_ratio_that_changes_under_a_combination(
    combination: dict[str, str], seed: int, falls: bool
) -> None:
    rng = np.random.default_rng(seed)
    values = leaves()
    rows = rng.integers(100, 2_000, len(values["tier"]))
    hit = under(values, combination)
    before, now = rng.binomial(rows, 0.02), rng.binomial(rows, np.where(hit, 0.3, 0.02))
    if falls:
        before, now = rows - before, rows - now
    causes = explain_ratio(Cube(values), Before(before, rows), now, rows)
    assert named(causes) == [combination]


@pytest.mark.parametrize("seed", range(10))
def test_nothing_is_found_where_nothing_changed(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = leaves()
    rows = rng.integers(100, 2_000, len(values["tier"]))
    before, now = rng.binomial(rows, 0.1), rng.binomial(rows, 0.1)
    assert explain_ratio(Cube(values), Before(before, rows), now, rows) == []
    expected = rng.weibull(0.8, len(rows)) * 100
    assert explain_sum(Cube(values), expected, expected * (1 + rng.normal(0, 0.1, len(rows)))) == []


def test_several_causes_the_strongest_first() -> None:
    rng = np.random.default_rng(3)
    values = leaves()
    expected = rng.weibull(0.8, len(values["tier"])) * 100
    actual = expected * (1 + rng.normal(0, 0.05, len(expected)))
    planted = [{"region": "region1"}, {"version": "version2", "client": "client3"}]
    for at, combination in enumerate(planted):
        actual[under(values, combination)] *= 0.3 + 0.2 * at
    assert named(explain_sum(Cube(values), expected, actual)) == planted


def test_empty_measures() -> None:
    values = {"a": ["x", "y"]}
    assert explain_sum(Cube(values), [0, 0], [0, 0]) == []
    assert explain_ratio(Cube(values), Before([0, 0], [0, 0]), [1, 1], [2, 2]) == []


def test_a_cube_says_what_it_cannot_take() -> None:
    with pytest.raises(InvalidInput, match="twice"):
        Cube({"a": ["x", "x"], "b": ["y", "y"]})
    with pytest.raises(InvalidInput, match="dimensions"):
        Cube({})
    with pytest.raises(InvalidInput, match="dimensions"):
        Cube({str(at): ["x"] for at in range(9)})
