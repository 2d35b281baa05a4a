from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from starlette.types import Message, Receive

from airis_ray.errors import AirisError, TooLarge, TooSlow, Unavailable
from airis_ray.web import arrival
from airis_ray.web.arrival import bounded
from tests.support.virtual import run
from tests.unit.web.conftest import client_of, demo_app, guard_of


def _body(*pieces: bytes, more: bool = False) -> Receive:
    left = list(pieces)

    async def receive() -> Message:
        if not left:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": left.pop(0), "more_body": more or bool(left)}

    return receive


def _slow(every: float, piece: int) -> Receive:
    async def receive() -> Message:
        await asyncio.sleep(every)
        return {"type": "http.request", "body": bytes(piece), "more_body": True}

    return receive


async def _read(receive: Receive, limit: int = 1 << 20) -> float:
    whole = bounded(receive, limit)
    while (await whole()).get("more_body"):
        pass
    return asyncio.get_running_loop().time()


@pytest.mark.parametrize(
    ("every", "piece", "error", "says", "after"),
    [
        (1.0, 1, TooSlow, "10 bytes of the body arrived within 10 s; expected at least 4096 bytes", 10),
        (9.9, 4096, TooSlow, "4096 bytes of the body arrived within 11 s", 11),
        (60.0, 1, TooSlow, "0 bytes of the body arrived within 10 s", 10),
        (1.0, 20_000, Unavailable, "did not arrive within 30 s; send the request again", 30),
    ],
)
def test_a_body_that_does_not_arrive_is_given_up(
    every: float, piece: int, error: type[AirisError], says: str, after: float
) -> None:
    async def scenario() -> float:
        with pytest.raises(error, match=says):
            await _read(_slow(every, piece))
        return asyncio.get_running_loop().time()

    assert run(scenario()) == pytest.approx(after, abs=0.1)


def test_a_body_over_the_limit_is_too_large() -> None:
    run(_read(_body(b"x" * 6, b"y" * 4), limit=10))
    with pytest.raises(TooLarge, match="more than the 9 bytes"):
        run(_read(_body(b"x" * 6, b"y" * 4), limit=9))


def test_who_has_sent_all_may_wait_for_the_answer_as_long_as_it_takes() -> None:
    async def scenario() -> tuple[str, float]:
        first = _body(b"{}")
        calls = 0

        async def receive() -> Message:
            nonlocal calls
            calls += 1
            if calls > 1:
                await asyncio.sleep(3600)
            return await first()

        whole = bounded(receive, 10)
        await whole()
        return (await whole())["type"], asyncio.get_running_loop().time()

    assert run(scenario()) == ("http.disconnect", 3600)


async def test_a_json_body_that_stops_in_its_middle_gets_408(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrival, "PAUSE_SECONDS", 0.0)
    never = asyncio.Event()

    async def stops() -> AsyncIterator[bytes]:
        yield b'{"name": '
        await never.wait()

    client: Any = client_of(demo_app(guard_of()))
    for path in ("/raw", "/things/1"):
        answer = await client.post(path, content=stops(), headers={"content-type": "application/json"})
        assert answer.status_code == 408, answer.text
        assert "bytes of the body arrived" in answer.json()["detail"]
