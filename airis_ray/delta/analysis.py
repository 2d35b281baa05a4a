"""The comparison itself: a sample and counts go in, ordered findings come out. Knows no store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from airis_ray.delta.attributes import Attribute, Claim, Codes, Sides
from airis_ray.delta.folding import folded
from airis_ray.delta.pairs import Pair, PairCounts, candidates, p_value
from airis_ray.delta.ranking import Finding, Value, finding, measured, ordered
from airis_ray.delta.sample import Sample


@dataclass(frozen=True)
class Plan:
    """What is to be counted: of every group of attributes that say the same one, and pairs of claims about these.

    ``attributes`` and ``codes`` are those of the sample that stand for their groups, ``same`` the keys that each stands
    for, ``origin`` its number in the sample.
    """

    attributes: Sequence[Attribute]
    codes: Sequence[Codes]
    same: Sequence[tuple[str, ...]]
    origin: Sequence[int]
    pairs: Sequence[Pair]


@dataclass(frozen=True)
class Counted:
    """The counts of a plan: of each attribute, and how many rows meet each pair (target, rest, both sides)."""

    sides: Sequence[Sides]
    pairs: Sequence[tuple[int, int, int]]


def planned(sample: Sample) -> Plan:
    """What is worth counting of a sample."""
    order = sorted(range(len(sample.attributes)), key=lambda at: _standing(sample.attributes[at]))
    codes = [sample.codes[at] for at in order]
    leaders = folded(codes)
    chosen = [at for at, leader in enumerate(leaders) if leader == at]
    attributes = [sample.attributes[order[at]] for at in chosen]
    kept = [codes[at] for at in chosen]
    same = [
        tuple(
            sample.attributes[order[other]].key
            for other, leader in enumerate(leaders)
            if leader == at and other != at
        )
        for at in chosen
    ]
    pairs = candidates(attributes, kept, sample.target, sample.rest)
    return Plan(attributes, kept, same, [order[at] for at in chosen], pairs)


def counted(sample: Sample, plan: Plan) -> Counted:
    """The counts over the sample's own rows: all there are of small groups."""
    both = sample.target & sample.baseline
    sides = [
        Sides.of(codes, sample.target, sample.baseline, attribute.codes)
        for attribute, codes in zip(plan.attributes, plan.codes, strict=True)
    ]
    met = [
        pair.first.mask[plan.codes[pair.first.attribute]]
        & pair.second.mask[plan.codes[pair.second.attribute]]
        for pair in plan.pairs
    ]
    return Counted(
        sides,
        [tuple(int((rows & side).sum()) for side in (sample.target, sample.rest, both)) for rows in met],  # type: ignore[misc] # three of them
    )


def findings(plan: Plan, counts: Counted) -> list[Finding]:
    """What was found, the best first."""
    singles = [
        found
        for at, (attribute, sides) in enumerate(zip(plan.attributes, counts.sides, strict=True))
        if (found := measured(attribute, at, sides)) is not None
    ]
    pairs = [
        _measured_pair(pair, counts.sides, met) for pair, met in zip(plan.pairs, counts.pairs, strict=True)
    ]
    return ordered(singles, pairs)


def _measured_pair(pair: Pair, sides: Sequence[Sides], met: tuple[int, int, int]) -> Finding:
    parts = []
    for name, count in (("target", met[0]), ("rest", met[1])):
        first, second = (
            np.asarray(getattr(sides[claim.attribute], name)) for claim in (pair.first, pair.second)
        )
        parts.append(
            PairCounts(
                count,
                float(first[pair.first.mask].sum()),
                float(second[pair.second.mask].sum()),
                float(first.sum()),
            )
        )
    claim = Claim(
        pair.first.attribute,
        " and ".join("(absent)" if each.value is None else each.value for each in (pair.first, pair.second)),
        f"{pair.first.query} {pair.second.query}",
        pair.first.mask,
    )
    value = Value(claim, *map(float, met))
    return finding(
        (value,), parts[0].rows, parts[1].rows, p_value(pair, *parts), second=pair.second.attribute
    )


def _standing(attribute: Attribute) -> tuple[int, int, str]:
    """Which of several names for the same is shown: a column before an attribute, a short one before a long one."""
    return (attribute.place[0], len(attribute.key), attribute.key)
