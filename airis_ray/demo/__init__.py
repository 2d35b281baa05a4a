"""The demo: a made-up web shop that sends telemetry, the same for the same seed.

For tests and benchmarks::

    for payload in payloads(seed=1, start=datetime(2026, 10, 25, 15, tzinfo=UTC), duration="1h", faults=["slow-db"]):
        payload.signal, payload.body, payload.records
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from airis_ray.demo import engine
from airis_ray.demo.faults import parse_fault, seconds
from airis_ray.demo.plan import Plan
from airis_ray.demo.rows import Payload
from airis_ray.demo.season import NS

__all__ = ["Payload", "Plan", "history_plan", "payloads"]


def history_plan(
    *, seed: int, start: datetime, duration: str, rate: float | None = None, faults: Sequence[str] = ()
) -> Plan:
    """The plan of ``airis demo --seed … --start … --duration … --rate … --fault …``; ``start`` has a time zone."""
    plan = Plan.history(seed, int(start.timestamp()) * NS, seconds(duration, "duration"), rate)
    return plan.with_faults(tuple(parse_fault(fault, plan.start) for fault in faults))


def payloads(
    *, seed: int, start: datetime, duration: str, rate: float | None = None, faults: Sequence[str] = ()
) -> Iterator[Payload]:
    """Everything that such a run sends, in order: OTLP requests with ``signal``, ``body`` and ``records``.

    Raises InvalidInput for a duration or a fault that is none.
    """
    return engine.payloads(history_plan(seed=seed, start=start, duration=duration, rate=rate, faults=faults))
