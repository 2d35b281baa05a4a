"""VUS-PR, the volume under the range-aware precision-recall surface, in array operations.

Equal to ``get_metrics(..., version="opt")["VUS-PR"]`` of the package TSB-AD 1.5 (its own takes minutes a series):
Paparrizos et al., "Volume Under the Surface", VLDB 2022. ``python -m benchmarks.accuracy.prove_vus`` compares both.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_THRESHOLDS = 250
_DEFAULT_WINDOW = 125


def period(series: Floats) -> int:
    """``find_length_rank(series, rank=1)`` of TSB-AD: the highest local maximum of the autocorrelation, or 125."""
    head = np.asarray(series, dtype=np.float64)[:20_000]
    lags = min(400, len(head) - 1)
    centred = head - head.mean()
    size = 1 << (2 * len(head) - 1).bit_length()
    spectrum = np.fft.rfft(centred, size)
    correlation = np.fft.irfft(spectrum * spectrum.conj(), size)[: lags + 1]
    if correlation[0] <= 0:
        return _DEFAULT_WINDOW
    tail = (correlation / correlation[0])[3:]
    peaks = np.flatnonzero((tail[1:-1] > tail[:-2]) & (tail[1:-1] > tail[2:])) + 1
    if not len(peaks):
        return _DEFAULT_WINDOW
    best = peaks[np.argsort(tail[peaks])[-1]]
    return _DEFAULT_WINDOW if best < 3 or best > 300 else int(best) + 3


def segments(labels: npt.NDArray[np.bool_]) -> tuple[Ints, Ints]:
    """First and last cell of each run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], labels.astype(np.int8), [0]])))
    return edges[::2], edges[1::2] - 1


def vus_pr(score: Floats, labels: npt.NDArray[np.generic], window: int) -> float:
    """Mean over buffer lengths 0..``window`` of the area under the range-aware precision-recall curve."""
    truth = np.asarray(labels) > 0
    first, last = segments(truth)
    ordered = -np.sort(-score)
    steps = ordered[np.linspace(0, len(score) - 1, _THRESHOLDS).astype(int)]
    level = np.searchsorted(-steps, -score, side="left")
    predicted = np.cumsum(np.bincount(level, minlength=_THRESHOLDS))[:_THRESHOLDS].astype(np.float64)
    inside = np.cumsum(np.bincount(level[truth], minlength=_THRESHOLDS))[:_THRESHOLDS]
    areas = [_area(level, truth, first, last, w, inside, predicted) for w in range(window + 1)]
    return float(np.mean(areas))


def _area(
    level: Ints,
    truth: npt.NDArray[np.bool_],
    first: Ints,
    last: Ints,
    window: int,
    inside: Ints,
    predicted: Floats,
) -> float:
    at, weight = _buffer(truth, first, last, window)
    near = np.cumsum(np.bincount(level[at], weights=weight, minlength=_THRESHOLDS))[:_THRESHOLDS]
    hit = inside + near
    positives = (truth.sum() + truth.sum() + near) / 2
    recall = np.minimum(hit / positives, 1.0)
    starts, ends = _merged(len(level), first, last, window)
    bounds = np.stack([starts, np.minimum(ends + 1, len(level))], axis=1).reshape(-1)
    padded = np.append(level, _THRESHOLDS)
    reached = np.minimum.reduceat(padded, bounds)[::2]
    exists = np.cumsum(np.bincount(reached, minlength=_THRESHOLDS + 1))[:_THRESHOLDS] / len(starts)
    rate = np.concatenate([[0.0], recall * exists])
    return float(np.dot(np.diff(rate), hit / predicted))


def _buffer(truth: npt.NDArray[np.bool_], first: Ints, last: Ints, window: int) -> tuple[Ints, Floats]:
    """Cells around the segments and their weights; a cell within a segment is left out."""
    offset = np.arange(1, window // 2 + 1)
    weight = np.sqrt(1 - offset / max(window, 1))
    at = np.concatenate([(last[:, None] + offset).reshape(-1), (first[:, None] - offset).reshape(-1)])
    spread = np.tile(weight, 2 * len(first))
    good = (at >= 0) & (at < len(truth))
    good[good] &= ~truth[at[good]]
    cells, which = np.unique(at[good], return_inverse=True)
    total: Floats = np.bincount(which, weights=spread[good], minlength=len(cells))
    return cells, np.minimum(total, 1.0)


def _merged(length: int, first: Ints, last: Ints, window: int) -> tuple[Ints, Ints]:
    """Segments widened by half the window on both sides, those that touch as one."""
    half = window // 2
    apart = last[:-1] + half < first[1:] - half
    starts = np.concatenate([[max(first[0] - half, 0)], first[1:][apart] - half])
    ends = np.concatenate([last[:-1][apart] + half, [min(last[-1] + half, length - 1)]])
    return starts, ends
