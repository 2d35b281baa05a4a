"""Findings in the words of the contract."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from airis_ray.delta.analysis import Plan
from airis_ray.delta.models import (
    AttributeDelta,
    CompareAnswer,
    CompareRequest,
    LeftOutAttribute,
    Quantiles,
    ValueShare,
)
from airis_ray.delta.ranking import Finding
from airis_ray.delta.sample import Sample

_VALUES: Final = 8
"""Values of an attribute that are answered."""
_LEFT_OUT: Final = 100
_SMALL: Final = 8
"""Rows below which a group hardly ever shows anything."""


def answer(
    request: CompareRequest,
    sizes: tuple[int, int, int],
    sample: Sample | None,
    plan: Plan | None,
    found: Sequence[Finding],
) -> CompareAnswer:
    """The answer; ``sizes`` are the rows of the target, of the rest of the baseline, and of both."""
    target, rest, both = sizes
    attributes = [
        _delta(each, sizes, sample, plan)
        for each in found[: request.limit]
        if sample is not None and plan is not None
    ]
    left_out = [
        LeftOutAttribute(key=each.key, reason=each.reason) for each in (sample.left_out if sample else ())
    ]
    return CompareAnswer(
        target_count=target,
        baseline_count=rest + both,
        sampled=False,
        sample=1.0,
        attributes=attributes,
        left_out=left_out[:_LEFT_OUT],
        notes=_notes(sizes, found),
        elapsed_ms=0.0,
    )


def _notes(sizes: tuple[int, int, int], found: Sequence[Finding]) -> list[str]:
    target, rest, both = sizes
    notes = []
    if not target:
        notes.append("the target's query finds no event")
    if not rest:
        notes.append(
            "the baseline has no event that is not the target's as well"
            if both
            else "the baseline's query finds no event"
        )
    if both and rest:
        notes.append(f"{both} events are in both groups; the tests count them as the target's alone")
    if target and rest and min(target, rest) < _SMALL:
        notes.append(f"a group of {min(target, rest)} events is too small to tell much from chance")
    if found and not any(each.significant for each in found):
        notes.append("nothing differs more than chance would have it")
    return notes


def _delta(found: Finding, sizes: tuple[int, int, int], sample: Sample, plan: Plan) -> AttributeDelta:
    target, rest, both = sizes
    telling = found.values[0].claim
    numbers = [telling.attribute, *([] if found.second is None else [found.second])]
    attributes = [plan.attributes[at] for at in numbers]
    quantiles = sample.quantiles.get(plan.origin[telling.attribute]) if found.second is None else None
    values = [
        ValueShare(
            value=each.claim.value,
            target_share=each.target / target,
            baseline_share=(each.rest + each.both) / (rest + both),
        )
        for each in found.values[:_VALUES]
    ]
    return AttributeDelta(
        key=" + ".join(each.key for each in attributes),
        kind="pair" if found.second is not None else attributes[0].kind,
        effect=found.effect,
        effect_interval=found.effect_interval,
        odds_ratio=found.odds,
        odds_interval=found.odds_interval,
        p_value=found.p_value,
        q_value=found.q_value,
        significant=found.significant,
        score=found.score if found.significant else 0.0,
        values=values,
        quantiles=Quantiles(target=quantiles[0], baseline=quantiles[1]) if quantiles else None,
        same_as=sorted({key for at in numbers for key in plan.same[at]}),
        query=telling.query,
        keys=[each.key for each in attributes],
    )
