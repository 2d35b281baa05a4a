"""Series that were learned together: one detector holds the states of thousands, one call judges them all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from airis_ray.aiops.detect.choice import COUNTS
from airis_ray.aiops.protocol import Detector, Scores
from airis_ray.aiops.series import Bools, Ints
from airis_ray.aiops.watch.evidence import Members
from airis_ray.aiops.watch.findings import Finding, Subject
from airis_ray.aiops.watch.grids import Counters, grid_of, history, increases, newest
from airis_ray.aiops.watch.sides import harmless
from airis_ray.aiops.watch.together import Alone, Together
from airis_ray.aiops.watch.tracking import AT_THRESHOLD, Rules, Track, follow, tracks_of
from airis_ray.aiops.watch.windows import Keys, Points

Make = Callable[[], Detector]


@dataclass
class Group:
    """Series of one tenant and source, sorted by key. Everything before ``done`` (nanoseconds) is judged."""

    tenant: str
    source: str
    keys: Keys
    subjects: list[Subject]
    detector: Detector
    zero: Bools
    counters: Counters
    seen: Ints
    """[n]: when the newest point of each series was, nanoseconds"""
    step: int
    done: int
    fitted: int
    """up to when it was learned from"""
    learned: int
    """nanoseconds of history that it was learned from"""
    models: list[str]
    tracks: dict[int, Track] = field(default_factory=dict)
    names: tuple[str, ...] = ()
    members: Members | None = None
    """which services its series belong to, once something asked"""

    def __post_init__(self) -> None:
        self.names = tuple(subject.name for subject in self.subjects)

    def __len__(self) -> int:
        return len(self.keys)

    def advance(
        self,
        points: Points,
        upto: int,
        rules: Rules,
        thresholds: Mapping[int, float],
        together: Together | None = None,
    ) -> tuple[list[Finding], int]:
        """Judge the cells of ``[done, upto)``, then learn from them; what to keep, and how many points there were.

        ``thresholds`` are the severities that operators' verdicts ask of a series; ``together`` hears every score.
        """
        cells = (upto - self.done) // self.step
        if cells <= 0:
            return [], 0
        grid, rises = grid_of(points, self.keys, self.done, cells, self.step)
        present = ~np.isnan(grid)
        last = self.done + (cells - 1 - present[:, ::-1].argmax(axis=1)) * self.step
        self.seen = np.where(present.any(axis=1), last, self.seen)
        grid = increases(grid, rises, self.done, self.step, self.counters)
        batch = newest(grid, self.zero, self.names, self.done, self.step)
        scores = self.detector.update(batch)
        if together is not None:
            self.members = self.members or together.members(self.subjects)
            together.take(self.members, scores, self.done, self.step)
        self.done = upto
        for row, choice in enumerate(scores.choices):
            self.models[row] = choice.model
        return self._follow(scores, rules, thresholds), int(present.sum())

    def told(self) -> list[Alone]:
        """Where something is told that goes on."""
        going = {key: track for key, track in self.tracks.items() if track.told}
        rows = np.searchsorted(self.keys, np.array(list(going), dtype=np.uint64)).tolist()
        return [
            Alone(self.subjects[row].service, track.start, track.end)
            for row, track in zip(rows, going.values(), strict=True)
        ]

    def _follow(self, scores: Scores, rules: Rules, thresholds: Mapping[int, float]) -> list[Finding]:
        by_row = tracks_of(scores, self.step)
        going = np.searchsorted(self.keys, np.array(list(self.tracks), dtype=np.uint64)).tolist()
        changed: list[Finding] = []
        for row in sorted({*by_row, *going}):
            key = int(self.keys[row])
            written, track = follow(
                self.tracks.pop(key, None),
                [each for each in by_row.get(row, ()) if not harmless(self.subjects[row], each)],
                rules.counting() if self.models[row] == COUNTS else rules,
                threshold=thresholds.get(key, AT_THRESHOLD),
                upto=self.done,
            )
            if track is not None:
                self.tracks[key] = track
            for told in written:
                found = told.finding(self.tenant, key, self.subjects[row], self.models[row], self.step)
                lasts = track is not None and told.start == track.start
                changed.append(found if lasts else found.over())
        return changed


@dataclass(frozen=True)
class Learned:
    """What a history made: a group of the series that have enough of it (None: none has), and the keys of the rest."""

    group: Group | None
    short: Keys


_COUNTED: Final = frozenset({("traces", "requests"), ("traces", "errors")})


def counts(subject: Subject) -> bool:
    """Whether nothing stored means 0: of requests and log records, not of what is measured."""
    return subject.signal == "logs" or (subject.signal, subject.metric) in _COUNTED


def learn(
    tenant: str,
    source: str,
    subjects: Mapping[int, Subject],
    points: Points,
    *,
    start: int,
    upto: int,
    step: int,
    warmup: int,
    make: Make,
) -> Learned:
    """A group of the series ``subjects`` (by key), learned from their points in ``[start, upto)``."""
    keys = np.array(sorted(subjects), dtype=np.uint64)
    cells = (upto - start) // step
    counters = Counters.of(len(keys))
    grid, rises = grid_of(points, keys, start, cells, step)
    grid = increases(grid, rises, start, step, counters)
    present = ~np.isnan(grid)
    some = present.any(axis=1)
    enough = cells - np.where(some, present.argmax(axis=1), cells) >= warmup
    if not enough.any():
        return Learned(None, keys)
    kept = keys[enough]
    named = [subjects[int(key)] for key in kept]
    zero = np.array([counts(subject) for subject in named], dtype=bool)
    batch, lengths = history(grid[enough], zero, tuple(each.name for each in named), start, step)
    group = Group(
        tenant=tenant,
        source=source,
        keys=kept,
        subjects=named,
        detector=make().fit(batch),
        zero=zero,
        counters=Counters(counters.value[enough], counters.at[enough]),
        seen=start + (cells - 1 - present[enough][:, ::-1].argmax(axis=1)) * step,
        step=step,
        done=upto,
        fitted=upto,
        learned=int(lengths.max()) * step,
        models=[""] * len(kept),
    )
    return Learned(group, keys[~enough])


def carry(group: Group, before: Sequence[Group]) -> None:
    """Hand what goes on in the series of earlier groups to the one that was learned in their place."""
    held = set(group.keys.tolist())
    for earlier in before:
        group.tracks.update({key: track for key, track in earlier.tracks.items() if key in held})


def endings(earlier: Group, held: set[int]) -> list[Finding]:
    """What went on in series that nobody holds any longer, as ended."""
    rows = {int(key): row for row, key in enumerate(earlier.keys)}
    ended = [
        (key, rows[key], track) for key, track in earlier.tracks.items() if key not in held and track.told
    ]
    return [
        track.finding(earlier.tenant, key, earlier.subjects[row], earlier.models[row], earlier.step).over()
        for key, row, track in ended
    ]
