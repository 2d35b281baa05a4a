"""The table of faults: who breaks, how, and where it shows. The engine's part is in ``effects.py``."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from airis_ray.demo.model import Failure
from airis_ray.demo.world.stacks import STACKS


@dataclass(frozen=True)
class Described:
    """What the ground truth says of a fault.

    ``attributes`` are those that carry it (what an event delta should find), ``metrics`` those that it moves.
    """

    service: str
    kind: str
    attributes: dict[str, str]
    metrics: tuple[str, ...]
    description: str
    signals: tuple[str, ...] = ("traces", "logs", "metrics")
    bursts: bool = False
    failure: Failure | None = field(default=None, repr=False)


_DURATION = "http.server.request.duration"

FAULTS: Final = {
    "bad-deploy": Described(
        "checkout",
        "deployment",
        {"service.version": "2.4.0", "error.type": "java.lang.NullPointerException"},
        (_DURATION, "orders.placed"),
        "version 2.4.0 fails 30 % of the orders, 2.3.9 does not; both run",
        failure=Failure(
            "java.lang.NullPointerException",
            'Cannot invoke "Coupon.rate()" because "coupon" is null',
            exception="java.lang.NullPointerException",
            stack=STACKS["checkout-2.4.0"],
        ),
    ),
    "slow-db": Described(
        "product-catalog",
        "latency",
        {"db.query.text": "SELECT id, name, price, stock FROM catalog.products WHERE id = $1"},
        (_DURATION, "db.client.operation.duration", "db.client.connection.count"),
        "one query takes twenty times as long; callers slow down behind it",
    ),
    "memory-leak": Described(
        "recommendation",
        "memory",
        {"service.name": "recommendation"},
        ("process.memory.usage", "jvm.gc.duration", "process.cpu.utilization", _DURATION),
        "memory climbs to the limit, garbage collection grows, restart, and again",
        failure=Failure(
            "java.lang.OutOfMemoryError",
            "Java heap space",
            exception="java.lang.OutOfMemoryError",
            stack=STACKS["recommendation"],
        ),
    ),
    "payment-declined": Described(
        "payment",
        "errors",
        {"app.payment.method": "kakaopay", "app.country": "KR", "error.type": "gateway_timeout"},
        (_DURATION, "payment.declined", "orders.placed"),
        "60 % of the kakaopay payments in KR fail with gateway_timeout",
        failure=Failure("gateway_timeout", "kakaopay gateway timeout after 3000 ms", http=504, ms=3000.0),
    ),
    "cpu-saturation": Described(
        "node-3",
        "saturation",
        {"k8s.node.name": "node-3"},
        ("process.cpu.utilization", _DURATION, "http.server.active_requests"),
        "every pod on the node slows down",
    ),
    "kafka-lag": Described(
        "accounting",
        "lag",
        {"messaging.consumer.group.name": "accounting"},
        ("kafka.consumer.lag", "queue.depth", "messaging.process.duration"),
        "the consumer slows down and its lag climbs; no request fails",
    ),
    "traffic-spike": Described(
        "frontend",
        "traffic",
        {"user_agent.name": "curl"},
        (_DURATION, "http.server.active_requests", "process.cpu.utilization"),
        "eight times the requests, the new ones from one user agent",
    ),
    "disk-full": Described(
        "node-5",
        "disk",
        {"k8s.node.name": "node-5", "error.type": "disk_full"},
        ("system.disk.utilization", _DURATION),
        "disk utilization climbs to 1, then writes fail",
        failure=Failure("disk_full", "write /var/lib/shop/wal: no space left on device", http=507),
    ),
    "dns-failure": Described(
        "email",
        "errors",
        {"service.name": "email", "error.type": "dns_error"},
        (_DURATION, "queue.depth"),
        "every mail fails for two minutes, in bursts",
        bursts=True,
        failure=Failure(
            "dns_error", "DNS lookup failed: smtp.mail.example: no such host", http=503, ms=250.0
        ),
    ),
    "silent-service": Described(
        "quote",
        "absence",
        {"service.name": "quote"},
        (_DURATION, "process.cpu.utilization", "process.memory.usage"),
        "the service works on and sends no telemetry at all",
    ),
    "cache-miss": Described(
        "cart",
        "cache",
        {"cache.hit": "false"},
        ("cache.hit_ratio", _DURATION, "db.client.operation.duration"),
        "Redis evicts: latency doubles, the hit ratio falls",
    ),
    "log-flood": Described(
        "ad",
        "logs",
        {"service.name": "ad"},
        (),
        "one new log template with two hundred times the service's volume",
        signals=("logs",),
    ),
}
