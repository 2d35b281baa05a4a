"""How the tables of the migrations lie in a store: on one server, replicated, or spread over shards.

The migrations are written for one server. In a database with the engine ``Replicated`` every table gets the
replicated engine of its family; the database hands the DDL to its other replicas by itself. With a cluster of shards
(``AIRIS_STORE_CLUSTER``) a table of tenants' rows is two: ``otel_logs_local`` holds the rows of its shard, and
``otel_logs`` is a ``Distributed`` table over all of them, by which everything reads and writes. The small tables of the
platform itself (keys, migrations) lie on the shard that the store's URL leads to.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from airis_ray.errors import InvalidInput
from airis_ray.store.protocol import TENANT_TABLES, Query, Store, local_name

_ENGINE: Final = re.compile(r"\bENGINE = (?=\w*MergeTree\b)(?!Replicated)")
_TABLE: Final = re.compile(rf"\b(?:{'|'.join(TENANT_TABLES)})\b")
_STATEMENT: Final = re.compile(r"\s*(CREATE TABLE IF NOT EXISTS|ALTER TABLE|DROP TABLE IF EXISTS) (\w+)\b")
_SPREAD: Final = re.compile(r"Distributed\('([^']+)'")

_KEYS: Final = {
    # A repeated insert must be cut into the same pieces, or its token would not be recognised: no chance in here.
    "otel_traces": "cityHash64(TraceId)",
    "otel_logs": "cityHash64(if(TraceId = '', toString(Timestamp), TraceId))",
    "hyperdx_sessions": "cityHash64(ServiceName, Timestamp)",
    "airis_alerts": "cityHash64(Time)",
    # The versions of a row have to meet on one shard.
    "airis_anomalies": "cityHash64(id)",
    "airis_verdicts": "cityHash64(anomaly)",
    "airis_replay_blocks": "cityHash64(Session)",
    "airis_replay_sessions": "cityHash64(id)",
    "airis_comparisons": "cityHash64(anomaly)",
}
_METRICS_KEY: Final = "cityHash64(ServiceName, MetricName)"  # a series lies on one shard


@dataclass(frozen=True)
class Layout:
    """``replicated``: the database replicates its DDL; ``cluster``: the shards that tenants' rows are spread over."""

    replicated: bool = False
    cluster: str | None = None

    def base(self, table: str) -> str:
        """The table that holds the rows."""
        return local_name(table) if self.cluster and table in TENANT_TABLES else table

    def statements(self, statement: str) -> tuple[str, ...]:
        """A statement of a migration as this layout has it."""
        if self.replicated:
            statement = _ENGINE.sub("ENGINE = Replicated", statement)
        if self.cluster is None:
            return (statement,)
        here = _TABLE.sub(lambda found: local_name(found[0]), statement)
        match = _STATEMENT.match(statement)
        if match is None or match[2] not in TENANT_TABLES:
            return (here,)
        table = match[2]
        if match[1].startswith("DROP"):
            return (f"DROP TABLE IF EXISTS {table}", here)
        if match[1].startswith("ALTER") and not re.search(
            r"\b(?:ADD|DROP|MODIFY|RENAME) COLUMN\b", statement
        ):
            return (here,)
        return (here, self._distributed(table))

    def _distributed(self, table: str) -> str:
        """Made anew with every change of columns: it takes them from the table below it."""
        key = _METRICS_KEY if table.startswith("otel_metrics") else _KEYS.get(table, "")
        return (
            f"CREATE OR REPLACE TABLE {table} AS {local_name(table)} "
            f"ENGINE = Distributed('{self.cluster}', currentDatabase(), '{local_name(table)}'{key and ', ' + key})"
        )


async def layout_of(store: Store, cluster: str | None = None) -> Layout:
    """The layout that a store has; ``cluster`` is the one that its tables are to get where there are none yet.

    Raises InvalidInput where ``cluster`` and the tables contradict each other.
    """
    sql = """
        SELECT
            (SELECT engine FROM system.databases WHERE name = currentDatabase()) AS engine,
            (SELECT any(engine_full) FROM system.tables
             WHERE database = currentDatabase() AND name = 'otel_logs') AS logs
    """
    row = (await store.query(Query(sql))).table.to_pylist()[0]
    replicated, logs = row["engine"] == "Replicated", row["logs"] or ""
    spread = _SPREAD.match(logs)
    if cluster is None or spread is not None:
        return Layout(replicated, spread[1] if spread else None)
    if logs:
        raise InvalidInput(
            f"AIRIS_STORE_CLUSTER={cluster}: the tables of this store are not spread over shards and cannot become so "
            "afterwards; take a new database and restore a backup into it"
        )
    if not replicated:
        raise InvalidInput(
            f"AIRIS_STORE_CLUSTER={cluster}: expected a database with the engine Replicated, "
            "so that every shard has the tables"
        )
    return Layout(True, cluster)
