"""New series are learned from their history in the roll-ups, and learned anew as there is more of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from airis_ray.aiops.series import SECOND
from airis_ray.aiops.watch.findings import Finding, Subject
from airis_ray.aiops.watch.groups import Group, Learned, Make, carry, endings, learn
from airis_ray.aiops.watch.holding import Held
from airis_ray.aiops.watch.sources import Source
from airis_ray.aiops.watch.windows import Keys, Rollups
from airis_ray.settings import WatchSettings

_CELLS: Final = 2_000_000
"""Cells of a history learned from at once: 16 MB of values, and some 200 MB while a detector learns."""
_SMALLEST: Final = 64
_MOST: Final = 4096
"""Series of one group."""


@dataclass(frozen=True)
class Change:
    """Groups ``old`` give way to ``new``; ``ended`` is what went on in series that are no longer held."""

    old: list[Group]
    new: Group | None
    ended: list[Finding] = field(default_factory=list)
    forgotten: int = 0


class Learner:
    """Makes groups out of histories."""

    def __init__(self, rollups: Rollups, settings: WatchSettings, make: Make) -> None:
        self._rollups = rollups
        self._settings = settings
        self._make = make

    async def changes(self, tenant: str, source: Source, held: Held, upto: int) -> AsyncIterator[Change]:
        """What is to be learned at ``upto``: first the series that wait, then the groups that are due, one at a time.

        The groups held must have reached ``upto``.
        """
        ready = held.ready(upto)
        if len(ready):
            start = self._start(source, upto)
            subjects = await self._rollups.subjects(tenant, source, start, upto, ready)
            for part in self._parts(subjects, source):
                found = await self._learn(tenant, source, part, upto)
                again = upto + self._settings.warmup * self._rollups.step(source) // 2
                held.settle(np.array(sorted(part), dtype=np.uint64), found.short, again)
                yield Change([], found.group)
        for old in self._merged(held, upto, source):
            yield await self._anew(tenant, source, old, upto)

    def _start(self, source: Source, upto: int) -> int:
        step = self._rollups.step(source)
        return upto - int(self._settings.history * SECOND) // step * step

    def _room(self, source: Source) -> int:
        """Series whose histories are read at once."""
        cells = int(self._settings.history * SECOND) // self._rollups.step(source)
        return min(max(_CELLS // max(cells, 1), _SMALLEST), _MOST)

    def _parts(self, subjects: Mapping[int, Subject], source: Source) -> list[dict[int, Subject]]:
        """Series of the same metrics and services together: that is how the roll-ups are sorted."""
        listed = sorted(subjects.items(), key=lambda item: (item[1].metric, item[1].service))
        room = self._room(source)
        return [dict(listed[first : first + room]) for first in range(0, len(listed), room)]

    async def _learn(
        self, tenant: str, source: Source, subjects: Mapping[int, Subject], upto: int
    ) -> Learned:
        start = self._start(source, upto)
        metrics = {each.metric for each in subjects.values()} if source.name == "metrics" else set()
        services = {each.service for each in subjects.values()}
        if "" in services:  # a host's series come from any service
            services.clear()
        points = await self._rollups.points(tenant, source, start, upto, services=services, metrics=metrics)
        return await asyncio.to_thread(
            learn,
            tenant,
            source.name,
            subjects,
            points,
            start=start,
            upto=upto,
            step=self._rollups.step(source),
            warmup=self._settings.warmup,
            make=self._make,
        )

    def _merged(self, held: Held, upto: int, source: Source) -> list[list[Group]]:
        """The groups to learn anew, as many of them as one together as their series have room."""
        forget = int(self._settings.forget * SECOND)
        room, found = self._room(source), list[list[Group]]()
        for group in held.due(upto, forget):
            if found and sum(map(len, found[-1])) + len(group) <= room:
                found[-1].append(group)
            else:
                found.append([group])
        return found

    async def _anew(self, tenant: str, source: Source, old: Sequence[Group], upto: int) -> Change:
        silent = upto - int(self._settings.forget * SECOND)
        subjects = {
            int(key): subject
            for group in old
            for key, subject, seen in zip(group.keys, group.subjects, group.seen, strict=True)
            if seen >= silent
        }
        found = await self._learn(tenant, source, subjects, upto) if subjects else Learned(None, _NONE)
        held: set[int] = set()
        if found.group is not None:
            carry(found.group, old)
            held = set(found.group.keys.tolist())
        ended = [finding for group in old for finding in endings(group, held)]
        return Change(list(old), found.group, ended, sum(map(len, old)) - len(held))


_NONE: Final[Keys] = np.zeros(0, dtype=np.uint64)
