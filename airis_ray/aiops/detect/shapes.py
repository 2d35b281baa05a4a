"""Courses never seen before: distances of windows to their like, over five lengths, as they are and as shapes.

Nearest-neighbour distances over subsequences, the family that leads TSB-AD (Liu and Paparrizos, NeurIPS 2024), with
several lengths mixed by the geometric mean of what each says relative to its own average.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt
import torch

from airis_ray.aiops.detect import lengths as window_lengths
from airis_ray.aiops.detect.devices import device_of
from airis_ray.aiops.detect.neighbours import Cut, distances, on_cells
from airis_ray.aiops.filling import scaled, standardised, straight
from airis_ray.aiops.series import Floats, Ints, SeriesBatch

_SMALLEST: Final = 1e-3
"""Of the average distance: what is less counts as much, so that an exact repetition does not outweigh all else."""
_GROUP: Final = 2**22
"""Cells of the series that are worked on at a time."""
CONTEXT: Final = 1280
"""Cells of the history that newer cells are looked at with: the longest window."""


@dataclass(frozen=True)
class Shapes:
    """What is known of the courses of ``n`` series."""

    values: Floats
    """[n, t] the history, without holes, standardised"""
    lengths: Ints
    """[n] its cells"""
    mean: Floats
    deviation: Floats
    """[n] by which it was standardised; 0: constant"""
    period: Ints
    """[n] cells"""
    starts: Ints
    steps: Ints
    """[n] nanoseconds: the time of the first cell, and between two"""
    usual: Floats
    """[n, windows, 2] average distance in the history, by window length: as they are, and as shapes"""

    @classmethod
    def of(cls, history: SeriesBatch, device: str = "cpu") -> tuple[Shapes, Floats]:
        """Learn from a history; with it [n, t], how unusual each of its own cells is (logarithms, 0: average).

        ``device``: where distances are computed, as in :func:`.devices.device_of`.
        """
        inside = history.inside
        values = straight(history.values)
        mean, deviation = standardised(values, inside)
        flat = scaled(values, mean, deviation)
        period = window_lengths.repeats(flat, inside)
        usual = np.zeros((len(history), len(window_lengths.SHARES), 2))
        shapes = cls(flat, history.lengths, mean, deviation, period, history.starts, history.steps, usual)
        return shapes, shapes._unusual(
            _Asked(flat, history.lengths, np.zeros(len(history), np.int64)), device, learn=True
        )

    def unusual(self, batch: SeriesBatch, device: str = "cpu") -> Floats:
        """[n, t]: the same of a batch that overlaps the history or follows it."""
        offset = self._offset(batch)
        if not (offset > 0).any():
            own = scaled(straight(batch.values), self.mean, self.deviation)
            return self._unusual(_Asked(own, batch.lengths, offset), device)
        joined = self._with_context(batch, offset)
        values = scaled(joined, self.mean, self.deviation)
        asked = _Asked(values, batch.lengths + CONTEXT, offset - CONTEXT)
        return self._unusual(asked, device)[:, CONTEXT:]

    def _offset(self, batch: SeriesBatch) -> Ints:
        """[n]: the history's cell at which the batch begins."""
        found: Ints = (batch.starts - self.starts) // self.steps
        return found

    def grown(self, batch: SeriesBatch, kept: int) -> Self:
        """With the cells of a batch that follows; of what is longer than twice ``kept`` the newest are kept."""
        offset = self._offset(batch)
        lengths = np.maximum(self.lengths, offset + batch.lengths)
        width = int(lengths.max(initial=0))
        column = np.arange(width)
        own = np.take_along_axis(self.values, np.minimum(column, self.lengths[:, None] - 1), axis=1)
        at = np.clip(column - offset[:, None], 0, batch.width - 1)
        new = np.take_along_axis(scaled(straight(batch.values), self.mean, self.deviation), at, axis=1)
        fresh = (column >= offset[:, None]) & (column >= self.lengths[:, None])
        values = np.where(fresh, new, own)
        if width <= 2 * kept:
            return replace(self, values=values, lengths=lengths)
        dropped = np.maximum(lengths - kept, 0)
        at = np.minimum(np.arange(kept) + dropped[:, None], width - 1)
        starts = self.starts + dropped * self.steps
        newest = np.take_along_axis(values, at, axis=1)
        return replace(self, values=newest, lengths=lengths - dropped, starts=starts)

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """All there is, by name; :meth:`from_arrays` takes it back."""
        return {f"shape_{field.name}": getattr(self, field.name) for field in fields(self)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> Self:
        """The same again; other names are left alone."""
        return cls(**{field.name: arrays[f"shape_{field.name}"] for field in fields(cls)})

    def _with_context(self, batch: SeriesBatch, offset: Ints) -> Floats:
        at = offset[:, None] - CONTEXT + np.arange(CONTEXT)
        known = (at >= 0) & (at < self.lengths[:, None])
        column = np.clip(at, 0, self.values.shape[1] - 1)
        before = np.take_along_axis(self.values, column, axis=1) * self._scale[:, None] + self.mean[:, None]
        both = np.concatenate([np.where(known, before, np.nan), batch.values], axis=1)
        return straight(SeriesBatch.of(both, lengths=batch.lengths + CONTEXT).values)

    @property
    def _scale(self) -> Floats:
        found: Floats = np.where(self.deviation > 0, self.deviation, 1.0)
        return found

    def _unusual(self, asked: _Asked, device: str, *, learn: bool = False) -> Floats:
        n, width = asked.values.shape
        on = device_of(device)
        total = np.zeros((n, width))
        spans = window_lengths.windows(self.period, self.lengths)
        for place in range(spans.shape[1]):
            for span in np.unique(spans[:, place]):
                rows = np.flatnonzero(spans[:, place] == span)
                size = max(1, _GROUP // max(width, self.values.shape[1]))
                for at in range(0, len(rows), size):
                    part = rows[at : at + size]
                    total[part] += self._one(asked.of(part), part, place, Cut.of(int(span)), on, learn)
        total /= 2 * spans.shape[1]
        return total

    def _one(self, asked: _Asked, rows: Ints, place: int, cut: Cut, on: torch.device, learn: bool) -> Floats:
        width = asked.values.shape[1]
        library = torch.from_numpy(self.values[rows].astype(np.float32)).to(on)
        queries = library if learn else torch.from_numpy(asked.values.astype(np.float32)).to(on)
        known, ends, offset = (
            torch.from_numpy(each.copy()).to(on) for each in (self.lengths[rows], asked.lengths, asked.offset)
        )
        found = distances(queries, library, cut, known, offset)
        total = np.zeros((len(rows), width))
        for kind, scores in enumerate(found):
            cells = on_cells(scores, cut, ends, width).cpu().numpy()
            if learn:
                inside = np.arange(width) < asked.lengths[:, None]
                average = np.where(inside, cells, 0.0).sum(axis=1) / np.maximum(asked.lengths, 1)
                self.usual[rows, place, kind] = average
            usual = np.maximum(self.usual[rows, place, kind], 1e-9)
            total += np.log(cells / usual[:, None] + _SMALLEST)
        return total


@dataclass(frozen=True)
class _Asked:
    """Series to be judged: standardised values [n, t], their cells [n], the history's cell they begin at [n]."""

    values: Floats
    lengths: Ints
    offset: Ints

    def of(self, rows: Ints) -> _Asked:
        return _Asked(self.values[rows], self.lengths[rows], self.offset[rows])
