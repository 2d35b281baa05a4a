"""How far each window of a series is from the windows most like it: matrix products over many series at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch

REFERENCES: Final = 512
"""Windows of the history that a window is compared with; more cost more and found no more."""
NEIGHBOURS: Final = 3
"""The distance to the third nearest: a single earlier case of the same fault hides nothing."""
BINS: Final = 32
"""Means that stand for a window, at least half as many as it has cells up to 64."""
FLATTEST: Final = 0.1
"""A window whose deviation is less, in deviations of the series, is not stretched further."""
STRIDE: Final = 16
"""A window moves on by this part of its length."""
_CELLS: Final = 2**21
"""Distances held at a time: they stay in the processor's cache."""


@dataclass(frozen=True)
class Cut:
    """How windows of ``length`` cells are taken: ``bins`` means over ``cells`` each, a window every ``stride``."""

    cells: int
    bins: int
    stride: int

    @classmethod
    def of(cls, length: int) -> Cut:
        """For windows of about ``length`` cells."""
        cells = max(1, length // BINS)
        return cls(cells, max(length // cells, 1), max(1, length // STRIDE))

    @property
    def span(self) -> int:
        """Cells of a window."""
        return self.cells * self.bins

    def count(self, lengths: torch.Tensor) -> torch.Tensor:
        """Windows in series of ``lengths`` cells, at least one."""
        return (lengths - self.span).clamp(min=0) // self.stride + 1

    def windows(self, values: torch.Tensor) -> torch.Tensor:
        """[n, windows, bins] of values [n, t]; a series shorter than a window is continued by its last value."""
        if values.shape[1] < self.span:
            last = values[:, -1:].expand(-1, self.span - values.shape[1])
            values = torch.cat([values, last], dim=1)
        means = values.unfold(1, self.cells, 1).mean(dim=2) if self.cells > 1 else values
        return means.unfold(1, (self.bins - 1) * self.cells + 1, self.stride)[:, :, :: self.cells]


def both(windows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The windows as they are, and moved and stretched to the same mean and deviation: level, and course alone."""
    centred = windows - windows.mean(dim=2, keepdim=True)
    deviation = centred.square().mean(dim=2, keepdim=True).sqrt()
    return windows, centred / deviation.clamp(min=FLATTEST)


def distances(
    queries: torch.Tensor, library: torch.Tensor, cut: Cut, lengths: torch.Tensor, offset: torch.Tensor
) -> list[torch.Tensor]:
    """Two [n, windows] of ``queries`` [n, t]: as they are and as courses, each to ``library`` [n, u].

    ``lengths`` [n]: cells of the library. ``offset`` [n]: the library's cell at which the queries begin; windows
    that overlap are no neighbours of each other.
    """
    reference = _positions(cut.count(lengths))
    starts = reference * cut.stride
    taken = cut.windows(library)
    chosen = torch.take_along_dim(taken, reference[:, :, None], dim=1)
    again = torch.zeros_like(reference, dtype=torch.bool)
    again[:, 1:] = reference[:, 1:] == reference[:, :-1]
    asked = cut.windows(queries)
    at = torch.arange(asked.shape[1], device=queries.device) * cut.stride
    found: list[list[torch.Tensor]] = [[], []]
    step = max(16, _CELLS // (len(queries) * reference.shape[1]))
    references = [(part, part.square().sum(dim=2)) for part in both(chosen)]
    for first in range(0, asked.shape[1], step):
        here = at[first : first + step] + offset[:, None]
        own = (here[:, :, None] - starts[:, None, :]).abs() < cut.span
        own |= again[:, None, :]
        for kind, part in enumerate(both(asked[:, first : first + step])):
            found[kind].append(_nearest(part, *references[kind], own))
    return [torch.cat(parts, dim=1) for parts in found]


def _positions(counts: torch.Tensor) -> torch.Tensor:
    share = torch.linspace(0, 1, REFERENCES, dtype=torch.float64, device=counts.device)
    return (share * (counts[:, None] - 1)).round().to(torch.int64)


def _nearest(
    part: torch.Tensor, chosen: torch.Tensor, power: torch.Tensor, own: torch.Tensor
) -> torch.Tensor:
    table = torch.baddbmm(power[:, None, :], part, chosen.transpose(1, 2), alpha=-2.0)
    table = table.masked_fill_(own, torch.inf)
    nearest = table.topk(NEIGHBOURS, dim=2, largest=False, sorted=True).values
    # Where fewer are left, the farthest of them; none at all: no distance.
    finite = nearest.isfinite()
    last = (finite.sum(dim=2, keepdim=True) - 1).clamp(min=0)
    chosen_one = nearest.gather(2, last)[:, :, 0]
    squared = torch.where(
        finite[:, :, 0], chosen_one + part.square().sum(dim=2), torch.zeros_like(chosen_one)
    )
    return squared.clamp(min=0).sqrt()


def on_cells(scores: torch.Tensor, cut: Cut, lengths: torch.Tensor, width: int) -> torch.Tensor:
    """[n, width] from window scores [n, windows]: the mean over the windows that cover a cell."""
    full = (lengths - cut.span).clamp(min=0)[:, None]
    index = torch.arange(max(width - cut.span, 0) + 1, device=scores.device)[None, :].minimum(full)
    last = (cut.count(lengths) - 1)[:, None]
    low = (index // cut.stride).minimum(last)
    share = (index - low * cut.stride) / cut.stride
    left, right = scores.gather(1, low), scores.gather(1, (low + 1).minimum(last))
    dense = (left + (right - left) * share.to(scores.dtype)).to(torch.float64)
    edge = cut.span - 1
    padded = torch.cat([dense[:, :1].expand(-1, edge), dense, dense[:, -1:].expand(-1, edge)], dim=1)
    sums = torch.cat([torch.zeros_like(padded[:, :1]), padded.cumsum(dim=1)], dim=1)
    return ((sums[:, cut.span :] - sums[:, : -cut.span]) / cut.span)[:, :width].clamp(min=0)
