"""Rights, limits and filters, without an engine."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from airis_ray.settings import StoreSettings
from airis_ray.store.embedded.access import (
    PLATFORM,
    Level,
    Rights,
    authorize,
    check_settings,
    rights_of,
    settings_for,
)
from airis_ray.store.embedded.errors import ClickHouseError
from airis_ray.store.embedded.statement import Statement, parse

READER = Rights(Level.READER, "key", "acme")
ADMIN = Rights(Level.ADMIN, "root", "default")
LIMITS = StoreSettings(max_query_seconds=30, max_query_rows=1000)


@dataclass(frozen=True)
class Holder:
    key_id: str
    tenant: str
    scopes: frozenset[str]


def _statement(sql: str) -> Statement:
    return parse(sql.encode(), complete=True)


@pytest.mark.parametrize(
    ("tenant", "scopes", "level"),
    [
        ("default", {"admin"}, Level.ADMIN),
        ("default", {"read", "write"}, Level.WRITER),
        ("default", {"read"}, Level.READER),
        ("acme", {"read", "write", "admin"}, Level.READER),
    ],
)
def test_levels(tenant: str, scopes: set[str], level: Level) -> None:
    assert rights_of(Holder("k", tenant, frozenset(scopes))) == Rights(level, "k", tenant)


@pytest.mark.parametrize(
    ("tenant", "scopes"), [("acme", {"ingest"}), ("acme", {"admin"}), ("default", set())]
)
def test_no_reading_without_the_scope(tenant: str, scopes: set[str]) -> None:
    with pytest.raises(ClickHouseError) as raised:
        rights_of(Holder("k", tenant, frozenset(scopes)))
    assert raised.value.code == 497


def test_a_reader_runs_what_the_guard_allows() -> None:
    authorize(READER, _statement("SELECT count() FROM otel_logs FORMAT JSON"), frozenset())
    with pytest.raises(ClickHouseError, match="airis_keys is not there or may not be read"):
        authorize(READER, _statement("SELECT * FROM airis_keys"), frozenset())


def test_a_writers_tables_are_read_by_writers_alone() -> None:
    writer = Rights(Level.WRITER, "key", "default")
    authorize(writer, _statement("SELECT * FROM mine"), frozenset({"mine"}))
    with pytest.raises(ClickHouseError):
        authorize(READER, _statement("SELECT * FROM mine"), frozenset({"mine"}))


@pytest.mark.parametrize(
    "name", ["additional_table_filters", "max_memory_usage_for_user", "format_schema", "output_format_schema"]
)
def test_settings_that_a_reader_may_not_name(name: str) -> None:
    with pytest.raises(ClickHouseError) as raised:
        check_settings(READER, [name])
    assert raised.value.code == 164
    check_settings(ADMIN, [name])


@pytest.mark.parametrize(
    ("asked", "given"), [(None, "30"), ("5", "5"), ("31", "30"), ("0", "30"), ("long", "30")]
)
def test_limits_are_tightened_by_the_caller_and_widened_by_nobody(asked: str | None, given: str) -> None:
    settings = {} if asked is None else {"max_execution_time": asked}
    for rights in (READER, ADMIN):
        assert settings_for(rights, _statement("SELECT 1"), settings, LIMITS)["max_execution_time"] == given


def test_the_platform_has_the_limits_where_it_names_none() -> None:
    assert settings_for(PLATFORM, _statement("SELECT 1"), {}, LIMITS)["max_rows_to_read"] == "1000"
    widened = settings_for(PLATFORM, _statement("SELECT 1"), {"max_rows_to_read": "0"}, LIMITS)
    assert widened["max_rows_to_read"] == "0"
    assert "max_rows_to_read" not in settings_for(PLATFORM, _statement("OPTIMIZE TABLE t"), {}, LIMITS)


def test_filters_name_every_spelling_of_a_table() -> None:
    filters = settings_for(READER, _statement("SELECT 1"), {}, LIMITS)["additional_table_filters"]
    assert "'otel_logs': 'Tenant = \\'acme\\''" in filters
    assert "'default.otel_logs': 'Tenant = \\'acme\\''" in filters
    assert "'airis_keys': '0'" in filters
    assert "additional_table_filters" not in settings_for(ADMIN, _statement("SELECT 1"), {}, LIMITS)
