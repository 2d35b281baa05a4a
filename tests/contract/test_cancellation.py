"""A statement ends when its client leaves, when it is killed, and when it comes to a limit."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable

import httpx
import pytest

from tests.contract.conftest import Front

ENDLESS = "SELECT sum(sipHash64(number)) AS m_{} FROM system.numbers"
NO_LIMIT = {"max_rows_to_read": "0", "max_execution_time": "60"}
READING = {**NO_LIMIT, "cancel_http_readonly_queries_on_client_close": "1"}


def _within(seconds: float, condition: Callable[[], bool]) -> bool:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def _runs(front: Front, mark: str) -> bool:
    sql = f"SELECT count() FROM system.processes WHERE query LIKE '%{mark}%' AND query NOT LIKE '%system.processes%'"
    return front.text(sql) != "0\n"


def _start(front: Front, sql: str, **values: str) -> tuple[threading.Thread, list[httpx.Response]]:
    answers: list[httpx.Response] = []
    thread = threading.Thread(target=lambda: answers.append(front.ask(sql, **values)), daemon=True)
    thread.start()
    return thread, answers


def test_a_client_that_leaves_ends_its_query(front: Front) -> None:
    mark = uuid.uuid4().hex
    with pytest.raises(httpx.TimeoutException):
        front.http.post("/", content=ENDLESS.format(mark), params=READING, timeout=1)
    assert _within(10, lambda: not _runs(front, mark))


def test_a_client_that_leaves_a_stream_ends_its_query(front: Front) -> None:
    mark = uuid.uuid4().hex
    sql = f"SELECT number AS m_{mark} FROM system.numbers FORMAT TSV"
    with front.http.stream("POST", "/", content=sql, params=READING) as answer:
        pieces = answer.iter_raw()  # held: an iterator that is dropped closes the answer
        next(pieces)
        assert _runs(front, mark)
    assert _within(10, lambda: not _runs(front, mark))


def test_kill_query(front: Front) -> None:
    query_id = uuid.uuid4().hex
    mark = uuid.uuid4().hex
    thread, answers = _start(front, ENDLESS.format(mark), query_id=query_id, **NO_LIMIT)
    assert _within(10, lambda: _runs(front, mark))
    killed = front.text(f"KILL QUERY WHERE query_id = '{query_id}' SYNC FORMAT TSV")
    assert query_id in killed
    thread.join(10)
    assert answers[0].headers["X-ClickHouse-Exception-Code"] == "394"
    assert front.text(f"KILL QUERY WHERE query_id = '{query_id}'") == ""


def test_a_query_id_is_used_once_at_a_time(front: Front) -> None:
    query_id, mark = uuid.uuid4().hex, uuid.uuid4().hex
    thread, _ = _start(front, ENDLESS.format(mark), query_id=query_id, **NO_LIMIT)
    assert _within(10, lambda: _runs(front, mark))
    assert front.ask("SELECT 1", query_id=query_id).headers["X-ClickHouse-Exception-Code"] == "216"
    front.text(f"KILL QUERY WHERE query_id = '{query_id}' SYNC")
    thread.join(10)
    assert front.text("SELECT 1", query_id=query_id) == "1\n"


@pytest.mark.parametrize(
    ("limit", "value", "code"),
    [
        ("max_execution_time", "0.3", "159"),
        ("max_rows_to_read", "1000", "158"),
        ("max_memory_usage", "2000000", "241"),
        ("max_result_rows", "10", "396"),
        ("max_result_bytes", "100", "396"),
    ],
)
def test_limits(front: Front, limit: str, value: str, code: str) -> None:
    sql = "SELECT number, toString(number) AS s FROM numbers(300000000) ORDER BY s LIMIT 100000"
    answer = front.ask(
        sql if "result" not in limit else "SELECT number FROM numbers(100000)", **{limit: value}
    )
    assert answer.headers["X-ClickHouse-Exception-Code"] == code


def test_short_reads_do_not_wait_for_long_ones_and_writes(front: Front, table: str) -> None:
    marks = [uuid.uuid4().hex for _ in range(3)]
    running = [
        _start(front, ENDLESS.format(mark), query_id=mark, max_threads="1", **NO_LIMIT) for mark in marks
    ]
    insert = f"INSERT INTO {table} (id) SELECT sipHash64(number) FROM numbers(20000000)"
    writing, _ = _start(front, insert, query_id="writing", max_threads="1", max_rows_to_read="0")
    assert _within(10, lambda: all(_runs(front, mark) for mark in marks))
    started = time.monotonic()
    assert front.text("SELECT 1") == "1\n"
    assert time.monotonic() - started < 2
    for mark in [*marks, "writing"]:
        front.text(f"KILL QUERY WHERE query_id = '{mark}' SYNC")
    for thread, _ in running:
        thread.join(10)
    writing.join(30)
