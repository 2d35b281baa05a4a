"""Migrations: forward, back, again, at once, edited, unknown; and retention that follows the settings."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pyarrow as pa
import pytest

from airis_ray.errors import InvalidInput
from airis_ray.settings import RetentionSettings, Settings
from airis_ray.store import TENANT_TABLES, Query, Result
from airis_ray.store import migrate as migrations
from airis_ray.store.histogram import bucket_sql
from airis_ray.store.migrate import Migration, load, migrate, parse, plan, render
from airis_ray.store.retention import RETENTION, ttl_expression
from airis_ray.telemetry.tables import SCHEMAS
from tests.support.local_store import LocalStore

FOREVER = RetentionSettings(logs=0, traces=0, metrics=0, sessions=0)


class OwnDatabase:
    """The shared engine with another database as the current one, so that a test has tables of its own."""

    def __init__(self, store: LocalStore, database: str) -> None:
        self._store, self._database = store, database
        self.commands: list[str] = []

    async def query(self, query: Query) -> Result:
        return await self._store.query(Query(self._here(query.sql), query.parameters))

    async def stream(self, query: Query) -> AsyncIterator[pa.RecordBatch]:
        for batch in (await self.query(query)).table.to_batches():
            yield batch

    async def insert(self, table: str, data: pa.Table | pa.RecordBatch, *, token: str | None = None) -> None:
        await self._store.insert(f"{self._database}.{table}", data, token=token)

    async def command(self, sql: str, parameters: Mapping[str, Any] | None = None) -> str:
        self.commands.append(sql)
        return await self._store.command(self._here(sql), parameters)

    async def ping(self) -> None:
        await self._store.ping()

    async def close(self) -> None:
        return None

    def _here(self, sql: str) -> str:
        sql = sql.replace("currentDatabase()", f"'{self._database}'")
        return re.sub(r"(?<![\w'.])((?:otel|airis|hyperdx)_\w+)(?![\w']|\()", rf"{self._database}.\1", sql)

    async def tables(self) -> dict[str, str]:
        sql = f"SELECT name, engine_full FROM system.tables WHERE database = '{self._database}'"
        answer = (await self._store.query(Query(sql))).table
        return dict(zip(answer["name"].to_pylist(), answer["engine_full"].to_pylist(), strict=True))


@pytest.fixture
async def empty(migrated_store: LocalStore, tenant: str) -> AsyncIterator[OwnDatabase]:
    await migrated_store.command(f"CREATE DATABASE {tenant}")
    yield OwnDatabase(migrated_store, tenant)
    await migrated_store.command(f"DROP DATABASE {tenant}")


async def test_up_twice_and_down_leaves_nothing(empty: OwnDatabase) -> None:
    settings = Settings()
    done = await migrate(empty, settings=settings)
    assert [step.version for step in done] == [migration.version for migration in load()]
    assert set(TENANT_TABLES) | set(SCHEMAS) <= set(await empty.tables())
    assert await migrate(empty, settings=settings) == []

    back = await migrate(empty, settings=settings, down=len(done))
    assert [step.version for step in back] == [step.version for step in reversed(done)]
    assert set(await empty.tables()) == {"airis_migrations"}
    assert await migrate(empty, settings=settings) == done


async def test_down_takes_back_the_newest_alone(empty: OwnDatabase) -> None:
    settings = Settings()
    await migrate(empty, settings=settings)
    (step,) = await migrate(empty, settings=settings, down=1)
    assert step.version == load()[-1].version
    assert [due.version for due in await plan(empty, settings=settings)] == [step.version]


async def test_a_dry_run_says_everything_and_changes_nothing(empty: OwnDatabase) -> None:
    steps = await migrate(empty, settings=Settings(), dry_run=True)
    assert steps
    assert empty.commands == []
    assert await empty.tables() == {}
    assert await migrate(empty, settings=Settings()) == steps


async def test_two_instances_that_start_at_once(empty: OwnDatabase) -> None:
    await asyncio.gather(*(migrate(empty, settings=Settings()) for _ in range(2)))
    assert await plan(empty, settings=Settings()) == []


async def test_a_migration_that_broke_off_is_run_again(
    empty: OwnDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = Migration(1, "both", ("CREATE TABLE IF NOT EXISTS airis_a (x UInt8) ENGINE = Memory",), ())
    bad = Migration(1, "both", (*good.up, "CREATE TABLE airis_b (x NoType) ENGINE = Memory"), ())
    monkeypatch.setattr(migrations, "load", lambda: (bad,))
    with pytest.raises(InvalidInput, match="NoType"):
        await migrate(empty, settings=Settings())
    monkeypatch.setattr(migrations, "load", lambda: (good,))
    assert [step.version for step in await migrate(empty, settings=Settings())] == [1]


async def test_an_edited_migration_is_an_error_that_says_so(
    empty: OwnDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    await migrate(empty, settings=Settings())
    first, *rest = load()
    edited = Migration(first.version, first.name, (*first.up, "SELECT 1"), first.down)
    monkeypatch.setattr(migrations, "load", lambda: (edited, *rest))
    with pytest.raises(
        InvalidInput, match=r"0001_telemetry_tables\.sql was edited after it had been applied"
    ):
        await migrate(empty, settings=Settings())


async def test_a_store_of_a_newer_version_is_an_error_that_says_so(
    empty: OwnDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    await migrate(empty, settings=Settings())
    older = load()[:-1]
    monkeypatch.setattr(migrations, "load", lambda: older)
    with pytest.raises(InvalidInput, match="migrated by a newer one"):
        await plan(empty, settings=Settings())


async def test_retention_follows_the_settings(empty: OwnDatabase) -> None:
    await migrate(empty, settings=Settings())
    day = Settings(retention=RetentionSettings(logs=86400, traces=0))
    (step,) = await migrate(empty, settings=day)
    assert step.direction == "retention"
    assert "ALTER TABLE otel_traces REMOVE TTL" in step.statements
    tables = await empty.tables()
    assert "TTL toDateTime(Timestamp) + toIntervalSecond(86400) " in tables["otel_logs"]
    assert "TTL" not in tables["otel_traces"].replace("ttl_only", "")
    assert "toIntervalSecond(2592000)" in tables["otel_metrics_sum"]
    assert await migrate(empty, settings=day) == []
    await migrate(empty, settings=Settings())
    assert await plan(empty, settings=Settings()) == []


async def test_services_have_a_retention_of_their_own(empty: OwnDatabase) -> None:
    """From the first migration on, and back again; each service's rows go when their own time has passed."""
    services = "short=7d,long/logs=60d,it's \\\\ 서버=0"
    own = Settings(retention=RetentionSettings(services=services))
    await migrate(empty, settings=own)
    assert await plan(empty, settings=own) == []
    tables = await empty.tables()
    assert "toIntervalSecond(transform(ServiceName, ['short', 'long', " in tables["otel_logs"]
    assert "ttl_only_drop_parts = 0" in tables["otel_logs"]
    assert "'long'" not in tables["otel_traces"]
    # What has no service keeps what is kept longest: for a service whose rows stay for ever, everything.
    for table in ("otel_traces_trace_id_ts", "airis_facets_15m"):
        assert " TTL " not in tables[table]
        assert "ttl_only_drop_parts = 1" in tables[table]

    for service, days in [("short", 9), ("short", 5), ("long", 40), ("other", 40), ("other", 9)]:
        await empty.command(
            f"INSERT INTO otel_logs (Timestamp, ServiceName) VALUES (now64(9) - toIntervalDay({days}), '{service}')"
        )
    await empty.command("OPTIMIZE TABLE otel_logs FINAL")
    sql = "SELECT ServiceName AS s, count() AS n FROM otel_logs GROUP BY s ORDER BY s"
    rows = (await empty.query(Query(sql))).table.to_pylist()
    assert rows == [{"s": "long", "n": 1}, {"s": "other", "n": 1}, {"s": "short", "n": 1}]

    (step,) = await migrate(empty, settings=Settings())
    assert "ALTER TABLE otel_logs MODIFY SETTING ttl_only_drop_parts = 1" in step.statements
    assert await plan(empty, settings=Settings()) == []
    (step,) = await migrate(empty, settings=own)
    assert "ALTER TABLE otel_logs MODIFY SETTING ttl_only_drop_parts = 0" in step.statements
    assert await plan(empty, settings=own) == []


