"""The comparison in memory: silent on groups that are alike, right about what was planted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from airis_ray.delta.analysis import Plan, counted, findings, planned
from airis_ray.delta.folding import folded
from airis_ray.delta.ranking import Finding
from airis_ray.delta.sample import Sample, Sampler, Values

Columns = Mapping[str, np.ndarray[Any, np.dtype[np.object_]]]


def compared(columns: Columns, n: int) -> tuple[Sample, Plan, list[Finding]]:
    """The first ``n`` rows against the others; the empty string is absent."""
    size = len(next(iter(columns.values())))
    target = np.arange(size) < n
    sampler = Sampler(target, ~target)
    for at, (key, column) in enumerate(columns.items()):
        rows = np.flatnonzero(column != "")
        names, values = np.unique(column[rows].astype(str), return_inverse=True)
        hashes = np.arange(len(names), dtype=np.uint64)
        sampler.add(Values((1, at), key, rows, values.astype(np.int32), names.tolist(), hashes), key)
    sample = sampler.sample()
    plan = planned(sample)
    return sample, plan, findings(plan, counted(sample, plan))


def columns(rng: np.random.Generator, rows: int) -> dict[str, np.ndarray[Any, np.dtype[np.object_]]]:
    made: dict[str, list[str]] = {
        f"key{values}": [f"v{each}" for each in rng.integers(values, size=rows)]
        for values in (2, 3, 5, 9, 30, 300)
    }
    made["size"] = [f"{each:.2f}" for each in rng.lognormal(3, 1, rows)]
    made["request.id"] = [f"{each:x}" for each in rng.permutation(rows)]
    made["sometimes"] = ["" if each < 0.4 else "yes" for each in rng.random(rows)]
    made["twin"] = [f"t-{each}" for each in made["key9"]]
    return {key: np.array(values, object) for key, values in made.items()}


@pytest.mark.parametrize(("n", "m"), [(10, 10), (20, 20), (10, 500), (60, 60), (400, 400)])
def test_groups_that_are_alike(n: int, m: int) -> None:
    rng = np.random.default_rng(n + m)
    alarms = sum(any(each.significant for each in compared(columns(rng, n + m), n)[2]) for _ in range(60))
    assert alarms <= 3


@pytest.mark.parametrize("share", [0.04, 0.3, 1.0])
@pytest.mark.parametrize(
    ("key", "value", "query"),
    [
        ("key5", "new", 'key5:"new"'),
        ("key30", "", "-key30:*"),
        ("size", "90000.5", "size:>="),
        ("twin", "t-new", 'key9:"new"'),
    ],
)
def test_a_small_strong_cause_is_before_a_big_harmless_drift(
    key: str, value: str, query: str, share: float
) -> None:
    rng = np.random.default_rng(7)
    made = columns(rng, 4_000)
    made["key2"][:2_000][rng.random(2_000) < 0.15] = "v1"
    hit = np.flatnonzero(np.arange(4_000) < 2_000 * share)
    made[key][hit] = value
    if key == "twin":
        made["key9"][hit] = "new"
    _, plan, found = compared(made, 2_000)
    assert found[0].significant
    assert found[0].values[0].claim.query.startswith(query)
    assert found[0].effect == pytest.approx(share, abs=0.05)
    assert found[0].effect_interval[0] <= found[0].effect <= found[0].effect_interval[1]
    if key == "twin":
        assert plan.same[found[0].values[0].claim.attribute] == ("twin",)


@pytest.mark.parametrize("share", [0.1, 0.3, 1.0])
def test_a_pair_is_told_as_a_pair_and_a_single_cause_is_not(share: float) -> None:
    rng = np.random.default_rng(11)
    made = columns(rng, 6_000)
    hit = np.arange(6_000) < 3_000 * share
    made["key5"][hit], made["key9"][hit], made["twin"][hit] = "v2", "v3", "t-v3"
    _, plan, found = compared(made, 3_000)
    assert found[0].second is not None
    assert {plan.attributes[at].key for at in (found[0].values[0].claim.attribute, found[0].second)} == {
        "key5",
        "key9",
    }
    alone = columns(rng, 6_000)
    alone["key5"][hit] = "v2"
    assert all(each.second is None for each in compared(alone, 3_000)[2])


def test_two_causes_are_no_pair() -> None:
    rng = np.random.default_rng(13)
    made = columns(rng, 6_000)
    made["key5"][(np.arange(6_000) < 3_000) & (rng.random(6_000) < 0.3)] = "v2"
    made["key9"][(np.arange(6_000) < 3_000) & (rng.random(6_000) < 0.3)] = "v3"
    assert all(each.second is None for each in compared(made, 3_000)[2])


def test_ids_are_left_out_with_a_reason_but_a_frequent_value_is_not() -> None:
    rng = np.random.default_rng(17)
    made = columns(rng, 2_000)
    sample, _, _ = compared(made, 1_000)
    assert [each.key for each in sample.left_out] == ["request.id"]
    made["request.id"][:200] = "the one"
    sample, _, found = compared(made, 1_000)
    assert sample.left_out == []
    assert found[0].values[0].claim.value == "the one"


def test_folding_takes_functions_of_one_another_only() -> None:
    pods = np.arange(600, dtype=np.int32) % 12
    assert folded([pods, (pods + 5) % 12, pods // 4, np.zeros(600, np.int32)]) == [0, 0, 2, 3]
