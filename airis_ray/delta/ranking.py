"""From counts to what tells the sides apart: tests, effects, and an order in which causes come before drifts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from airis_ray.delta.attributes import Attribute, Claim, Sides, claims_of, stacked
from airis_ray.delta.exact import Z95, Floats, adjusted, difference, fisher, log_odds

LEVEL: Final = 0.05
"""Of two groups that are alike, at most this share of answers may show anything significant."""
PAIR_SHARE: Final = 0.2
"""The part of LEVEL that pairs may use up; the single attributes have the rest."""
_STRONGEST: Final = 5.0
"""Log odds ratio beyond which a cause is as certain as can be: of a value the target alone has, the ratio grows
with the number of rows and says nothing more."""
_WEIGHT_OF_SHARE: Final = 0.125
"""Power of the gap of shares in the score: what explains more of the target comes first where odds are alike."""


@dataclass(frozen=True)
class Value:
    """A claim and how many rows meet it."""

    claim: Claim
    target: float
    rest: float
    both: float


@dataclass(frozen=True)
class Finding:
    """How one attribute, or a pair of claims, differs between the sides.

    ``effect`` is the share of the target less that of the rest for the claim that tells most, ``values[0]``;
    ``odds`` its odds ratio. Both have 95 % intervals. ``p_value`` holds for the attribute as a whole.
    """

    values: tuple[Value, ...]
    effect: float
    effect_interval: tuple[float, float]
    odds: float
    odds_interval: tuple[float, float]
    p_value: float
    q_value: float
    score: float
    second: int | None = None
    """Of a pair, the number of its second attribute."""

    @property
    def significant(self) -> bool:
        """Whether it counts at the level that all findings together keep."""
        return self.q_value <= LEVEL


def measured(attribute: Attribute, at: int, sides: Sides) -> Finding | None:
    """What an attribute shows, its q-value still to come; None where all rows are alike in it."""
    used = int(((sides.target + sides.rest) > 0).sum())
    if used < 2:
        return None
    claims = claims_of(attribute, at)
    target, rest, both = (stacked(claims, counts) for counts in (sides.target, sides.rest, sides.both))
    n, m = float(sides.target.sum()), float(sides.rest.sum())
    tests = tests_of(attribute, used, absent=bool(target[0] + rest[0]))
    p_values = np.minimum(1.0, tests * fisher(target, n, rest, m))
    # Of a claim that nobody meets there is nothing to tell.
    p_values[(target + rest == 0) | (target + rest == n + m)] = 1.0
    scores = score(target, n, rest, m)
    telling = _telling(target / n - rest / m, p_values, scores)
    shown = [telling, *(at for at in _shown(attribute, target / n, rest / m, claims) if at != telling)]
    values = tuple(Value(claims[at], target[at], rest[at], both[at]) for at in shown)
    return finding(values, n, m, float(p_values.min()))


def tests_of(attribute: Attribute, used: int, *, absent: bool) -> int:
    """How many different tests are made of an attribute: what its smallest p-value has to be multiplied with."""
    if used == 2:
        return 1
    if attribute.kind == "numeric":
        return len(attribute.cuts) * (2 if absent else 1) + absent
    return max(1, attribute.tested + absent)


def _telling(gaps: Floats, p_values: Floats, scores: Floats) -> int:
    """The claim an attribute is shown by: the best that is certain and more frequent in the target."""
    certain = p_values <= LEVEL
    for chosen in (certain & (gaps > 0), certain):
        if chosen.any():
            return int(np.argmax(np.where(chosen, scores, -np.inf)))
    return int(np.argmin(p_values))


def _shown(attribute: Attribute, target: Floats, rest: Floats, claims: Sequence[Claim]) -> list[int]:
    """The claims that are listed behind the telling one: the values that differ most, or absence."""
    if attribute.kind == "numeric":
        return [0] if target[0] + rest[0] > 0 else []
    order = np.argsort(-np.abs(target - rest), kind="stable")
    return [int(at) for at in order if target[at] + rest[at] > 0]


def finding(
    values: tuple[Value, ...], n: float, m: float, p_value: float, second: int | None = None
) -> Finding:
    """A finding about the first of these values."""
    first = values[0]
    gap, low, high = difference(first.target, n, first.rest, m)
    ratio, error = log_odds(first.target, n, first.rest, m)
    odds = np.exp(np.clip([ratio, ratio - Z95 * error, ratio + Z95 * error], -30, 30))
    return Finding(
        values,
        float(gap),
        (float(low), float(high)),
        float(odds[0]),
        (float(odds[1]), float(odds[2])),
        p_value,
        1.0,
        float(score(first.target, n, first.rest, m)),
        second,
    )


def score(
    target: NDArray[np.float64] | float, n: float, rest: NDArray[np.float64] | float, m: float
) -> Floats:
    """How well a claim explains that a row is in the target.

    The lower end of the log odds ratio's 95 % interval, that is how sure one is that the target goes with the claim,
    bounded, times a root of the gap of shares, that is how much of the target it explains. A value that 4 % of the
    target and nobody else has is ahead of one whose share rose from 50 to 70 %.
    """
    ratio, error = log_odds(target, n, rest, m)
    sure = np.clip(np.abs(ratio) - Z95 * error, 0.0, _STRONGEST)
    gap = np.abs(np.asarray(target) / n - np.asarray(rest) / m)
    return np.asarray(sure * gap**_WEIGHT_OF_SHARE)


def ordered(singles: Sequence[Finding], pairs: Sequence[Finding]) -> list[Finding]:
    """All findings with their q-values: the significant ones by score, then the others by p-value.

    The level is shared out: pairs, of which there are many and which were searched for, get their part of it, so that
    they take no power from the single attributes.
    """
    families = ((singles, 1.0 - PAIR_SHARE), (pairs, PAIR_SHARE))
    found = [
        replace(each, q_value=float(min(1.0, q / share)))
        for family, share in families
        for each, q in zip(family, adjusted([one.p_value for one in family]), strict=True)
    ]
    return sorted(
        found, key=lambda each: (not each.significant, -each.score if each.significant else each.p_value)
    )
