"""Bodies that stall, places that one caller would keep, web pages that reach for an open store."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, cast

import pytest

from airis_ray.store.embedded.access import PLATFORM
from airis_ray.store.embedded.engine import Engine
from airis_ray.store.embedded.errors import ClickHouseError
from airis_ray.store.embedded.keyring import StoreKeys
from airis_ray.store.embedded.lanes import is_look_up
from airis_ray.store.embedded.request import Body
from airis_ray.store.embedded.running import Lane
from airis_ray.store.embedded.statement import parse
from tests.support.virtual import run


class Sender:
    """A client that sends what it is given, and then nothing."""

    def __init__(self, *chunks: bytes) -> None:
        self._chunks = list(chunks)
        self.stalled = asyncio.Event()

    async def __call__(self) -> dict[str, Any]:
        if not self._chunks:
            self.stalled.set()
            await asyncio.Event().wait()
        return {"type": "http.request", "body": self._chunks.pop(0), "more_body": True}


async def test_a_body_that_stalls_is_given_up() -> None:
    body = Body(Sender(b"1"), idle=0.01)
    assert await body.next() == b"1"
    with pytest.raises(ClickHouseError, match=r"nothing more of the body arrived for 0\.01 s") as raised:
        await body.next()
    assert (raised.value.code, raised.value.status) == (209, 408)


def test_a_body_that_drips_is_given_up() -> None:
    async def drip() -> dict[str, Any]:
        await asyncio.sleep(29)
        return {"type": "http.request", "body": b"1", "more_body": True}

    async def read() -> float:
        body = Body(drip)
        assert await body.next() == b"1"
        with pytest.raises(
            ClickHouseError, match=r"1 bytes of the body in 30 s .* at least 4096 bytes a second"
        ):
            await body.next()
        return asyncio.get_running_loop().time()

    assert 30 <= run(read()) < 31


def test_a_body_may_pause_and_be_slow() -> None:
    chunks = iter([(20.0, b"1")] + [(4.0, bytes(20_000))] * 50)

    async def steady() -> dict[str, Any]:
        seconds, data = next(chunks, (0.0, b""))
        await asyncio.sleep(seconds)
        return {"type": "http.request", "body": data, "more_body": bool(data)}

    async def read() -> int:
        body, size = Body(steady), 0
        while data := await body.next():
            size += len(data)
        return size

    assert run(read()) == 1_000_001


async def test_who_waits_for_a_body_is_told_when_the_statement_is_stopped() -> None:
    sender = Sender()
    body = Body(sender)
    waiting = asyncio.ensure_future(body.next())
    await sender.stalled.wait()
    body.stop()
    for attempt in (waiting, asyncio.ensure_future(body.next())):
        with pytest.raises(ClickHouseError, match="cancelled before its data") as raised:
            await asyncio.wait_for(attempt, 5)
        assert raised.value.code == 394


async def test_one_owner_leaves_a_place_to_the_others() -> None:
    lane = Lane(3, each=2, wait=0.01)
    async with lane.place("a"), lane.place("a"):
        with pytest.raises(ClickHouseError) as raised:
            async with lane.place("a"):
                pass
        assert raised.value.code == 202
        async with lane.place("b"):
            with pytest.raises(ClickHouseError, match="no place became free"):
                await lane.place("b").__aenter__()
    async with AsyncExitStack() as stack:
        for _ in range(3):
            await stack.enter_async_context(lane.place(None))


async def test_what_waits_for_its_own_share_is_in_nobodys_way() -> None:
    lane = Lane(2, each=1)
    async with lane.place("a"):
        second = lane.place("a")
        waiting = asyncio.ensure_future(second.__aenter__())
        await asyncio.sleep(0)
        async with asyncio.timeout(5), lane.place("b"):
            assert not waiting.done()
    await asyncio.wait_for(waiting, 5)
    await second.__aexit__(None, None, None)


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT 1", True),
        ("SELECT Id FROM airis_keys FINAL WHERE Id = {id:String}", True),
        ("SELECT * FROM (SELECT Id FROM airis_keys) LEFT JOIN otel_logs USING (Id)", False),
        ("SELECT count() FROM otel_traces", False),
        ("SELECT count() FROM numbers(1000)", False),
        ("SHOW TABLES", False),
    ],
)
def test_look_ups_are_known(sql: str, expected: bool) -> None:
    assert is_look_up(parse(sql.encode(), complete=True)) is expected


async def test_a_store_that_is_open_to_all_is_not_open_to_web_pages(tmp_path: Path) -> None:
    # The engine is asked for keys alone, and nobody's is looked up here.
    keys = StoreKeys(
        cast("Engine", None), store_key="own", admin_file=tmp_path / "admin.key", open_to_all=True
    )
    for headers in ({}, {"host": "127.0.0.1:8123"}, {"host": "localhost", "origin": "http://localhost:3000"}):
        assert await keys.verify(None, headers) is not None
    foreign = {"host": "127.0.0.1:8123", "origin": "https://evil.example"}
    for headers in (foreign, {"host": "evil.example:8123"}, {"host": "127.0.0.1:8123", "origin": "null"}):
        with pytest.raises(ClickHouseError) as raised:
            await keys.verify(None, headers)
        assert raised.value.status == 403
    assert await keys.verify("own", foreign) is PLATFORM
