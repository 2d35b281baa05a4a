"""What one replica tells of itself when the gateway asks every replica (each deployment's method ``vitals``)."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass

from airis_ray.resilience import BreakerReport, breaker_reports


@dataclass(frozen=True)
class Vitals:
    """One process of a service. ``replica`` is its host and process id."""

    service: str
    replica: str
    breakers: tuple[BreakerReport, ...] = ()


def vitals(service: str) -> Vitals:
    """This process now."""
    return Vitals(service, f"{socket.gethostname()}-{os.getpid()}", tuple(breaker_reports()))
