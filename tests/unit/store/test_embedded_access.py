"""Rights, limits and filters, without an engine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from airis_ray.settings import StoreSettings
from airis_ray.store.embedded.access import (
    PLATFORM,
    Level,
    Rights,
    authorize,
    check_settings,
    forced_for,
    rights_of,
    settings_for,
)
from airis_ray.store.embedded.errors import ClickHouseError
from airis_ray.store.embedded.request import Body, Request
from airis_ray.store.embedded.statement import Statement, parse

READER = Rights(Level.READER, "key", "acme")
WRITER = Rights(Level.WRITER, "key", "default")
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
    authorize(READER, _statement("SELECT count() FROM otel_logs FORMAT JSON"), frozenset(), LIMITS)
    with pytest.raises(ClickHouseError, match="airis_keys is not there or may not be read"):
        authorize(READER, _statement("SELECT * FROM airis_keys"), frozenset(), LIMITS)
    with pytest.raises(ClickHouseError, match="only keys of the tenant default with the scope write"):
        authorize(READER, _statement("DROP TABLE otel_logs"), frozenset(), LIMITS)


def test_a_writers_tables_are_read_by_writers_alone() -> None:
    authorize(WRITER, _statement("SELECT * FROM mine"), frozenset({"mine"}), LIMITS)
    with pytest.raises(ClickHouseError):
        authorize(READER, _statement("SELECT * FROM mine"), frozenset({"mine"}), LIMITS)


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


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1 SETTINGS {}",
        "SELECT * FROM (SELECT 1 SETTINGS max_threads = 1, {})",
        "CREATE VIEW v AS SELECT 1 SETTINGS {}",
        "INSERT INTO mine SETTINGS {} VALUES (1)",
        "INSERT INTO mine SELECT 1 SETTINGS {}",
    ],
)
def test_an_administrators_settings_clause_lifts_no_limit(sql: str) -> None:
    for value in ("0", "31", "'31'", "1e9", "-1", "DEFAULT", "inf"):
        with pytest.raises(
            ClickHouseError, match=r"expected more than 0 and at most 30 \(AIRIS_STORE_"
        ) as raised:
            authorize(ADMIN, _statement(sql.format(f"max_execution_time = {value}")), frozenset(), LIMITS)
        assert raised.value.code == 164
    for value in ("5", "'30'"):
        authorize(ADMIN, _statement(sql.format(f"max_execution_time = {value}")), frozenset(), LIMITS)
    authorize(PLATFORM, _statement(sql.format("max_execution_time = 0")), frozenset(), LIMITS)


def test_the_platform_has_the_limits_where_it_names_none() -> None:
    assert settings_for(PLATFORM, _statement("SELECT 1"), {}, LIMITS)["max_rows_to_read"] == "1000"
    widened = settings_for(PLATFORM, _statement("SELECT 1"), {"max_rows_to_read": "0"}, LIMITS)
    assert widened["max_rows_to_read"] == "0"
    assert "max_rows_to_read" not in settings_for(PLATFORM, _statement("OPTIMIZE TABLE t"), {}, LIMITS)


def test_filters_name_every_spelling_of_a_table() -> None:
    filters = forced_for(READER)["additional_table_filters"]
    assert "'otel_logs': 'Tenant = \\'acme\\''" in filters
    assert "'default.otel_logs': 'Tenant = \\'acme\\''" in filters
    assert "additional_table_filters" not in forced_for(ADMIN)


@pytest.mark.parametrize("table", ["keys", "key_uses", "audit", "tenants", "migrations"])
def test_of_the_platforms_tables_no_row_is_seen(table: str) -> None:
    filters = forced_for(READER)["additional_table_filters"]
    assert f"'airis_{table}': '0'" in filters
    assert f"'default.airis_{table}': '0'" in filters


EXPRESSIONS = [
    "input_format_values_interpret_expressions",
    "input_format_values_deduce_templates_of_expressions",
]


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_nobody_but_the_platform_has_its_values_evaluated(name: str) -> None:
    for rights in (READER, WRITER, ADMIN):
        assert forced_for(rights)[name] == "0"
        insert = _statement(f"INSERT INTO mine SETTINGS `{name}` = 1 VALUES (1)")
        with pytest.raises(ClickHouseError) as raised:
            authorize(rights, insert, frozenset(), LIMITS)
        assert raised.value.code == 164
    for rights in (READER, WRITER):
        with pytest.raises(ClickHouseError):
            check_settings(rights, [name])
    assert forced_for(PLATFORM) == {}


@pytest.mark.parametrize(
    "sql",
    [
        "ALTER TABLE mine FREEZE",
        "ALTER TABLE mine FREEZE PARTITION 1 WITH NAME 'x'",
        "ALTER TABLE mine ADD COLUMN b UInt8, FREEZE",
        "ALTER TABLE mine MODIFY SETTING merge_with_ttl_timeout = 1",
        "ALTER TABLE mine RESET SETTING merge_with_ttl_timeout",
        "ALTER TABLE mine MOVE PARTITION 1 TO DISK 'x'",
        "CHECK TABLE otel_logs",
    ],
)
def test_what_a_writer_may_not_do_to_its_tables(sql: str) -> None:
    with pytest.raises(ClickHouseError) as raised:
        authorize(WRITER, _statement(sql), frozenset({"mine"}), LIMITS)
    assert raised.value.code == 497


def test_a_writer_changes_its_columns() -> None:
    authorize(WRITER, _statement("ALTER TABLE mine ADD COLUMN `freeze` UInt8"), frozenset({"mine"}), LIMITS)


def test_check_table_lists_everybodys_parts() -> None:
    with pytest.raises(ClickHouseError, match="CHECK may not be used here"):
        authorize(READER, _statement("CHECK TABLE otel_logs"), frozenset(), LIMITS)


NOT_NAMES = ["a = '1', additional_table_filters = '{}', param_b", "a`", "a b", "1a", "", "ä", "a\n"]


@pytest.mark.parametrize("name", NOT_NAMES)
@pytest.mark.parametrize("prefix", ["param_", ""])
def test_a_name_in_the_url_is_a_name(prefix: str, name: str) -> None:
    with pytest.raises(ClickHouseError) as raised:
        _request().take(prefix + name, "x")
    assert raised.value.code == 408


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("query_id", "a\r\nSet-Cookie: x=1"),
        ("query_id", "a\n"),
        ("query_id", "\0"),
        ("default_format", "CSV\r\n"),
    ],
)
def test_what_answers_repeat_in_headers_breaks_no_line(name: str, value: str) -> None:
    with pytest.raises(ClickHouseError) as raised:
        _request().take(name, value)
    assert (raised.value.code, raised.value.status) == (408, 400)


def _request() -> Request:
    async def nothing() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    return Request("POST", "/", {}, {}, Body(nothing))
