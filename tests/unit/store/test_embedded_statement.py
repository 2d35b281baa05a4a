"""What a request's text is taken for."""

from __future__ import annotations

import pytest

from airis_ray.store.embedded.errors import ClickHouseError
from airis_ray.store.embedded.statement import Incomplete, Verb, lift_settings, parse, setting_pairs


@pytest.mark.parametrize(
    ("sql", "verb"),
    [
        ("SELECT 1", Verb.SELECT),
        ("  /* c */ with x as (select 1) select * from x", Verb.SELECT),
        ("(SELECT 1) UNION ALL (SELECT 2)", Verb.SELECT),
        ("FROM t SELECT a", Verb.SELECT),
        ("SHOW TABLES", Verb.ASK),
        ("explain select 1", Verb.ASK),
        ("SET a = 1", Verb.SET),
        ("USE x", Verb.USE),
        ("KILL QUERY WHERE query_id = 'x'", Verb.KILL),
        ("INSERT INTO t SELECT 1", Verb.OTHER),
        ("INSERT INTO t (a) WITH x AS (SELECT 1) SELECT * FROM x", Verb.OTHER),
        ("CREATE TABLE t (a UInt8) ENGINE = Memory", Verb.OTHER),
        ("INSERT INTO t VALUES (1)", Verb.INSERT),
        ("INSERT INTO t FORMAT CSV\n1", Verb.INSERT),
    ],
)
def test_verbs(sql: str, verb: Verb) -> None:
    assert parse(sql.encode(), complete=True).verb is verb


@pytest.mark.parametrize(
    ("sql", "name", "rest"),
    [
        ("SELECT 1 FORMAT JSON", "JSON", "SELECT 1 "),
        ("SELECT 1 FORMAT JSON SETTINGS max_threads = 1;", "JSON", "SELECT 1  SETTINGS max_threads = 1"),
        ("SELECT format('{}', 1) AS format", None, "SELECT format('{}', 1) AS format"),
        ("SELECT * FROM (SELECT 1 AS format) -- FORMAT CSV", None, "SELECT * FROM (SELECT 1 AS format)"),
        ("SELECT 'FORMAT CSV'", None, "SELECT 'FORMAT CSV'"),
    ],
)
def test_the_format_clause(sql: str, name: str | None, rest: str) -> None:
    statement = parse(sql.encode(), complete=True)
    assert statement.format == name
    assert statement.without_format() == rest


@pytest.mark.parametrize(
    ("source", "sql", "name", "data"),
    [
        (b"INSERT INTO t FORMAT CSV\n1,2\n", "INSERT INTO t ", "CSV", b"1,2\n"),
        (b"INSERT INTO t FORMAT CSV \r\n\n1", "INSERT INTO t ", "CSV", b"\n1"),
        (
            b"INSERT INTO t (`FORMAT`, b) FORMAT Native\n\xff\x00'",
            "INSERT INTO t (`FORMAT`, b) ",
            "Native",
            b"\xff\x00'",
        ),
        (b"insert into t values(1),('a;b')", "insert into t ", "Values", b"(1),('a;b')"),
        (
            "INSERT INTO `표` SETTINGS a = 1 FORMAT TSV\n한".encode(),
            "INSERT INTO `표` SETTINGS a = 1 ",
            "TSV",
            "한".encode(),
        ),
    ],
)
def test_where_an_inserts_data_begin(source: bytes, sql: str, name: str, data: bytes) -> None:
    statement = parse(source, complete=True)
    assert (statement.sql, statement.format) == (sql, name)
    assert source[statement.data_at :] == data


@pytest.mark.parametrize("source", [b"INSERT INTO t", b"INSERT INTO t (a, `b", b"INSERT INTO t FORMAT"])
def test_an_insert_that_is_not_all_there(source: bytes) -> None:
    with pytest.raises(Incomplete):
        parse(source, complete=False)
    with pytest.raises(ClickHouseError) as raised:
        parse(source, complete=True)
    assert raised.value.code == 62


@pytest.mark.parametrize(
    ("source", "code"),
    [
        (b"SELECT 1; DROP TABLE t", 62),
        (b"SELECT '", 62),
        (b"SELECT \xff", 62),
        (b"SELECT 1 INTO OUTFILE '/tmp/x'", 48),
        (b"INSERT INTO t FROM INFILE '/etc/passwd' FORMAT CSV", 48),
        (b"INSERT INTO t SELECT * FROM input('a UInt8') FORMAT CSV 1", 48),
    ],
)
def test_what_is_refused(source: bytes, code: int) -> None:
    with pytest.raises(ClickHouseError) as raised:
        parse(source, complete=True)
    assert raised.value.code == code


def test_setting_pairs() -> None:
    sql = "SET a = 1, b = 'it''s', c = DEFAULT, d = {'x': 'y, z'}, e = -1.5"
    pairs = dict(setting_pairs(sql, parse(sql.encode(), complete=True).tokens[1:]))
    assert pairs == {"a": "1", "b": "it's", "c": None, "d": "{'x': 'y, z'}", "e": "-1.5"}


def test_a_settings_clause_is_lifted_out() -> None:
    sql = b"SELECT 1 FROM t SETTINGS max_threads = 1, join_algorithm = 'hash' FORMAT JSON"
    statement, settings = lift_settings(parse(sql, complete=True))
    assert settings == {"max_threads": "1", "join_algorithm": "hash"}
    assert statement.sql == "SELECT 1 FROM t  FORMAT JSON"
    assert statement.format == "JSON"
    assert lift_settings(statement) == (statement, {})


def test_a_format_that_is_taken_out_leaves_no_comment_behind() -> None:
    statement = parse(b"SELECT 1 -FORMAT JSON- SETTINGS dialect = 'x'", complete=True)
    assert statement.without_format() == "SELECT 1 - - SETTINGS dialect = 'x'"


def test_a_column_named_settings_is_no_clause() -> None:
    statement = parse(b"SELECT settings FROM t", complete=True)
    assert lift_settings(statement) == (statement, {})
