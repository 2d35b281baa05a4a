"""Which data of INSERT … VALUES the engine may evaluate."""

from __future__ import annotations

import asyncio
import gzip
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airis_ray.store.embedded.request import Request
from airis_ray.store.embedded.source import read_source
from airis_ray.store.embedded.values import may_be_evaluated


@pytest.mark.parametrize(
    "data",
    [
        "(1, 'a', -2.5, NULL), (2, 'it\\'s', 1e3, DEFAULT)",
        "(now(), now64(9), today(), NULL)",
        "(NOW() - INTERVAL 5 MINUTE, subtractHours(now(), 3), toDateTime64('2026-01-01', 9))",
        "(map('a', 'b'), {'a': 'b'}, ['x', 'y'], array(1, 2), 2 * (3 + 4))\n",
        "('서버', '-- no comment', '/* nor this */', 'file(1)')",
    ],
)
def test_harmless(data: str) -> None:
    assert may_be_evaluated(data.encode())


@pytest.mark.parametrize(
    "data",
    [
        "(file('/etc/passwd'))",
        "(toString(file('/etc/passwd')))",
        "((SELECT 1))",
        "(now)",
        "(`now`())",
        '("now"())',
        "(toString(`file`('x')))",
        "(getSetting('x'))",
        "({x:Identifier})",
        "(1) -- a comment",
        "(1 /* ' */, '2')",
        "(1); SELECT 1",
        "('\\x27', 'a')",
        "('a''b')",
        "(x'61')",
        "(arrayMap(x -> 1, [1]))",
        "(now()::String)",
        "(sleep(3))",
        "('open",
    ],
)
def test_in_doubt(data: str) -> None:
    assert not may_be_evaluated(data.encode())


def test_no_utf8() -> None:
    assert not may_be_evaluated(b"('\xff')")


async def _held(chunks: list[bytes], limit: int, **headers: str) -> tuple[bytes | None, bytes]:
    """What is held of an INSERT that comes in these chunks, and what is read afterwards."""
    messages = [{"type": "http.request", "body": data, "more_body": True} for data in chunks]
    messages.append({"type": "http.request", "body": b"", "more_body": False})

    async def receive() -> dict[str, Any]:
        return messages.pop(0)

    scope = {
        "method": "POST",
        "path": "/",
        "query_string": b"",
        "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()],
    }
    source = await read_source(Request.of(scope, receive))
    assert source is not None
    held = source.held(limit)
    loop = asyncio.get_running_loop()
    return held, await asyncio.to_thread(lambda: b"".join(source.blocks(loop)))


@settings(deadline=None, max_examples=40)  # it waits for a thread
@given(rows=st.integers(1, 40), cuts=st.lists(st.integers(0, 200), max_size=5), packed=st.booleans())
def test_looking_at_the_data_loses_none(rows: int, cuts: list[int], packed: bool) -> None:
    data = b" (now())" * rows
    body = b"INSERT INTO t VALUES" + data
    body = gzip.compress(body) if packed else body
    places = sorted({min(cut, len(body)) for cut in cuts} | {0, len(body)})
    chunks = [body[start:end] for start, end in pairwise(places)]
    for limit in (100, 1000):
        encoding = {"content_encoding": "gzip"} if packed else {}
        held, read = asyncio.run(_held(chunks, limit, **encoding))
        assert read == data
        assert held == (data if len(data) <= limit else None)
