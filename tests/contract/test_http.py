"""ClickHouse's HTTP interface as curl sees it."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import suppress

import httpx
import pytest

from tests.contract.conftest import Front


def test_ping_needs_no_key(front: Front) -> None:
    answer = front.http.get("/ping", headers={"X-ClickHouse-Key": "wrong"})
    assert (answer.status_code, answer.text) == (200, "Ok.\n")


def test_the_query_is_in_the_url_in_the_body_or_in_both(front: Front) -> None:
    assert front.http.get("/", params={"query": "SELECT 1"}).text == "1\n"
    assert front.text("SELECT 1") == "1\n"
    assert front.text("1 + 1", query="SELECT") == "2\n"
    assert front.text("SELECT 1;") == "1\n"


def test_headers_describe_the_answer(front: Front) -> None:
    answer = front.ask("SELECT number FROM numbers(3) FORMAT JSONCompact", query_id="contract-headers")
    assert answer.headers["X-ClickHouse-Query-Id"] == "contract-headers"
    assert answer.headers["X-ClickHouse-Format"] == "JSONCompact"
    assert answer.headers["X-ClickHouse-Timezone"]
    assert answer.headers["X-ClickHouse-Server-Display-Name"]
    assert answer.headers["Content-Type"].startswith("application/json")


def test_query_ids_are_made_where_none_is_given(front: Front) -> None:
    first, second = (front.ask("SELECT 1").headers["X-ClickHouse-Query-Id"] for _ in range(2))
    assert first
    assert second
    assert first != second


def test_the_summary_tells_the_cost(front: Front, table: str) -> None:
    written = front.ask(f"INSERT INTO {table} (id) VALUES (1), (2), (3)")
    assert json.loads(written.headers["X-ClickHouse-Summary"])["written_rows"] == "3"
    read = front.ask(f"SELECT * FROM {table}", wait_end_of_query="1")
    summary = json.loads(read.headers["X-ClickHouse-Summary"])
    assert (summary["read_rows"], summary["result_rows"]) == ("3", "3")
    assert int(summary["read_bytes"]) > 0
    assert int(summary["elapsed_ns"]) > 0


@pytest.mark.parametrize(
    ("sql", "code", "status"),
    [
        ("SELECT * FROM not_there", "60", 404),
        ("SELECT not_there", "47", 404),
        ("SELECT not_there()", "46", 404),
        ("SELEC 1", "62", 400),
        ("SELECT 1; SELECT 2", "62", 400),
        ("SELECT toDate('x', 'y', 'z', 'w')", "42", 500),
        ("SELECT 1 FORMAT NotThere", "73", 404),
        ("SELECT 1 SETTINGS not_there = 1", "115", 404),
        ("SELECT throwIf(1)", "395", 500),
        ("SELECT * FROM numbers(100) SETTINGS max_rows_to_read = 10", "158", 500),
        ("SELECT 1 INTO OUTFILE '/tmp/x'", "48", 501),
        ("SELECT {a:UInt8}", "456", 500),
        ("INSERT INTO not_there FORMAT CSV 1", "60", 404),
    ],
)
def test_errors_have_clickhouses_numbers(front: Front, sql: str, code: str, status: int) -> None:
    answer = front.ask(sql)
    assert answer.headers["X-ClickHouse-Exception-Code"] == code
    assert answer.status_code == status
    assert answer.text.startswith(f"Code: {code}. DB::Exception: ")


def test_bad_data_are_refused_and_nothing_is_inserted(front: Front, table: str) -> None:
    answer = front.ask(f"INSERT INTO {table} (id) FORMAT CSV\n1\ntwo\n")
    assert answer.status_code == 400
    assert answer.headers["X-ClickHouse-Exception-Code"] in ("27", "72", "117")
    assert front.text(f"SELECT count() FROM {table}") == "0\n"


def test_settings_come_from_the_url_for_one_query(front: Front) -> None:
    assert front.text("SELECT getSetting('max_block_size')", max_block_size="4321") == "4321\n"
    assert front.text("SELECT getSetting('max_block_size')") != "4321\n"
    assert front.ask("SELECT 1", not_there="1").headers["X-ClickHouse-Exception-Code"] == "115"


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("UInt8", "5", "5"),
        ("String", "it's \\\\ 한글", "it's \\ 한글"),
        ("Array(String)", "['a','b\\'c']", "['a','b\\'c']"),
        ("Nullable(String)", "\\N", "\\N"),
        ("DateTime64(9)", "2026-01-02 03:04:05.123456789", "2026-01-02 03:04:05.123456789"),
        ("Map(String, UInt8)", "{'a':1}", "{'a':1}"),
    ],
)
def test_parameters_are_bound_by_type(front: Front, kind: str, value: str, expected: str) -> None:
    answer = front.text(f"SELECT {{value:{kind}}} FORMAT TSVRaw", param_value=value)
    assert answer == f"{expected}\n"


def test_database_and_default_format(front: Front) -> None:
    assert front.text("SELECT currentDatabase()", database="system") == "system\n"
    assert front.text("SELECT 1 AS x", default_format="JSONEachRow") == '{"x":1}\n'
    assert front.ask("SELECT 1", database="not_there").headers["X-ClickHouse-Exception-Code"] == "81"


def test_a_get_writes_nothing(front: Front, table: str) -> None:
    answer = front.http.get("/", params={"query": f"INSERT INTO {table} (id) VALUES (1)"})
    assert answer.headers["X-ClickHouse-Exception-Code"] == "164"
    assert front.text(f"SELECT count() FROM {table}") == "0\n"


@pytest.mark.parametrize("separator", [" ", "\n", "\r\n", "  \n"])
def test_data_follow_the_statement_in_one_body(front: Front, table: str, separator: str) -> None:
    front.text(f"INSERT INTO {table} (id, name) FORMAT CSV{separator}1,FORMAT\n2,x\n")
    assert front.text(f"SELECT id, name FROM {table} ORDER BY id") == "1\tFORMAT\n2\tx\n"


def test_the_statement_in_the_url_takes_the_body_as_data(front: Front, table: str) -> None:
    front.text("1\n2\n3\n", query=f"INSERT INTO {table} (id) FORMAT TSV")
    front.text("(4),(5)", query=f"INSERT INTO {table} (id) VALUES")
    assert front.text(f"SELECT sum(id) FROM {table}") == "15\n"


def test_the_same_token_twice_inserts_once(front: Front, table: str) -> None:
    for _ in range(2):
        front.text(f"INSERT INTO {table} (id) FORMAT CSV\n1\n", insert_deduplication_token="one")
    front.text(f"INSERT INTO {table} (id) FORMAT CSV\n1\n", insert_deduplication_token="two")
    assert front.text(f"SELECT count() FROM {table}") == "2\n"


def test_sessions_keep_settings_and_temporary_tables(front: Front) -> None:
    session = {"session_id": "contract-session"}
    front.text("SET max_block_size = 1234", **session)
    front.text("CREATE TEMPORARY TABLE mine (a UInt8)", **session)
    front.text("INSERT INTO mine VALUES (7)", **session)
    assert front.text("SELECT a, getSetting('max_block_size') FROM mine", **session) == "7\t1234\n"
    assert front.text("SELECT getSetting('max_block_size')", max_block_size="99", **session) == "99\n"
    assert front.text("SELECT getSetting('max_block_size')", **session) == "1234\n"
    assert front.ask("SELECT a FROM mine").headers["X-ClickHouse-Exception-Code"] == "60"
    front.text("USE system", **session)
    assert front.text("SELECT currentDatabase()", **session) == "system\n"


def test_a_session_that_must_exist(front: Front) -> None:
    answer = front.ask("SELECT 1", session_id="never-seen", session_check="1")
    assert answer.headers["X-ClickHouse-Exception-Code"] == "372"


def test_forms_carry_the_query_and_its_parameters(front: Front) -> None:
    fields = {"query": (None, "SELECT {x:String}"), "param_x": (None, "한글")}
    assert front.http.post("/", files=fields).text == "한글\n"


def test_an_error_in_the_middle_is_marked_and_the_answer_breaks_off(front: Front) -> None:
    sql = "SELECT number, throwIf(number = 5000000) FROM numbers(10000000) FORMAT TSV"
    received = b""
    with front.http.stream("POST", "/", content=sql, params={"max_block_size": "65536"}) as answer:
        assert answer.status_code == 200
        tag = answer.headers["X-ClickHouse-Exception-Tag"]
        with suppress(httpx.RemoteProtocolError):  # the end is missing, so that nobody takes it for whole
            for piece in answer.iter_raw():
                received = received[-4096:] + piece
    assert b"__exception__\r\n" + tag.encode() in received
    assert b"Code: 395" in received


def test_long_data_are_taken_as_they_come(front: Front, table: str) -> None:
    def rows() -> Iterator[bytes]:
        for start in range(0, 1_000_000, 10_000):
            yield b"".join(b"%d,%s\n" % (number, b"x" * 30) for number in range(start, start + 10_000))

    answer = front.http.post(
        "/", params={"query": f"INSERT INTO {table} (id, name) FORMAT CSV"}, content=rows()
    )
    assert answer.status_code == 200, answer.text
    assert front.text(f"SELECT count(), max(id) FROM {table}") == "1000000\t999999\n"


@pytest.mark.parametrize("size", [100, 20 << 20])
def test_a_client_that_leaves_in_the_middle_of_its_data_holds_no_place(
    front: Front, table: str, size: int
) -> None:
    head = (
        f"POST /?query=INSERT+INTO+{table}+(id)+FORMAT+CSV HTTP/1.1\r\nHost: x\r\nContent-Length: {size + 100}\r\n"
        f"X-ClickHouse-User: {front.user}\r\nX-ClickHouse-Key: {front.key}\r\n\r\n"
    )
    for _ in range(5):
        with socket.create_connection((front.host, front.port), timeout=30) as connection:
            connection.sendall(head.encode() + b"1\n" * (size // 2))
    front.text(f"INSERT INTO {table} (id) VALUES (7)")
    assert front.text(f"SELECT countIf(id = 7) FROM {table}") == "1\n"
