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
from scipy.special import ndtr, xlogy

from airis_ray.delta.attributes import Attribute, Claim, Codes, claims_of
from airis_ray.delta.exact import fisher, least_rows
from airis_ray.delta.ranking import LEVEL, PAIR_SHARE

_CLAIMS_EACH: Final = 10
"""Claims of one attribute that pairs are made of: its most frequent ones."""
_CLAIMS: Final = 480
"""Claims in all; their pairs are 115,000, two products of 10,000 × 480 matrices."""
_TRIED: Final = 64
"""Pairs that are looked at closely: those that explain most beyond their parts."""
_FOUND: Final = 4
"""Pairs of an answer."""
_FITS: Final = 20
"""Rounds in which the effects of two claims without a pair's are fitted; a few are enough for tables of two by two."""

Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Pair:
    """Two claims about different attributes; of how many pairs, and of how many claims, they were chosen."""

    first: Claim
    second: Claim
    tests: int
    claims: int


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
    target: Bools,
    rest: Bools,
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
    strength = _strength(sides[0], sides[1])
    order = np.argsort(-strength, kind="stable")[:_TRIED]
    found: list[Pair] = []
    left_over = np.ones(len(met), np.bool_)
    for at in order[strength[order] > 0]:
        pair = Pair(claims[left[at]], claims[right[at]], tests, len(claims))
        first, second = met[:, left[at]] > 0, met[:, right[at]] > 0
        # Beside the rows of those found before: a cause's parts have partners that say the same, or do by chance.
        rows: list[Any] = [slice(None), left_over] if found else [slice(None)]
        if all(_speaks_for(pair, first[each], second[each], target[each], rest[each]) for each in rows):
            found.append(pair)
            left_over &= ~(first & second)
        if len(found) == _FOUND:
            break
    return found


def _speaks_for(pair: Pair, first: Bools, second: Bools, target: Bools, rest: Bools) -> bool:
    """Whether rows that meet the two claims or not are enough for a pair."""
    sides = [
        PairCounts(*(float((rows & side).sum()) for rows in (first & second, first, second, side)))
        for side in (target, rest)
    ]
    return p_value(pair, *sides) <= LEVEL * PAIR_SHARE


def p_value(pair: Pair, target: PairCounts, rest: PairCounts) -> float:
    """Of the claim that the pair tells the sides apart and that neither part does by itself, nor both side by side.

    The largest of three (an intersection-union test, Berger 1982). First the pair against all other rows, times the
    number of pairs. Then the second claim among the rows of the first and the first among those of the second, times
    the number of claims: a part that is a cause has so many partners.
    Last how likely a pair explains so much better than both parts side by side where these are two causes. Groups that
    are alike do not come to the last two, so these have all of the level and not the part of it that pairs have.
    """
    t, b = target, rest
    sizes, rests = (np.array([side.rows, side.first, side.second]) for side in (t, b))
    # Of one side: a pair is told only where the target has it more often.
    oftener = t.both * rests > b.both * sizes
    tests = np.where(oftener, fisher(t.both, sizes, b.both, rests) / 2, 1.0)
    alone, within = tests[0] * pair.tests, tests[1:].max() * pair.claims
    return float(min(1.0, max(alone, PAIR_SHARE * within, PAIR_SHARE * _two_causes(t, b))))


def _two_causes(t: PairCounts, b: PairCounts) -> float:
    """How likely, at most, the pair alone explains so much more than two causes side by side, if they are two causes.

    A wrong explanation is k times as likely as the right one with a probability of at most Phi(-sqrt(2 ln k)) (Royall
    2000). Two causes have an effect more; what that gains by chance is taken off (Schwarz 1978).
    """
    gained = float(_explained(t.both, t.rows, b.both, b.rows)) - _side_by_side(t, b)
    gained += 0.5 * float(np.log(t.rows + b.rows))
    return float(ndtr(-np.sqrt(2.0 * gained))) if gained > 0 else 1.0


def _strength(t: PairCounts, b: PairCounts) -> Any:
    """What a pair explains at least, by itself and among each part's rows; 0 where the target has it less often."""
    among = ((t.rows, b.rows), (t.first, b.first), (t.second, b.second))
    explained = [np.where(t.both * m > b.both * n, _explained(t.both, n, b.both, m), 0.0) for n, m in among]
    return np.minimum.reduce(explained)


def _explained(a: Any, n: Any, b: Any, m: Any) -> Any:
    """The log likelihood of the sides where they depend on a claim, less that where they depend on nothing."""
    return _cell(a, b) + _cell(n - a, m - b) - _cell(n, m)


def _cell(a: Any, b: Any) -> Any:
    return xlogy(a, a) + xlogy(b, b) - xlogy(a + b, a + b)


def _side_by_side(t: PairCounts, b: PairCounts) -> float:
    """The same of two claims that each have their effect, and none together (no interaction: Bartlett 1935)."""
    table = np.array(
        [
            [[s.rows - s.first - s.second + s.both, s.second - s.both], [s.first - s.both, s.both]]
            for s in (t, b)
        ]
    ).clip(0.0)
    fitted = np.ones_like(table)
    for _ in range(_FITS):  # iterative proportional fitting (Deming and Stephan 1940)
        for axis in (0, 1, 2):
            own = fitted.sum(axis=axis, keepdims=True)
            fitted *= np.divide(
                table.sum(axis=axis, keepdims=True), own, out=np.zeros_like(own), where=own > 0
            )
    share = np.divide(fitted, fitted.sum(axis=0), out=np.zeros_like(fitted), where=fitted.sum(axis=0) > 0)
    return float(xlogy(table, share).sum() - _cell(t.rows, b.rows))


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
