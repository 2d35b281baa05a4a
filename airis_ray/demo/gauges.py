"""Readings that follow the shop's state and not its single requests: CPU, memory, pools, lags, disks."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from airis_ray.demo.chance import Floats, generator
from airis_ray.demo.effects import SLOW_QUERY, Effects
from airis_ray.demo.faults import active, by_name
from airis_ray.demo.fleet import Fleet
from airis_ray.demo.life import Life
from airis_ray.demo.plan import Plan
from airis_ray.demo.season import NS
from airis_ray.demo.traffic import Traffic
from airis_ray.demo.wire import Ints
from airis_ray.demo.world.metrics import ORDER_SHARE, PARTITIONS, POOLS, SPIKED
from airis_ray.demo.world.services import INDEX, NODES, SEOUL, SERVICES, STAGING, VIRGINIA

_MIB: Final = 1 << 20
_SITE_SHARE: Final = {SEOUL: 0.70, VIRGINIA: 0.25, STAGING: 0.05}
_GC_EVERY: Final = 18.0
"""Seconds between two collections of a healthy JVM at mean load."""


class Gauges:
    """Readings of every slot (rows) at a block's scrapes (columns)."""

    def __init__(self, plan: Plan, fleet: Fleet, life: Life, effects: Effects, traffic: Traffic) -> None:
        self._plan, self._fleet, self._life = plan, fleet, life
        self._effects, self._traffic = effects, traffic
        count = len(fleet.slots)
        rng = generator(plan.seed, "gauges")
        self._wander = np.zeros(count)
        self._bias = 0.92 + 0.16 * rng.random(count)
        self._service = fleet.service_of_slot
        self._node = fleet.node_of_slot
        self._site = np.array([slot.site for slot in fleet.slots])
        self._cpu = np.array([service.cpu for service in SERVICES])[self._service]
        self._limit = np.array([service.memory * _MIB for service in SERVICES])[self._service]
        self._spiked = np.isin(self._service, [INDEX[name] for name in SPIKED])
        self._java = np.array([service.language == "java" for service in SERVICES])[self._service]
        self._errors = np.zeros(len(NODES), np.int64)
        self.slots: Ints = np.zeros((0, 0), np.int64)
        self.times: Ints = np.zeros((0, 0), np.int64)

    def begin(self, times: Ints, start: int) -> None:
        """Set the scrapes that the readings below are of; blocks come in order."""
        count = len(self._fleet.slots)
        self.slots = np.repeat(np.arange(count), len(times)).reshape(count, -1)
        self.times = np.tile(times, (count, 1))
        self._rng = generator(self._plan.seed, "scrapes", start // NS)
        self._noise = self._wandering(len(times))
        usual = self._traffic.season.intensity(times)
        asked = self._traffic.intensity(times) / self._plan.rate
        # A spike asks for two pages; past the usual the load grows less than the requests do.
        spiky = np.where(self._spiked[:, None], usual * (asked / usual) ** 0.6, usual)
        self._load = np.where(self._site[:, None] == STAGING, 0.4, spiky)
        self._leak = self._life.leak(self.slots.ravel(), self.times.ravel()).reshape(count, -1)

    def cpu(self) -> Floats:
        """Share of the limit in use: follows the load, the collector, and the node."""
        busy = self._cpu[:, None] * (0.25 + 0.75 * self._load) * self._bias[:, None] * (1 + 0.5 * self._noise)
        busy = busy + 0.45 * self._leak**3
        saturated = (self._node == NODES.index("node-3"))[:, None] & self._on("cpu-saturation")
        busy = np.where(saturated, 0.93 + 0.04 * self._noise, busy)
        return np.clip(busy + 0.01 * self._rng.standard_normal(busy.shape), 0.005, 0.995)

    def memory(self, pods: Ints) -> Ints:
        """Bytes: warms up after the start, breathes, leaks to the limit."""
        boots = self._life.boot(pods.ravel(), self.times.ravel()).reshape(pods.shape)
        age = (self.times - boots) / NS
        breath = 0.05 * ((self.times / NS + self.slots * 97) % 2400) / 2400
        share = 0.40 + 0.06 * (1 - np.exp(-age / 7200)) + breath + 0.03 * self._load + 0.02 * self._noise
        share = share + (0.985 - share) * self._leak
        used: Ints = (np.clip(share, 0.05, 0.995) * self._limit[:, None]).astype(np.int64) // 4096 * 4096
        return used

    def connections(self, service: str) -> tuple[Ints, Ints]:
        """Used and idle connections of a service's pool."""
        size = POOLS[service][1]
        busy = 0.10 * size * (0.3 + self._load) * (1 + 0.4 * self._noise)
        slow = "slow-db" if service == "product-catalog" else "cache-miss" if service == "cart" else None
        if slow:
            busy = np.where(self._on(slow), busy * (SLOW_QUERY / 4 if slow == "slow-db" else 2), busy)
        used = np.clip(np.round(busy + 0.4 * self._rng.random(busy.shape)), 1, size).astype(np.int64)
        return used, size - used

    def lag(self, service: str, partition: int) -> Ints:
        """Messages that a partition's consumer is behind; -1 where another pod reads it."""
        replica = np.array([slot.replica for slot in self._fleet.slots])
        readers = self._fleet.site_count[self._service, self._site]
        behind = self._effects.lag(f"{service}/orders", self.times[0])
        share = np.array([_SITE_SHARE[int(site)] for site in self._site])[:, None]
        orders = self._load * self._plan.rate * ORDER_SHARE * share / PARTITIONS
        waiting = self._rng.poisson(0.4 + 0.6 * orders) + np.round(orders * behind).astype(np.int64)
        return np.where((partition % readers == replica)[:, None], waiting, -1)

    def queue(self, service: str) -> Ints:
        """Messages in a service's own queue."""
        depth = self._rng.poisson(1.5 * (0.4 + self._load)).astype(np.int64)
        if service == "accounting":
            depth += np.round(self._effects.lag("accounting/orders", self.times[0]) / 20).astype(np.int64)
        for fault in by_name(self._plan.faults, "dns-failure") if service == "email" else ():
            pending = (self.times - fault.start) // NS % 600 / 4 * self._plan.rate * ORDER_SHARE * 4
            depth = np.where(
                fault.bursting(self.times), depth + np.round(pending).astype(np.int64) + 5, depth
            )
        return depth

    def hit_ratio(self) -> Floats:
        """Share of the reads that the cache answered."""
        ratio = self._effects.hit_ratio(self.times[0])[None, :]
        return np.clip(
            ratio + 0.012 * self._noise + 0.006 * self._rng.standard_normal(self.times.shape), 0, 1
        )

    def disk(self) -> Floats:
        """Disk utilization of each slot's node."""
        nodes = np.repeat(np.arange(len(NODES)), self.times.shape[1]).reshape(len(NODES), -1)
        times = np.tile(self.times[0], (len(NODES), 1))
        used = self._life.disk(nodes.ravel(), times.ravel()).reshape(nodes.shape)
        used = np.clip(used + 0.0015 * self._rng.standard_normal(nodes.shape), 0, 1)
        seen: Floats = np.where(used > 0.996, 1.0, used)[self._node]
        return seen

    def network_errors(self) -> Ints:
        """Errors of each slot's node since the run's start."""
        added = self._rng.poisson(0.05, (len(NODES), self.times.shape[1]))
        total = self._errors[:, None] + np.cumsum(added, axis=1)
        self._errors = total[:, -1]
        seen: Ints = total[self._node]
        return seen

    def collections(self, step: int) -> tuple[Ints, Ints, Floats]:
        """Garbage collections between two scrapes: their slot, their scrape, their seconds."""
        mean = (
            self._java[:, None]
            * step
            / _GC_EVERY
            * (0.3 + 0.7 * np.minimum(self._load, 3))
            * (1 + 9 * self._leak**3)
        )
        slot, scrape = np.nonzero(self._rng.poisson(mean))
        pause = (
            0.012
            * (1 + 25 * self._leak[slot, scrape] ** 4)
            * np.exp(0.5 * self._rng.standard_normal(len(slot)))
        )
        return slot, scrape, pause

    def is_service(self, name: str) -> npt.NDArray[np.bool_]:
        """Which slots belong to a service."""
        return np.asarray(self._service == INDEX[name])

    def _on(self, name: str) -> npt.NDArray[np.bool_]:
        return active(by_name(self._plan.faults, name), self.times[0])[None, :]

    def _wandering(self, scrapes: int) -> Floats:
        """Noise with a memory of a few scrapes, standard deviation about 0.1."""
        out = np.zeros((len(self._wander), scrapes))
        shocks = 0.06 * self._rng.standard_normal(out.shape)
        for number in range(scrapes):
            self._wander = 0.8 * self._wander + shocks[:, number]
            out[:, number] = self._wander
        return out
