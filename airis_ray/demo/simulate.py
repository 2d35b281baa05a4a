"""Requests run through the shop: every route is a tree of calls, walked once for all of a block's requests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from airis_ray.demo import failures as failing
from airis_ray.demo.chance import generator, lognormal
from airis_ray.demo.effects import Effects, Moment
from airis_ray.demo.fleet import Fleet
from airis_ray.demo.model import (
    CLIENT,
    PRODUCER,
    Call,
    Failure,
    Operation,
    Publish,
    Step,
    Together,
    Work,
)
from airis_ray.demo.plan import Plan
from airis_ray.demo.season import NS
from airis_ray.demo.traffic import Requests
from airis_ray.demo.wire import Attribute, Ints
from airis_ray.demo.world.operations import OPERATIONS, ROUTES
from airis_ray.demo.world.services import INDEX, STAGING, STAGING_FAILURES

Mask = npt.NDArray[np.bool_]
_MS = 1e6


@dataclass(frozen=True)
class Kind:
    """What all spans of a node have in common. ``key`` is the operation's, the work's, or ``caller>operation``."""

    key: str
    name: str
    kind: int
    service: int
    attributes: tuple[tuple[str, Attribute], ...]
    root: bool = False


@dataclass(frozen=True)
class Spans:
    """The spans of one node of a route, one row each; ``rows`` are their rows in ``requests``.

    ``failure`` numbers what went wrong (0: nothing), ``own`` tells whether it went wrong here.
    """

    kind: Kind
    requests: Requests
    rows: Ints
    start: Ints
    end: Ints
    span: npt.NDArray[np.uint64]
    parent: npt.NDArray[np.uint64]
    pod: Ints
    slot: Ints
    failure: npt.NDArray[np.int16]
    own: Mask

    def of(self, keep: Mask | Ints) -> Spans:
        """Some of the spans."""
        rows = np.flatnonzero(keep) if keep.dtype == bool else keep
        arrays = ("rows", "start", "end", "span", "parent", "pod", "slot", "failure", "own")
        parts = {name: getattr(self, name)[rows] for name in arrays}
        return replace(self, **parts)


class Simulation:
    """Runs blocks of requests; each depends on the plan and on its own start alone."""

    def __init__(self, plan: Plan, fleet: Fleet, effects: Effects) -> None:
        self.plan, self.fleet, self.effects = plan, fleet, effects

    def run(self, requests: Requests, start: int) -> Iterator[Spans]:
        """All spans of ``requests``, whole traces; requests that would outlive the run are not made."""
        for number, route in enumerate(ROUTES):
            rows = np.flatnonzero(requests.route == number)
            if len(rows):
                rng = generator(self.plan.seed, "route", number, start // NS)
                yield from _Walk(self, requests, rows, rng).trace(OPERATIONS[route.operation])


class _Walk:
    """One route's requests of one block. All arrays are as long as there are requests; masks say whose are real."""

    def __init__(self, world: Simulation, block: Requests, rows: Ints, rng: np.random.Generator) -> None:
        self.world, self.block, self.rows, self.rng = world, block, rows, rng
        self.requests = block.of(rows)
        self.count = len(rows)
        self.trouble = np.where(self.requests.site == STAGING, STAGING_FAILURES, 1.0)
        self.found: list[tuple[Mask, Spans]] = []

    def trace(self, operation: Operation) -> list[Spans]:
        nobody = np.zeros(self.count, np.uint64)
        end, _ = self.serve(operation, np.ones(self.count, bool), self.requests.time, nobody, root=True)
        in_time = end < self.world.plan.end
        out = []
        for mask, spans in self.found:
            keep = mask & in_time
            if keep.any():
                out.append(spans if keep.all() else spans.of(keep))
        return out

    def serve(
        self,
        operation: Operation,
        alive: Mask,
        start: Ints,
        parent: npt.NDArray[np.uint64],
        root: bool = False,
    ) -> tuple[Ints, npt.NDArray[np.int16]]:
        """Run an operation for the requests that are ``alive``; gives its end and its failure."""
        service = INDEX[operation.service]
        fleet = self.world.fleet
        slots = fleet.slot(service, self.requests.site, self.rng.random(self.count))
        pods = fleet.pods_at(slots, start)
        at = Moment(operation.key, service, pods, slots, start, self.requests)
        own = self.time(at, operation.ms, operation.sigma, operation.tail)
        failure = self.failures(at, operation.failures, alive)
        own += failing.WAIT[failure]
        span = self.ids()
        result = np.where(failing.EARLY[failure], failure, 0).astype(np.int16)
        cursor = start + (0.4 * own).astype(np.int64)
        for step in operation.steps:
            cursor, broken = self.step(step, alive & (result == 0), cursor, span, at)
            result = np.where(result == 0, broken, result)
        mine = (failure > 0) & ((result == 0) | (result == failure))
        result = np.where(result == 0, failure, result)
        end = cursor + (0.6 * own).astype(np.int64) + 1000
        kind = Kind(
            operation.key,
            operation.span,
            operation.kind,
            service,
            tuple(operation.attributes.items()),
            root,
        )
        self.record(kind, alive, start, end, span, parent, at, result, mine)
        return end, result

    def step(
        self, step: Step, alive: Mask, cursor: Ints, parent: npt.NDArray[np.uint64], at: Moment
    ) -> tuple[Ints, npt.NDArray[np.int16]]:
        """Run one step from ``cursor`` on; gives the new cursor and the failures that break the operation."""
        match step:
            case Work():
                return self.work(step, self.chosen(alive, step.chance), cursor, parent, at)
            case Call():
                end, failure = self.call(step, self.chosen(alive, step.chance), cursor, parent, at)
                return end, failure if step.critical else np.zeros_like(failure)
            case Together():
                latest, broken = cursor, np.zeros(self.count, np.int16)
                for each in step.steps:
                    end, failure = self.step(each, alive, cursor, parent, at)
                    latest = np.maximum(latest, end)
                    broken = np.where(broken == 0, failure, broken)
                return latest, broken
            case Publish():
                return self.publish(step, alive, cursor, parent, at)

    def work(
        self, work: Work, alive: Mask, start: Ints, parent: npt.NDArray[np.uint64], caller: Moment
    ) -> tuple[Ints, npt.NDArray[np.int16]]:
        at = replace(caller, key=work.key, times=start)
        own = self.time(at, work.ms, work.sigma, work.tail)
        failure = self.failures(at, work.failures, alive)
        own = np.where(failing.WAIT[failure] > 0, failing.WAIT[failure], own)
        end = start + own.astype(np.int64) + 1000
        kind = Kind(work.key, work.name, work.kind, at.service, tuple(work.attributes.items()))
        self.record(kind, alive, start, end, self.ids(), parent, at, failure, failure > 0)
        return np.where(alive, end + 20_000, start), failure

    def call(
        self, call: Call, alive: Mask, start: Ints, parent: npt.NDArray[np.uint64], caller: Moment
    ) -> tuple[Ints, npt.NDArray[np.int16]]:
        operation = OPERATIONS[call.operation]
        span = self.ids()
        way = (150_000 + 250_000 * self.rng.random((2, self.count))).astype(np.int64)
        end, failure = self.serve(operation, alive, start + way[0], span)
        end = end + way[1]
        attributes = (*operation.attributes.items(), ("server.address", operation.service))
        key = f"{caller.key}>{operation.key}"
        kind = Kind(key, operation.span, CLIENT, caller.service, attributes)
        own = np.zeros(self.count, bool)
        self.record(kind, alive, start, end, span, parent, caller, failure, own)
        return np.where(alive, end + 30_000, start), failure

    def publish(
        self, step: Publish, alive: Mask, start: Ints, parent: npt.NDArray[np.uint64], caller: Moment
    ) -> tuple[Ints, npt.NDArray[np.int16]]:
        span = self.ids()
        end = start + (lognormal(self.rng, self.count, 1.6, 0.4, 0.005) * _MS).astype(np.int64)
        attributes: tuple[tuple[str, Attribute], ...] = (
            ("messaging.system", "kafka"),
            ("messaging.destination.name", step.topic),
            ("messaging.operation.type", "send"),
        )
        kind = Kind(f"{caller.key}>{step.topic}", f"send {step.topic}", PRODUCER, caller.service, attributes)
        none = np.zeros(self.count, np.int16)
        self.record(kind, alive, start, end, span, parent, caller, none, none > 0)
        for consumer in step.consumers:
            wait = lognormal(self.rng, self.count, 18.0, 0.5, 0.01) * _MS
            wait += self.world.effects.lag(consumer, end) * NS
            before = len(self.found)
            done, _ = self.serve(OPERATIONS[consumer], alive, end + wait.astype(np.int64), span)
            late = done >= self.world.plan.end
            if late.any():
                self.found[before:] = [(mask & ~late, spans) for mask, spans in self.found[before:]]
        return np.where(alive, end, start), none

    def chosen(self, alive: Mask, chance: float) -> Mask:
        return alive if chance >= 1 else alive & (self.rng.random(self.count) < chance)

    def time(self, at: Moment, ms: float, sigma: float, tail: float) -> npt.NDArray[np.float64]:
        own = lognormal(self.rng, self.count, ms * _MS, sigma, tail)
        factor = self.world.effects.slowdown(at)
        return own if factor is None else own * factor

    def failures(self, at: Moment, failures: tuple[Failure, ...], alive: Mask) -> npt.NDArray[np.int16]:
        """What goes wrong with each row by itself, in ordinary times and by the faults."""
        out = np.zeros(self.count, np.int16)
        if failures:
            uniform = self.rng.random(self.count) / self.trouble
            edge = 0.0
            for failure in failures:
                out[(uniform >= edge) & (uniform < edge + failure.share)] = failing.NUMBER[failure]
                edge += failure.share
        for probability, number in self.world.effects.failures(at):
            out[self.rng.random(self.count) < probability] = number
        out[~alive] = 0
        return out

    def ids(self) -> npt.NDArray[np.uint64]:
        return self.rng.integers(1, 1 << 63, self.count, dtype=np.uint64)

    def record(
        self,
        kind: Kind,
        alive: Mask,
        start: Ints,
        end: Ints,
        span: npt.NDArray[np.uint64],
        parent: npt.NDArray[np.uint64],
        at: Moment,
        failure: npt.NDArray[np.int16],
        own: Mask,
    ) -> None:
        if alive.any():
            spans = Spans(
                kind,
                self.block,
                self.rows,
                start,
                end,
                span,
                parent,
                at.pods,
                at.slots,
                failure.astype(np.int16),
                own,
            )
            self.found.append((alive, spans))
