"""Cumulative series: what was observed, counted from a process's start on, as it stands at each scrape."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from airis_ray.demo.chance import Floats
from airis_ray.demo.wire import Ints

Boot = Callable[[Ints, Ints], Ints]
"""When the process in each pod at each time was started."""


@dataclass(frozen=True)
class Standing:
    """Points of a block, one row each: how series ``series`` of ``pod`` stands at ``time``.

    ``scrape`` numbers the time within the block.
    """

    series: Ints
    pod: Ints
    scrape: Ints
    start: Ints
    time: Ints
    total: Floats
    buckets: Ints
    low: Floats
    high: Floats


class Cumulative:
    """The series of one metric, told apart by a pod and a small integer ``label``.

    With ``edges`` None there is one bucket: a plain count.
    """

    def __init__(self, edges: Floats | None, boot: Boot) -> None:
        self.keys: list[tuple[int, int]] = []
        self._number: dict[tuple[int, int], int] = {}
        self._edges = np.zeros(0) if edges is None else edges
        width = len(self._edges) + 1
        self._boot = boot
        self._buckets = np.zeros((0, width), np.int64)
        self._total = np.zeros(0)
        self._low, self._high = np.zeros(0), np.zeros(0)
        self._started = np.zeros(0, np.int64)

    def observe(
        self, pod: Ints, label: Ints, values: Floats, scrape: Ints, times: Ints, alive: npt.NDArray[np.bool_]
    ) -> tuple[Standing, Ints]:
        """Add a block's observations and tell how every series of a living pod stands at each scrape.

        ``scrape`` numbers, for each observation, the first of ``times`` that sees it; ``alive`` tells of each pod
        (rows) and time (columns) whether the pod runs. Gives the standings and each observation's series.
        """
        series = self._numbered(pod, label)
        count, scrapes, width = len(self.keys), len(times), self._buckets.shape[1]
        cell = series * scrapes + scrape
        bucket = np.searchsorted(self._edges, values, side="left")
        flat = np.bincount(cell * width + bucket, minlength=count * scrapes * width)
        added = flat.reshape(count, scrapes, width)
        summed = np.bincount(cell, values, count * scrapes).reshape(count, scrapes)
        low, high = np.full((count, scrapes), np.inf), np.full((count, scrapes), -np.inf)
        np.minimum.at(low.reshape(-1), cell, values)
        np.maximum.at(high.reshape(-1), cell, values)
        pods = np.array([key[0] for key in self.keys], np.int64)
        parts = []
        for number, time in enumerate(times.tolist()):
            self._restart(pods, time)
            self._buckets += added[:, number]
            self._total += summed[:, number]
            self._low = np.minimum(self._low, low[:, number])
            self._high = np.maximum(self._high, high[:, number])
            # As an SDK does, a series is not reported before its first observation.
            rows = np.flatnonzero(alive[pods, number] & (self._buckets.sum(axis=1) > 0))
            parts.append(self._standing(rows, pods, number, time))
        return _joined(parts), series

    def _standing(
        self, rows: Ints, pods: Ints, number: int, time: int
    ) -> tuple[npt.NDArray[np.generic], ...]:
        return (
            rows,
            pods[rows],
            np.full(len(rows), number),
            self._started[rows],
            np.full(len(rows), time),
            self._total[rows],
            self._buckets[rows],
            self._low[rows],
            self._high[rows],
        )

    def _restart(self, pods: Ints, time: int) -> None:
        started = self._boot(pods, np.full(len(pods), time))
        again = started != self._started
        self._buckets[again] = 0
        self._total[again] = 0.0
        self._low[again], self._high[again] = np.inf, -np.inf
        self._started = started

    def _numbered(self, pod: Ints, label: Ints) -> Ints:
        """The series of each observation; new ones are added."""
        unique, inverse = np.unique(pod << 20 | label, return_inverse=True)
        numbers = np.zeros(len(unique), np.int64)
        for place, key in enumerate(unique.tolist()):
            pair = (key >> 20, key & 0xFFFFF)
            if pair not in self._number:
                self._number[pair] = len(self.keys)
                self.keys.append(pair)
            numbers[place] = self._number[pair]
        new = len(self.keys) - len(self._total)
        if new:
            self._buckets = np.concatenate([self._buckets, np.zeros((new, self._buckets.shape[1]), np.int64)])
            self._total = np.concatenate([self._total, np.zeros(new)])
            self._low = np.concatenate([self._low, np.full(new, np.inf)])
            self._high = np.concatenate([self._high, np.full(new, -np.inf)])
            self._started = np.concatenate([self._started, np.zeros(new, np.int64)])
        return numbers[inverse]


def _joined(parts: list[tuple[npt.NDArray[np.generic], ...]]) -> Standing:
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
    return Standing(*columns)
