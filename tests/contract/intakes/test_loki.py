"""Two of Loki's clients for Python send to us, and its protobuf form arrives."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import cramjam
import httpx
import pytest
from logging_loki import LokiHandler
from loki_logger_handler.loki_logger_handler import LokiLoggerHandler

from airis_ray.telemetry.protobufs import messages
from tests.contract.intakes.conftest import Site

PUSH = messages(
    "test.loki",
    {
        "Timestamp": "int64 seconds = 1; int32 nanos = 2;",
        "LabelPair": "string name = 1; string value = 2;",
        "Entry": "Timestamp timestamp = 1; string line = 2; repeated LabelPair structuredMetadata = 3;",
        "Stream": "string labels = 1; repeated Entry entries = 2; uint64 hash = 3;",
        "PushRequest": "repeated Stream streams = 1; string format = 2;",
    },
)


@contextmanager
def logger(handler: logging.Handler) -> Iterator[logging.Logger]:
    """A logger of one handler, which is flushed and closed at the end."""
    found = logging.getLogger(f"test.{time.monotonic_ns()}")
    found.propagate = False
    found.setLevel(logging.DEBUG)
    found.addHandler(handler)
    yield found
    found.removeHandler(handler)
    handler.close()


@pytest.mark.parametrize("version", ["0", "1"])
async def test_python_logging_loki(site: Site, version: str) -> None:
    def send() -> None:
        url = f"{site.url}/loki/api/v1/push"
        handler = LokiHandler(url, tags={"app": "shop"}, auth=("any", site.key), version=version)
        with logger(handler) as log:
            log.warning('재고 부족 "sku-1"')
            log.error("failed", extra={"tags": {"customer": 'a "b"'}})

    await asyncio.to_thread(send)
    rows = await site.logs()
    assert [row["Body"] for row in rows] == ['재고 부족 "sku-1"', "failed"]
    assert [row["SeverityText"] for row in rows] == ["warning", "error"]
    assert [row["SeverityNumber"] for row in rows] == [13, 17]
    assert {row["ServiceName"] for row in rows} == {"shop"}
    assert rows[1]["ResourceAttributes"]["customer"] == 'a "b"'
    assert abs(rows[0]["Timestamp"].timestamp() - time.time()) < 60


@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "gzip"])
async def test_loki_logger_handler(site: Site, compressed: bool) -> None:
    def send() -> None:
        handler = LokiLoggerHandler(
            url=f"{site.url}/loki/api/v1/push",
            labels={"service_name": "cart"},
            timeout=3600,
            compressed=compressed,
            auth=("any", site.key),
            enable_structured_loki_metadata=True,
            loki_metadata={"zone": "kr-1"},
            loki_metadata_keys=["zone"],
        )
        with logger(handler) as log:
            for i in range(5):
                log.info("item %d", i)
            handler.flush_event.set()  # its thread sends, and does not tell when it has

    await asyncio.to_thread(send)
    rows = await site.arrived("otel_logs")
    assert sorted(row["Body"] for row in rows) == [f"item {i}" for i in range(5)]
    assert {row["ServiceName"] for row in rows} == {"cart"}
    assert {row["SeverityNumber"] for row in rows} == {9}
    assert {row["LogAttributes"]["zone"] for row in rows} == {"kr-1"}


@pytest.mark.parametrize("header", [{}, {"content-encoding": "snappy"}], ids=["bare", "named"])
async def test_protobuf_as_promtail_sends_it(site: Site, header: dict[str, str]) -> None:
    request: Any = PUSH["PushRequest"]()
    stream = request.streams.add(labels='{app="a\\"b", job="varlogs", path=`C:\\x`}', hash=7)
    at = time.time_ns()
    entry = stream.entries.add(line="level=error msg=boom")
    entry.timestamp.seconds, entry.timestamp.nanos = divmod(at, 10**9)
    entry.structuredMetadata.add(name="trace_id", value="0af7651916cd43dd8448eb211c80319c")
    body = bytes(cramjam.snappy.compress_raw(request.SerializeToString()))
    headers = {"content-type": "application/x-protobuf", "authorization": f"Bearer {site.key}", **header}
    async with httpx.AsyncClient() as client:
        answer = await client.post(f"{site.url}/loki/api/v1/push", content=body, headers=headers)
        ready = await client.get(f"{site.url}/loki/ready", headers=headers)
    assert (answer.status_code, answer.content) == (204, b"")
    assert ready.text == "ready\n"
    (row,) = await site.logs()
    assert row["ServiceName"] == 'a"b'
    assert row["ResourceAttributes"]["path"] == "C:\\x"
    assert row["TraceId"] == "0af7651916cd43dd8448eb211c80319c"
    assert row["SeverityText"] == "error"
    assert int(row["Timestamp"].timestamp()) == at // 10**9


async def test_lines_out_of_time_are_told_and_their_neighbours_kept(site: Site) -> None:
    values = [[str(time.time_ns()), "new"], ["1000000000", "of 1970"]]
    document = {"streams": [{"stream": {"app": "old"}, "values": values}]}
    async with httpx.AsyncClient(auth=("any", site.key)) as client:
        answer = await client.post(f"{site.url}/loki/api/v1/push", json=document)
    assert answer.status_code == 400
    assert answer.headers["content-type"].startswith("text/plain")
    assert "1 records lie outside" in answer.text
    assert [row["Body"] for row in await site.logs()] == ["new"]
