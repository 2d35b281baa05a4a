"""Stretches that a detector flags, window after window, become anomalies that keep their id while they last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import numpy as np

from airis_ray.aiops.detect.wording import Fact, sentences
from airis_ray.aiops.protocol import Anomaly, Kind, Scores
from airis_ray.aiops.watch.findings import Direction, Finding, Subject

AT_THRESHOLD: Final = 0.5
"""Severity of what a detector's own threshold just lets through."""
SURE_OF_COUNTS: Final = 0.6
"""Severity of a chance of 3 in 100 million a cell."""
_LEVEL: Final = 8
"""Cells after which a deviation is a level that was left."""
_BAND: Final = 6.0
"""Deviations from one end of a detector's band to the other."""


@dataclass(frozen=True)
class Rules:
    """When a deviation is told. ``quiet`` cells without one end it; ``sure`` is a severity that needs no confirming."""

    step: int
    confirm: int = 3
    quiet: int = 5
    sure: float = 0.9

    def counting(self) -> Rules:
        """The same for counts. The chance of these is known and added up already: no cell need confirm the one before,
        but each has to be as unlikely as :data:`SURE_OF_COUNTS` says."""
        return replace(self, sure=SURE_OF_COUNTS)


@dataclass(frozen=True)
class Track:
    """A deviation that goes on: ``[start, end)`` in nanoseconds, and its worst cell; ``size`` in usual deviations."""

    start: int
    end: int
    cells: int
    severity: float
    kind: str
    value: float
    expected: float
    size: float
    told: bool = False

    def joined(self, later: Track) -> Track:
        """With a later stretch."""
        worst = later if later.severity > self.severity else self
        cells = self.cells + later.cells
        kind = Kind.LEVEL.value if cells >= _LEVEL and worst.kind == Kind.POINT.value else worst.kind
        end = max(self.end, later.end)
        return replace(worst, start=self.start, end=end, cells=cells, kind=kind, told=self.told)

    def finding(self, tenant: str, series: int, subject: Subject, model: str, step: int) -> Finding:
        """As it is kept, with the sentences about it."""
        direction: Direction = "below" if self.value < self.expected else "above"
        numbers = (self.value, self.expected, self.size, self.start, self.end - step, step)
        told = sentences(Fact(Kind(self.kind), subject.name, *numbers))
        where = (self.start, self.end, self.kind, self.severity, direction, self.expected, self.value)
        return Finding(tenant, series, subject, *where, *told, model)

    def as_json(self) -> dict[str, Any]:
        """For a checkpoint."""
        return asdict(self)


def tracks_of(scores: Scores, step: int) -> dict[int, list[Track]]:
    """Row → its stretches in the order of time.

    Absent points are left out: a service that falls silent is told by its rates, which fall to 0; of other series
    instances come and go.
    """
    found: dict[int, list[Track]] = {}
    for each in scores.anomalies:
        if each.kind is not Kind.ABSENCE:
            found.setdefault(each.series, []).append(_track(each, scores, step))
    return found


def _track(each: Anomaly, scores: Scores, step: int) -> Track:
    cells = slice(each.first, each.last + 1)
    width = scores.high[each.series, cells] - scores.low[each.series, cells]
    deviation = float(np.nanmean(width)) / _BAND if np.isfinite(width).any() else np.nan
    size = abs(each.value - each.expected) / deviation if deviation > 0 else 0.0
    kind = each.kind.value if each.kind is Kind.SHAPE else Kind.POINT.value
    count = each.last - each.first + 1
    track = Track(each.start, each.end + step, count, each.severity, kind, each.value, each.expected, size)
    return replace(track, kind=Kind.LEVEL.value) if each.kind is Kind.LEVEL else track


def follow(
    track: Track | None, found: Sequence[Track], rules: Rules, *, threshold: float, upto: int
) -> tuple[list[Track], Track | None]:
    """What a window said of one series: the tracks to write, the last of them as it stands, and what goes on.

    ``found`` are the window's stretches in the order of time, ``upto`` its end. Written are those that are to be told
    and have changed, or have ended.
    """
    written: dict[int, Track] = {}
    for each in found:
        if each.severity < threshold:
            continue
        if track is not None and each.start - track.end <= rules.quiet * rules.step:
            track = track.joined(each)
        else:
            if track is not None and track.told:
                written[track.start] = track
            track = each
        if track.told or track.cells >= rules.confirm or track.severity >= max(rules.sure, threshold):
            track = written[track.start] = replace(track, told=True)
    if track is not None and upto - track.end > rules.quiet * rules.step:
        if track.told:
            written[track.start] = track
        track = None
    return list(written.values()), track
