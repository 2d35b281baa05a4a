"""Tables replicated or spread over shards: the migrations' statements, and a store of two shards that runs them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from airis_ray.errors import InvalidInput
from airis_ray.settings import RetentionSettings
from airis_ray.store import TENANT_TABLES, Query, Result, tenant_filters
from airis_ray.store.layout import Layout, layout_of
from airis_ray.store.migrate import load, render
from tests.support.local_store import LocalStore

# Both shards are this process: a query through them sees everything twice.
_CLUSTER = """
<clickhouse><tcp_port>9000</tcp_port><remote_servers><airis_shards>
<shard><internal_replication>true</internal_replication><replica><host>localhost</host><port>9000</port></replica></shard>
<shard><internal_replication>true</internal_replication><replica><host>localhost</host><port>9000</port></replica></shard>
</airis_shards></remote_servers></clickhouse>
"""
_RUN = """
import json, sys
import chdb
folder, statements = sys.argv[1], json.load(open(sys.argv[2]))
connection = chdb.connect(f"file:{folder}/db?config-file={folder}/cluster.xml")
answers = [str(connection.query(statement, "TSV")) for statement in statements]
connection.close()
json.dump(answers, open(f"{folder}/answers.json", "w"))
"""


class Described:
    """A store that tells of itself what the test wants."""

    def __init__(self, engine: str, logs: str | None) -> None:
        self._row = {"engine": engine, "logs": logs}

    async def query(self, query: Query) -> Result:
        return Result(pa.Table.from_pylist([self._row]), 0, 0, 0.0)


def laid_out(layout: Layout, direction: str = "up") -> list[str]:
    """All migrations' statements."""
    migrations = load() if direction == "up" else reversed(load())
    return [
        part
        for migration in migrations
        for statement in getattr(migration, direction)
        for part in layout.statements(render(statement, RetentionSettings()))
    ]


def test_a_store_of_one_server_has_the_statements_as_they_stand() -> None:
    statement = "CREATE TABLE IF NOT EXISTS otel_logs (Body String) ENGINE = MergeTree ORDER BY Body"
    assert Layout().statements(statement) == (statement,)


async def test_every_table_of_a_replicated_database_is_replicated(migrated_store: LocalStore) -> None:
    statements = laid_out(Layout(replicated=True))
    assert not [text for text in statements if "ENGINE = MergeTree" in text or "ENGINE = Aggregating" in text]
    assert sum("ENGINE = Replicated" in text for text in statements) == sum(
        text.startswith("CREATE TABLE") for text in statements
    )
    assert [Layout(replicated=True).statements(text) for text in statements] == [
        (text,) for text in statements
    ]
    for text in statements:  # ClickHouse reads them
        await migrated_store.query(Query("SELECT formatQuery({text:String})", {"text": text}))


def test_a_table_over_shards_is_made_anew_when_its_columns_change() -> None:
    layout = Layout(replicated=True, cluster="airis_shards")
    added = layout.statements("ALTER TABLE otel_logs ADD COLUMN IF NOT EXISTS a String")
    assert added[0] == "ALTER TABLE otel_logs_local ADD COLUMN IF NOT EXISTS a String"
    assert added[1].startswith("CREATE OR REPLACE TABLE otel_logs AS otel_logs_local ENGINE = Distributed(")
    assert layout.statements("ALTER TABLE otel_logs MODIFY TTL x") == (
        "ALTER TABLE otel_logs_local MODIFY TTL x",
    )
    assert layout.statements("DROP TABLE IF EXISTS otel_logs") == (
        "DROP TABLE IF EXISTS otel_logs",
        "DROP TABLE IF EXISTS otel_logs_local",
    )
    assert layout.statements("ALTER TABLE airis_keys ADD COLUMN a String") == (
        "ALTER TABLE airis_keys ADD COLUMN a String",
    )


def test_shards_hold_what_they_are_cut_and_show_their_tenants_rows_alone(tmp_path: Path) -> None:
    answers = _run(
        tmp_path,
        [
            *laid_out(Layout(cluster="airis_shards")),
            "INSERT INTO otel_traces (TraceId, ServiceName, SpanName, Timestamp, Duration, ResourceAttributes) "
            "SELECT toString(number), 'shop', 'GET', toDateTime64('2026-11-23 00:00:00', 9), 1, "
            "map('airis.tenant', if(number % 2 = 0, 'one', 'two')) FROM numbers(100)",
        ],
        [
            "SELECT count() FROM otel_traces_local",
            "SELECT count() FROM otel_traces",
            "SELECT sum(Count) FROM airis_services_10s",
            "SELECT Tenant, count() FROM otel_traces GROUP BY Tenant "
            f"SETTINGS additional_table_filters = {tenant_filters('one', 'default')}",
            "SELECT Tenant, sum(Count) FROM airis_services_10s GROUP BY Tenant "
            f"SETTINGS additional_table_filters = {tenant_filters('two')}",
            "SELECT count() FROM system.tables WHERE engine = 'Distributed'",
        ],
    )
    assert answers == ["100", "200", "200", "one\t100", "two\t100", str(len(TENANT_TABLES))]


def test_the_way_back_leaves_nothing_on_shards(tmp_path: Path) -> None:
    layout = Layout(cluster="airis_shards")
    count = "SELECT count() FROM system.tables WHERE database = 'default'"
    assert _run(tmp_path, [*laid_out(layout), *laid_out(layout, "down")], [count]) == ["0"]


@pytest.mark.parametrize(
    ("engine", "logs", "cluster", "expected"),
    [
        ("Atomic", None, None, Layout()),
        ("Replicated", "ReplicatedMergeTree() ORDER BY x", None, Layout(replicated=True)),
        ("Replicated", None, "shards", Layout(True, "shards")),
        ("Replicated", "Distributed('shards', 'airis', 'otel_logs_local', x)", None, Layout(True, "shards")),
        (
            "Replicated",
            "Distributed('shards', 'airis', 'otel_logs_local', x)",
            "shards",
            Layout(True, "shards"),
        ),
    ],
)
async def test_a_store_tells_its_layout(
    engine: str, logs: str | None, cluster: str | None, expected: Layout
) -> None:
    store: Any = Described(engine, logs)
    assert await layout_of(store, cluster) == expected


@pytest.mark.parametrize(
    ("engine", "logs"), [("Replicated", "ReplicatedMergeTree() ORDER BY x"), ("Atomic", None)]
)
async def test_a_cluster_that_the_store_cannot_have_is_an_error(engine: str, logs: str | None) -> None:
    store: Any = Described(engine, logs)
    with pytest.raises(InvalidInput, match="AIRIS_STORE_CLUSTER=shards"):
        await layout_of(store, "shards")


def _run(folder: Path, statements: list[str], questions: list[str]) -> list[str]:
    """The answers to ``questions`` by a ClickHouse of two shards; a process of its own, since chDB is one a process."""
    (folder / "cluster.xml").write_text(_CLUSTER, encoding="utf-8")
    (folder / "statements.json").write_text(json.dumps([*statements, *questions]), encoding="utf-8")
    subprocess.run(
        [sys.executable, "-c", _RUN, str(folder), str(folder / "statements.json")],
        check=True,
        timeout=120,
        capture_output=True,
    )
    answers: list[str] = json.loads((folder / "answers.json").read_text(encoding="utf-8"))
    return [answer.strip() for answer in answers[-len(questions) :]]
