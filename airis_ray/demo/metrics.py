"""The metrics of a block: counted from its spans, read from the world's state."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from airis_ray.demo import families, measure, points, wire
from airis_ray.demo.chance import Floats
from airis_ray.demo.effects import Effects
from airis_ray.demo.families import Family
from airis_ray.demo.fleet import Fleet
from airis_ray.demo.gauges import Gauges
from airis_ray.demo.life import Life
from airis_ray.demo.measure import CODES, KEYS, Observations
from airis_ray.demo.model import CONSUMER, SERVER
from airis_ray.demo.plan import Plan
from airis_ray.demo.rows import Rows
from airis_ray.demo.season import NS
from airis_ray.demo.series import Standing
from airis_ray.demo.simulate import Spans
from airis_ray.demo.traffic import Traffic, Users
from airis_ray.demo.wire import Attribute, Column, Ints
from airis_ray.demo.world import metrics as world
from airis_ray.demo.world import vocabulary as words

_EXPONENTIAL_FIRST: Final = -18 << world.EXPONENTIAL_SCALE
_EXPONENTIAL_COUNT: Final = 24 << world.EXPONENTIAL_SCALE
"""Buckets from 4 microseconds to 64 seconds."""
_POINT, _HISTOGRAM, _EXPONENTIAL = 7, 9, 1
"""The field of a point's attributes, by its kind."""


