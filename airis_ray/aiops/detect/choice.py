"""Which model weighs most for a series, and why: a sentence in both languages."""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np

from airis_ray.aiops.detect.baseline import Baseline
from airis_ray.aiops.detect.counts import LONGEST, Counts
from airis_ray.aiops.detect.wording import duration
from airis_ray.aiops.protocol import Choice
from airis_ray.aiops.series import Floats, Ints

COUNTS: Final = "counts"
"""The model of series whose chances are known and not fitted."""
FEW: Final = 64
"""Cells of history below which there are no courses to compare."""
WEIGHT: Final = 1.5
"""Of departures where they are clear, beside the distances of courses."""
LITTLE: Final = 0.25
"""Of departures where they are not."""


def weights(base: Baseline, lengths: Ints, deviation: Floats) -> Floats:
    """[n, 2]: weight of courses and of departures; ``deviation`` [n] of the history."""
    comparable = (lengths >= FEW) & (deviation > 0)
    departures = np.where(comparable, np.where(base.clear, WEIGHT, LITTLE), 1.0)
    return np.stack([comparable.astype(np.float64), departures], axis=1)


def told(base: Baseline, weighed: Floats, lengths: Ints, counts: Counts) -> tuple[Choice, ...]:
    """The choice for each series, in words; ``counts`` go by their chances."""
    chances = dict(zip(counts.rows.tolist(), (counts.cells * base.steps[counts.rows]).tolist(), strict=True))
    return tuple(
        _departure(chances[row], True) if row in chances else _one(base, weighed, lengths, row)
        for row in range(len(lengths))
    )


def _one(base: Baseline, weighed: Floats, lengths: Ints, row: int) -> Choice:
    season = int(base.season.cells[row] * base.steps[row])
    named, named_ko = duration(season)
    if not weighed[row, 0]:
        why = (
            f"only {lengths[row]} points of history, or all the same: compared with the level alone",
            f"이력이 {lengths[row]}점뿐이거나 값이 모두 같아 수준과만 비교합니다",
        )
        return Choice("level", season, *why)
    if weighed[row, 1] >= WEIGHT:
        why = (
            f"a season of {named} explains it well: departures from season and level weigh most",
            f"{named_ko} 주기로 잘 설명되므로 주기와 수준에서 벗어난 정도를 가장 중하게 봅니다",
        )
        return Choice("season", season, *why)
    if season:
        why = (
            f"a season of {named}, but much that it does not explain: unusual courses weigh most",
            f"{named_ko} 주기가 있으나 설명되지 않는 변동이 커서 처음 보는 모양을 가장 중하게 봅니다",
        )
    else:
        why = ("no season: unusual courses weigh most", "주기가 없어 처음 보는 모양을 가장 중하게 봅니다")
    return Choice("shape", season, *why)


def seasonal(base: Baseline, counts: Counts) -> tuple[Choice, ...]:
    """The same for a detector that knows departures, and the chances of ``counts``."""
    counted, cells = set(counts.rows.tolist()), base.season.cells.copy()
    cells[counts.rows] = counts.cells
    seasons = (cells * base.steps).tolist()
    return tuple(_departure(season, row in counted) for row, season in enumerate(seasons))


@cache
def _departure(season: int, counted: bool) -> Choice:
    named, named_ko = duration(season)
    if counted:
        season_en = f"its season of {named}" if season else "its level"
        season_ko = f"{named_ko} 주기" if season else "수준"
        return Choice(
            COUNTS,
            season,
            f"counts: judged by the chance of as many within 1 to {LONGEST} cells, from {season_en}",
            f"건수이므로 {season_ko}에 비추어 1~{LONGEST}칸 동안의 합이 나올 확률로 판단합니다",
        )
    if not season:
        return Choice(
            "level", 0, "no season was found: compared with its level", "주기가 없어 수준과 비교합니다"
        )
    return Choice("season", season, f"its season of {named} was found", f"{named_ko} 주기를 찾았습니다")
