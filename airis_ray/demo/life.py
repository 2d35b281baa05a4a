"""What goes on inside the processes over hours: restarts, leaks, full disks, lag. All of it a function of the time."""

from __future__ import annotations

from typing import Final

import numpy as np

from airis_ray.demo.chance import Floats, generator
from airis_ray.demo.faults import Fault, by_name
from airis_ray.demo.fleet import Fleet
from airis_ray.demo.plan import Plan
from airis_ray.demo.season import NS
from airis_ray.demo.wire import Ints
from airis_ray.demo.world.services import INDEX

_HOUR: Final = 3600 * NS
_LONGEST_LAG: Final = 1200.0
_LAG_GROWTH: Final = 0.5
_LAG_DRAIN: Final = 2.0
_CLIMB: Final = 1800 * NS
"""A disk of an endless ``disk-full`` is full after half an hour."""


class Life:
    """Answers what state a process or a disk is in at a time."""

    def __init__(self, plan: Plan, fleet: Fleet) -> None:
        self._plan, self._fleet = plan, fleet
        rng = generator(plan.seed, "life")
        count = len(fleet.slots)
        self._restart_every = ((40 + 60 * rng.random(count)) * _HOUR).astype(np.int64)
        self._restart_phase = (rng.random(count) * self._restart_every).astype(np.int64)
        self._leak_every = ((32 + 24 * rng.random(count)) * 60 * NS).astype(np.int64)
        self.disk_base = 0.42 + 0.18 * rng.random(6)
        self._leaks = by_name(plan.faults, "memory-leak")
        self._lags = by_name(plan.faults, "kafka-lag")
        self._disks = by_name(plan.faults, "disk-full")
        self._leaky = INDEX["recommendation"]

    def boot(self, pods: Ints, times: Ints) -> Ints:
        """When the process that runs in each pod at each time was started; never before the run."""
        slots = self._fleet.slot_of_pod[pods]
        every = self._restart_every[slots]
        phase = self._restart_phase[slots]
        usual = (times - phase) // every * every + phase
        last: Ints = np.maximum(np.maximum(usual, self._fleet.since[pods]), self._plan.start)
        for fault in self._leaks:
            last = np.maximum(last, self._leak_boot(fault, slots, times))
        return last

    def leak(self, slots: Ints, times: Ints) -> Floats:
        """How full the leaking heap is, in [0, 1); 0 where nothing leaks."""
        out = np.zeros(len(slots))
        for fault in self._leaks:
            here = fault.active(times) & (self._fleet.service_of_slot[slots] == self._leaky)
            every = self._leak_every[slots]
            out = np.where(here, (times - fault.start) % every / every, out)
        return out

    def lag(self, times: Ints) -> Floats:
        """Seconds that the accounting consumer is behind."""
        out = np.zeros(len(times))
        for fault in self._lags:
            grown = np.clip(
                (np.minimum(times, fault.until) - fault.start) / NS * _LAG_GROWTH, 0, _LONGEST_LAG
            )
            drained = np.clip((times - fault.until) / NS, 0, None) * _LAG_DRAIN if fault.end else 0.0
            out = np.maximum(out, np.clip(grown - drained, 0, None))
        return out

    def disk(self, nodes: Ints, times: Ints) -> Floats:
        """Disk utilization of each node (0 to 5): a harmless drift with weekly cleaning, or the fault's climb."""
        week = (times / NS / 86_400 + nodes * 1.3) % 7 / 7
        out = self.disk_base[nodes] + 0.12 * week
        for fault in self._disks:
            part = np.clip((times - fault.start) / _climb(fault), 0, 1)
            out = np.where((nodes == 4) & fault.active(times), out + (1 - out) * part, out)
        return out

    def _leak_boot(self, fault: Fault, slots: Ints, times: Ints) -> Ints:
        every = self._leak_every[slots]
        rounds = (np.minimum(times, fault.until) - fault.start) // every
        leaky = (self._fleet.service_of_slot[slots] == self._leaky) & (rounds >= 1)
        return np.where(leaky, fault.start + rounds * every, 0)


def _climb(fault: Fault) -> float:
    return float(_CLIMB) if fault.end is None else min(0.6 * (fault.end - fault.start), float(_CLIMB) * 4)
