"""Who may run what: the platform everything, an administrator everything within the limits, other keys their part.

A key with scope ``read`` sees its own tenant's rows of the telemetry tables. A key of the default tenant with scope
``write`` has tables of its own besides. What concerns the server's files and processes is refused to everybody.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

from airis_ray.errors import InvalidInput
from airis_ray.settings import StoreSettings
from airis_ray.store.embedded.ddl import check_own, check_safe
from airis_ray.store.embedded.engine import literal
from airis_ray.store.embedded.errors import ACCESS_DENIED, READONLY, error
from airis_ray.store.embedded.statement import Statement, Verb, unquoted
from airis_ray.store.guard import QUERY_SETTINGS, READABLE_TABLES, check_select
from airis_ray.store.lexer import Kind, Token
from airis_ray.store.protocol import TENANT_TABLES

DEFAULT_TENANT = "default"


class Principal(Protocol):
    """A verified caller, as :mod:`airis_ray.web.auth` describes one."""

    @property
    def key_id(self) -> str: ...
    @property
    def tenant(self) -> str: ...
    @property
    def scopes(self) -> Collection[str]: ...


class Level(IntEnum):
    """How far rights go."""

    READER = 0
    WRITER = 1
    ADMIN = 2
    PLATFORM = 3


@dataclass(frozen=True)
class Rights:
    """What a caller may do. ``owner`` keeps callers' sessions and queries apart."""

    level: Level
    owner: str
    tenant: str


PLATFORM = Rights(Level.PLATFORM, "platform", DEFAULT_TENANT)


def rights_of(principal: Principal) -> Rights:
    """The rights of a key. ClickHouseError where it may not read at all."""
    scopes = set(principal.scopes)
    level = Level.READER
    if principal.tenant == DEFAULT_TENANT:
        level = Level.ADMIN if "admin" in scopes else Level.WRITER if "write" in scopes else Level.READER
    if level is Level.READER and "read" not in scopes:
        raise error(
            ACCESS_DENIED, f"key {principal.key_id}: Not enough privileges: the scope read is missing"
        )
    return Rights(level, principal.key_id, principal.tenant)


def authorize(
    rights: Rights, statement: Statement, own_tables: frozenset[str], limits: StoreSettings
) -> None:
    """Raise ClickHouseError (ACCESS_DENIED, READONLY, NOT_IMPLEMENTED) unless the statement may be run.

    ``own_tables`` are those that writers have made.
    """
    check_safe(statement.tokens)
    _check_forced(rights, statement.tokens)
    _check_capped(rights, statement, limits)
    if rights.level >= Level.ADMIN or statement.verb in (Verb.SET, Verb.KILL):
        return
    try:
        if rights.level is Level.WRITER and statement.verb in (Verb.INSERT, Verb.OTHER):
            check_own(statement, READABLE_TABLES | own_tables)
        elif statement.verb is Verb.SELECT:
            tables = READABLE_TABLES | own_tables if rights.level is Level.WRITER else READABLE_TABLES
            check_select(statement.without_format(), tables=tables)
        elif statement.verb is Verb.ASK:
            _check_ask(statement)
        elif statement.verb is not Verb.USE:
            raise InvalidInput(
                "only keys of the tenant default with the scope write may do more than read here; "
                f"{statement.tokens[0].text} is no reading"
            )
    except InvalidInput as problem:
        raise error(ACCESS_DENIED, f"{rights.owner}: Not enough privileges: {problem}") from None


_INTERPRET = "input_format_values_interpret_expressions"
_NO_EXPRESSIONS = {
    _INTERPRET: "0",
    "input_format_values_deduce_templates_of_expressions": "0",
}
"""Without them ``VALUES (file('/etc/passwd'))`` is evaluated: data that no check of the statement has seen."""

_ONE_LANGUAGE = {"dialect": "clickhouse"}
"""The language that the checks read; in another one a statement would mean something else."""


def _check_forced(rights: Rights, tokens: Sequence[Token]) -> None:
    """A SETTINGS clause would win against what is forced before the statement."""
    for token in tokens:
        if rights.level < Level.PLATFORM and token.is_identifier and token.text in _NO_EXPRESSIONS:
            raise error(READONLY, f"Cannot modify '{token.text}' setting: it belongs to the platform")


def _check_capped(rights: Rights, statement: Statement, limits: StoreSettings) -> None:
    """A SETTINGS clause, of a subquery too, would win against the limit that is set before the statement."""
    tokens = statement.tokens
    if rights.level is Level.PLATFORM or not any(token.is_word("SETTINGS") for token in tokens):
        return
    for name, equals, value in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if not (name.is_identifier and name.text in _CAPPED and equals.is_sign("=")):
            continue
        cap = _cap(name.text, limits)
        given = unquoted(value) if value.kind is Kind.STRING else value.text
        if not 0 < _number(given) <= cap:
            raise error(
                READONLY,
                f"Cannot modify '{name.text}' setting to {given}: expected more than 0 and at most {cap:.15g}"
                f" (AIRIS_STORE_{_CAPPED[name.text].upper()})",
            )


_ASK_WORDS = (
    "FROM",
    "IN",
    "LIKE",
    "ILIKE",
    "NOT",
    "LIMIT",
    "FULL",
    "EXTENDED",
    "TABLE",
    "TABLES",
    "DATABASES",
)
_EXPLAINS = ("SYNTAX", "PLAN", "PIPELINE", "QUERY", "TREE", "AST")


