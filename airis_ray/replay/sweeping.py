"""Recordings go: those that are too old, those for which the disk has no room, those of a user who asks for it."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from airis_ray.replay import metrics
from airis_ray.replay.events import SCOPE
from airis_ray.replay.objects import Objects
from airis_ray.replay.tables import BLOCKS, SESSIONS
from airis_ray.settings import Settings
from airis_ray.store.disk import usage_of
from airis_ray.store.layout import layout_of
from airis_ray.store.protocol import Query, Store

_log = logging.getLogger(__name__)

_OF_SESSIONS: Final = f"SELECT DISTINCT Url FROM {BLOCKS} WHERE Session IN {{sessions:Array(String)}}"
_AT_ONCE: Final = 500
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")


class Sweeper:
    """Removes days of recordings. Several may do it at once."""

    def __init__(
        self, store: Store, settings: Settings, objects: Objects, clock: Callable[[], float] = time.time
    ) -> None:
        self._store = store
        self._settings = settings
        self._objects = objects
        self._clock = clock

    async def sweep(self) -> None:
        """Remove what is older than its tenant keeps it, blocks and rows, by whole days; then make room on the disk."""
        days = [each for each in await self._objects.days() if _DAY.fullmatch(each[1])]
        for tenant, day in days:
            if self._too_old(unquote(tenant), day):
                await self._remove(tenant, day, "retention")
        await self._make_room([each for each in days if not self._too_old(unquote(each[0]), each[1])])

    def _too_old(self, tenant: str, day: str) -> bool:
        kept = self._settings.replay.kept(tenant, self._settings.retention.sessions)
        if not kept:
            return False
        end = datetime.fromisoformat(day).replace(tzinfo=UTC) + timedelta(days=1)
        return end.timestamp() + kept <= self._clock()

    async def _make_room(self, days: list[tuple[str, str]]) -> None:
        """Where the blocks lie on this machine and its disk is filling up, the oldest days go; today's stay."""
        if self._objects.local is None or not days:
            return
        today = datetime.fromtimestamp(self._clock(), UTC).strftime("%Y-%m-%d")
        for day in sorted({day for _, day in days if day < today}):
            if usage_of(Path(self._objects.local)).share < self._settings.disk.drop_above:
                return
            for tenant in [tenant for tenant, each in days if each == day]:
                await self._remove(tenant, day, "disk")

    async def _remove(self, tenant: str, day: str, reason: str) -> None:
        """The blocks, then the rows: what is left of an attempt that failed is taken up by the next."""
        _log.info("a day of recordings goes", extra={"owner": tenant, "day": day, "reason": reason})
        start = datetime.fromisoformat(day).replace(tzinfo=UTC)
        bounds = [f"toDateTime({int(at.timestamp())}, 'UTC')" for at in (start, start + timedelta(days=1))]
        name = _literal(unquote(tenant))
        for table, column in ((BLOCKS, "Start"), (SESSIONS, "start")):
            condition = f"Tenant = {name} AND {column} >= {bounds[0]} AND {column} < {bounds[1]}"
            await delete_rows(self._store, table, condition)
        await self._objects.remove_day(tenant, day)
        metrics.SWEPT_DAYS.labels(reason=reason).inc()


async def delete_sessions(store: Store, objects: Objects, tenant: str, sessions: Sequence[str]) -> int:
    """Remove sessions of a tenant, blocks and rows and what they left in ``hyperdx_sessions``; how many blocks."""
    removed = 0
    for first in range(0, len(sessions), _AT_ONCE):
        part = list(sessions[first : first + _AT_ONCE])
        urls = (await store.query(Query(_OF_SESSIONS, {"sessions": part}, tenant))).table["Url"].to_pylist()
        await objects.remove(urls)
        removed += len(urls)
        names = ", ".join(map(_literal, part))
        mine = f"Tenant = {_literal(tenant)}"
        recorded = f"{mine} AND ResourceAttributes['rum.sessionId'] IN ({names})"
        await delete_rows(store, "hyperdx_sessions", recorded)
        await delete_rows(store, "otel_logs", f"{recorded} AND ScopeName = {_literal(SCOPE)}")
        await delete_rows(store, SESSIONS, f"{mine} AND id IN ({names})")
        await delete_rows(store, BLOCKS, f"{mine} AND Session IN ({names})")
    return removed


async def delete_rows(store: Store, table: str, condition: str) -> None:
    """Delete rows, seen by nobody when this returns."""
    layout = await layout_of(store)
    await store.command(f"DELETE FROM {layout.base(table)} WHERE {condition}")


def _literal(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
