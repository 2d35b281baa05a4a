"""The embedded store as a process: what it keeps, and what it says when it cannot start."""

from __future__ import annotations

import socket
import threading
import time
from pathlib import Path

import httpx
import pytest

from tests.support.embedded_store import EmbeddedProcess, free_port


def _client(process: EmbeddedProcess) -> httpx.Client:
    return httpx.Client(
        base_url=process.url, headers={"X-ClickHouse-Key": process.key}, timeout=30, trust_env=False
    )


def _insert_until_it_dies(process: EmbeddedProcess, writer: int, acknowledged: list[int]) -> None:
    with _client(process) as client:
        number = writer * 1_000_000
        while True:
            number += 1
            rows = "".join(f"{number},{row}\n" for row in range(100))
            try:
                answer = client.post("/", params={"query": "INSERT INTO kept FORMAT CSV"}, content=rows)
            except httpx.HTTPError:
                return
            if answer.status_code == 200:
                acknowledged.append(number)


def test_kill_9_loses_no_acknowledged_row(tmp_path: Path) -> None:
    process = EmbeddedProcess(tmp_path).start()
    with _client(process) as client:
        create = "CREATE TABLE kept (batch UInt64, row UInt64) ENGINE = MergeTree ORDER BY batch"
        assert client.post("/", content=create).status_code == 200
    for _ in range(2):
        acknowledged: list[int] = []
        writers = [
            threading.Thread(target=_insert_until_it_dies, args=(process, writer, acknowledged))
            for writer in range(4)
        ]
        for thread in writers:
            thread.start()
        end = time.monotonic() + 20
        while len(acknowledged) < 60 and time.monotonic() < end:
            time.sleep(0.01)
        process.kill()
        for thread in writers:
            thread.join(30)
        process.start()
        with _client(process) as client:
            found = client.post("/", content="SELECT batch, count() FROM kept GROUP BY batch FORMAT TSV").text
            rows = dict(map(int, line.split("\t")) for line in found.splitlines())
            assert all(rows[batch] == 100 for batch in acknowledged)
            assert set(rows.values()) == {100}
            client.post("/", content="TRUNCATE TABLE kept")
    assert process.stop() == 0


def test_data_are_there_after_a_restart(tmp_path: Path) -> None:
    process = EmbeddedProcess(tmp_path).start()
    with _client(process) as client:
        client.post("/", content="CREATE TABLE kept ENGINE = MergeTree ORDER BY a AS SELECT 1 AS a")
    assert process.stop() == 0
    process.start()
    with _client(process) as client:
        assert client.post("/", content="SELECT a FROM kept").text == "1\n"
    process.stop()


def _complaint(process: EmbeddedProcess) -> str:
    started = process.launch()
    _, complaint = started.communicate(timeout=30)
    assert started.returncode == 1
    assert len(complaint.splitlines()) == 1, complaint
    return complaint


def test_a_folder_that_another_instance_owns(process: EmbeddedProcess) -> None:
    complaint = _complaint(EmbeddedProcess(process.data_dir, free_port()))
    assert f"is owned by another running instance (process {process.pid})" in complaint
    assert str(process.data_dir) in complaint


def test_a_port_in_use(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert f"port {port} on 127.0.0.1 is in use" in _complaint(EmbeddedProcess(tmp_path, port))


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    process = EmbeddedProcess(tmp_path)
    process.data_dir = tmp_path / "file" / "folder"
    assert "cannot be written" in _complaint(process)


@pytest.mark.parametrize(("name", "value"), [("AIRIS_STORE_PORTS", "1"), ("AIRIS_STORE_READERS", "many")])
def test_a_wrong_variable(tmp_path: Path, name: str, value: str) -> None:
    assert name in _complaint(EmbeddedProcess(tmp_path, None, **{name: value}))


def test_a_long_answer_is_not_held(process: EmbeddedProcess) -> None:
    sql = "SELECT number, toString(number) AS s, 'abcdefghijklmnopqrstuvwxyz' FROM numbers(10000000) FORMAT JSONEachRow"
    with _client(process) as client:
        client.post("/", content="SELECT 1")
        before, size, most = process.memory(), 0, 0
        with client.stream("POST", "/", content=sql, params={"max_result_bytes": "0"}) as answer:
            for piece in answer.iter_raw():
                size += len(piece)
                most = max(most, process.memory())
    assert size > 700_000_000
    assert most - before < 250_000_000
