"""The world put together: blocks of time in, payloads out."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from airis_ray.demo.effects import Effects
from airis_ray.demo.faults import by_name
from airis_ray.demo.fleet import Fleet, Rollout
from airis_ray.demo.life import Life
from airis_ray.demo.logs import LogEncoder
from airis_ray.demo.metrics import MetricEncoder
from airis_ray.demo.plan import Plan
from airis_ray.demo.rows import Payload, Rows, head, pack
from airis_ray.demo.season import DAY, NS, Season
from airis_ray.demo.sessions import Sessions
from airis_ray.demo.simulate import Simulation
from airis_ray.demo.spans import SpanEncoder
from airis_ray.demo.traffic import Traffic
from airis_ray.demo.world.services import INDEX, SERVICES

_HORIZON = 60 * DAY * NS
"""Deployments of a run without end are laid out this far."""


class World:
    """One run of the shop.

    ``blocks`` are to be made in order: the counters of the metrics and the records that are not over yet go from one
    to the next.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.season = Season(plan.seed)
        self.traffic = Traffic(plan, self.season)
        end = min(plan.end, plan.start + _HORIZON)
        self.fleet = Fleet(plan.seed, plan.start, end, _rollouts(plan))
        self.life = Life(plan, self.fleet)
        self.effects = Effects(plan, self.fleet, self.life, self.traffic.users.country)
        self.simulation = Simulation(plan, self.fleet, self.effects)
        self._logs = LogEncoder(plan, self.traffic.users, self.fleet, self.effects)
        self._metrics = MetricEncoder(
            plan, self.traffic.users, self.fleet, self.life, self.effects, self.traffic
        )
        self._heads = [
            head(pod.resource, f"shop.{SERVICES[self.fleet.slots[pod.slot].service].name}")
            for pod in self.fleet.pods
        ]
        self.sessions = Sessions(plan, self.traffic, self._heads)
        self._spans = SpanEncoder(self.traffic.users, self.effects, self.sessions.ids)
        self._waiting: dict[str, Rows] = {}

    def blocks(self) -> Iterator[tuple[int, int]]:
        """The stretches of time that are made at once, as ``[start, end)`` in nanoseconds."""
        step = self.plan.block * NS
        at = self.plan.start
        while at < self.plan.end:
            yield at, min(at + step, self.plan.end)
            at += step

    def block(self, start: int, end: int) -> Iterator[Payload]:
        """All that happens in ``[start, end)``."""
        requests = self.sessions.join(self.traffic.draw(start, end), start, end)
        found = list(self.simulation.run(requests, start))
        spans = Rows.concat([self._spans.encode(spans) for spans in found])
        logs = Rows.concat(self._logs.encode(found, requests, start))
        yield from pack("traces", self._due("traces", spans, end), self._heads)
        recorded = self._due("sessions", self.sessions.record(found), end)
        yield from pack("logs", Rows.concat([self._due("logs", logs, end), recorded]), self._heads)
        yield from pack("metrics", self._metrics.encode(found, start, end), self._heads)

    def _due(self, signal: str, rows: Rows, end: int) -> Rows:
        """What can be sent now; the rest waits for its block."""
        if signal != "sessions":
            silent = self.effects.silent(self.fleet.service_of_pod[rows.resource], rows.time)
            rows = rows.of(~silent)
        if signal in self._waiting and len(self._waiting[signal]):
            rows = Rows.concat([self._waiting[signal], rows])
        due, self._waiting[signal] = rows.before(end)
        return due


def payloads(plan: Plan) -> Iterator[Payload]:
    """Everything that a run sends, in order."""
    world = World(plan)
    for start, end in world.blocks():
        yield from world.block(start, end)


def _rollouts(plan: Plan) -> tuple[Rollout, ...]:
    checkout = INDEX["checkout"]
    horizon = int(np.iinfo(np.int64).max)
    return tuple(
        Rollout(checkout, "2.4.0", fault.start, fault.end or horizon)
        for fault in by_name(plan.faults, "bad-deploy")
    )
