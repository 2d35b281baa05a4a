"""Attribute keys with a column of their own."""

from __future__ import annotations

import pytest

from airis_ray.errors import InvalidInput
from airis_ray.store import Query
from airis_ray.store.keys import HOT_KEYS, add_hot_key, column_for, hot_keys, materialized_column
from tests.support.local_store import LocalStore
from tests.support.rows import rows


async def test_the_migrations_make_a_column_for_every_key_of_the_list(migrated_store: LocalStore) -> None:
    present = await hot_keys(migrated_store)
    for table, keys in HOT_KEYS.items():
        assert set(keys) <= present[table]
        assert len(set(keys)) == len(keys)


async def test_a_column_holds_the_records_own_attribute_or_else_its_resources(
    migrated_store: LocalStore, tenant: str
) -> None:
    cases = [
        (own, resource, own or resource or "")
        for own in ("own", "", None)
        for resource in ("resource", "", None)
    ]
    records = [
        {
            "SpanName": expected,
            "SpanAttributes": {} if own is None else {"app.country": own},
            "ResourceAttributes": {} if resource is None else {"app.country": resource},
        }
        for own, resource, expected in cases
    ]
    await migrated_store.insert("otel_traces", rows("otel_traces", tenant, records))
    column = column_for("otel_traces", "app.country")
    sql = f"SELECT countIf(`{column}` != SpanName) AS wrong, count() AS n FROM otel_traces"
    answer = await migrated_store.query(Query(sql, tenant=tenant))
    assert answer.table.to_pylist() == [{"wrong": 0, "n": len(cases)}]


def test_a_key_without_a_column_is_read_from_its_maps() -> None:
    assert column_for("otel_traces", "no.such.key") is None
    assert column_for("otel_logs", "app.country") is None
    assert column_for("hyperdx_sessions", "app.country") is None
    added = {"otel_logs": {"order.id"}}
    assert column_for("otel_logs", "order.id", added) == "__attribute[order.id]"


async def test_one_key_may_begin_with_another(migrated_store: LocalStore, tenant: str) -> None:
    keys = [tenant, f"{tenant}.name", f"{tenant}.name.more"]
    for key in reversed(keys):
        await add_hot_key(migrated_store, "hyperdx_sessions", key)
    assert set(keys) <= (await hot_keys(migrated_store))["hyperdx_sessions"]
    for key in keys:
        await migrated_store.command(f"ALTER TABLE hyperdx_sessions DROP COLUMN `{materialized_column(key)}`")


async def test_an_added_key_holds_for_rows_before_and_after(migrated_store: LocalStore, tenant: str) -> None:
    key = f"it's `quoted` \\ 한글 ] {tenant}"
    batch = rows("otel_logs", tenant, [{"LogAttributes": {key: "v"}}, {"ResourceAttributes": {key: "w"}}, {}])
    await migrated_store.insert("otel_logs", batch)
    name = await add_hot_key(migrated_store, "otel_logs", key)
    assert await add_hot_key(migrated_store, "otel_logs", key) == name
    await migrated_store.insert("otel_logs", batch)
    assert key in (await hot_keys(migrated_store))["otel_logs"]
    quoted = name.replace("\\", "\\\\").replace("`", "\\`")
    sql = f"SELECT `{quoted}` AS v, count() AS n FROM otel_logs GROUP BY v ORDER BY v"
    answer = await migrated_store.query(Query(sql, tenant=tenant))
    assert answer.table.to_pylist() == [{"v": each, "n": 2} for each in ("", "v", "w")]
    await migrated_store.command(f"ALTER TABLE otel_logs DROP COLUMN `{quoted}`")


@pytest.mark.parametrize(
    ("table", "key", "message"),
    [
        ("otel_log", "a", "otel_logs"),
        ("otel_metrics_gauge", "a", "get no columns"),
        ("otel_logs", "", "1 to 200 printable"),
        ("otel_logs", "a\nb", "1 to 200 printable"),
    ],
)
async def test_what_cannot_be_a_key_is_named(
    migrated_store: LocalStore, table: str, key: str, message: str
) -> None:
    with pytest.raises(InvalidInput, match=message):
        await add_hot_key(migrated_store, table, key)
