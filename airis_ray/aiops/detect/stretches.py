"""Cells above the threshold become anomalies: stretches with a kind, a severity and a sentence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from airis_ray.aiops.detect import wording
from airis_ray.aiops.detect.baseline import Expectation
from airis_ray.aiops.detect.tails import THRESHOLD
from airis_ray.aiops.protocol import Anomaly, Kind, Singles
from airis_ray.aiops.series import Bools, Floats, Ints, SeriesBatch

JOINED: Final = 3
"""Stretches with no more cells between them are one."""
LEVEL: Final = 8
"""Cells on the same side of what was expected that make a level."""
FAR: Final = 3.0
"""Departure, in deviations, from which a value itself is called unusual."""
ABSENT: Final = 3
"""Cells without a point, at least, that are an absence."""
SPARED: Final = 2
"""Absences that a history which is judged itself may hold: what happens more often is its habit."""
MOST: Final = 1000
"""Anomalies told of one series; the most severe are kept."""


@dataclass(frozen=True)
class Runs:
    """Stretches of cells ``[first, last]``."""

    row: Ints
    first: Ints
    last: Ints


_FIELDS: Final = ("row", "first", "last")


def runs(mask: Bools, joined: int = 0) -> Runs:
    """Stretches of True in the rows of ``mask``; those at most ``joined`` cells apart are one."""
    edge = np.zeros((len(mask), 1), np.int8)
    change = np.diff(np.concatenate([edge, mask.astype(np.int8), edge], axis=1), axis=1)
    row, first = np.nonzero(change == 1)
    last = np.nonzero(change == -1)[1] - 1
    if joined and len(row):
        apart = np.ones(len(row), bool)
        apart[1:] = (row[1:] != row[:-1]) | (first[1:] - last[:-1] - 1 > joined)
        starts = np.flatnonzero(apart)
        ends = np.append(starts[1:], len(row)) - 1
        row, first, last = row[starts], first[starts], last[ends]
    return Runs(row, first, last)


def absences(batch: SeriesBatch, usual: Ints) -> Bools:
    """[n, t]: cells in a hole longer than ``usual`` [n] holes are, and at least :data:`ABSENT`."""
    hole = runs(batch.inside & ~batch.present)
    length = hole.last - hole.first + 1
    long = length > np.maximum(2 * usual[hole.row], ABSENT - 1)
    mark = np.zeros((len(batch), batch.width + 1), np.int64)
    np.add.at(mark, (hole.row[long], hole.first[long]), 1)
    np.add.at(mark, (hole.row[long], hole.last[long] + 1), -1)
    found: Bools = mark.cumsum(axis=1)[:, :-1] > 0
    return found


def longest_hole(history: SeriesBatch, spared: int = 0) -> Ints:
    """[n]: the longest hole between two points of each series, but for so many that are longer."""
    known = history.present
    columns = np.broadcast_to(np.arange(history.width), known.shape)
    first = np.where(known, columns, history.width).min(axis=1, initial=history.width)
    last = np.where(known, columns, -1).max(axis=1, initial=-1)
    between = (columns > first[:, None]) & (columns < last[:, None]) & ~known
    hole = runs(between)
    length = hole.last - hole.first + 1
    order = np.lexsort((-length, hole.row))
    place = np.arange(len(order)) - np.searchsorted(hole.row[order], hole.row[order])
    kept = order[place == spared]
    found = np.zeros(len(history), np.int64)
    found[hole.row[kept]] = length[kept]
    return found


def told(
    batch: SeriesBatch,
    score: Singles,
    found: Expectation,
    absent: Bools,
    threshold: float = THRESHOLD,
    *,
    by_side: bool = False,
) -> tuple[Anomaly, ...]:
    """The anomalies of a batch, by series, then by time; ``by_side``: none lies both above and below the expected."""
    mask = (score > threshold) & ~absent
    over = runs(mask, JOINED)
    if by_side:
        below = np.nan_to_num(found.departure) < 0
        parts = [runs(mask & ~below, JOINED), runs(mask & below, JOINED)]
        over = Runs(*(np.concatenate([getattr(part, name) for part in parts]) for name in _FIELDS))
    gone = runs(absent)
    told = [_one(batch, score, found, r, a, b) for r, a, b in zip(*_most(over, score), strict=True)]
    told += [_gone(batch, found, r, a, b) for r, a, b in zip(gone.row, gone.first, gone.last, strict=True)]
    return tuple(sorted(told, key=lambda anomaly: (anomaly.series, anomaly.first)))


def _most(found: Runs, score: Singles) -> tuple[list[int], list[int], list[int]]:
    if not len(found.row):
        return [], [], []
    peak = np.array(
        [score[r, a : b + 1].max() for r, a, b in zip(found.row, found.first, found.last, strict=True)]
    )
    order = np.lexsort((-peak, found.row))
    place = np.arange(len(order)) - np.searchsorted(found.row[order], found.row[order])
    kept = order[place < MOST]
    return found.row[kept].tolist(), found.first[kept].tolist(), found.last[kept].tolist()


def _one(batch: SeriesBatch, score: Singles, found: Expectation, row: int, first: int, last: int) -> Anomaly:
    departure = np.nan_to_num(found.departure[row, first : last + 1])
    first, last = _without_return(departure, *_narrowed(departure, first, last), first)
    cells = slice(first, last + 1)
    departure = np.nan_to_num(found.departure[row, cells])
    worst = first + int(np.abs(departure).argmax())
    size = float(np.abs(departure).max())
    same = max((departure > 1).mean(), (departure < -1).mean())
    if size < FAR:
        kind = Kind.SHAPE
        worst = first + int(score[row, cells].argmax())
    elif last - first + 1 >= LEVEL and same >= 0.8:
        kind = Kind.LEVEL
    else:
        kind = Kind.POINT
    value, expected = float(batch.values[row, worst]), float(found.expected[row, worst])
    start, end, step = _times(batch, row, first, last)
    fact = wording.Fact(kind, batch.names[row], value, expected, size, start, end, step)
    severity = float(score[row, cells].max())
    return Anomaly(
        row,
        batch.names[row],
        first,
        last,
        start,
        end,
        kind,
        severity,
        value,
        expected,
        *wording.sentences(fact),
    )


def _narrowed(departure: Floats, first: int, last: int) -> tuple[int, int]:
    """Windows blur where an unusual value is: where values tell it, from the first of them to the last."""
    size = np.abs(departure)
    if size.max() < 2 * FAR:
        return first, last
    far = np.flatnonzero(size >= max(FAR, size.max() / 4))
    return first + int(far[0]), first + int(far[-1])


def _without_return(departure: Floats, first: int, last: int, begin: int) -> tuple[int, int]:
    """A level that followed makes the return look like a departure to the other side: it is not part of the anomaly.

    ``departure`` begins at the cell ``begin``.
    """
    own = departure[first - begin : last - begin + 1]
    side = np.sign(own[0])
    same = np.flatnonzero((np.sign(own) == side) & (np.abs(own) >= FAR))
    if not len(same) or np.abs(own[: same[-1] + 1]).max() < np.abs(own).max() / 2:
        return first, last
    return first, first + int(same[-1])


def _gone(batch: SeriesBatch, found: Expectation, row: int, first: int, last: int) -> Anomaly:
    row, first, last = int(row), int(first), int(last)
    expected = float(found.expected[row, first])
    start, end, step = _times(batch, row, first, last)
    length = last - first + 1
    fact = wording.Fact(Kind.ABSENCE, batch.names[row], np.nan, expected, float(length), start, end, step)
    severity = length / (length + ABSENT)
    return Anomaly(
        row,
        batch.names[row],
        first,
        last,
        start,
        end,
        Kind.ABSENCE,
        severity,
        np.nan,
        expected,
        *wording.sentences(fact),
    )


def _times(batch: SeriesBatch, row: int, first: int, last: int) -> tuple[int, int, int]:
    start, step = int(batch.starts[row]), int(batch.steps[row])
    return start + first * step, start + last * step, step
