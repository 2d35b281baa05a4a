"""``/metrics``: this process, the parts and the store, as Prometheus reads them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, Final

from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric

from airis_ray.accounts.families import account_families
from airis_ray.errors import AirisError
from airis_ray.gateway.readiness import Probes
from airis_ray.gateway.replicas import Replicas
from airis_ray.store.protocol import Query, Store

_SQL: Final = """
    SELECT table, sum(rows) AS rows, sum(bytes_on_disk) AS bytes, count() AS parts
    FROM system.parts WHERE active AND database = currentDatabase() GROUP BY table ORDER BY table
"""
_BOUND: Final = 2.0  # seconds for the store's facts; without them the rest is answered
_CACHED: Final = 5.0  # seconds that the store's facts are kept
_COUNTS_CACHED: Final = 15.0  # and the accounts: 0.2 s of the store's time for a busy day of 100 tenants


class Exposition:
    """Collects the numbers. Tenants' names are among the accounts alone."""

    media_type = CONTENT_TYPE_LATEST

    def __init__(
        self,
        store: Store,
        probes: Probes,
        replicas: Replicas,
        *,
        registry: CollectorRegistry = REGISTRY,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._probes = probes
        self._replicas = replicas
        self._registry = registry
        self._clock = clock
        self._wall_clock = wall_clock
        self._tables: list[dict[str, Any]] = []
        self._accounts: list[Metric] = []
        self._asked = self._counted = float("-inf")

    async def text(self) -> bytes:
        """The exposition."""
        _, report, breakers = await asyncio.gather(
            self._ask_store(), self._probes.report(), self._replicas.families()
        )
        ready = GaugeMetricFamily("airis_part_ready", "1 where a part of /readyz is ready", labels=["part"])
        for name, found in report.parts.items():
            ready.add_metric([name], 1.0 if found.state == "ready" else 0.0)
        facts = CollectorRegistry(auto_describe=False)
        disk = [await self._disk_family()]
        facts.register(_Families([ready, *disk, *breakers, *self._store_families(), *self._accounts]))
        return generate_latest(self._registry) + generate_latest(facts)

    async def _ask_store(self) -> None:
        """Where the facts are missing afterwards, airis_part_ready{part="store"} says why."""
        now = self._clock()
        if now - self._asked >= _CACHED:
            self._asked, self._tables = now, []
            with suppress(AirisError, TimeoutError):
                async with asyncio.timeout(_BOUND):
                    self._tables = (await self._store.query(Query(_SQL))).table.to_pylist()
        if now - self._counted >= _COUNTS_CACHED:
            self._counted, self._accounts = now, []
            with suppress(AirisError, TimeoutError):
                async with asyncio.timeout(_BOUND):
                    self._accounts = await account_families(self._store, self._wall_clock())

    async def _disk_family(self) -> Metric:
        family = GaugeMetricFamily(
            "airis_disk_used_ratio",
            "Used share of the disk of the data folder. Above AIRIS_DISK_DROP_ABOVE the embedded store drops its "
            "oldest days, above AIRIS_DISK_REFUSE_ABOVE it takes nothing in. Cure: a larger disk, a shorter retention",
        )
        with suppress(OSError):
            family.add_metric([], (await self._probes.disk()).share)
        return family

    def _store_families(self) -> Iterator[Metric]:
        for column, meaning in (
            ("rows", "Rows of a table"),
            ("bytes", "Bytes of a table on disk, compressed"),
            ("parts", "Active parts of a table; thousands of them mean inserts are too small"),
        ):
            family = GaugeMetricFamily(f"airis_store_{column}", meaning, labels=["table"])
            for row in self._tables:
                family.add_metric([row["table"]], float(row[column]))
            yield family


class _Families:
    """A collector of what was collected already."""

    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> list[Metric]:
        return self._families
