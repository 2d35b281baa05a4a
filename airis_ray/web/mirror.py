"""This process's metrics, handed to whoever collects those of many processes.

``/metrics`` answers for the one replica that Serve chose. On a cluster Prometheus asks Ray's agent of each pod instead,
which tells what every replica of that pod handed to it (``ray_airis_…``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, Protocol

from prometheus_client import REGISTRY, CollectorRegistry

_OURS: Final = "airis_"
_CREATED: Final = "_created"  # a time per series that nobody asks for


class Gauge(Protocol):
    """What is told on: a value by its labels."""

    def set(self, value: float, tags: Mapping[str, str]) -> object: ...


class Mirror:
    """Copies every sample of the registry, counters and buckets of histograms too, as a gauge of its name."""

    def __init__(
        self, make: Callable[[str, str, tuple[str, ...]], Gauge], registry: CollectorRegistry = REGISTRY
    ) -> None:
        """``make`` is called once for each name, with its meaning and the names of its labels."""
        self._make = make
        self._registry = registry
        self._gauges: dict[str, Gauge] = {}

    def copy(self) -> None:
        """Tell the present values on."""
        for family in self._registry.collect():
            if not family.name.startswith(_OURS):
                continue
            for sample in family.samples:
                if sample.name.endswith(_CREATED):
                    continue
                gauge = self._gauges.get(sample.name)
                if gauge is None:
                    gauge = self._make(sample.name, family.documentation, tuple(sample.labels))
                    self._gauges[sample.name] = gauge
                gauge.set(sample.value, sample.labels)
