"""Statements that the front answers by itself: SET and USE of a session, KILL QUERY."""

from __future__ import annotations

from collections.abc import Iterator

from airis_ray.store.embedded.access import Level, Rights, check_settings
from airis_ray.store.embedded.engine import Engine, Setup, literal
from airis_ray.store.embedded.errors import ACCESS_DENIED, SYNTAX_ERROR, UNKNOWN_DATABASE, error
from airis_ray.store.embedded.running import Registry, Running
from airis_ray.store.embedded.sessions import Session
from airis_ray.store.embedded.statement import Statement
from airis_ray.store.lexer import Kind, Token


def remember(engine: Engine, statement: Statement, setup: Setup, session: Session, rights: Rights) -> None:
    """``SET``: let the engine judge the values, then keep them for the session's next requests."""
    pairs = dict(_pairs(statement))
    check_settings(rights, [name for name in pairs if not name.startswith("param_")])
    with engine.connected(setup) as connection:
        connection.run(statement.sql)
    for name, value in pairs.items():
        kept = session.parameters if name.startswith("param_") else session.settings
        name = name.removeprefix("param_")
        if value is None:
            kept.pop(name, None)
        else:
            kept[name] = value


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
    return [_unquoted(t) for t in rest] if all(t.kind is Kind.STRING for t in rest) else None


def _pairs(statement: Statement) -> Iterator[tuple[str, str | None]]:
    """Name and value of each ``name = value``; None for DEFAULT."""
    tokens = list(statement.tokens[1:])
    while tokens:
        if len(tokens) < 3 or not tokens[0].is_identifier or not tokens[1].is_sign("="):
            raise error(SYNTAX_ERROR, "Syntax error: expected SET name = value")
        depth = 0
        end = len(tokens)
        for index, token in enumerate(tokens):
            depth += token.is_sign("(", "[", "{") - token.is_sign(")", "]", "}")
            if depth == 0 and token.is_sign(","):
                end = index
                break
        value = tokens[2:end]
        yield tokens[0].text, _value(statement.sql, value)
        tokens = tokens[end + 1 :]


def _value(sql: str, tokens: list[Token]) -> str | None:
    if tokens[0].is_word("DEFAULT"):
        return None
    if len(tokens) == 1 and tokens[0].kind is Kind.STRING:
        return _unquoted(tokens[0])
    return sql[tokens[0].start : tokens[-1].end]


def _unquoted(token: Token) -> str:
    """A string literal's value, for the escapes that settings and ids hold."""
    text = token.text[1:-1].replace("''", "'")
    return text.replace("\\'", "'").replace("\\\\", "\\")
