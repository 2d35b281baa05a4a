"""Alerts of other systems into their table: into the store itself, also where telemetry goes by Kafka."""

from __future__ import annotations

from collections.abc import Sequence

from airis_ray.ingest.budget import Budget
from airis_ray.ingest.commit import GroupCommit
from airis_ray.settings import Settings
from airis_ray.store.protocol import Store
from airis_ray.telemetry.alerts import TABLE, Alert, rows


class AlertLog:
    """Keeps alerts, in group commits of their own. Belongs to one event loop."""

    def __init__(self, store: Store, settings: Settings, budget: Budget) -> None:
        self._commit = GroupCommit(store, settings.ingest, budget, writers=1)

    async def keep(self, alerts: Sequence[Alert], source: str, tenant: str, received_ns: int) -> None:
        """Return once the alerts are in the store; raises as :meth:`GroupCommit.commit`."""
        await self._commit.commit({TABLE: rows(alerts, source, tenant, received_ns)})

    async def close(self, grace: float) -> None:
        """See :meth:`GroupCommit.close`."""
        await self._commit.close(grace)
