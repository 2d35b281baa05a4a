"""What one replica tells of itself when the gateway asks every replica (each deployment's method ``vitals``)."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass

from airis_ray.resilience import BreakerReport, breaker_reports


@dataclass(frozen=True)
class Reading:
    """A partition of Kafka that a process reads: messages behind, and why it is stopped ('' where it is not)."""

    partition: str
    lag: int
    stopped: str = ""


@dataclass(frozen=True)
class Vitals:
    """One process of a service. ``replica`` is its host and process id."""

    service: str
    replica: str
    breakers: tuple[BreakerReport, ...] = ()
    readings: tuple[Reading, ...] = ()


def vitals(service: str, readings: Sequence[Reading] = ()) -> Vitals:
    """This process now."""
    replica = f"{socket.gethostname()}-{os.getpid()}"
    return Vitals(service, replica, tuple(breaker_reports()), tuple(readings))
