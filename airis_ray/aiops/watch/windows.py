"""Windows of the roll-ups as Arrow columns: points of every series of a tenant, and whose series they are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from airis_ray.aiops.series import SECOND, Bools, Floats, Ints
from airis_ray.aiops.watch.findings import Subject
from airis_ray.aiops.watch.sources import SOURCES, Source
from airis_ray.store.protocol import Query, Store

Keys = npt.NDArray[np.uint64]

_SALTS: Final = np.array(
    [0, 0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x85EBCA77C2B2AE63], dtype=np.uint64
)  # a service's measures are series of their own; the constants of xxHash
_INSTANCE: Final = ("k8s.pod.name", "service.instance.id", "container.name", "k8s.node.name", "host.name")
_LISTED: Final = 1000  # keys named in a query; of more, the whole window is read


@dataclass(frozen=True)
class Points:
    """Points of many series; ``at`` is the beginning of the cell in nanoseconds."""

    keys: Keys
    at: Ints
    values: Floats
    rises: Bools
    """the value is a counter's reading"""

    def __len__(self) -> int:
        return len(self.keys)


@dataclass(frozen=True)
class Scope:
    """What one watcher reads: the series whose key leaves ``shard`` when divided by ``shards``."""

    shard: int = 0
    shards: int = 1


class Rollups:
    """Reads what the watcher watches. ``seconds`` is the length of a cell (metrics: at least a minute).

    ``tenant``: of this one alone.
    """

    def __init__(
        self, store: Store, seconds: int, scope: Scope | None = None, *, tenant: str | None = None
    ) -> None:
        self._store = store
        self._tenant = tenant
        self._seconds = seconds
        self._scope = scope or Scope()

    def step(self, source: Source) -> int:
        """Nanoseconds of a cell."""
        return source.step(self._seconds) * SECOND

    async def tenants(self, start: int, end: int) -> list[str]:
        """Who sent anything in ``[start, end)`` (nanoseconds)."""
        if self._tenant is not None:
            return [self._tenant]
        parts = " UNION DISTINCT ".join(
            f"SELECT DISTINCT toString(Tenant) AS Tenant FROM {source.table} WHERE {_period(start, end)}"
            for source in SOURCES
        )
        table = (await self._store.query(Query(f"SELECT Tenant FROM ({parts}) ORDER BY Tenant"))).table
        return [str(name) for name in table["Tenant"].to_pylist()]

    async def newest(self, tenant: str, source: Source, start: int, end: int) -> int | None:
        """The end of the newest interval with rows in ``[start, end)``; None without any."""
        sql = f"SELECT toUnixTimestamp(max(Time)) AS at FROM {source.table} WHERE {_period(start, end)}"
        at = (await self._store.query(Query(sql, tenant=tenant))).table["at"][0].as_py()
        return (int(at) + (60 if source.name == "metrics" else 10)) * SECOND if at else None

    async def points(
        self,
        tenant: str,
        source: Source,
        start: int,
        end: int,
        *,
        services: Iterable[str] = (),
        metrics: Iterable[str] = (),
    ) -> Points:
        """The points of ``[start, end)``, whole cells; of some services and metrics alone where they are named."""
        sql = self._select(source, source.points, start, end, services=services, metrics=metrics)
        table = (await self._store.query(self._query(sql, tenant, services, metrics))).table
        return _melted(table, len(source.measures))

    async def subjects(
        self, tenant: str, source: Source, start: int, end: int, keys: Keys
    ) -> Mapping[int, Subject]:
        """Whose series the keys are, as far as they had points in ``[start, end)``."""
        bases = np.unique((keys[:, None] ^ _SALTS[: len(source.measures)]).ravel())
        condition = "key IN {keys:Array(UInt64)}" if len(bases) <= _LISTED else "1"
        parameters = {"keys": [int(key) for key in bases]} if len(bases) <= _LISTED else {}
        sql = self._select(source, source.subjects, start, end, condition=condition)
        table = (await self._store.query(Query(sql, parameters, tenant))).table
        return _subjects(table, source, keys, source.step(self._seconds))

    def _select(
        self,
        source: Source,
        select: str,
        start: int,
        end: int,
        *,
        services: Iterable[str] = (),
        metrics: Iterable[str] = (),
        condition: str = "1",
    ) -> str:
        period = _period(start, end)
        period += " AND ServiceName IN {services:Array(String)}" if services else ""
        period += " AND MetricName IN {metrics:Array(String)}" if metrics else ""
        filled = select.replace("{step}", str(source.step(self._seconds))).replace("{period}", period)
        scope = self._scope
        return f"SELECT * FROM ({filled}) WHERE key % {scope.shards:d} = {scope.shard:d} AND {condition}"

    def _query(self, sql: str, tenant: str, services: Iterable[str], metrics: Iterable[str]) -> Query:
        named: dict[str, Any] = {"services": sorted(services), "metrics": sorted(metrics)}
        return Query(sql, {name: values for name, values in named.items() if values}, tenant)


def _period(start: int, end: int) -> str:
    first, last = start // SECOND, end // SECOND
    return f"Time >= toDateTime({first:d}, 'UTC') AND Time < toDateTime({last:d}, 'UTC')"


def _melted(table: pa.Table, measures: int) -> Points:
    """A row with several values as several points; values that are no number are left out."""
    bases = table["key"].to_numpy().astype(np.uint64)
    at = table["at"].to_numpy().astype(np.int64) * SECOND
    values = np.stack([table[f"v{m}"].to_numpy().astype(np.float64) for m in range(measures)])
    keys = bases[None, :] ^ _SALTS[:measures, None]
    good = np.isfinite(values)
    rises = np.broadcast_to(table["rises"].to_numpy().astype(bool), values.shape)
    return Points(keys[good], np.broadcast_to(at, values.shape)[good], values[good], rises[good])


def _subjects(table: pa.Table, source: Source, keys: Keys, seconds: int) -> dict[int, Subject]:
    wanted = set(keys.tolist())
    found: dict[int, Subject] = {}
    for row in table.to_pylist(maps_as_pydicts="lossy"):
        for salt, measure in zip(_SALTS, source.measures, strict=False):
            key = row["key"] ^ int(salt)
            if key in wanted:
                metric = measure.metric or row["metric"]
                unit = f"per {seconds} s" if measure.zero else measure.unit or row["unit"]
                labels = tuple(_labels(row["attributes"], row["resource"]))
                found[key] = Subject(row["service"], source.signal, metric, unit, labels)
    return found


def _labels(attributes: Mapping[str, str], resource: Mapping[str, str]) -> Sequence[tuple[str, str]]:
    """The attributes of the points, and the one of the resource that tells its instances apart."""
    instance = next(((name, resource[name]) for name in _INSTANCE if resource.get(name)), None)
    return [*sorted(attributes.items()), *([instance] if instance and instance[0] not in attributes else [])]
