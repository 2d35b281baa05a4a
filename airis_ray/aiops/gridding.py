"""Ragged points become batches on a grid, all series at once; a series that cannot be placed is named."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from airis_ray.aiops.series import MINUTE, Bools, Floats, Ints, SeriesBatch

MAX_CELLS: Final = 2**21
"""Cells of one series: 1 M points and as many gaps. A longer grid is mostly holes or belongs into a roll-up."""
MOST_CELLS: Final = 2**27
"""Cells of all series of one call, padding included: a GB of values."""


@dataclass(frozen=True)
class SeriesError:
    """Why a series was left out: its name, the position of the first bad point (None: as a whole), a sentence."""

    name: str
    position: int | None
    message: str


@dataclass(frozen=True)
class Reading:
    """What could be read. Series of about the same length share a batch, so that padding stays below half."""

    batches: tuple[SeriesBatch, ...]
    errors: tuple[SeriesError, ...]
    batch: Ints
    """[points]: the batch each point went to; -1 where its series was left out"""
    row: Ints
    """[points]: its series in that batch"""
    cell: Ints
    """[points]: its cell in that series"""


@dataclass
class Points:
    """Points of many series, one after the other: series ``i`` holds ``[offsets[i], offsets[i + 1])``."""

    names: list[str]
    offsets: Ints
    times: Ints
    values: Floats
    errors: dict[int, SeriesError] = field(default_factory=dict)
    groups: Ints | None = None
    """[n]: series of a group share a grid, from the first point of any of them to the last; None: each has its own"""

    def refuse(self, series: int, position: int | None, message: str) -> None:
        """Leave a series out; the first reason stands."""
        self.errors.setdefault(series, SeriesError(self.names[series], position, message))

    @property
    def counts(self) -> Ints:
        """[n]: points of each series."""
        return np.diff(self.offsets)


def place(points: Points, min_points: int, step: int | None, most: int = MOST_CELLS) -> Reading:
    """Put every series on its grid; points that fall into the same cell are averaged.

    ``step`` (ns) is the grid's for all; without it each series' median distance is, one minute for a single point.
    ``most`` bounds the cells of all grids together: the longest series are left out until the rest fits.
    """
    _check_length(points, min_points)
    gaps = np.diff(points.times)
    _check_order(points, gaps)
    steps = _steps(points, gaps, step)
    counts = points.counts
    owner = np.repeat(np.arange(len(counts)), counts)
    firsts = _first(points)
    if points.groups is not None:
        _share(points, points.groups, firsts, steps)
    cell = (points.times - firsts[owner] + steps[owner] // 2) // steps[owner]
    lengths = np.where(counts > 0, _last(cell, points.offsets) + 1, 0)
    if points.groups is not None:
        good = _good(points)
        longest = np.zeros(int(points.groups.max(initial=0)) + 1, np.int64)
        np.maximum.at(longest, points.groups[good], lengths[good])
        lengths = np.where(good, longest[points.groups], lengths)
    for i in np.flatnonzero(lengths > MAX_CELLS):
        points.refuse(int(i), None, f"spans {lengths[i]} steps of {steps[i]} ns; at most {MAX_CELLS}")
    _check_cells(points, lengths, steps, most)
    return _fill(points, _Placed(owner, cell, firsts, steps, lengths), _good(points))


@dataclass(frozen=True)
class _Placed:
    owner: Ints
    cell: Ints
    firsts: Ints
    steps: Ints
    lengths: Ints


def _check_length(points: Points, min_points: int) -> None:
    for i in np.flatnonzero(points.counts < min_points):
        points.refuse(int(i), None, f"has {points.counts[i]} points; at least {min_points} are needed")


def _check_order(points: Points, gaps: Ints) -> None:
    inner = np.ones(len(gaps), dtype=bool)
    edges = points.offsets[1:-1] - 1
    inner[edges[(edges >= 0) & (edges < len(gaps))]] = False
    wrong = np.flatnonzero(inner & (gaps <= 0))
    owners, at = np.unique(np.searchsorted(points.offsets, wrong, side="right") - 1, return_index=True)
    for i, where in zip(owners, wrong[at] + 1, strict=True):
        position = int(where - points.offsets[i])
        why = "repeats the one before" if gaps[where - 1] == 0 else "is before the one before it"
        points.refuse(int(i), position, f"time at position {position} {why}; expected increasing times")


def _check_cells(points: Points, lengths: Ints, steps: Ints, most: int) -> None:
    good = np.flatnonzero(_good(points))
    by_length = good[np.argsort(lengths[good], kind="stable")]
    padded = 2 ** np.ceil(np.log2(np.maximum(lengths[by_length], 1)))
    for i in by_length[padded.cumsum() > most]:
        points.refuse(
            int(i), None, f"spans {lengths[i]} steps of {steps[i]} ns; all series together have too many"
        )


def _good(points: Points) -> Bools:
    good = np.ones(len(points.counts), dtype=bool)
    good[list(points.errors)] = False
    return good


def _steps(points: Points, gaps: Ints, step: int | None) -> Ints:
    counts = points.counts
    if step is not None:
        return np.full(len(counts), step, dtype=np.int64)
    found = np.full(len(counts), MINUTE, dtype=np.int64)
    for i in np.flatnonzero(counts > 1):
        own = gaps[points.offsets[i] : points.offsets[i + 1] - 1]
        found[i] = max(int(np.median(own)), 1)
    return found


def _share(points: Points, groups: Ints, firsts: Ints, steps: Ints) -> None:
    """Let the good series of each group begin with the first of them, at their median step."""
    good = np.flatnonzero(_good(points))
    by_group = good[np.argsort(groups[good], kind="stable")]
    for members in np.split(by_group, np.flatnonzero(np.diff(groups[by_group])) + 1):
        if len(members):
            firsts[members] = firsts[members].min()
            steps[members] = max(int(np.median(steps[members])), 1)


def _first(points: Points) -> Ints:
    found = np.zeros(len(points.counts), dtype=np.int64)
    some = points.counts > 0
    found[some] = points.times[points.offsets[:-1][some]]
    return found


def _last(cell: Ints, offsets: Ints) -> Ints:
    found: Ints = cell[np.maximum(offsets[1:] - 1, 0)] if len(cell) else np.zeros(len(offsets) - 1, np.int64)
    return found


def _fill(points: Points, placed: _Placed, good: Bools) -> Reading:
    octave = np.where(good, np.ceil(np.log2(np.maximum(placed.lengths, 1))), -1).astype(np.int64)
    of_batch = np.full(len(good), -1, dtype=np.int64)
    of_row = np.zeros(len(good), dtype=np.int64)
    batches = []
    for number, size in enumerate(np.unique(octave[good])):
        members = np.flatnonzero(octave == size)
        of_batch[members], of_row[members] = number, np.arange(len(members))
        batches.append(_batch(points, placed, members, of_row))
    errors = tuple(points.errors[i] for i in sorted(points.errors))
    return Reading(tuple(batches), errors, of_batch[placed.owner], of_row[placed.owner], placed.cell)


def _batch(points: Points, placed: _Placed, members: Ints, of_row: Ints) -> SeriesBatch:
    width = int(placed.lengths[members].max())
    mine = np.isin(placed.owner, members) & np.isfinite(points.values)
    at = of_row[placed.owner[mine]] * width + placed.cell[mine]
    size = len(members) * width
    total = np.bincount(at, weights=points.values[mine], minlength=size)
    count = np.bincount(at, minlength=size)
    values = np.where(count > 0, total / np.maximum(count, 1), np.nan).reshape(len(members), width)
    names = tuple(points.names[i] for i in members)
    return SeriesBatch(names, values, placed.firsts[members], placed.steps[members], placed.lengths[members])