def _check_ask(statement: Statement) -> None:
    """SHOW TABLES, SHOW DATABASES, SHOW COLUMNS, SHOW CREATE, DESCRIBE, EXISTS of known tables, EXPLAIN of a SELECT.

    No CHECK TABLE: it lists the parts of every tenant.
    """
    tokens = list(statement.tokens)
    if statement.format_span is not None:
        tokens = [token for token in tokens if token.start < statement.format_span[0]]
    if tokens[0].is_word("CHECK"):
        raise InvalidInput("CHECK may not be used here")
    if tokens[0].is_word("EXPLAIN"):
        return _check_explain(statement.without_format(), tokens)
    if tokens[0].is_word("SHOW"):
        kind = next((t for t in tokens[1:] if not t.is_word("FULL", "EXTENDED")), tokens[0])
        if kind.is_word("TABLES", "DATABASES"):
            return _check_names(tokens[1:], frozenset({"default", "system"}))
        if not kind.is_word("COLUMNS", "FIELDS", "CREATE"):
            raise InvalidInput(f"SHOW {kind.text} may not be used here")
        tokens = [t for t in tokens if not t.is_word("COLUMNS", "FIELDS", "CREATE")]
    return _check_names(tokens[1:], READABLE_TABLES | {"default", "system"})


def _check_names(tokens: list[Token], allowed: frozenset[str]) -> None:
    names = [token for token in tokens if token.is_identifier and not token.is_word(*_ASK_WORDS)]
    if any(token.is_sign("(", "{") for token in tokens):
        raise InvalidInput("expected the name of a table")
    for token in names:
        if token.text not in allowed and f"system.{token.text}" not in allowed:
            raise InvalidInput(f"the table {token.text} is not there or may not be read")


def _check_explain(sql: str, tokens: list[Token]) -> None:
    for token in tokens[1:]:
        if token.is_word("SELECT", "WITH", "FROM"):
            return check_select(sql[token.start :])
        if not token.is_word(*_EXPLAINS):
            raise InvalidInput(f"EXPLAIN {token.text} may not be used here")
    raise InvalidInput("expected EXPLAIN of a SELECT")


_FORMAT_SETTINGS = re.compile(
    r"output_format_(?!schema)\w+|input_format_(csv|tsv|json|arrow|parquet|native|null|skip|with)\w*"
    r"|date_time_\w+|format_(csv|tsv|json|display|binary)\w*|session_timezone|extremes|result_overflow_mode"
    r"|log_comment|max_result_rows|insert_deduplicat\w+|async_insert|wait_for_async_insert|max_insert_threads"
    r"|deduplicate_blocks_in_dependent_materialized_views|min_insert_block_size_\w+|readonly"
)
_CAPPED = {
    "max_execution_time": "max_query_seconds",
    "max_memory_usage": "max_query_memory",
    "max_rows_to_read": "max_query_rows",
    "max_result_bytes": "max_result_bytes",
}


def check_settings(rights: Rights, names: Collection[str]) -> None:
    """Raise ClickHouseError (READONLY) where a caller names a setting that would widen its rights."""
    if rights.level >= Level.ADMIN:
        return
    for name in names:
        if not (name in QUERY_SETTINGS or name in _CAPPED or _FORMAT_SETTINGS.fullmatch(name)):
            raise error(READONLY, f"Cannot modify '{name}' setting in readonly mode")


def settings_for(
    rights: Rights, statement: Statement, asked: Mapping[str, str], limits: StoreSettings
) -> dict[str, str]:
    """The settings to run with: the caller's, within the limits. :func:`forced_for` comes after them.

    The platform's own statements have the limits where they name none, and only its SELECTs do: a migration takes the
    time it takes.
    """
    settings = {name: value for name, value in asked.items() if name != "readonly"}
    is_platform = rights.level is Level.PLATFORM
    if not is_platform or statement.verb in (Verb.SELECT, Verb.ASK):
        for name in _CAPPED:
            cap = _cap(name, limits)
            value = settings.get(name)
            if value is None or (not is_platform and not 0 < _number(value) <= cap):
                settings[name] = f"{cap:.15g}"
    return settings


def forced_for(rights: Rights, *, expressions: bool = False) -> dict[str, str]:
    """The settings that no caller may choose: data are data, and rows and names those that it may see.

    ``expressions``: the data of an INSERT have been read, and :func:`values.may_be_evaluated`.
    """
    if rights.level is Level.PLATFORM:
        return {}
    forced = {**_NO_EXPRESSIONS, _INTERPRET: str(int(expressions)), **_ONE_LANGUAGE}
    if rights.level is Level.ADMIN:
        return forced
    return {**forced, "additional_table_filters": _filters(rights)}


def _cap(name: str, limits: StoreSettings) -> float:
    return float(getattr(limits, _CAPPED[name]))


def _number(value: str) -> float:
    try:
        return float(value)
    except ValueError:
        return 0.0


_PLATFORM_TABLES = (
    "keys",
    "key_uses",
    "audit",
    "tenants",
    "migrations",
    "accounts",
    "account_totals",
    "disk_drops",
)


def _filters(rights: Rights) -> str:
    """One tenant's rows of every table, whichever way the table is named; of the platform's own tables none.

    SHOW TABLES reads ``system.tables``, so that a filter there keeps the tables of others out of it too.
    """
    condition = literal(f"Tenant = {literal(rights.tenant)}")
    rows = [f"'{prefix}{table}': {condition}" for prefix in ("", "default.") for table in TENANT_TABLES]
    rows += [f"'{prefix}airis_{table}': '0'" for prefix in ("", "default.") for table in _PLATFORM_TABLES]
    if rights.level is Level.READER:
        names = ", ".join(map(literal, TENANT_TABLES))
        for catalogue, column in (("tables", "name"), ("columns", "table")):
            visible = f"database != 'default' OR {column} IN ({names})"
            rows.append(f"'system.{catalogue}': {literal(visible)}")
    return "{" + ", ".join(rows) + "}"
