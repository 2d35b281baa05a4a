"""What the guard lets through, and what it stops."""

from __future__ import annotations

import pytest

from airis_ray.errors import InvalidInput
from airis_ray.store.guard import check_select

ALLOWED = [
    "SELECT 1",
    "select count() from otel_logs;",
    (
        "SELECT count(), quantile(0.9)(Duration), a['x'] FROM default.otel_logs PREWHERE x=1 WHERE "
        "TimestampTime >= {a:DateTime64(9)} GROUP BY 1 WITH TOTALS ORDER BY 1 LIMIT 3 BY x LIMIT 10 "
        "SETTINGS max_threads=1"
    ),
    "WITH t AS (SELECT 1 x) SELECT * FROM t ANY LEFT JOIN otel_logs USING x",
    "SELECT arrayMap((x,y)->x+y, a, b) FROM numbers(10)",
    (
        "SELECT * FROM otel_logs AS f FINAL SAMPLE 0.1 ARRAY JOIN x AS y, z AS q WHERE a IN (1,2,'x') "
        "AND b IN ('a') AND (a,b) IN ((1,2),(3,4)) AND c IN (SELECT 1) AND d NOT IN [1,2] AND toDate(x) "
        "IN (toDate(y), today())"
    ),
    "SELECT * EXCEPT (a, b) FROM otel_logs",
    "SELECT extract(YEAR FROM x), trim(BOTH ' ' FROM y) FROM otel_traces",
    "SELECT a FROM otel_logs l JOIN otel_traces t ON l.x = t.x AND t.y IN (1,2) WHERE has([1,2],x)",
    "SELECT * FROM (SELECT a FROM otel_logs) AS z, (SELECT 1) y",
    "SELECT CAST(x AS Array(String)), x::Map(String,String) FROM otel_logs WINDOW w AS (PARTITION BY x ORDER BY y)",
    "WITH a AS (SELECT 1), b AS (SELECT * FROM a) SELECT * FROM b UNION ALL SELECT * FROM a",
    "(SELECT 1) UNION ALL (SELECT 2)",
    "SELECT name FROM system.tables WHERE database = 'default'",
    "SELECT count(*) FROM system.columns",
    "FROM otel_logs SELECT 1",
    "SELECT Body FROM otel_logs WHERE Body LIKE '%서버%' -- comment",
    "SELECT number FROM system.numbers LIMIT 10",
    "SELECT sum(x) OVER (ORDER BY y ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM otel_logs",
    "SELECT x IN {ids:Array(String)} FROM otel_logs",
    "WITH t AS (SELECT 1) SELECT x IN (SELECT * FROM t) FROM (SELECT 1 AS x SETTINGS max_threads = 1)",
    (
        "SELECT if(a, b, c), CASE WHEN a THEN b ELSE c END, INTERVAL 5 MINUTE, DATE '2020-01-01' FROM "
        "otel_logs LIMIT 1, 2"
    ),
    "SELECT format('{} {}', a, b) FROM otel_logs",
]

