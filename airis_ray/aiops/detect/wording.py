"""The sentence about an anomaly, in English and Korean: what, how far from which expectation, since when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import numpy as np

from airis_ray.aiops.protocol import Kind
from airis_ray.aiops.series import DAY, HOUR, MINUTE, SECOND

_UNITS: Final = ((DAY, "d", "일"), (HOUR, "h", "시간"), (MINUTE, "min", "분"), (SECOND, "s", "초"))


@dataclass(frozen=True)
class Fact:
    """What there is to say; ``size`` in usual deviations, of an absence in missing points."""

    kind: Kind
    name: str
    value: float
    expected: float
    size: float
    start: int
    end: int
    step: int


def sentences(fact: Fact) -> tuple[str, str]:
    """English and Korean."""
    when = datetime.fromtimestamp(fact.start / SECOND, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    length, length_ko = duration(fact.end - fact.start + fact.step)
    value, expected = _told_apart(fact.value, fact.expected)
    away = f"{fact.size:.1f}" if fact.size < 1000 else f"{fact.size:.0f}"
    higher = fact.value > fact.expected
    side, side_ko = ("above", "높습니다") if higher else ("below", "낮습니다")
    since, since_ko = f"since {when}, for {length}", f"{when}부터 {length_ko} 동안"
    if fact.kind is Kind.ABSENCE:
        english = f"{fact.name}: no points {since}; about {expected} was expected."
        return english, f"{fact.name}: {since_ko} 데이터가 없습니다. 예상값은 약 {expected}입니다."
    if fact.kind is Kind.SHAPE:
        english = (
            f"{fact.name}: an unusual course {since}; its values are usual, nothing like it was seen before."
        )
        return (
            english,
            f"{fact.name}: {since_ko} 모양이 평소와 다릅니다. 값은 평소 범위이지만 처음 보는 흐름입니다.",
        )
    if fact.kind is Kind.LEVEL:
        english = (
            f"{fact.name}: moved to {value}, {away} usual deviations {side} the expected {expected}, {since}."
        )
        return (
            english,
            f"{fact.name}: {since_ko} {value} 수준으로 옮겨 예상값 {expected}보다 편차의 {away}배 {side_ko}.",
        )
    english = f"{fact.name}: {value} is {away} usual deviations {side} the expected {expected}, {since}."
    return (
        english,
        f"{fact.name}: {since_ko} {value}{_to(value)}, 예상값 {expected}보다 편차의 {away}배 {side_ko}.",
    )


def _told_apart(value: float, expected: float) -> tuple[str, str]:
    """Four digits of each, more where it takes more to show the first two in which they differ."""
    apart, largest = abs(value - expected), max(abs(value), abs(expected))
    if not (0 < apart < np.inf):
        return f"{value:.4g}", f"{expected:.4g}"
    digits = min(max(4, int(np.log10(largest / apart)) + 3), 15)
    return f"{value:.{digits}g}", f"{expected:.{digits}g}"


def _to(number: str) -> str:
    """The Korean particle behind a number as it is read: 영, 삼 and 육 end in a consonant other than ㄹ."""
    return "으로" if number[-1] in "036" else "로"


def with_others(sentence: str, korean: str, others: Sequence[str]) -> tuple[str, str]:
    """The sentences about the metric that carried an anomaly, and which others deviated with it; five at most."""
    named = ", ".join(others[:5])
    return (
        (f"{sentence} With it: {named}.", f"{korean} 함께 달라진 지표: {named}.")
        if named
        else (sentence, korean)
    )


def duration(nanoseconds: int) -> tuple[str, str]:
    """In the largest unit that fits, English and Korean."""
    for unit, short, korean in _UNITS:
        if nanoseconds >= unit:
            amount = f"{nanoseconds / unit:.3g}"
            return f"{amount} {short}", f"{amount}{korean}"
    return f"{nanoseconds} ns", f"{nanoseconds}나노초"
