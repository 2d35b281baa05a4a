"""What a key may do at the embedded store's front."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import replace

import pytest
import pytest_asyncio

from airis_ray.settings import RetentionSettings, Settings
from airis_ray.store.client import ClickHouseStore
from airis_ray.store.migrate import migrate
from tests.contract.conftest import Front

EXPRESSIONS = (
    "input_format_values_interpret_expressions",
    "input_format_values_deduce_templates_of_expressions",
)
ROWS = {"acme": 3, "o'hara": 5, "default": 7}


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def platform(embedded: Front) -> Front:
    """The store with its tables and some rows of three tenants."""
    store = await ClickHouseStore.connect(f"http://{embedded.host}:{embedded.port}", password=embedded.key)
    await migrate(
        store, settings=Settings(retention=RetentionSettings(logs=0, traces=0, metrics=0, sessions=0))
    )
    await store.close()
    for tenant, rows in ROWS.items():
        embedded.text(
            "INSERT INTO otel_logs (Timestamp, Body, ServiceName, ResourceAttributes)"
            f" SELECT now(), {_quoted(tenant + ' body')}, 'svc', map('airis.tenant', {_quoted(tenant)})"
            f" FROM numbers({rows})"
        )
    return embedded


def _with_key(front: Front, tenant: str, *scopes: str) -> Front:
    key = f"airis_{uuid.uuid4().hex[:12]}_{'x' * 43}"
    digest = hashlib.sha256(key.encode()).hexdigest()
    front.text(
        "INSERT INTO airis_keys (Id, Hash, Tenant, Name, Scopes, Created, CreatedBy, Version) VALUES"
        f" ('{key[6:18]}', '{digest}', {_quoted(tenant)}, 'test', {list(scopes)}, now(), 'test', 1)"
    )
    return replace(front, key=key)


@pytest.fixture(scope="module")
def reader(platform: Front) -> Front:
    return _with_key(platform, "acme", "read")


@pytest.fixture(scope="module")
def writer(platform: Front) -> Front:
    return _with_key(platform, "default", "read", "write")


@pytest.fixture(scope="module")
def admin(platform: Front) -> Front:
    return _with_key(platform, "default", "admin")


def test_a_wrong_key_and_none(platform: Front) -> None:
    answer = replace(platform, key="wrong").ask("SELECT 1")
    assert (answer.status_code, answer.headers["X-ClickHouse-Exception-Code"]) == (403, "516")
    answer = platform.http.post("/", content="SELECT 1", headers={"X-ClickHouse-Key": ""})
    assert answer.headers["X-ClickHouse-Exception-Code"] == "516"


def test_the_key_is_the_password_of_any_user(platform: Front, reader: Front) -> None:
    nobody = {"X-ClickHouse-Key": "", "X-ClickHouse-User": ""}
    basic = platform.http.post("/", content="SELECT 1", auth=("whoever", reader.key), headers=nobody)
    url = platform.http.post(
        "/", params={"user": "x", "password": reader.key}, content="SELECT 1", headers=nobody
    )
    bearer = platform.http.post(
        "/", content="SELECT 1", headers={**nobody, "Authorization": f"Bearer {reader.key}"}
    )
    assert [answer.text for answer in (basic, url, bearer)] == ["1\n"] * 3


def test_a_revoked_key_opens_nothing(platform: Front) -> None:
    fleeting = _with_key(platform, "acme", "read")
    platform.text(
        "INSERT INTO airis_keys SELECT Id, Hash, Tenant, Name, Scopes, Created, CreatedBy, Expires, now64(3), 2"
        f" FROM airis_keys WHERE Id = '{fleeting.key[6:18]}'"
    )
    assert fleeting.ask("SELECT 1").headers["X-ClickHouse-Exception-Code"] == "516"


def test_a_key_needs_the_scope_read(platform: Front) -> None:
    answer = _with_key(platform, "acme", "ingest").ask("SELECT 1")
    assert (answer.status_code, answer.headers["X-ClickHouse-Exception-Code"]) == (403, "497")


COUNTS = [
    "SELECT count() FROM otel_logs",
    "SELECT count() FROM default.otel_logs",
    "SELECT count() FROM `otel_logs` AS x",
    "SELECT count() FROM (SELECT * FROM otel_logs)",
    "WITH z AS (SELECT * FROM otel_logs) SELECT count() FROM z",
    "SELECT (SELECT count() FROM otel_logs)",
    "SELECT count() FROM otel_logs PREWHERE 1",
    "SELECT toUInt64(sqrt(count())) FROM otel_logs a, otel_logs b",
    "SELECT count() FROM otel_logs WHERE Body IN (SELECT Body FROM otel_logs)",
    "SELECT sum(Count) FROM airis_logs_10s",
    "SELECT count() FROM otel_logs WHERE 1 SETTINGS max_threads = 1",
    "SELECT countIf(Body LIKE '%body%') FROM otel_logs LIMIT 1 BY 1 LIMIT 1",
]


@pytest.mark.parametrize("sql", COUNTS)
def test_a_reader_sees_its_tenants_rows_whichever_way_it_asks(platform: Front, sql: str) -> None:
    for tenant, rows in ROWS.items():
        assert _with_key(platform, tenant, "read").text(sql) == f"{rows}\n"


def test_the_platform_and_an_administrator_see_all_rows(platform: Front, admin: Front) -> None:
    everything = f"{sum(ROWS.values())}\n"
    assert platform.text("SELECT count() FROM otel_logs") == everything
    assert admin.text("SELECT count() FROM otel_logs") == everything


_INJECTED = "a = '1', additional_table_filters = '{}', param_b"


@pytest.mark.parametrize(
    "name", [f"param_{_INJECTED}", _INJECTED, "max_threads` = 1, additional_table_filters"]
)
def test_a_parameters_name_is_no_sql(reader: Front, name: str) -> None:
    answer = reader.ask("SELECT count() FROM otel_logs", **{name: "x"})
    assert (answer.status_code, answer.headers.get("X-ClickHouse-Exception-Code")) == (400, "408"), (
        answer.text
    )


def test_a_quoted_name_in_set_is_no_sql(reader: Front) -> None:
    answer = reader.ask(f'SET "param_{_INJECTED}" = 1', session_id="quoted")
    assert answer.headers.get("X-ClickHouse-Exception-Code") == "408", answer.text
    assert reader.text("SELECT count() FROM otel_logs", session_id="quoted") == f"{ROWS['acme']}\n"


def test_settings_in_the_text_are_checked_as_those_in_the_url(reader: Front, writer: Front) -> None:
    for setting in ("max_query_size = 1", "dialect = 'kusto'", "max_bytes_ratio_before_external_sort = 0"):
        for caller in (reader, writer):
            # Without its FORMAT the second one's settings would be a comment.
            for sql in (f"SELECT 1 SETTINGS {setting}", f"SELECT 1 -FORMAT JSON- SETTINGS {setting}"):
                answer = caller.ask(sql)
                assert answer.headers.get("X-ClickHouse-Exception-Code") in ("164", "497"), answer.text
    assert reader.text("SELECT getSetting('max_threads') SETTINGS max_threads = 1") == "1\n"
    assert writer.text("SELECT getSetting('max_threads') SETTINGS max_threads = 1") == "1\n"


def test_a_reader_sees_the_names_of_telemetry_tables_alone(reader: Front, writer: Front) -> None:
    writer.text("CREATE TABLE secret_plans (secret_column UInt64) ENGINE = MergeTree ORDER BY secret_column")
    for sql in (
        "SHOW TABLES",
        "SHOW FULL TABLES FROM default",
        "SHOW TABLES LIKE 's%'",
        "SELECT name FROM system.tables",
        "SELECT table, name FROM system.columns",
    ):
        shown = reader.text(sql)
        assert "secret" not in shown, sql
        assert "airis_key" not in shown, sql
    assert "otel_logs" in reader.text("SHOW TABLES")
    assert "secret_plans" in writer.text("SHOW TABLES")
    assert reader.ask("CHECK TABLE otel_logs").status_code == 403
    assert reader.ask("CHECK TABLE secret_plans").status_code == 403
    writer.text("DROP TABLE secret_plans")


def test_a_session_keeps_so_much_and_no_more(reader: Front) -> None:
    names = ", ".join(f"param_p{number} = '1'" for number in range(64))
    reader.text(f"SET {names}", session_id="full")
    answer = reader.ask("SET param_one_more = '1'", session_id="full")
    assert answer.headers.get("X-ClickHouse-Exception-Code") == "229", answer.text
    assert reader.text("SELECT {p63:String}", session_id="full") == "1\n"
    answer = reader.ask(f"SET param_long = '{'x' * (64 << 10)}'", session_id="long")
    assert answer.headers.get("X-ClickHouse-Exception-Code") == "229", answer.text


def test_a_query_id_that_would_break_its_header(reader: Front) -> None:
    answer = reader.ask("SELECT 1", query_id="a\r\nSet-Cookie: x=1")
    assert (answer.status_code, answer.headers.get("X-ClickHouse-Exception-Code")) == (400, "408")
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize(
    "row",
    [
        "(file('/etc/passwd'))",
        "(concat('x', file('/etc/passwd')))",
        "((SELECT query FROM system.processes LIMIT 1))",
        "('a'), ((SELECT Hash FROM airis_keys LIMIT 1))",
    ],
)
def test_the_values_of_an_insert_are_data(writer: Front, admin: Front, row: str) -> None:
    writer.text("CREATE TABLE values_of_mine (a String) ENGINE = MergeTree ORDER BY a")
    switches = dict.fromkeys(EXPRESSIONS, "1")
    clause = ", ".join(f"{name} = 1" for name in EXPRESSIONS)
    try:
        for caller in (writer, admin):
            assert caller.ask(f"INSERT INTO values_of_mine VALUES {row}").status_code >= 400
            assert caller.ask(f"INSERT INTO values_of_mine FORMAT Values {row}").status_code >= 400
            assert caller.ask(f"INSERT INTO values_of_mine VALUES {row}", **switches).status_code >= 400
            assert caller.ask(f"INSERT INTO values_of_mine SETTINGS {clause} VALUES {row}").status_code >= 400
            caller.ask(f"SET {clause}", session_id="values")
            answer = caller.ask(f"INSERT INTO values_of_mine VALUES {row}", session_id="values")
            assert answer.status_code >= 400
        assert admin.text("SELECT count() FROM values_of_mine") == "0\n"
    finally:
        writer.text("DROP TABLE values_of_mine")


def test_the_values_of_an_insert_may_tell_the_time(writer: Front, admin: Front) -> None:
    writer.text("CREATE TABLE times (t DateTime64(9), m Map(String, String)) ENGINE = MergeTree ORDER BY t")
    row = "(now64(9) - INTERVAL 1 MINUTE, map('a', 'b')), (now(), map())"
    try:
        for caller in (writer, admin):
            caller.text(f"INSERT INTO times VALUES {row}")
            caller.insert(row.encode(), "INSERT INTO times FORMAT Values")
            # Whoever sends more of them than are looked at is told so.
            assert caller.ask(f"INSERT INTO times VALUES {', '.join([row] * 2000)}").status_code >= 400
        assert admin.text("SELECT count(), max(t) > now() - 60, min(t) < now() FROM times") == "8\t1\t1\n"
    finally:
        writer.text("DROP TABLE times")


def test_an_administrators_settings_clause_lifts_no_limit(admin: Front) -> None:
    for clause in ("max_execution_time = 0", "max_result_bytes = 99999999999999", "max_memory_usage = 0"):
        answer = admin.ask(f"SELECT 1 SETTINGS {clause}")
        assert answer.headers.get("X-ClickHouse-Exception-Code") == "164", answer.text
    assert admin.text("SELECT getSetting('max_execution_time') SETTINGS max_execution_time = 7") == "7\n"


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM format(Values, 'a String', '(file(\\'/etc/passwd\\'))')",
        "SELECT * FROM eval('SELECT file(\\'/etc/passwd\\')')",
    ],
)
def test_an_administrator_reads_no_file_by_text_in_text(admin: Front, sql: str) -> None:
    switches = dict.fromkeys(EXPRESSIONS, "1")
    assert admin.ask(sql, **switches).status_code >= 400
    assert admin.ask(sql, allow_experimental_eval_table_function="1").status_code >= 400
    clause = ", ".join(f"{name} = 1" for name in EXPRESSIONS)
    assert admin.ask(f"{sql} SETTINGS {clause}").status_code >= 400


def test_an_administrators_statement_is_in_the_language_that_was_checked(admin: Front) -> None:
    assert admin.text("SELECT getSetting('dialect')", dialect="clickhouse") == "clickhouse\n"
    answer = admin.ask("print x = 7", dialect="kusto", allow_experimental_kusto_dialect="1")
    assert answer.status_code >= 400, answer.text


@pytest.mark.parametrize(
    ("sql", "values"),
    [
        ("SELECT * FROM airis_keys", {}),
        ("SELECT 1 IN airis_keys", {}),
        ("SELECT * FROM merge('default', '.*')", {}),
        ("SELECT * FROM system.processes", {}),
        ("SELECT total_rows FROM system.tables", {}),
        ("SELECT file('/etc/hostname')", {}),
        ("INSERT INTO otel_logs (Body) VALUES ('x')", {}),
        ("DROP TABLE otel_logs", {}),
        ("TRUNCATE TABLE otel_logs", {}),
        ("CREATE TEMPORARY TABLE x (a UInt8)", {"session_id": "reader"}),
        ("SELECT count() FROM otel_logs SETTINGS additional_table_filters = {}", {}),
        ("SELECT count() FROM otel_logs", {"additional_table_filters": "{}"}),
        ("SELECT count() FROM default.otel_logs", {"database": "system"}),
        ("SET readonly = 0; DROP TABLE otel_logs", {}),
        ("SET additional_table_filters = '{}'", {"session_id": "reader"}),
        ("USE system", {"session_id": "reader"}),
        ("KILL QUERY WHERE 1", {}),
        ("SHOW PROCESSLIST", {}),
        ("SHOW CREATE TABLE airis_keys", {}),
        ("DESCRIBE TABLE url('http://127.0.0.1')", {}),
        ("EXPLAIN ESTIMATE SELECT count() FROM otel_logs", {}),
        ("EXPLAIN SELECT * FROM airis_keys", {}),
        ("SYSTEM SHUTDOWN", {}),
        ("BACKUP TABLE otel_logs TO Memory('x')", {}),
        ("SELECT 1 INTO OUTFILE '/tmp/airis-outfile'", {}),
    ],
)
def test_what_a_reader_may_not(reader: Front, sql: str, values: dict[str, str]) -> None:
    answer = reader.ask(sql, **values)
    assert answer.status_code >= 400, answer.text
    assert "X-ClickHouse-Exception-Code" in answer.headers


@pytest.mark.parametrize(
    "sql",
    [
        "SHOW TABLES",
        "SHOW DATABASES",
        "DESCRIBE otel_logs",
        "EXISTS otel_logs",
        "EXPLAIN SELECT count() FROM otel_logs",
    ],
)
def test_what_clients_ask_a_reader_may_ask(reader: Front, sql: str) -> None:
    assert reader.text(sql)


def test_clickhouse_connect_with_a_readers_key(reader: Front) -> None:
    with reader.client() as client:
        client.command("SET max_threads = 1")
        assert client.query("SELECT count(), getSetting('max_threads') FROM otel_logs").result_rows == [
            (3, 1)
        ]
        assert client.query_arrow("SELECT Body FROM otel_logs").num_rows == 3


@pytest.mark.parametrize(("asked", "given"), [("1000", "1000"), ("0", None), ("99999999999999", None)])
@pytest.mark.parametrize("name", ["max_result_bytes", "max_memory_usage", "max_rows_to_read"])
def test_limits_can_be_tightened_and_never_widened(
    reader: Front, admin: Front, name: str, asked: str, given: str | None
) -> None:
    for caller in (reader, admin):
        standing = caller.text(f"SELECT getSetting('{name}')")
        expected = standing if given is None else f"{given}\n"
        limits = {"max_memory_usage": "100000"} if name == "max_memory_usage" and given else {name: asked}
        if name == "max_memory_usage" and given:
            expected = "100000\n"
        assert caller.text(f"SELECT getSetting('{name}')", **limits) == expected


def test_sessions_of_two_keys_are_two_sessions(reader: Front, admin: Front) -> None:
    admin.text("SET max_threads = 1", session_id="same")
    assert reader.text("SELECT getSetting('max_threads')", session_id="same") != "1\n"


def test_a_writer_has_tables_of_its_own(writer: Front, reader: Front) -> None:
    writer.text("CREATE TABLE mine (a UInt64) ENGINE = MergeTree ORDER BY a")
    writer.text("INSERT INTO mine VALUES (1), (2)")
    writer.text("INSERT INTO mine SELECT count() FROM otel_logs")
    assert writer.text("SELECT sum(a) FROM mine") == f"{3 + ROWS['default']}\n"
    assert reader.ask("SELECT * FROM mine").status_code == 403
    writer.text("DROP TABLE mine")


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO otel_logs (Body) VALUES ('x')",
        "INSERT INTO x SELECT * FROM airis_keys",
        "INSERT INTO FUNCTION null('a UInt8') VALUES (1)",
        "CREATE VIEW v AS SELECT * FROM otel_logs",
        "CREATE MATERIALIZED VIEW v ENGINE = Memory AS SELECT * FROM otel_logs",
        "CREATE TABLE x AS url('http://127.0.0.1')",
        "CREATE TABLE x ENGINE = Memory AS SELECT * FROM airis_keys",
        "CREATE TABLE x (a UInt8) ENGINE = MergeTree ORDER BY a SETTINGS disk = 'x'",
        "DROP TABLE mine, otel_logs",
        "ALTER TABLE mine ATTACH PARTITION ID 'all' FROM otel_logs",
        "ALTER TABLE mine DELETE WHERE a IN (SELECT 1)",
        "ALTER TABLE mine FREEZE",
        "ALTER TABLE mine MODIFY SETTING merge_with_ttl_timeout = 1",
        "RENAME TABLE otel_logs TO x",
        "CREATE DATABASE x",
        "CREATE USER x",
    ],
)
def test_what_a_writer_may_not(writer: Front, sql: str) -> None:
    assert writer.ask(sql).headers.get("X-ClickHouse-Exception-Code") in ("497", "48")


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE k (a UInt8) ENGINE = Kafka SETTINGS kafka_broker_list = 'x'",
        "CREATE TABLE k (a UInt8) ENGINE = URL('http://127.0.0.1')",
        "CREATE DATABASE d ENGINE = SQLite('x')",
        "CREATE DICTIONARY d (a UInt64) PRIMARY KEY a SOURCE(FILE(path 'x' format 'CSV')) LAYOUT(FLAT())",
        "ATTACH TABLE x FROM '/etc' (a UInt8) ENGINE = MergeTree ORDER BY a",
        "SELECT file('/etc/hostname')",
        "SELECT * FROM file('/etc/passwd', 'LineAsString')",
        "INSERT INTO FUNCTION file('x', 'CSV', 'a UInt8') SELECT 1",
        "SELECT * FROM executable('x', 'CSV', 'a UInt8')",
        "SYSTEM SHUTDOWN",
    ],
)
def test_what_nobody_may(platform: Front, sql: str) -> None:
    answer = platform.ask(sql)
    assert (answer.status_code, answer.headers["X-ClickHouse-Exception-Code"]) == (501, "48")
