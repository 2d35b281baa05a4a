"""Metrics of a process handed on: every sample of ours, with its labels, again and again."""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client import Gauge as Own

from airis_ray.web.mirror import Mirror


class Told:
    """A gauge that remembers."""

    def __init__(self, labels: tuple[str, ...]) -> None:
        self.labels = labels
        self.values: dict[tuple[str, ...], float] = {}

    def set(self, value: float, tags: Mapping[str, str]) -> None:
        self.values[tuple(tags[name] for name in self.labels)] = value


def test_each_sample_is_told_with_its_labels_and_the_newest_value() -> None:
    registry = CollectorRegistry()
    requests = Counter("airis_x_requests", "How many", ("status",), registry=registry)
    waiting = Own("airis_x_waiting", "How many wait", registry=registry)
    seconds = Histogram("airis_x_seconds", "How long", buckets=(1, 10), registry=registry)
    Counter("other", "Not ours", registry=registry).inc()
    told: dict[str, Told] = {}

    def make(name: str, meaning: str, labels: tuple[str, ...]) -> Told:
        assert name not in told
        assert meaning.startswith("How")
        return told.setdefault(name, Told(labels))

    mirror = Mirror(make, registry)
    requests.labels("200").inc()
    mirror.copy()
    requests.labels("200").inc(2)
    requests.labels("503").inc()
    waiting.set(7)
    seconds.observe(5)
    mirror.copy()

    assert told["airis_x_requests_total"].values == {("200",): 3.0, ("503",): 1.0}
    assert told["airis_x_waiting"].values == {(): 7.0}
    assert told["airis_x_seconds_bucket"].values == {("1.0",): 0.0, ("10.0",): 1.0, ("+Inf",): 1.0}
    assert told["airis_x_seconds_count"].values == {(): 1.0}
    assert not [name for name in told if name.endswith("_created") or name.startswith("other")]
