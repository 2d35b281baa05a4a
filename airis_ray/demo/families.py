"""Cumulative metrics with the attributes of their series; a series' ``label`` says what it counts."""

from __future__ import annotations

from collections.abc import Callable

from airis_ray.demo import measure, wire
from airis_ray.demo.chance import Floats
from airis_ray.demo.life import Life
from airis_ray.demo.measure import CODES, KEYS
from airis_ray.demo.series import Cumulative
from airis_ray.demo.wire import Attribute, Column, Ints
from airis_ray.demo.world import metrics as world
from airis_ray.demo.world import vocabulary as words


class Family:
    """A metric's cumulative series with their encoded attributes."""

    def __init__(
        self,
        name: str,
        edges: Floats | None,
        life: Life,
        field: int,
        attributes: Callable[[int], dict[str, Attribute]],
    ) -> None:
        self.metric = world.METRICS[name]
        self.series = Cumulative(edges, life.boot)
        self._field, self._attributes = field, attributes
        self._encoded: list[bytes] = []

    def attributes(self, series: Ints) -> Column:
        """The encoded attributes of each of ``series``."""
        for _, label in self.series.keys[len(self._encoded) :]:
            self._encoded.append(wire.attributes(self._field, self._attributes(label)))
        return wire.take(wire.pool(self._encoded), series)


def of_request(label: int) -> dict[str, Attribute]:
    """A request: operation and status."""
    node, code = divmod(label, len(CODES))
    return {**measure.NODES[KEYS[node]], "http.response.status_code": CODES[code]}


def of_node(label: int) -> dict[str, Attribute]:
    """An operation or a kind of query."""
    return measure.NODES[KEYS[label]]


def of_method(label: int) -> dict[str, Attribute]:
    """A payment method."""
    return {"app.payment.method": words.METHODS[label]}


def of_refusal(label: int) -> dict[str, Attribute]:
    """A payment method and a country."""
    method, country = divmod(label, len(words.COUNTRIES))
    return {"app.payment.method": words.METHODS[method], "app.country": words.COUNTRIES[country][0]}


def of_collector(label: int) -> dict[str, Attribute]:
    """The collector of all JVMs."""
    return {"jvm.gc.name": "G1 Young Generation", "jvm.gc.action": "end of minor GC"}