def test_what_has_no_service_is_kept_as_long_as_any_service() -> None:
    retention = RetentionSettings(logs=100, traces=200, services="a=300,a/logs=400,b/traces=50")
    assert ttl_expression("otel_traces_trace_id_ts", retention).endswith("toIntervalSecond(300)")
    assert ttl_expression("airis_facets_15m", retention).endswith("toIntervalSecond(400)")


async def test_rows_past_their_time_are_gone_at_once(empty: OwnDatabase) -> None:
    """A shorter retention holds for the parts that are there."""
    await migrate(empty, settings=Settings(retention=FOREVER))
    old, new = "now64(9) - toIntervalDay(9)", "now64(9)"
    for moment in (old, new):
        await empty.command(f"INSERT INTO otel_logs (Timestamp, Body) VALUES ({moment}, 'x')")
    await migrate(empty, settings=Settings(retention=RetentionSettings(logs=7 * 86400)))
    await empty.command("OPTIMIZE TABLE otel_logs FINAL")
    answer = (await empty.query(Query("SELECT count() AS n FROM otel_logs"))).table
    assert answer["n"].to_pylist() == [1]


def test_every_statement_can_be_repeated() -> None:
    """What makes a half-done migration and two instances at once harmless."""
    repeatable = re.compile(
        r"CREATE (TABLE|MATERIALIZED VIEW) IF NOT EXISTS |DROP (TABLE|VIEW) IF EXISTS |"
        r"ALTER TABLE \w+\s+(ADD|DROP|MODIFY SETTING)"
    )
    for migration in load():
        for statement in (*migration.up, *migration.down):
            assert repeatable.match(statement), f"{migration.version}: {statement[:80]}"
            if statement.startswith("ALTER"):
                assert len(re.findall(r"(ADD|DROP) COLUMN", statement)) == len(
                    re.findall(r"COLUMN IF (NOT )?EXISTS", statement)
                )


