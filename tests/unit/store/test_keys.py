"""Attribute keys with a column of their own."""

from __future__ import annotations

import pytest

from airis_ray.errors import InvalidInput
from airis_ray.store import Query
from airis_ray.store.keys import HOT_KEYS, add_hot_key, column_for, hot_keys, materialized_column
from tests.support.local_store import LocalStore
from tests.support.rows import rows


async def test_the_migrations_make_a_column_for_every_key_of_the_list(migrated_store: LocalStore) -> None:
    listed = {
        table: {name: frozenset(keys) for name, keys in maps.items()} for table, maps in HOT_KEYS.items()
    }
    present = await hot_keys(migrated_store)
    for table, maps in listed.items():
        for map_column, keys in maps.items():
            assert keys <= present[table][map_column]


async def test_a_column_equals_its_key_in_every_row(migrated_store: LocalStore, tenant: str) -> None:
    records = [{"SpanAttributes": {"app.country": "KR"}}, {"SpanAttributes": {"app.country": ""}}, {}]
    await migrated_store.insert("otel_traces", rows("otel_traces", tenant, records))
    column = column_for("otel_traces", "SpanAttributes", "app.country")
    sql = (
        f"SELECT countIf(`{column}` != SpanAttributes['app.country']) AS wrong, count() AS n FROM otel_traces"
    )
    answer = await migrated_store.query(Query(sql, tenant=tenant))
    assert answer.table.to_pylist() == [{"wrong": 0, "n": 3}]


def test_a_key_without_a_column_is_read_from_its_map() -> None:
    assert column_for("otel_traces", "SpanAttributes", "no.such.key") is None
    assert column_for("otel_logs", "SpanAttributes", "app.country") is None
    added = {"otel_logs": {"LogAttributes": {"order.id"}}}
    assert column_for("otel_logs", "LogAttributes", "order.id", added) == "__log.order.id"


def test_names_of_columns_do_not_meet() -> None:
    keys = [
        (map_column, key) for maps in HOT_KEYS.values() for map_column, keys in maps.items() for key in keys
    ]
    assert len({materialized_column(*key) for key in keys}) == len(set(keys))


async def test_an_added_key_holds_for_rows_before_and_after(migrated_store: LocalStore, tenant: str) -> None:
    key = f"it's `quoted` \\ 한글 {tenant}"
    batch = rows("otel_logs", tenant, [{"LogAttributes": {key: "v"}}, {}])
    await migrated_store.insert("otel_logs", batch)
    name = await add_hot_key(migrated_store, "otel_logs", "LogAttributes", key)
    assert await add_hot_key(migrated_store, "otel_logs", "LogAttributes", key) == name
    await migrated_store.insert("otel_logs", batch)
    assert key in (await hot_keys(migrated_store))["otel_logs"]["LogAttributes"]
    quoted = name.replace("\\", "\\\\").replace("`", "\\`")
    sql = f"SELECT `{quoted}` AS v, count() AS n FROM otel_logs GROUP BY v ORDER BY v"
    answer = await migrated_store.query(Query(sql, tenant=tenant))
    assert answer.table.to_pylist() == [{"v": "", "n": 2}, {"v": "v", "n": 2}]
    await migrated_store.command(f"ALTER TABLE otel_logs DROP COLUMN `{quoted}`")


@pytest.mark.parametrize(
    ("table", "map_column", "key", "message"),
    [
        ("otel_log", "LogAttributes", "a", "otel_logs.LogAttributes"),
        ("otel_logs", "SpanAttributes", "a", "otel_traces.SpanAttributes"),
        ("otel_logs", "Body", "a", "holds no attributes"),
        ("otel_logs", "LogAttributes", "", "1 to 200 printable"),
        ("otel_logs", "LogAttributes", "a\nb", "1 to 200 printable"),
    ],
)
async def test_what_cannot_be_a_key_is_named(
    migrated_store: LocalStore, table: str, map_column: str, key: str, message: str
) -> None:
    with pytest.raises(InvalidInput, match=message):
        await add_hot_key(migrated_store, table, map_column, key)
