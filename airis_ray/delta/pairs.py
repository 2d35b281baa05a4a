"""Pairs of claims that say more together than each alone.

Looked for in the rows of the sample, all pairs at once (two products of matrices); what is found is then counted over
all rows like any attribute.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from airis_ray.delta.attributes import Attribute, Claim, Codes, claims_of
from airis_ray.delta.exact import Z95, Floats, fisher, least_rows, log_odds
from airis_ray.delta.ranking import LEVEL, PAIR_SHARE

_CLAIMS_EACH: Final = 10
"""Claims of one attribute that pairs are made of: its most frequent ones."""
_CLAIMS: Final = 480
"""Claims in all; their pairs are 115,000, two products of 10,000 × 480 matrices."""
_TRIED: Final = 64
"""Pairs that are looked at closely: those with the largest odds."""
_FOUND: Final = 4
"""Pairs of an answer; a cause of two attributes comes with variants of itself."""
_SAME: Final = 0.9
"""From this part of the target's rows of one claim on, that meet the other as well, both are one cause."""


@dataclass(frozen=True)
class Pair:
    """Two claims about different attributes, and of how many pairs they were chosen."""

    first: Claim
    second: Claim
    tests: int


@dataclass(frozen=True)
class PairCounts:
    """Of one side: rows that meet both claims, the first, the second, and all rows."""

    both: float
    first: float
    second: float
    rows: float


def candidates(
    attributes: Sequence[Attribute],
    codes: Sequence[Codes],
    target: NDArray[np.bool_],
    rest: NDArray[np.bool_],
) -> list[Pair]:
    """The pairs that the rows of the sample speak for, the strongest first; ``target`` and ``rest`` are its sides."""
    claims = _chosen(attributes, codes, target | rest)
    if len(claims) < 2:
        return []
    met = np.stack([claim.mask[codes[claim.attribute]] for claim in claims], axis=1).astype(np.float32)
    table_t, table_b = (met[rows].T @ met[rows] for rows in (target, rest))
    n, m = float(target.sum()), float(rest.sum())
    owner = np.array([claim.attribute for claim in claims])
    left, right = np.nonzero(np.triu(owner[:, None] != owner[None, :]))
    pooled = (table_t + table_b)[left, right]
    tests = _attainable(pooled, int(n), int(m))
    own_t, own_b = table_t.diagonal(), table_b.diagonal()
    sides = [
        PairCounts(table[left, right].astype(float), own[left].astype(float), own[right].astype(float), rows)  # type: ignore[arg-type] # arrays of counts
        for table, own, rows in ((table_t, own_t, n), (table_b, own_b, m))
    ]
    strength = _beyond_parts(sides[0], sides[1])
    order = np.argsort(-strength, kind="stable")[:_TRIED]
    found: list[Pair] = []
    for at in order[strength[order] > 0]:
        pair = Pair(claims[left[at]], claims[right[at]], tests)
        one_t, one_b = (
            PairCounts(float(side.both[at]), float(side.first[at]), float(side.second[at]), side.rows)  # type: ignore[index] # arrays
            for side in sides
        )
        if p_value(pair, one_t, one_b) <= LEVEL * PAIR_SHARE and not _variant(pair, found, met, claims):
            found.append(pair)
        if len(found) == _FOUND:
            break
    return found


def p_value(pair: Pair, target: PairCounts, rest: PairCounts) -> float:
    """Of the claim that the pair tells the sides apart and that neither part does by itself.

    The largest of the p-values of its parts (an intersection-union test, Berger 1982): the pair against all other
    rows; the second claim among the rows of the first; the first among those of the second; and that the second tells
    more among the rows of the first than among the others. The last is not asked where the target's rows of either
    claim are nearly all rows of both, and so there are no others.
    """
    t, b = target, rest
    tests = fisher(
        [t.both, t.both, t.both],
        [t.rows, t.first, t.second],
        [b.both, b.both, b.both],
        [b.rows, b.first, b.second],
    )
    if t.both < _SAME * max(t.first, t.second):
        tests = np.append(tests, 1.0 - ndtr(_interaction(t, b)))
    return float(min(1.0, tests.max() * pair.tests))


def _interaction(t: PairCounts, b: PairCounts) -> Any:
    """The difference of the second claim's log odds ratios within and without the first, in standard errors."""
    inside, error_inside = log_odds(t.both, t.first, b.both, b.first)
    outside, error_outside = log_odds(
        t.second - t.both, t.rows - t.first, b.second - b.both, b.rows - b.first
    )
    return (inside - outside) / np.hypot(error_inside, error_outside)


def _beyond_parts(t: PairCounts, b: PairCounts) -> Floats:
    """The lower end of the pair's log odds ratio where it is above the ratios of both parts, else 0."""
    ratio, error = log_odds(t.both, t.rows, b.both, b.rows)
    parts = np.maximum(
        log_odds(t.first, t.rows, b.first, b.rows)[0], log_odds(t.second, t.rows, b.second, b.rows)[0]
    )
    return np.where(ratio > np.maximum(parts, 0.0), ratio - Z95 * error, 0.0)


def _chosen(attributes: Sequence[Attribute], codes: Sequence[Codes], rows: NDArray[np.bool_]) -> list[Claim]:
    """The claims that pairs are made of: chosen by how many rows meet them, not by which side these are on."""
    count = int(rows.sum())
    found: list[tuple[int, Claim]] = []
    for at, attribute in enumerate(attributes):
        claims = claims_of(attribute, at)
        sizes = np.bincount(codes[at][rows], minlength=attribute.codes)
        if attribute.kind == "numeric":
            steps = max(1, len(attribute.cuts) // 4)
            claims = [
                claims[0],
                *(
                    each
                    for cut in range(0, len(attribute.cuts), steps)
                    for each in claims[1:][2 * cut : 2 * cut + 2]
                ),
            ]
        met = [(int(sizes[claim.mask].sum()), claim) for claim in claims]
        telling = sorted((each for each in met if 0 < each[0] < count), key=lambda each: -each[0])
        found += telling[:_CLAIMS_EACH]
    found.sort(key=lambda each: -min(each[0], count - each[0]))
    return [claim for _, claim in found[:_CLAIMS]]


def _attainable(pooled: NDArray[np.float32], n: int, m: int) -> int:
    """How many pairs have rows enough to become significant among so many."""
    tests = int((pooled > 0).sum())
    for _ in range(4):
        least = least_rows(n, m, LEVEL * PAIR_SHARE / max(tests, 1))
        tests = int((pooled >= least).sum())
    return max(tests, 1)


def _variant(pair: Pair, found: Sequence[Pair], met: NDArray[np.float32], claims: Sequence[Claim]) -> bool:
    """Whether the rows of a pair are nearly those of one found before."""
    index = {id(claim): at for at, claim in enumerate(claims)}

    def rows(each: Pair) -> NDArray[np.bool_]:
        return (met[:, index[id(each.first)]] * met[:, index[id(each.second)]]) > 0

    own = rows(pair)
    return any(
        float((own & other).sum()) > _SAME * max(1.0, float(min(own.sum(), other.sum())))
        for other in map(rows, found)
    )