def test_every_table_of_tenants_has_a_retention_and_a_way_back() -> None:
    assert set(RETENTION) == set(TENANT_TABLES)
    down = "\n".join(statement for migration in load() for statement in migration.down)
    for table in TENANT_TABLES:
        assert f"DROP TABLE IF EXISTS {table}" in down


def test_the_roll_up_has_the_buckets_of_the_module() -> None:
    assert any(bucket_sql("Duration") in statement for migration in load() for statement in migration.up)


async def test_every_column_of_the_schemas_is_there(migrated_store: LocalStore) -> None:
    for table, schema in SCHEMAS.items():
        answer = await migrated_store.query(Query(f"SELECT * FROM {table} LIMIT 0"))
        assert set(schema.names) <= set(answer.table.schema.names)


@pytest.mark.parametrize(
    ("name", "text"),
    [("1_a.sql", "-- up\n-- down\n"), ("0001_a.sql", "SELECT 1;"), ("0001_a.sql", "-- down\n-- up\n")],
)
def test_a_file_that_is_no_migration(name: str, text: str) -> None:
    with pytest.raises(InvalidInput, match="NNNN_name"):
        parse(name, text)


def test_comments_do_not_change_a_checksum_and_statements_do() -> None:
    one = parse("0001_a.sql", "-- about\n-- up\n-- why\nSELECT 1;\n-- down\n")
    assert one.up == ("SELECT 1",)
    assert one.checksum == parse("0001_a.sql", "-- up\nSELECT 1;\n\n-- down\nSELECT 2;").checksum
    assert one.checksum != parse("0001_a.sql", "-- up\nSELECT 2;\n-- down\n").checksum


def test_rows_kept_for_ever_have_no_ttl_clause() -> None:
    assert render("ORDER BY x\n{ttl:otel_logs}\nSETTINGS y", FOREVER) == "ORDER BY x\n\nSETTINGS y"
