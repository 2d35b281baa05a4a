"""What a tenant has: its services, attributes with their values, metrics, and what its logs say.

Read from the roll-ups and from a bounded sample of rows, kept by tenant for some minutes.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from airis_ray.errors import AirisError
from airis_ray.search.names import Names
from airis_ray.store import Query, Store
from airis_ray.telemetry.tables import TENANT_ATTRIBUTE
from airis_ray.telemetry.times import SECOND

DAY: Final = 86_400 * SECOND
WINDOW: Final = 14 * DAY
"""How far back from a question's ``now`` the names are looked for."""
FRESH: Final = 300.0
"""Seconds after which a catalogue is read again, behind the back of who asks."""
KEPT: Final = 64
"""Catalogues that one replica keeps; the one unused for longest goes first."""
_VALUES: Final = 60
"""Values kept of one attribute: one with more is no category."""
_SAMPLE: Final = 30_000
"""Spans that are looked at to learn which service carries which attribute."""
_SQL_SETTINGS: Final[Mapping[str, int]] = {"max_execution_time": 10}

_log = logging.getLogger(__name__)

_FACETS: Final = """
    SELECT Signal AS signal, Source AS source, Field AS field, Value AS value, toUInt64(sum(Count)) AS n
    FROM airis_facets_15m
    WHERE Time >= toDateTime({start:UInt32}, 'UTC') AND Time < toDateTime({end:UInt32}, 'UTC')
        AND Field != {hidden:String}
    GROUP BY signal, source, field, value
    ORDER BY n DESC
    LIMIT {values:UInt32} BY signal, source, field
    LIMIT 20000
"""
_CARRIERS: Final = """
    SELECT toString(ServiceName) AS service, toString(SpanKind) AS kind,
        groupUniqArrayArray(200)(mapKeys(SpanAttributes)) AS keys,
        mapFilter((k, v) -> toFloat64OrNull(v) IS NOT NULL, anyLast(SpanAttributes)) AS numbers
    FROM
    (
        SELECT ServiceName, SpanKind, SpanAttributes FROM otel_traces
        WHERE Timestamp >= fromUnixTimestamp64Nano({start:Int64}) AND Timestamp < fromUnixTimestamp64Nano({end:Int64})
        LIMIT {sample:UInt32}
    )
    GROUP BY service, kind
    LIMIT 2000
"""
_METRICS: Final = """
    SELECT toString(MetricName) AS name, toString(MetricKind) AS kind, toString(MetricUnit) AS unit,
        max(IsMonotonic) AS rises, groupUniqArray(100)(toString(ServiceName)) AS services
    FROM airis_series_1m
    WHERE Time >= toDateTime({start:UInt32}, 'UTC') AND Time < toDateTime({end:UInt32}, 'UTC')
    GROUP BY name, kind, unit
    LIMIT 5000
"""


@dataclass
class Attribute:
    """An attribute key: the signals and services that carry it, its values with their counts (None: not listed)."""

    signals: set[str] = field(default_factory=set)
    values: dict[str, int] = field(default_factory=dict)
    services: set[str] = field(default_factory=set)
    resource: bool = False
    numeric: bool = False


@dataclass(frozen=True)
class Metric:
    """A metric of the tenant."""

    name: str
    kind: str
    unit: str
    monotonic: bool
    services: frozenset[str]


@dataclass
class Catalog:
    """The tenant's own names. ``kinds`` says which kinds of spans a service has, ``texts`` what logs say (folded)."""

    services: set[str] = field(default_factory=set)
    kinds: dict[str, set[str]] = field(default_factory=dict)
    attributes: dict[str, Attribute] = field(default_factory=dict)
    metrics: dict[str, Metric] = field(default_factory=dict)
    texts: str = ""

    def __post_init__(self) -> None:
        self._names: Names | None = None

    @property
    def names(self) -> Names:
        """The index of the names, made when it is first used."""
        if self._names is None:
            self._names = Names.of(self)
        return self._names

    def carriers(self, key: str) -> set[str]:
        """The services whose spans carry a key; empty where nothing is known of it."""
        found = self.attributes.get(key)
        return found.services if found else set()

    def says(self, text: str) -> bool:
        """Whether some log says so (in any case), from the beginning of a word on; a syllable alone says nothing."""
        sought = " ".join(text.lower().split())
        if len(sought) < 2:
            return False
        at = self.texts.find(sought)
        while at > 0 and self.texts[at - 1].isalnum() and sought[0].isalnum():
            at = self.texts.find(sought, at + 1)
        return at >= 0


