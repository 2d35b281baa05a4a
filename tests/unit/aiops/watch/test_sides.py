"""Fewer errors or a disk that was cleaned are no anomalies; fewer requests are."""

from __future__ import annotations

import pytest

from airis_ray.aiops.watch.findings import Subject
from airis_ray.aiops.watch.sides import harmless
from airis_ray.aiops.watch.tracking import Track

LOW = Track(0, 60, 5, 0.9, "level", 1.0, 5.0, 8.0)
HIGH = Track(0, 60, 5, 0.9, "level", 5.0, 1.0, 8.0)
COSTS = (
    ("traces", "errors"),
    ("traces", "error_rate"),
    ("traces", "duration_p95"),
    ("logs", "logs.error"),
    ("metrics", "system.disk.utilization"),
    ("metrics", "process.memory.usage"),
    ("metrics", "kafka.consumer.lag"),
    ("metrics", "http_client_requestTimeouts_total"),
)
BOTH = (
    ("traces", "requests"),
    ("logs", "logs.info"),
    ("logs", "logs"),
    ("metrics", "cache.hit_ratio"),
    ("metrics", "orders.placed"),
    ("metrics", "db.client.connection.count"),
    ("metrics", "uptime"),
)


@pytest.mark.parametrize(("signal", "metric"), [*COSTS, *BOTH])
def test_which_side_is_worth_telling(signal: str, metric: str) -> None:
    subject = Subject("cart", signal, metric)
    assert harmless(subject, LOW) == ((signal, metric) in COSTS)
    assert not harmless(subject, HIGH)
