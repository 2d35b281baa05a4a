"""What the series of a group say of their services in each minute: entries for :mod:`.together`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from airis_ray.aiops.detect import tails
from airis_ray.aiops.protocol import Scores, Singles
from airis_ray.aiops.series import MINUTE, Bools, Floats, Ints
from airis_ray.aiops.watch.findings import Subject
from airis_ray.aiops.watch.sides import costs

USUAL: Final = 3.0
"""Evidence that one minute in twenty has; what is no more than that says nothing."""
MOST: Final = tails.LIMIT
"""No metric counts for more: past this it is told by itself, and alone it is not several."""

Objects = npt.NDArray[np.object_]


class Pairs:
    """Numbers of services, and of their metrics."""

    def __init__(self, services: Sequence[str] = (), most: int = 2000) -> None:
        self.services = {name: row for row, name in enumerate(services)}
        self._most = most
        self._pairs: dict[tuple[str, str, str], int] = {}
        self.owner: list[int] = []
        """of each pair, the number of its service"""

    def of(self, subject: Subject) -> int:
        """The number of a series' metric; -1 where it belongs to no service, or to one too many."""
        name = (subject.service, subject.signal, subject.metric)
        if name not in self._pairs:
            room = subject.service in self.services or len(self.services) < self._most
            if not subject.service or not room:
                return -1
            owner = self.services.setdefault(subject.service, len(self.services))
            self._pairs[name] = len(self.owner)
            self.owner.append(owner)
        return self._pairs[name]


@dataclass(frozen=True)
class Members:
    """Of the series of a group, [n] each."""

    pair: Ints
    tried: Floats
    """logarithm of how many series the pair has in the group"""
    costs: Bools
    """less of it is no harm"""
    subjects: Objects

    @classmethod
    def of(cls, subjects: Sequence[Subject], pairs: Pairs) -> Self:
        """Look the series up, once for a group."""
        pair = np.array([pairs.of(each) for each in subjects], dtype=np.int64)
        many = np.bincount(np.maximum(pair, 0), minlength=1)
        listed = np.empty(len(subjects), dtype=object)
        listed[:] = subjects
        cost = np.array([costs(each) for each in subjects], dtype=bool)
        return cls(pair, np.log(np.maximum(many[np.maximum(pair, 0)], 1)), cost, listed)


@dataclass(frozen=True)
class Evidence:
    """An entry for each series and minute with more than is usual; columns of one length."""

    pair: Ints
    minute: Ints
    """since 1970"""
    size: Floats
    """minus the logarithm of the chance, above :data:`USUAL`, at most :data:`MOST`"""
    value: Singles
    expected: Singles
    departure: Singles
    """in usual deviations, signed"""
    subject: Objects

    @classmethod
    def nothing(cls) -> Self:
        """No entries."""
        whole, real = np.zeros(0, np.int64), np.zeros(0, np.float32)
        return cls(whole, whole, np.zeros(0), real, real, real, np.zeros(0, dtype=object))

    def where(self, chosen: npt.NDArray[Any]) -> Self:
        """The entries chosen by a mask or by their places."""
        return type(self)(*(column[chosen] for column in self._columns()))

    @classmethod
    def joined(cls, parts: Sequence[Evidence]) -> Self:
        """One after another; there is at least one."""
        return cls(*(np.concatenate(column) for column in zip(*(p._columns() for p in parts), strict=True)))

    def strongest(self) -> Self:
        """Of each pair and minute the largest alone, by pair and minute."""
        order = np.lexsort((self.size, self.minute, self.pair))
        pair, minute = self.pair[order], self.minute[order]
        last = np.ones(len(order), dtype=bool)
        last[:-1] = (pair[1:] != pair[:-1]) | (minute[1:] != minute[:-1])
        return self.where(order[last])

    def _columns(self) -> tuple[npt.NDArray[Any], ...]:
        return (self.pair, self.minute, self.size, self.value, self.expected, self.departure, self.subject)


def evidence(members: Members, scores: Scores, start: int, step: int) -> Evidence:
    """Of the cells from ``start`` on, ``step`` nanoseconds each; nothing from a detector that does not say enough."""
    told = scores.told
    if told is None:
        return Evidence.nothing()
    size = tails.improbable(scores.score) - members.tried[:, None]
    harm = (told.departure > 0) | ~members.costs[:, None]
    row, cell = np.nonzero((size > USUAL) & harm & (members.pair >= 0)[:, None])
    return Evidence(
        pair=members.pair[row],
        minute=(start + cell * step) // MINUTE,
        size=np.minimum(size[row, cell], MOST),
        value=told.value[row, cell],
        expected=told.expected[row, cell],
        departure=told.departure[row, cell],
        subject=members.subjects[row],
    )
