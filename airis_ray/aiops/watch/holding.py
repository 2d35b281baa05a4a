"""Which series a watcher holds, which wait for more cells, and which there is no room for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from airis_ray.aiops.series import Ints
from airis_ray.aiops.watch.groups import Group
from airis_ray.aiops.watch.windows import Keys, Points

_NONE: Keys = np.zeros(0, dtype=np.uint64)


@dataclass
class Held:
    """The series of one tenant and source."""

    groups: list[Group] = field(default_factory=list)
    waiting: Keys = field(default_factory=lambda: _NONE)
    """sorted: known and not learned yet"""
    again: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    """[waiting]: when each is worth trying, nanoseconds"""

    def __len__(self) -> int:
        return sum(map(len, self.groups))

    @property
    def done(self) -> int | None:
        """Up to when everything is judged; None where nothing is held."""
        return min((group.done for group in self.groups), default=None)

    def note(self, points: Points, room: int) -> int:
        """Let the series that were not known wait to be learned, at most ``room`` of them; how many found none."""
        known = np.concatenate([*(group.keys for group in self.groups), self.waiting])
        found = np.setdiff1d(points.keys, known)
        kept = found[: max(room, 0)]
        self.waiting = np.concatenate([self.waiting, kept])
        self.again = np.concatenate([self.again, np.zeros(len(kept), dtype=np.int64)])
        order = np.argsort(self.waiting)
        self.waiting, self.again = self.waiting[order], self.again[order]
        return len(found) - len(kept)

    def ready(self, now: int) -> Keys:
        """The waiting series that are worth trying now."""
        found: Keys = self.waiting[self.again <= now]
        return found

    def settle(self, tried: Keys, short: Keys, again: int) -> None:
        """Of the series ``tried``, those that were ``short`` of cells go on waiting until ``again``."""
        gone = np.isin(self.waiting, np.setdiff1d(tried, short))
        self.waiting, self.again = self.waiting[~gone], self.again[~gone]
        self.again[np.isin(self.waiting, short)] = again

    def due(self, now: int, forget: int) -> list[Group]:
        """The groups to learn anew: those that know half of what there is by now, or hold what has fallen silent.

        A group that was learned from an hour is learned again after an hour, then after two, and so on up to a day.
        """
        found = [
            group
            for group in self.groups
            if now - group.fitted >= min(max(group.learned, _HOUR), _DAY)
            or (now - group.fitted >= _HOUR and np.mean(group.seen < now - forget) > 0.1)
        ]
        return sorted(found, key=lambda group: group.fitted)

    def replace(self, old: list[Group], new: Group | None) -> None:
        """Put one group in the place of others."""
        self.groups = [group for group in self.groups if not any(group is each for each in old)]
        self.groups += [new] if new is not None else []

    def __iter__(self) -> Iterator[Group]:
        return iter(list(self.groups))


_HOUR = 3600 * 10**9
_DAY = 24 * _HOUR