REFUSED = [
    "SELECT 1 IN merge('default', '^airis_keys$')",
    "SELECT 1 IN (remote('127.0.0.1', 'default.airis_keys'))",
    "SELECT arrayMap(x -> file('x'), b)",
    "SELECT file('/etc/hostname')",
    "SELECT FILE('/etc/hostname')",
    "SELECT `file`('/etc/hostname')",
    "SELECT \"file\" ( '/etc/hostname')",
    "SELECT file/**/('/etc/hostname')",
    "SELECT * FROM file('/etc/passwd')",
    "SELECT 1 INTO OUTFILE '/tmp/x'",
    "SELECT * FROM merge('default','.*')",
    "SELECT dictGet('d','x',1)",
    "SELECT * FROM (SELECT * FROM url('http://x'))",
    "SELECT x IN airis_keys FROM otel_logs",
    "SELECT x IN (airis_keys) FROM otel_logs",
    "SELECT x IN ((airis_keys)) FROM otel_logs",
    "SELECT x IN (airis_keys AS q) FROM otel_logs",
    "SELECT x IN (1, airis_keys) FROM otel_logs",
    "SELECT x GLOBAL NOT IN default.airis_keys FROM otel_logs",
    "SELECT in(1, airis_keys)",
    "SELECT in((SELECT 1), airis_keys)",
    "SELECT in((SELECT (1)), (airis_keys))",
    "SELECT `in`(1, airis_keys)",
    'SELECT "in"(1, airis_keys)',
    "SELECT `In`(1, airis_keys)",
    # an alias of an expression comes before a table of that name: these read airis_keys
    "WITH airis_keys AS otel_logs SELECT 1 IN otel_logs",
    "WITH airis_keys AS otel_logs SELECT 1 IN (otel_logs)",
    "SELECT 1 IN otel_logs, airis_keys otel_logs",
    "WITH t AS (SELECT 1), airis_keys AS t SELECT 1 IN t",
    "WITH t AS (SELECT 1), airis_keys AS t SELECT 1 IN ((t))",
    "SELECT notIn(1, airis_keys)",
    "SELECT globalNotNullIn(1, airis_keys)",
    "SELECT nullInIgnoreSet(1, airis_keys)",
    "SELECT arrayMap(file, ['/etc/passwd'])",
    "SELECT * APPLY(file) FROM otel_logs",
    "SELECT * APPLY file FROM otel_logs",
    "SELECT 1; SELECT 2",
    "SELECT * FROM {tbl:Identifier}",
    "SELECT x IN {tbl:Identifier}",
    "SELECT 1 UNION ALL SELECT * FROM x.y",
    "INSERT INTO x SELECT 1",
    "WITH x AS (SELECT 1) INSERT INTO t SELECT 1",
    "SELECT * FROM `default.airis_keys`",
    "SELECT * FROM default.`.inner_id.xx`",
    "SELECT * FROM view(SELECT * FROM secret)",
    "SELECT * FROM otel_logs, airis_keys",
    "SELECT * FROM otel_logs AS order, airis_keys",
    "SELECT * FROM otel_logs JOIN otel_traces ON limit = 1, airis_keys",
    "SELECT * FROM otel_logs JOIN otel_traces ON format('x') = 'x', airis_keys",
    "SELECT * FROM otel_logs AS array JOIN airis_keys",
    "SELECT * FROM otel_logs JOIN otel_traces ON array JOIN airis_keys",
    "WITH array AS (SELECT 1) SELECT * FROM array JOIN airis_keys",
    "WITH secret AS (SELECT * FROM secret) SELECT * FROM secret",
    "SELECT * FROM (WITH s AS (SELECT 1) SELECT * FROM s) UNION ALL SELECT * FROM s",
    "SELECT 1 UNION ALL WITH s AS (SELECT 1) SELECT * FROM s UNION ALL SELECT * FROM s",
    "WITH RECURSIVE s AS (SELECT * FROM s) SELECT * FROM s",
    "WITH airis_keys AS (SELECT 1) SELECT * FROM airis_keys",
    "KILL QUERY WHERE 1",
    "SET readonly=0",
    "EXPLAIN SELECT 1",
    "SELECT * FROM (EXPLAIN SELECT * FROM secret)",
    "SELECT 1 FORMAT JSON",
    "SELECT 1 SETTINGS readonly = 0",
    "SELECT 1 SETTINGS additional_table_filters = {}",
    "SELECT 1 SETTINGS max_threads",
    "SELECT 1 SETTINGS max_threads = 'auto' UNION ALL SELECT 2, readonly = '0'",
    "SELECT 1 SETTINGS max_threads = 1 SETTINGS readonly = 0",
    "SELECT 1 PARALLEL WITH DROP TABLE x",
    "SELECT * FROM 'file.csv'",
    "SELECT 1 # c",
    "SELECT $$x$$",
    "SELECT ‘x’",
    "SELECT x'\\' FROM airis_keys --'",
    "SELECT * FROM system.tables",
    "SELECT t.* FROM system.tables t",
    "SELECT total_rows FROM system.tables",
    "SELECT tuple(*) FROM system.columns",
    "SELECT * FROM system.parts",
    "SELECT * FROM system.processes",
    "SELECT * FROM",
    "SELECT * FROM (otel_logs JOIN airis_keys ON 1)",
    "SELECT /* ; */ 'a",
    "SELECT is DISTINCT FROM airis_keys",
    "SELECT as FROM airis_keys",
    "SELECT sleep(3)",
    "SELECT 1.file('x')",
    "SELECT * FROM loop(otel_logs)",
    "SELECT joinGet('x','y',1)",
    "SELECT (SELECT a FROM airis_keys LIMIT 1)",
    "SELECT extract((SELECT a FROM airis_keys), 'x')",
    "SELECT trim(SELECT a FROM airis_keys)",
]


@pytest.mark.parametrize("sql", ALLOWED)
def test_a_plain_select_passes(sql: str) -> None:
    check_select(sql)


@pytest.mark.parametrize("sql", REFUSED)
def test_whatever_reaches_out_of_the_query_is_refused(sql: str) -> None:
    with pytest.raises(InvalidInput):
        check_select(sql)


def test_the_reason_names_the_place() -> None:
    with pytest.raises(
        InvalidInput, match=r"the table secrets is not there or may not be read \(position 14\)"
    ):
        check_select("SELECT * FROM secrets")


def test_tables_and_database_can_be_given() -> None:
    check_select("SELECT * FROM mine.t JOIN u ON 1", tables=frozenset(("t", "u")), database="mine")
    with pytest.raises(InvalidInput):
        check_select("SELECT * FROM default.t", tables=frozenset(("t",)), database="mine")


@pytest.mark.parametrize(
    "keyword", ["WHERE", "ORDER", "LIMIT", "UNION", "FETCH", "ARRAY", "WINDOW", "OFFSET"]
)
@pytest.mark.parametrize("table", ["otel_logs AS {}", "otel_logs x JOIN otel_traces ON {} = 1"])
@pytest.mark.parametrize("tail", [", secrets", " FINAL, secrets", " JOIN secrets", " SAMPLE 1/2, secrets"])
def test_a_keyword_as_a_name_hides_no_table(keyword: str, table: str, tail: str) -> None:
    with pytest.raises(InvalidInput):
        check_select(f"SELECT 1 FROM {table.format(keyword)}{tail}")


@pytest.mark.parametrize("name", ["from", "to", "in", "join", "limit", "select", "where"])
def test_a_parameter_may_be_called_like_a_keyword(name: str) -> None:
    check_select(
        f"SELECT count() FROM otel_logs WHERE Timestamp >= parseDateTime64BestEffort({{{name}:String}}, 9)"
    )


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT {x:String} FROM secrets",
        "SELECT 1 FROM otel_logs WHERE Body = {from:String} AND 1 IN secrets",
        "SELECT * FROM {from:Identifier}",
        "SELECT {from:String} UNION ALL SELECT * FROM secrets",
        "SELECT 1 FROM otel_logs, {from:Identifier}",
    ],
)
def test_a_parameter_hides_no_table(sql: str) -> None:
    with pytest.raises(InvalidInput):
        check_select(sql)
