"""Tabular answers over HTTP: JSON, Arrow, streaming."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pyarrow as pa
import pytest
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from airis_ray.analytics.tables import CURSOR_HEADER, Stats, table_answer
from airis_ray.store import Result
from airis_ray.web.arrow import ARROW_STREAM, arrow_answer, wants_arrow

TABLE = pa.table({"name": ["a", "b"], "n": pa.array([1, None], pa.int64())})


def request(*accept: str) -> Request:
    return Request({"type": "http", "headers": [(b"accept", each.encode()) for each in accept]})


async def body_of(response: Response) -> bytes:
    if isinstance(response, StreamingResponse):
        return b"".join([bytes(part) async for part in response.body_iterator])
    return bytes(response.body)


@pytest.mark.parametrize(
    ("accept", "arrow"),
    [
        ((), False),
        (("*/*",), False),
        (("application/json",), False),
        ((ARROW_STREAM,), True),
        (("application/json", ARROW_STREAM.upper()), True),
        ((f"text/html, {ARROW_STREAM};q=0.5",), True),
        ((f"{ARROW_STREAM}; q=0",), False),
    ],
)
def test_who_gets_arrow(accept: tuple[str, ...], arrow: bool) -> None:
    assert wants_arrow(request(*accept)) is arrow


async def test_json() -> None:
    stats = Stats.of(Result(TABLE, 5, 10, 0.5)) + Stats(1, 2, 0.25)
    answer = await table_answer(request(), TABLE, cursor="c", stats=stats)
    assert answer.headers["content-type"] == "application/json"
    assert await body_of(answer) == (
        b'{"columns":[{"name":"name","type":"string"},{"name":"n","type":"int64"}],"rows":[["a",1],["b",null]],'
        b'"cursor":"c","stats":{"rows_read":6,"bytes_read":12,"elapsed_ms":0.75}}'
    )


async def test_a_long_table_is_written_in_a_thread_and_the_same() -> None:
    table = pa.table({"n": list(range(2000))})
    body = await body_of(await table_answer(request(), table))
    assert body.count(b"],[") == 1999


async def test_arrow() -> None:
    answer = await table_answer(request(ARROW_STREAM), TABLE, cursor="c", stats=Stats(1, 2, 3))
    assert answer.headers[CURSOR_HEADER] == "c"
    assert answer.headers["content-type"] == ARROW_STREAM
    with pa.ipc.open_stream(await body_of(answer)) as reader:
        assert reader.schema.metadata[b"airis.stats"] == b'{"rows_read":1,"bytes_read":2,"elapsed_ms":3}'
        assert reader.read_all().to_pylist() == TABLE.to_pylist()


async def test_an_empty_table_has_its_schema() -> None:
    answer = await table_answer(request(ARROW_STREAM), TABLE.slice(0, 0))
    assert CURSOR_HEADER not in answer.headers
    with pa.ipc.open_stream(await body_of(answer)) as reader:
        assert reader.read_all().schema.remove_metadata() == TABLE.schema


async def test_batches_are_sent_as_they_come() -> None:
    made: list[int] = []

    async def batches() -> AsyncIterator[pa.RecordBatch]:
        for n in range(3):
            made.append(n)
            yield TABLE.to_batches()[0]

    answer = arrow_answer(TABLE.schema, batches())
    assert isinstance(answer, StreamingResponse)
    parts = aiter(answer.body_iterator)
    await anext(parts)
    assert made == []
    assert len(bytes(await anext(parts))) > 0
    assert made == [0]
