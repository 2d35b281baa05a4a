"""The metrics that the shop's services report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["gauge", "counter", "updown", "histogram", "exponential", "summary"]


@dataclass(frozen=True)
class Metric:
    """A metric. Counters and histograms are cumulative from the process's start on."""

    name: str
    kind: Kind
    unit: str
    description: str


def _table(*metrics: Metric) -> dict[str, Metric]:
    return {metric.name: metric for metric in metrics}


METRICS: Final = _table(
    Metric("http.server.request.duration", "histogram", "s", "Duration of HTTP server requests."),
    Metric("http.server.active_requests", "updown", "{request}", "Number of active HTTP server requests."),
    Metric("messaging.process.duration", "histogram", "s", "Duration of processing a message."),
    Metric("db.client.operation.duration", "exponential", "s", "Duration of database client operations."),
    Metric("currency.conversion.duration", "summary", "s", "Duration of currency conversions."),
    Metric("process.cpu.utilization", "gauge", "1", "Share of the container's CPU limit in use."),
    Metric("process.memory.usage", "updown", "By", "The amount of physical memory in use."),
    Metric("jvm.gc.duration", "histogram", "s", "Duration of JVM garbage collection actions."),
    Metric(
        "db.client.connection.count", "updown", "{connection}", "Connections in the state of the attribute."
    ),
    Metric(
        "kafka.consumer.lag", "gauge", "{message}", "Messages between the log's end and the committed offset."
    ),
    Metric("system.disk.utilization", "gauge", "1", "Share of the node's disk in use."),
    Metric("system.network.errors", "counter", "{error}", "Network errors of the node."),
    Metric("queue.depth", "gauge", "{message}", "Messages that wait in the service's queue."),
    Metric("cache.hit_ratio", "gauge", "1", "Share of the reads that the cache answered."),
    Metric("orders.placed", "counter", "{order}", "Orders that were placed."),
    Metric("payment.declined", "counter", "{payment}", "Payments that were not approved."),
)

DURATION_BOUNDS: Final = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
"""What the semantic conventions advise for durations in seconds."""
GC_BOUNDS: Final = (0.01, 0.1, 1.0, 10.0)

POOLS: Final = {
    "cart": ("redis", 50),
    "product-catalog": ("postgresql", 20),
    "accounting": ("postgresql", 10),
}
"""Connection pools: the service's database and the pool's size."""
QUEUES: Final = {"email": "mail-out", "accounting": "ledger", "shipping": "labels"}
CONSUMERS: Final = ("accounting", "fraud-detection")
PARTITIONS: Final = 3
SPIKED: Final = ("frontend", "product-catalog", "currency")
"""The services that a traffic spike reaches."""
EXPONENTIAL_SCALE: Final = 2
QUANTILES: Final = (0.5, 0.9, 0.99)
ORDER_SHARE: Final = 0.05
"""Orders for each request at the frontend."""