class Catalogs:
    """The catalogues of all tenants that ask here. Belongs to one event loop.

    ``clock`` tells seconds that never go back; ``texts`` reads what a tenant's logs say up to a time.
    """

    def __init__(self, store: Store, clock: Callable[[], float], texts: Callable[[str, int], Any]) -> None:
        self._store, self._clock, self._texts = store, clock, texts
        self._kept: OrderedDict[tuple[str, int], tuple[float, Catalog]] = OrderedDict()
        self._reading: dict[tuple[str, int], asyncio.Task[Catalog]] = {}

    async def of(self, tenant: str, now_ns: int) -> Catalog:
        """The catalogue of a tenant at ``now``. Waits only where there is none yet; raises Unavailable then."""
        key = (tenant, now_ns // DAY)
        known = self._kept.get(key)
        if known is not None:
            self._kept.move_to_end(key)
            if self._clock() - known[0] < FRESH:
                return known[1]
        task = self._reading.get(key)
        if task is None:
            task = self._reading[key] = asyncio.get_running_loop().create_task(self._read(key, now_ns))
            task.add_done_callback(lambda done: self._done(key, done))
        return known[1] if known is not None else await asyncio.shield(task)

    async def close(self) -> None:
        """Give up what is being read."""
        tasks = list(self._reading.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _done(self, key: tuple[str, int], task: asyncio.Task[Catalog]) -> None:
        self._reading.pop(key, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.warning("the names of a tenant are as before: %s", error)

    async def _read(self, key: tuple[str, int], now_ns: int) -> Catalog:
        async with asyncio.timeout(20):
            catalog = await read(self._store, key[0], now_ns)
        try:
            catalog.texts = await self._texts(key[0], now_ns)
        except AirisError as error:  # the grammar reads on without knowing what logs say
            _log.warning("what the logs say is not known: %s", error)
        _ = catalog.names
        self._kept[key] = (self._clock(), catalog)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return catalog


async def read(store: Store, tenant: str, now_ns: int) -> Catalog:
    """The names of a tenant in the days before ``now``."""
    # To the end of the day, so that all questions of one day may share what is read.
    start, end = max(now_ns - WINDOW, 0), (now_ns // DAY + 1) * DAY
    seconds = {"start": start // SECOND, "end": end // SECOND}
    facets = {**seconds, "hidden": TENANT_ATTRIBUTE, "values": _VALUES + 1}
    spans = {"start": max(now_ns - DAY, 0), "end": end, "sample": _SAMPLE}
    recent = {"start": max(now_ns - DAY, 0) // SECOND, "end": end // SECOND}
    tables = await asyncio.gather(
        _rows(store, tenant, _FACETS, facets),
        _rows(store, tenant, _CARRIERS, spans),
        _rows(store, tenant, _METRICS, recent),
    )
    if not tables[1]:  # nothing of the last day: what there was before tells the same
        tables[1] += await _rows(store, tenant, _CARRIERS, {**spans, "start": start})
    catalog = Catalog()
    _add_facets(catalog, tables[0])
    _add_carriers(catalog, tables[1])
    for row in tables[2] or await _rows(store, tenant, _METRICS, seconds):
        services = frozenset(row["services"])
        metric = Metric(row["name"], row["kind"], row["unit"], bool(row["rises"]), services)
        catalog.metrics[row["name"]] = metric
        catalog.services |= services - {""}
    return catalog


async def _rows(store: Store, tenant: str, sql: str, parameters: Mapping[str, Any]) -> list[dict[str, Any]]:
    result = await store.query(Query(sql, parameters, tenant, settings=_SQL_SETTINGS))
    rows: list[dict[str, Any]] = result.table.to_pylist()
    return rows


def _add_facets(catalog: Catalog, rows: list[dict[str, Any]]) -> None:
    for row in rows:
        name, value = str(row["field"]), str(row["value"])
        if row["source"] == "column":
            if name == "ServiceName" and value:
                catalog.services.add(value)
                catalog.kinds.setdefault(value, set())
            elif name == "SpanName" and value:
                _value(catalog, "name", "traces", value, row["n"])
            continue
        found = _value(catalog, name, str(row["signal"]), value, row["n"])
        found.resource = found.resource or row["source"] == "ResourceAttributes"
    for found in catalog.attributes.values():
        numbers = [value for value in found.values if _is_number(value)]
        found.numeric = bool(found.values) and len(numbers) == len(found.values)


def _value(catalog: Catalog, key: str, signal: str, value: str, count: int) -> Attribute:
    found = catalog.attributes.setdefault(key, Attribute())
    found.signals.add(signal)
    if value:
        found.values[value] = found.values.get(value, 0) + int(count)
    return found


def _add_carriers(catalog: Catalog, rows: list[dict[str, Any]]) -> None:
    for row in rows:
        service = str(row["service"])
        kind = str(row["kind"]).removeprefix("SPAN_KIND_").capitalize()
        catalog.services.add(service)
        catalog.kinds.setdefault(service, set()).add(kind)
        for key in row["keys"]:
            found = catalog.attributes.setdefault(str(key), Attribute())
            found.signals.add("traces")
            found.services.add(service)
        for key, _ in _pairs(row["numbers"]):
            if not catalog.attributes[str(key)].values:
                catalog.attributes[str(key)].numeric = True


def _pairs(value: Any) -> list[tuple[str, str]]:
    return list(value.items()) if isinstance(value, dict) else [(str(k), str(v)) for k, v in value]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
