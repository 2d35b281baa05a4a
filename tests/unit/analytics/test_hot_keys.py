"""A field whose keys have columns is found wherever a sender put it, and read from the columns alone."""

from __future__ import annotations

import pytest

from airis_ray.analytics.compile import query_filter
from airis_ray.analytics.conventions import keys_of
from airis_ray.analytics.fields import resolve
from airis_ray.analytics.signals import source_of
from airis_ray.analytics.sql import Sql, join, sql
from airis_ray.store import Query
from airis_ray.store.keys import HOT_KEYS
from tests.support.local_store import LocalStore
from tests.support.records import START, batch


@pytest.mark.parametrize("signal", ["logs", "traces"])
async def test_every_name_finds_every_place(migrated_store: LocalStore, tenant: str, signal: str) -> None:
    source = source_of(signal)
    table = source.table or ""
    names = HOT_KEYS[table]
    carried = sorted({key for name in names for key in keys_of(name)})
    places = [(map_column, key) for key in carried for map_column in source.attributes]
    records = [
        {"Timestamp": START, map_column: {key: f"value of {map_column} {key}"}} for map_column, key in places
    ]
    await migrated_store.insert(table, batch(table, tenant, records))

    asked = [(name, place) for name in names for place in places if place[1] in keys_of(name)]
    conditions = [query_filter(f'{name}:"value of {place[0]} {place[1]}"', signal) for name, place in asked]
    assert not any("Attributes" in condition.text for condition in conditions)
    counted = join(", ", [sql("countIf({})", condition) for condition in conditions])
    statement = sql("SELECT [{}] AS n FROM {}", counted, Sql(table))
    answer = await migrated_store.query(Query(statement.text, statement.parameters, tenant=tenant))
    found = answer.table["n"][0].as_py()
    assert [each for each, n in zip(asked, found, strict=True) if n != 1] == []
    assert len(asked) >= 2 * len(names)


async def test_the_record_counts_before_its_resource_and_the_name_asked_for_first(
    migrated_store: LocalStore, tenant: str
) -> None:
    record = {
        "Timestamp": START,
        "SpanAttributes": {"http.target": "/old?q=1", "url.path": "/new", "app.country": "KR"},
        "ResourceAttributes": {"app.country": "JP"},
    }
    await migrated_store.insert("otel_traces", batch("otel_traces", tenant, [record]))
    names = ("http.target", "url.path", "app.country", "ResourceAttributes.app.country")
    statement = sql(
        "SELECT [{}] AS v FROM otel_traces", join(", ", [resolve(n, "traces").value for n in names])
    )
    answer = await migrated_store.query(Query(statement.text, statement.parameters, tenant=tenant))
    assert answer.table["v"][0].as_py() == ["/old?q=1", "/new", "KR", "JP"]
