"""Statements that the front answers by itself: SET and USE of a session, KILL QUERY."""

from __future__ import annotations

from dataclasses import replace

from airis_ray.store.embedded.access import Level, Rights, check_settings
from airis_ray.store.embedded.engine import Engine, Setup, checked_name, literal
from airis_ray.store.embedded.errors import (
    ACCESS_DENIED,
    QUERY_IS_TOO_LARGE,
    SYNTAX_ERROR,
    UNKNOWN_DATABASE,
    error,
)
from airis_ray.store.embedded.running import Registry, Running
from airis_ray.store.embedded.sessions import Session
from airis_ray.store.embedded.statement import Statement, setting_pairs, unquoted
from airis_ray.store.lexer import Kind

_MOST_KEPT = 64  # settings and parameters of a session
_KEPT_CHARACTERS = 64 << 10  # of their names and values together


def remember(engine: Engine, statement: Statement, setup: Setup, session: Session, rights: Rights) -> None:
    """``SET``: let the engine judge the values, then keep them for the session's next requests."""
    pairs = dict(setting_pairs(statement.sql, statement.tokens[1:]))
    parameters = {
        checked_name(n.removeprefix("param_")): v for n, v in pairs.items() if n.startswith("param_")
    }
    settings = {checked_name(n): v for n, v in pairs.items() if not n.startswith("param_")}
    check_settings(rights, settings)
    kept_settings = _merged(session.settings, settings)
    kept_parameters = _merged(session.parameters, parameters)
    _check_kept(kept_settings, kept_parameters)
    asked = {**setup.settings, **_given(settings)}
    with engine.connected(
        replace(setup, settings=asked, parameters={**setup.parameters, **_given(parameters)})
    ):
        pass
    session.settings, session.parameters = kept_settings, kept_parameters


def _merged(kept: dict[str, str], changed: dict[str, str | None]) -> dict[str, str]:
    return {n: v for n, v in kept.items() if n not in changed} | _given(changed)


def _check_kept(*kept: dict[str, str]) -> None:
    names = sum(map(len, kept))
    characters = sum(len(name) + len(value) for values in kept for name, value in values.items())
    if names > _MOST_KEPT or characters > _KEPT_CHARACTERS:
        raise error(
            QUERY_IS_TOO_LARGE,
            f"a session keeps {_MOST_KEPT} settings and parameters of {_KEPT_CHARACTERS} characters together",
        )


def _given(values: dict[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in values.items() if value is not None}


def use(engine: Engine, statement: Statement, setup: Setup, session: Session, rights: Rights) -> None:
    """``USE``: a database for the session's next requests."""
    name = statement.tokens[-1]
    if len(statement.tokens) != 2 or not name.is_identifier:
        raise error(SYNTAX_ERROR, "Syntax error: expected USE database")
    check_database(rights, name.text)
    with engine.connected(setup) as connection:
        connection.run(statement.sql)
    session.database = name.text


def check_database(rights: Rights, name: str) -> None:
    """Filters of tenants are written for the tables of one database: other callers stay in it."""
    if rights.level < Level.ADMIN and name != "default":
        raise error(UNKNOWN_DATABASE, f"Database {name} does not exist")


def own_tables(engine: Engine) -> frozenset[str]:
    """The tables that writers' keys have made."""
    sql = (
        "SELECT name FROM system.tables WHERE database = 'default' AND engine NOT LIKE '%View'"
        " AND NOT match(name, '^(airis_|otel_|hyperdx_|\\\\.inner)')"
    )
    with engine.connected(Setup()) as connection:
        return frozenset(bytes(connection.run(sql, "TabSeparatedRaw")).decode().split())


async def kill(registry: Registry, statement: Statement, rights: Rights) -> str | None:
    """``KILL QUERY WHERE query_id = …`` of our own ids: end them, and give the SELECT that answers it.

    None where the condition is another one, which only the engine can judge.
    """
    names = _query_ids(statement)
    if names is None:
        if rights.level < Level.ADMIN:
            raise error(ACCESS_DENIED, "Not enough privileges: expected KILL QUERY WHERE query_id = '…'")
        return None
    found = registry.find(names, None if rights.level >= Level.ADMIN else rights.owner)
    for running in found:
        await registry.kill(running)
    return _killed(found)


def _killed(found: list[Running]) -> str:
    rows = [f"('finished', {literal(r.query_id)}, {literal(r.owner)}, {literal(r.sql)})" for r in found]
    columns = "kill_status String, query_id String, user String, query String"
    if not rows:
        return f"SELECT * FROM null('{columns}')"
    return f"SELECT * FROM values('{columns}', {', '.join(rows)})"


def _query_ids(statement: Statement) -> list[str] | None:
    tokens = [token for token in statement.tokens if not token.is_word("SYNC", "ASYNC", "FORMAT")]
    if not (len(tokens) > 5 and tokens[1].is_word("QUERY") and tokens[2].is_word("WHERE")):
        return None
    if tokens[3].text != "query_id" or not (tokens[4].is_sign("=") or tokens[4].is_word("IN")):
        return None
    rest = [t for t in tokens[5:] if not t.is_sign("(", ")", ",") and t.kind is not Kind.WORD]
    return [unquoted(t) for t in rest] if all(t.kind is Kind.STRING for t in rest) else None
