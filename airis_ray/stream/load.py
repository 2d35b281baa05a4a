"""How loaded a consumer is, as the autoscaling policy is told: lag, throughput, share of time at work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from airis_ray.stream.protocol import Partition

_WINDOW: Final = 15.0
"""Seconds over which rates are taken; Serve averages over its own window (look_back_period_s) besides."""


@dataclass(frozen=True)
class Stats:
    """One consumer now. ``lag`` in messages, ``done`` in messages a second, ``busy`` a share of 0 to 1."""

    lag: float = 0.0
    done: float = 0.0
    busy: float = 0.0
    partitions: float = 0.0


class Load:
    """Keeps the numbers of the last seconds."""

    def __init__(self) -> None:
        self._now = Stats()
        self._partitions: frozenset[Partition] = frozenset()
        self._since: float | None = None
        self._seen = 0.0
        self._begin = 0
        self._worked = 0.0
        self._lag = 0

    def observe(
        self, now: float, *, lag: int, done: int, partitions: frozenset[Partition], working: bool
    ) -> None:
        """Take one look in. ``done`` is the sum of the partitions' positions; times in seconds."""
        if self._since is None or partitions != self._partitions:
            self._partitions = partitions
            self._restart(now, done)
        elif working:
            self._worked += now - self._seen
        self._seen = now
        self._lag = lag
        passed = now - (self._since or 0.0)
        if passed >= _WINDOW:
            self._now = Stats(lag, max(0, done - self._begin) / passed, min(1.0, self._worked / passed))
            self._restart(now, done)

    def stats(self) -> Stats:
        """Lag and partitions as they are, rates as of the last whole window."""
        return Stats(self._lag, self._now.done, self._now.busy, len(self._partitions))

    def _restart(self, now: float, done: int) -> None:
        self._since = now
        self._begin = done
        self._worked = 0.0
