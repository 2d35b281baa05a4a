"""What the services see of ClickHouse: a query goes in, Arrow comes out.

Two things implement :class:`Store`: the client over ClickHouse's HTTP interface
(:mod:`airis_ray.store.client`) and the in-process engine of the unit tests. Tenancy is enforced here and
nowhere else: a query carries its tenant, and the store lets it see that tenant's rows alone.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import pyarrow as pa

from airis_ray.errors import InvalidInput

_FILTER = "additional_table_filters"

TENANT_TABLES: tuple[str, ...] = (
    "otel_logs",
    "otel_traces",
    "otel_traces_trace_id_ts",
    "otel_metrics_gauge",
    "otel_metrics_sum",
    "otel_metrics_histogram",
    "otel_metrics_exponential_histogram",
    "otel_metrics_summary",
    "hyperdx_sessions",
    "airis_services_10s",
    "airis_logs_10s",
    "airis_facets_15m",
    "airis_series_1m",
    "airis_alerts",
    "airis_anomalies",
    "airis_verdicts",
    "airis_replay_blocks",
    "airis_replay_sessions",
    "airis_comparisons",
)
"""Every table that holds tenants' rows; each has a column ``Tenant``."""


@dataclass(frozen=True)
class Query:
    """A SELECT with bound parameters (``{name:Type}`` in ``sql``).

    ``tenant`` None reads every tenant's rows and is for the platform's own work alone.
    ``settings`` are ClickHouse settings for this query; limits not named come from :class:`Settings`.
    """

    sql: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    tenant: str | None = None
    settings: Mapping[str, str | int | float] = field(default_factory=dict)
    query_id: str | None = None


@dataclass(frozen=True)
class Result:
    """A whole answer: the table, and what it cost."""

    table: pa.Table
    rows_read: int
    bytes_read: int
    elapsed_ms: float


class Store(Protocol):
    """ClickHouse as the services see it. All methods are safe to call concurrently on one event loop.

    Raises InvalidInput where ClickHouse refuses the query (its message, with the error code), TooLarge where
    a limit of time, rows, memory or result size was hit, Unavailable where it cannot be reached.
    """

    async def query(self, query: Query) -> Result:
        """Run a query and hold its whole answer."""

    def stream(self, query: Query) -> AsyncIterator[pa.RecordBatch]:
        """Run a query and yield its answer batch by batch; leaving the iterator early cancels the query."""

    async def insert(self, table: str, data: pa.Table | pa.RecordBatch, *, token: str | None = None) -> None:
        """Insert by column name; returns once the rows are durable. The same ``token`` twice inserts once.

        An insert with a ``token`` is tried once, for its caller can repeat it safely and knows how long; one without
        is repeated here for a few seconds while the store is Unavailable.
        """

    async def command(self, sql: str, parameters: Mapping[str, Any] | None = None) -> str:
        """Run DDL or another statement that answers no table."""

    async def ping(self) -> None:
        """Raise Unavailable unless the store answers."""

    async def close(self) -> None:
        """Release the connections."""


def check_tenancy(query: Query) -> None:
    """Refuse a tenant's query that sets the filter by itself, in its settings or in a SETTINGS clause.

    Whoever sends SQL that a user wrote has :mod:`airis_ray.store.guard` read it first; this is the second
    lock.
    """
    named = {name.lower() for name in query.settings}
    if query.tenant is not None and (_FILTER in named or _FILTER in query.sql.lower()):
        raise InvalidInput(f"a query of one tenant may not name the setting {_FILTER}")


def local_name(table: str) -> str:
    """The table that holds one shard's rows of ``table``, where a store has shards."""
    return f"{table}_local"


def tenant_filters(tenant: str, local: str | None = None) -> str:
    """The value of ClickHouse's setting ``additional_table_filters`` that shows one tenant's rows alone.

    ``local`` is the database of a store with shards: the filter then holds on each shard by itself as well.
    """
    literal = tenant.replace("\\", "\\\\").replace("'", "\\'")
    condition = f"Tenant = '{literal}'".replace("\\", "\\\\").replace("'", "\\'")
    tables = [*TENANT_TABLES, *(f"{local}.{local_name(table)}" for table in TENANT_TABLES if local)]
    return "{" + ", ".join(f"'{table}': '{condition}'" for table in tables) + "}"
