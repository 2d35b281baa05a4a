"""Sessions, the channel between threads and loop, the folder and the port."""

from __future__ import annotations

import asyncio
import socket
import threading
from functools import partial
from pathlib import Path

import pytest

from airis_ray.errors import InvalidInput, Unavailable
from airis_ray.store.embedded.channel import Channel, Closed
from airis_ray.store.embedded.errors import ClickHouseError, from_engine
from airis_ray.store.embedded.folder import check_data_dir, listen
from airis_ray.store.embedded.sessions import Sessions


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


async def test_a_session_lasts_from_request_to_request_and_then_ends() -> None:
    clock = Clock()
    sessions = Sessions(clock=clock)
    async with sessions.enter("owner", "name", lasting=60, must_exist=False) as session:
        session.settings["a"] = "1"
    clock.now = 59
    async with sessions.enter("owner", "name", lasting=60, must_exist=True) as session:
        assert session.settings == {"a": "1"}
    async with sessions.enter("another", "name", lasting=60, must_exist=False) as session:
        assert session.settings == {}
    clock.now = 200
    with pytest.raises(ClickHouseError) as raised:
        async with sessions.enter("owner", "name", lasting=60, must_exist=True):
            pass
    assert raised.value.code == 372


async def test_a_session_takes_one_request_at_a_time() -> None:
    sessions = Sessions()
    async with sessions.enter("owner", "name", lasting=60, must_exist=False):
        with pytest.raises(ClickHouseError) as raised:
            async with sessions.enter("owner", "name", lasting=60, must_exist=False):
                pass
        assert raised.value.code == 373
    async with sessions.enter("owner", "name", lasting=60, must_exist=True):
        pass


async def test_requests_without_a_session_share_nothing() -> None:
    sessions = Sessions()
    once = partial(sessions.enter, "owner", "", lasting=60, must_exist=False)
    async with once() as first, once() as second:
        assert first is not second


async def test_a_channel_keeps_the_order_and_holds_the_writer_back() -> None:
    loop = asyncio.get_running_loop()
    channel: Channel[int] = Channel(loop, depth=2)
    put: list[int] = []

    def work() -> None:
        for number in range(10):
            channel.put(number)
            put.append(number)

    thread = threading.Thread(target=work)
    thread.start()
    assert await channel.get() == 0
    assert len(put) <= 4
    assert [await channel.get() for _ in range(9)] == list(range(1, 10))
    await loop.run_in_executor(None, thread.join, 5)


async def test_a_closed_channel_ends_the_writer() -> None:
    loop = asyncio.get_running_loop()
    channel: Channel[int] = Channel(loop, depth=1)
    ended = threading.Event()

    def work() -> None:
        try:
            while True:
                channel.put(1)
        except Closed:
            ended.set()

    thread = threading.Thread(target=work)
    thread.start()
    await channel.get()
    channel.close()
    assert await loop.run_in_executor(None, ended.wait, 5)
    thread.join(5)


def test_a_folder_has_one_owner(tmp_path: Path) -> None:
    lock = check_data_dir(tmp_path / "data")
    with pytest.raises(Unavailable, match="owned by another running instance"):
        check_data_dir(tmp_path / "data")
    lock.release()
    check_data_dir(tmp_path / "data").release()


def test_a_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    with pytest.raises(InvalidInput, match="cannot be written"):
        check_data_dir(tmp_path / "data")


def test_a_port_in_use() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(InvalidInput, match=f"port {port} on 127.0.0.1 is in use"):
            listen(port)


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ("Code: 60. DB::Exception: Table x. (UNKNOWN_TABLE)", 60, "Table x. (UNKNOWN_TABLE)"),
        (
            "Code: 73. DB::Exception: Code: 73. DB::Exception: No. (X) (version 26.9.2.1). (X)",
            73,
            "No. (X)",
        ),
        (
            "send_insert does not support INSERT ... SELECT",
            48,
            "send_insert does not support INSERT ... SELECT. (UNKNOWN_EXCEPTION)",
        ),
        ("something else", 1002, "something else. (UNKNOWN_EXCEPTION)"),
    ],
)
def test_the_engines_errors(text: str, code: int, message: str) -> None:
    problem = from_engine(text)
    assert (problem.code, str(problem)) == (code, message)