class MetricEncoder:
    """Scrapes one world; blocks come in order."""

    def __init__(
        self, plan: Plan, users: Users, fleet: Fleet, life: Life, effects: Effects, traffic: Traffic
    ) -> None:
        self._plan, self._users, self._fleet, self._effects = plan, users, fleet, effects
        self._gauges = Gauges(plan, fleet, life, effects, traffic)
        self._life = life
        self._open = Observations.collect([])
        bounds, steps = (
            np.array(world.DURATION_BOUNDS),
            np.arange(_EXPONENTIAL_COUNT - 1) + _EXPONENTIAL_FIRST + 1,
        )
        self._requests = Family("http.server.request.duration", bounds, life, _HISTOGRAM, families.of_request)
        self._messages = Family("messaging.process.duration", bounds, life, _HISTOGRAM, families.of_node)
        edges = np.exp2(steps / (1 << world.EXPONENTIAL_SCALE))
        self._database = Family("db.client.operation.duration", edges, life, _EXPONENTIAL, families.of_node)
        self._currency = Family("currency.conversion.duration", None, life, _POINT, lambda label: {})
        self._pauses = Family(
            "jvm.gc.duration", np.array(world.GC_BOUNDS), life, _HISTOGRAM, families.of_collector
        )
        self._orders = Family("orders.placed", None, life, _POINT, families.of_method)
        self._declined = Family("payment.declined", None, life, _POINT, families.of_refusal)
        self._server = measure.numbered(kind=SERVER)
        self._consumer = measure.numbered(kind=CONSUMER)
        self._query = measure.numbered(database=True)

    def encode(self, found: list[Spans], start: int, end: int) -> Rows:
        """All metrics at the scrapes in ``(start, end]``, framed as ``ScopeMetrics.metrics``."""
        seen = Observations.concat([self._open, Observations.collect(found)])
        step = self._plan.metric_step * NS
        times = np.arange(start // step + 1, end // step + 1, dtype=np.int64) * step
        if not len(times):
            self._open = seen
            return Rows.concat([])
        over = seen.end <= times[-1]
        self._open = seen.of(~over)
        self._gauges.begin(times, start)
        slots = len(self._fleet.slots)
        pods = self._fleet.pods_at(self._gauges.slots.ravel(), self._gauges.times.ravel()).reshape(slots, -1)
        heard = ~self._effects.silent(
            self._fleet.service_of_pod[pods.ravel()], np.tile(times, slots)
        ).reshape(pods.shape)
        alive = np.zeros((len(self._fleet.pods), len(times)), bool)
        alive[pods, np.arange(len(times))] = heard
        rows = [*self._counted(seen.of(over), times, alive), self._active(seen, times, pods, heard)]
        rows += self._read(pods, heard, times, alive)
        return Rows.concat([part for part in rows if len(part)])

    def _counted(self, seen: Observations, times: Ints, alive: npt.NDArray[np.bool_]) -> list[Rows]:
        scrape = np.searchsorted(times, seen.end, side="left")
        took = (seen.end - seen.start) / NS
        out = [
            self._durations(self._requests, seen, self._server[seen.node], took, scrape, times, alive, True),
            self._durations(
                self._messages, seen, self._consumer[seen.node], took, scrape, times, alive, False
            ),
        ]
        here = self._query[seen.node]
        stand, _ = self._database.series.observe(
            seen.pod[here], seen.node[here], took[here], scrape[here], times, alive
        )
        scale = world.EXPONENTIAL_SCALE
        attributes = self._database.attributes(stand.series)
        extremes = (stand.low, stand.high)
        encoded = points.exponentials(
            stand.start,
            stand.time,
            stand.total,
            stand.buckets,
            extremes,
            _EXPONENTIAL_FIRST,
            scale,
            attributes,
        )
        out.append(points.metrics(self._database.metric, encoded, stand.pod, stand.time))
        placed = (seen.node == KEYS.index("checkout/PlaceOrder")) & ~seen.failed
        out.append(self._count(self._orders, seen, placed, seen.method, scrape, times, alive))
        refused = (seen.node == KEYS.index("payment/Charge")) & seen.failed
        label = seen.method * len(words.COUNTRIES) + self._users.country[seen.user]
        out.append(self._count(self._declined, seen, refused, label, scrape, times, alive))
        out.append(self._conversions(seen, took, scrape, times, alive))
        return out

    def _durations(
        self,
        family: Family,
        seen: Observations,
        here: npt.NDArray[np.bool_],
        took: Floats,
        scrape: Ints,
        times: Ints,
        alive: npt.NDArray[np.bool_],
        with_exemplars: bool,
    ) -> Rows:
        part, values, scrape = seen.of(here), took[here], scrape[here]
        label = part.node * len(CODES) + part.code if with_exemplars else part.node
        stand, series = family.series.observe(part.pod, label, values, scrape, times, alive)
        exemplars = (
            _slowest(part, values, series * len(times) + scrape, stand, len(times))
            if with_exemplars
            else None
        )
        return _histogram(family, stand, world.DURATION_BOUNDS, exemplars)

    def _count(
        self,
        family: Family,
        seen: Observations,
        here: npt.NDArray[np.bool_],
        label: Ints,
        scrape: Ints,
        times: Ints,
        alive: npt.NDArray[np.bool_],
    ) -> Rows:
        ones = np.ones(int(here.sum()))
        stand, _ = family.series.observe(seen.pod[here], label[here], ones, scrape[here], times, alive)
        encoded = points.numbers(
            stand.start, stand.time, stand.buckets[:, 0], family.attributes(stand.series)
        )
        return points.metrics(family.metric, encoded, stand.pod, stand.time)

    def _conversions(
        self, seen: Observations, took: Floats, scrape: Ints, times: Ints, alive: npt.NDArray[np.bool_]
    ) -> Rows:
        here = seen.node == KEYS.index("currency/Convert")
        family, values = self._currency, took[here]
        label = np.zeros(len(values), np.int64)
        stand, series = family.series.observe(seen.pod[here], label, values, scrape[here], times, alive)
        # Quantiles of what came since the last scrape; NaN, as the convention is, where nothing came.
        quantiles = np.full((len(stand.series), len(world.QUANTILES)), np.nan)
        cell = series * len(times) + scrape[here]
        order = np.lexsort((values, cell))
        cell, values = cell[order], values[order]
        wanted = stand.series * len(times) + stand.scrape
        low, high = np.searchsorted(cell, wanted, "left"), np.searchsorted(cell, wanted, "right")
        some = high > low
        for column, quantile in enumerate(world.QUANTILES):
            place = low + np.floor(quantile * (high - low - 1)).astype(np.int64)
            quantiles[some, column] = values[place[some]]
        encoded = points.summaries(
            stand.start,
            stand.time,
            stand.buckets[:, 0],
            stand.total,
            world.QUANTILES,
            quantiles,
            family.attributes(stand.series),
        )
        return points.metrics(family.metric, encoded, stand.pod, stand.time)

    def _active(self, seen: Observations, times: Ints, pods: Ints, heard: npt.NDArray[np.bool_]) -> Rows:
        """Requests that have begun and are not over at each scrape."""
        running = np.zeros(pods.shape, np.int64)
        part = seen.of(self._server[seen.node])
        for number, time in enumerate(times.tolist()):
            open_ = (part.start <= time) & (part.end > time)
            np.add.at(running[:, number], part.slot[open_], 1)
        return self._readings(
            "http.server.active_requests", running, pods, heard, {"http.request.method": "POST"}
        )

    def _read(
        self, pods: Ints, heard: npt.NDArray[np.bool_], times: Ints, alive: npt.NDArray[np.bool_]
    ) -> list[Rows]:
        read, out = self._gauges, self._readings
        none: dict[str, Attribute] = {}
        rows = [
            out("process.cpu.utilization", read.cpu(), pods, heard, none),
            out("process.memory.usage", read.memory(pods), pods, heard, none),
            out("system.disk.utilization", read.disk(), pods, heard, {"system.device": "/dev/nvme0n1"}),
            out(
                "system.network.errors",
                read.network_errors(),
                pods,
                heard,
                {"network.interface.name": "eth0"},
            ),
            out("cache.hit_ratio", read.hit_ratio(), pods, heard & read.is_service("cart")[:, None], none),
        ]
        for service, (database, _) in world.POOLS.items():
            here = heard & read.is_service(service)[:, None]
            for state, values in zip(("used", "idle"), read.connections(service), strict=True):
                labels: dict[str, Attribute] = {"db.client.connection.state": state, "db.system": database}
                rows.append(out("db.client.connection.count", values, pods, here, labels))
        for service in world.CONSUMERS:
            here = heard & read.is_service(service)[:, None]
            for partition in range(world.PARTITIONS):
                values = read.lag(service, partition)
                labels = {
                    "messaging.destination.name": "orders",
                    "messaging.destination.partition.id": str(partition),
                }
                rows.append(out("kafka.consumer.lag", values, pods, here & (values >= 0), labels))
        for service, name in world.QUEUES.items():
            here = heard & read.is_service(service)[:, None]
            rows.append(out("queue.depth", read.queue(service), pods, here, {"queue.name": name}))
        slot, scrape, pause = read.collections(self._plan.metric_step)
        label = np.zeros(len(slot), np.int64)
        stand, _ = self._pauses.series.observe(pods[slot, scrape], label, pause, scrape, times, alive)
        rows.append(_histogram(self._pauses, stand, world.GC_BOUNDS, None))
        return rows

    def _readings(
        self,
        name: str,
        values: npt.NDArray[np.int64] | Floats,
        pods: Ints,
        here: npt.NDArray[np.bool_],
        labels: dict[str, Attribute],
    ) -> Rows:
        metric = world.METRICS[name]
        slot, scrape = np.nonzero(here)
        if not len(slot):
            return Rows.concat([])
        pod, time = pods[slot, scrape], self._gauges.times[slot, scrape]
        start = None if metric.kind == "gauge" else self._life.boot(pod, time)
        if name.startswith("system."):
            start = None if metric.kind == "gauge" else np.full(len(time), self._plan.start)
        attributes = wire.take(wire.pool([wire.attributes(_POINT, labels)]), np.zeros(len(pod), np.int8))
        return points.metrics(
            metric, points.numbers(start, time, values[slot, scrape], attributes), pod, time
        )


def _histogram(family: Family, stand: Standing, bounds: tuple[float, ...], exemplars: Column | None) -> Rows:
    if not len(stand.series):
        return Rows.concat([])
    extremes, attributes = (stand.low, stand.high), family.attributes(stand.series)
    encoded = points.histograms(
        stand.start, stand.time, stand.total, stand.buckets, extremes, bounds, attributes, exemplars
    )
    return points.metrics(family.metric, encoded, stand.pod, stand.time)


def _slowest(seen: Observations, took: Floats, cell: Ints, stand: Standing, scrapes: int) -> Column:
    """For each point the slowest request since the last scrape as an exemplar, or nothing."""
    order = np.lexsort((took, cell))
    cell = cell[order]
    last = order[np.append(np.diff(cell) > 0, True)] if len(cell) else order
    encoded = points.exemplars(seen.end[last], took[last], seen.span[last], seen.trace[last])
    have = np.unique(cell)
    wanted = stand.series * scrapes + stand.scrape
    place = np.minimum(np.searchsorted(have, wanted), max(len(have) - 1, 0))
    found = have[place] == wanted if len(have) else np.zeros(len(wanted), bool)
    return wire.take(wire.concat([encoded, wire.pool([b""])]), np.where(found, place, len(encoded)))
