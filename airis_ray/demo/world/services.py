"""The thirteen services and the places where they run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from airis_ray.demo.model import Service

SERVICES: Final = (
    Service("frontend", "nodejs", "3.12.0", 512, 0.34, 6.0, (4, 2, 1)),
    Service("cart", "dotnet", "1.18.2", 384, 0.22, 9.0),
    Service("checkout", "java", "2.3.9", 768, 0.30),
    Service("payment", "nodejs", "4.1.6", 384, 0.18, 11.0),
    Service("shipping", "rust", "0.9.14", 128, 0.08, 8.0),
    Service("product-catalog", "go", "5.2.1", 256, 0.26, 7.0),
    Service("recommendation", "java", "1.7.3", 1024, 0.36, 10.0),
    Service("ad", "java", "2.0.8", 768, 0.20, 5.0),
    Service("email", "ruby", "1.3.5", 256, 0.12, 14.0),
    Service("currency", "cpp", "1.0.27", 96, 0.06, 21.0),
    Service("quote", "php", "1.1.9", 192, 0.10, 16.0),
    Service("accounting", "dotnet", "2.2.4", 384, 0.14, 12.0),
    Service("fraud-detection", "java", "3.0.2", 768, 0.24, 13.0),
)

INDEX: Final = {service.name: number for number, service in enumerate(SERVICES)}


@dataclass(frozen=True)
class Site:
    """A cluster's namespace: every request stays within one."""

    environment: str
    cluster: str
    namespace: str
    region: str
    nodes: tuple[int, ...]


SITES: Final = (
    Site("production", "shop-seoul", "shop", "ap-northeast-2", (1, 2, 3, 4)),
    Site("production", "shop-virginia", "shop", "us-east-1", (5, 6)),
    Site("staging", "shop-seoul", "shop-staging", "ap-northeast-2", (2, 4)),
)
SEOUL, VIRGINIA, STAGING = range(3)

NODES: Final = tuple(f"node-{number}" for number in range(1, 7))

STAGING_SHARE: Final = 0.05
"""Share of the requests that testers make in staging."""
STAGING_FAILURES: Final = 12.0
"""Staging fails this much more often than production."""
