"""Who created or revoked what, and when: rows are added and never changed, and no call takes one away."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa

from airis_ray.store.protocol import Query, Store
from airis_ray.telemetry.times import TimeRange
from airis_ray.web.auth import Principal
from airis_ray.web.logs import CURRENT

_SCHEMA: Final = pa.schema(
    [
        ("Time", pa.timestamp("ns", tz="UTC")),
        ("Tenant", pa.string()),
        ("Actor", pa.string()),
        ("Action", pa.string()),
        ("Target", pa.string()),
        ("Detail", pa.map_(pa.string(), pa.string())),
        ("RequestId", pa.string()),
        ("Peer", pa.string()),
    ]
)


@dataclass(frozen=True)
class Event:
    """One line of the audit. ``actor`` is the id of the key that acted; ``time_ns`` since the epoch."""

    time_ns: int
    tenant: str
    actor: str
    action: str
    target: str
    detail: dict[str, str]
    request_id: str
    peer: str


class Audit:
    """The table ``airis_audit``."""

    def __init__(self, store: Store, *, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._clock = clock

    async def record(
        self,
        principal: Principal,
        action: str,
        target: str,
        *,
        tenant: str,
        detail: Mapping[str, str] | None = None,
    ) -> None:
        """Keep that ``principal`` does ``action`` to ``target`` of ``tenant``.

        Called before the deed: what cannot be recorded is not done.
        """
        exchange = CURRENT.get()
        row = {
            "Time": int(self._clock() * 1e9),
            "Tenant": tenant,
            "Actor": principal.key_id,
            "Action": action,
            "Target": target,
            "Detail": list((detail or {}).items()),
            "RequestId": exchange.request_id if exchange else "",
            "Peer": exchange.peer if exchange else "",
        }
        await self._store.insert("airis_audit", pa.Table.from_pylist([row], schema=_SCHEMA))

    async def events(
        self, tenant: str | None, period: TimeRange, *, limit: int, before_ns: int | None = None
    ) -> list[Event]:
        """Events of a tenant (None: of all) in a period, newest first, older than ``before_ns``."""
        conditions = [
            "Time >= fromUnixTimestamp64Nano({start:Int64})",
            "Time < fromUnixTimestamp64Nano({end:Int64})",
        ]
        end = period.end_ns if before_ns is None else min(period.end_ns, before_ns)
        parameters: dict[str, Any] = {"start": period.start_ns, "end": end, "limit": limit}
        if tenant is not None:
            conditions.append("Tenant = {tenant:String}")
            parameters["tenant"] = tenant
        sql = f"""
            SELECT toUnixTimestamp64Nano(Time) AS TimeNs, Tenant, Actor, Action, Target, Detail, RequestId, Peer
            FROM airis_audit WHERE {" AND ".join(conditions)} ORDER BY Time DESC LIMIT {{limit:UInt32}}
        """
        rows = (await self._store.query(Query(sql, parameters))).table.to_pylist()
        return [_event(row) for row in rows]


def _event(row: dict[str, Any]) -> Event:
    return Event(
        time_ns=row["TimeNs"],
        tenant=row["Tenant"],
        actor=row["Actor"],
        action=row["Action"],
        target=row["Target"],
        detail=dict(row["Detail"]),
        request_id=row["RequestId"],
        peer=row["Peer"],
    )
