"""Stretches that a detector flags, window after window, become anomalies that keep their id while they last."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from airis_ray.aiops.protocol import Anomaly, Kind
from airis_ray.aiops.watch.findings import Direction, Finding, Subject

AT_THRESHOLD: Final = 0.5
"""Severity of what a detector's own threshold just lets through."""


@dataclass(frozen=True)
class Rules:
    """When a deviation is told. ``quiet`` cells without one end it; ``sure`` is a severity that needs no confirming."""

    step: int
    confirm: int = 3
    quiet: int = 5
    sure: float = 0.9


@dataclass(frozen=True)
class Track:
    """A deviation that goes on: ``[start, end)`` in nanoseconds, and its worst stretch."""

    start: int
    end: int
    cells: int
    severity: float
    kind: str
    value: float
    expected: float
    sentence: str
    sentence_ko: str
    told: bool = False

    @classmethod
    def of(cls, found: Anomaly, step: int) -> Track:
        """A deviation that begins."""
        return cls(
            found.start,
            found.end + step,
            found.last - found.first + 1,
            found.severity,
            found.kind.value,
            found.value,
            found.expected,
            found.sentence,
            found.sentence_ko,
        )

    def joined(self, found: Anomaly, step: int) -> Track:
        """With a later stretch: what it says is what its worst one said."""
        newer = Track.of(found, step)
        worst = newer if newer.severity > self.severity else self
        end = max(self.end, newer.end)
        return replace(worst, start=self.start, end=end, cells=self.cells + newer.cells, told=self.told)

    @property
    def direction(self) -> Direction:
        """Where the values are, seen from what was expected."""
        if self.kind == Kind.ABSENCE.value or math.isnan(self.value):
            return "absent"
        return "below" if self.value < self.expected else "above"

    def finding(self, tenant: str, series: int, subject: Subject, model: str) -> Finding:
        """As it is kept."""
        return Finding(
            tenant,
            series,
            subject,
            self.start,
            self.end,
            self.kind,
            self.severity,
            self.direction,
            self.expected,
            self.value,
            self.sentence,
            self.sentence_ko,
            model,
        )

    def as_json(self) -> dict[str, Any]:
        """For a checkpoint."""
        return asdict(self)


def follow(
    track: Track | None, found: Sequence[Anomaly], rules: Rules, *, threshold: float, upto: int
) -> tuple[list[Track], Track | None]:
    """What a window said of one series: the tracks to write, the last of them as it stands, and what goes on.

    ``found`` are the window's stretches in the order of time, ``upto`` its end. A track that ended is the first
    element only where it was told. Those that went on are in the list where they changed and are to be told.
    """
    written: list[Track] = []
    for each in found:
        if each.severity < threshold:
            continue
        if track is not None and each.start - track.end <= rules.quiet * rules.step:
            track = track.joined(each, rules.step)
        else:
            if track is not None and track.told:
                written.append(track)
            track = Track.of(each, rules.step)
        if track.told or track.cells >= rules.confirm or track.severity >= max(rules.sure, threshold):
            track = replace(track, told=True)
            written = [*(old for old in written if old.start != track.start), track]
    if track is not None and upto - track.end > rules.quiet * rules.step:
        if track.told:
            written = [*(old for old in written if old.start != track.start), track]
        track = None
    return written, track
