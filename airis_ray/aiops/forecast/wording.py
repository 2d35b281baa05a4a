"""Why a forecast is as it is, in a sentence, in English and Korean."""

from __future__ import annotations

import re
from typing import Final

import numpy as np

from airis_ray.aiops.detect.wording import duration
from airis_ray.aiops.forecast.choose import Mixture
from airis_ray.aiops.forecast.history import Histories
from airis_ray.aiops.series import DAY, HOUR, MINUTE, SECOND, WEEK

UNITS: Final = ((WEEK, "week"), (DAY, "day"), (HOUR, "hour"), (MINUTE, "minute"), (SECOND, "second"))


HOLIDAYS: Final = ("; holidays go like Sundays", "; 공휴일은 일요일처럼 봅니다")
"""What is added where holidays count."""
_KOREAN: Final = {
    "the last value": "마지막 값",
    "middle of the last values": "최근 값의 중앙값",
    "what followed like moments": "비슷한 흐름 뒤에 온 값",
    "one season ago": "한 주기 전의 값",
    "one longer season ago": "긴 주기 하나 전의 값",
    "mean of the season": "주기 평균",
    "mean of the longer season": "긴 주기 평균",
    "trend": "추세",
    "regression on lags": "지난 값에 대한 회귀",
    "regression on seasonal lags": "주기를 더한 지난 값에 대한 회귀",
}
"""Every kind of member; a test holds that none is missing."""


def reason(mixture: Mixture, histories: Histories, row: int) -> tuple[str, str]:
    """Seasons, the two largest kinds of members, and the error against the plain repeat."""
    lengths = histories.periods[row][histories.sure[row]] * histories.steps[row]
    largest = [(kind, share) for kind, share in _kinds(mixture, row)[:2] if share >= 0.05]
    trials = int(np.isfinite(mixture.residuals[row]).any(axis=1).sum())
    gain = f"{mixture.gain[row]:.2f}"
    mixed = ", ".join(f"{kind} {share:.0%}" for kind, share in largest)
    mixed_ko = ", ".join(f"{_KOREAN[kind]} {share:.0%}" for kind, share in largest)
    if not len(lengths):
        return (
            f"no season found; {mixed}; in {trials} trials its error was {gain} of that of the last value",
            f"주기가 없습니다; {mixed_ko}; {trials}번 시험한 오차는 마지막 값을 그대로 둘 때의 {gain}배입니다",
        )
    seasons = " and ".join(_length(int(length)) for length in lengths)
    seasons_ko = ", ".join(duration(int(length))[1] for length in lengths)
    against = f"in {trials} trials its error was {gain} of that of the repeat of the last season"
    against_ko = f"{trials}번 시험한 오차는 지난 주기를 되풀이할 때의 {gain}배입니다"
    return (
        f"repeats every {seasons}; {mixed}; {against}",
        f"{seasons_ko} 주기로 되풀이됩니다; {mixed_ko}; {against_ko}",
    )


def _kinds(mixture: Mixture, row: int) -> list[tuple[str, float]]:
    """Kinds of members with their shares, the largest first."""
    kinds: dict[str, float] = {}
    for name, share in zip(mixture.names, mixture.shares[row], strict=True):
        kind = re.sub(r" \(.*", "", name)
        kinds[kind] = kinds.get(kind, 0.0) + float(share)
    return sorted(kinds.items(), key=lambda item: -item[1])


def _length(nanoseconds: int) -> str:
    for unit, name in UNITS:
        if nanoseconds % unit == 0:
            count = nanoseconds // unit
            return name if count == 1 else f"{count} {name}s"
    return f"{nanoseconds} ns"
