"""What the faults do to the requests: how much slower, and how often they fail."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from airis_ray.demo.chance import Floats
from airis_ray.demo.failures import NUMBER
from airis_ray.demo.faults import active, by_name
from airis_ray.demo.fleet import Fleet
from airis_ray.demo.life import Life
from airis_ray.demo.plan import Plan
from airis_ray.demo.traffic import Requests
from airis_ray.demo.wire import Ints
from airis_ray.demo.world import vocabulary as words
from airis_ray.demo.world.faults import FAULTS
from airis_ray.demo.world.services import INDEX, NODES

SLOW_QUERY: Final = 20.0
_SATURATED: Final = 3.5
_BAD_VERSION: Final = "2.4.0"
_WRITERS: Final = frozenset(
    {
        "cart/AddItem",
        "checkout/PlaceOrder",
        "shipping/ShipOrder",
        "email/SendConfirmation",
        "accounting/insert-order",
    }
)
"""What writes to a local disk."""
_CACHED: Final = frozenset({"cart/GetCart", "cart/AddItem", "cart/redis-get"})
_KAKAOPAY: Final = words.METHODS.index("kakaopay")
_KOREA: Final = 0


@dataclass(frozen=True)
class Moment:
    """An operation about to run: row by row where and when, and for which request."""

    key: str
    service: int
    pods: Ints
    slots: Ints
    times: Ints
    requests: Requests


class Effects:
    """The faults' hold over operations and work, by their keys."""

    def __init__(self, plan: Plan, fleet: Fleet, life: Life, country_of_user: Ints) -> None:
        self._fleet, self._life, self._country = fleet, life, country_of_user
        self._named = {name: by_name(plan.faults, name) for name in FAULTS}
        self._bad = fleet.versions.index(_BAD_VERSION) if _BAD_VERSION in fleet.versions else -1

    def slowdown(self, at: Moment) -> Floats | None:
        """By what the operation's own time is multiplied; None for nothing."""
        factor: Floats | None = None
        if self._named["cpu-saturation"]:
            here = self._fleet.node_of_slot[at.slots] == NODES.index("node-3")
            factor = _times(factor, self._on("cpu-saturation", at) & here, _SATURATED)
        if at.key == "product-catalog/select-product" and self._named["slow-db"]:
            factor = _times(factor, self._on("slow-db", at), SLOW_QUERY)
        if at.key in _CACHED and self._named["cache-miss"]:
            factor = _times(factor, self._on("cache-miss", at), 2.0)
        if at.service == INDEX["recommendation"] and self._named["memory-leak"]:
            collecting = 1.0 + 3.0 * self._life.leak(at.slots, at.times) ** 4
            factor = collecting if factor is None else factor * collecting
        if at.service == INDEX["accounting"] and self._named["kafka-lag"]:
            factor = _times(factor, self._on("kafka-lag", at), 6.0)
        return factor

    def failures(self, at: Moment) -> list[tuple[Floats, int]]:
        """Probabilities with the failure that they are of."""
        out: list[tuple[Floats, int]] = []
        if at.key == "checkout/PlaceOrder" and self._bad >= 0:
            out.append(self._failing("bad-deploy", 0.30 * (self._fleet.version_index[at.pods] == self._bad)))
        if at.key == "payment/gateway" and self._named["payment-declined"]:
            korean = self._country[at.requests.user] == _KOREA
            hit = self._on("payment-declined", at) & korean & (at.requests.method == _KAKAOPAY)
            out.append(self._failing("payment-declined", 0.60 * hit))
        if at.key == "email/smtp" and self._named["dns-failure"]:
            burst = np.zeros(len(at.times), bool)
            for fault in self._named["dns-failure"]:
                burst |= fault.bursting(at.times)
            out.append(self._failing("dns-failure", 1.0 * burst))
        if at.key == "recommendation/rank" and self._named["memory-leak"]:
            full = self._life.leak(at.slots, at.times) > 0.975
            out.append(self._failing("memory-leak", 0.7 * full))
        if at.key in _WRITERS and self._named["disk-full"]:
            node = self._fleet.node_of_slot[at.slots]
            full = (node == NODES.index("node-5")) & (self._life.disk(node, at.times) >= 0.995)
            out.append(self._failing("disk-full", 0.5 * full))
        return out

    def hit_ratio(self, times: Ints) -> Floats:
        """The share of the carts that Redis still has."""
        return np.where(active(self._named["cache-miss"], times), 0.41, 0.955)

    def cache_hits(self, spans: npt.NDArray[np.uint64], times: Ints) -> npt.NDArray[np.bool_]:
        """Whether Redis had the cart that each span asked for: chance taken from the span's own id."""
        return (spans & np.uint64(0xFFFF)).astype(np.float64) / 65_536 < self.hit_ratio(times)

    def lag(self, operation: str, times: Ints) -> Floats:
        """Seconds that a message waits for its consumer beyond the usual."""
        return self._life.lag(times) if operation == "accounting/orders" else np.zeros(len(times))

    def silent(self, services: npt.NDArray[np.int64], times: Ints) -> npt.NDArray[np.bool_]:
        """Whose telemetry is not sent."""
        out: npt.NDArray[np.bool_] = active(self._named["silent-service"], times) & (
            services == INDEX["quote"]
        )
        return out

    def _on(self, name: str, at: Moment) -> npt.NDArray[np.bool_]:
        return active(self._named[name], at.times)

    @staticmethod
    def _failing(name: str, probability: npt.NDArray[np.floating]) -> tuple[Floats, int]:
        failure = FAULTS[name].failure
        assert failure is not None
        return probability.astype(np.float64), NUMBER[failure]


def _times(factor: Floats | None, mask: npt.NDArray[np.bool_], by: float) -> Floats:
    values = np.where(mask, by, 1.0)
    return values if factor is None else factor * values
