"""The tenants there are. Two exist from the start: ``default``, the operator's, and ``airis``, the platform's own."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import pyarrow as pa

from airis_ray.errors import InvalidInput
from airis_ray.store.protocol import Query, Store
from airis_ray.web.auth import DEFAULT_TENANT, SELF_TENANT
from airis_ray.web.keys import SESSIONS

TENANT_ID: Final = r"^[a-z0-9][a-z0-9_-]{0,62}$"

_SCHEMA: Final = pa.schema(
    [
        ("Id", pa.string()),
        ("Name", pa.string()),
        ("Created", pa.timestamp("ms", tz="UTC")),
        ("CreatedBy", pa.string()),
        ("Version", pa.uint64()),
    ]
)


@dataclass(frozen=True)
class Tenant:
    """A tenant; ``created`` is None for those that exist from the start."""

    id: str
    name: str
    created: datetime | None
    created_by: str
    keys: int = 0


_BUILT_IN: Final = (
    Tenant(DEFAULT_TENANT, "the operator's own", None, ""),
    Tenant(SELF_TENANT, "the platform's own telemetry", None, ""),
)


class Tenants:
    """The table ``airis_tenants``."""

    def __init__(self, store: Store, *, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._clock = clock

    async def all(self) -> list[Tenant]:
        """Every tenant with the number of keys that are not revoked, by id."""
        sql = """
            SELECT Id, Name, Created, CreatedBy FROM airis_tenants FINAL ORDER BY Id
        """
        counted = f"""
            SELECT Tenant, count() AS Keys FROM airis_keys FINAL
            WHERE Revoked IS NULL AND NOT ({SESSIONS}) GROUP BY Tenant
        """
        counts = (await self._store.query(Query(counted))).table.to_pylist()
        keys = {row["Tenant"]: row["Keys"] for row in counts}
        rows = (await self._store.query(Query(sql))).table.to_pylist()
        made = [Tenant(row["Id"], row["Name"], row["Created"], row["CreatedBy"]) for row in rows]
        tenants = sorted([*_BUILT_IN, *made], key=lambda tenant: tenant.id)
        return [
            Tenant(tenant.id, tenant.name, tenant.created, tenant.created_by, keys.get(tenant.id, 0))
            for tenant in tenants
        ]

    async def create(self, tenant_id: str, name: str, created_by: str) -> Tenant:
        """Make a tenant. Raises InvalidInput where there is one of that id."""
        if await self.exists(tenant_id):
            raise InvalidInput.field("/id", f"there is a tenant {tenant_id} already")
        created = datetime.fromtimestamp(int(self._clock()), UTC)
        row = {
            "Id": tenant_id,
            "Name": name,
            "Created": created,
            "CreatedBy": created_by,
            "Version": time.time_ns(),
        }
        await self._store.insert("airis_tenants", pa.Table.from_pylist([row], schema=_SCHEMA))
        return Tenant(tenant_id, name, created, created_by)

    async def exists(self, tenant_id: str) -> bool:
        """Whether there is such a tenant."""
        return tenant_id in {tenant.id for tenant in await self.all()}
