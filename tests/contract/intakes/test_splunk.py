"""Two of Splunk's logging handlers send to us."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any

import httpx
import pytest
from splunk_handler import SplunkHandler
from splunk_hec_handler import SplunkHecHandler

from tests.contract.intakes.conftest import Site
from tests.contract.intakes.test_loki import logger

COLLECTOR = "splunk/services/collector"


async def test_splunk_handler(site: Site) -> None:
    def send() -> None:
        handler = SplunkHandler(
            host="127.0.0.1",
            port=site.port,
            token=site.key,
            index="main",
            hostname="web-1",
            source="/var/log/shop.log",
            sourcetype="_json",
            protocol="http",
            url=f"{site.url}/{COLLECTOR}/event",
            flush_interval=60,
        )
        handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
        with logger(handler) as log:
            for i in range(3):
                log.error("결제 실패 %d", i)
            handler.shutdown()

    await asyncio.to_thread(send)
    rows = await site.logs()
    assert [row["Body"] for row in rows] == [f"ERROR 결제 실패 {i}" for i in range(3)]
    assert {row["SeverityNumber"] for row in rows} == {17}
    resource = rows[0]["ResourceAttributes"]
    assert resource["host.name"] == "web-1"
    assert resource["com.splunk.source"] == "/var/log/shop.log"
    assert resource["com.splunk.index"] == "main"


async def test_splunk_hec_handler(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    pattern = f"{{0}}://{{1}}:{{2}}/v1/{COLLECTOR}/{{3}}"
    monkeypatch.setattr(SplunkHecHandler, "URL_PATTERN", pattern)

    def send() -> None:
        options: dict[str, Any] = {
            "port": site.port,
            "proto": "http",
            "ssl_verify": False,
            "hostname": "db-1",
        }
        handler = SplunkHecHandler("127.0.0.1", site.key, sourcetype="_json", **options)
        with logger(handler) as log:
            log.critical({"message": "disk full", "user": {"id": 7}, "fields": {"service": "db"}})
        handler.r.close()

    await asyncio.to_thread(send)
    (row,) = await site.logs()
    assert row["Body"] == "disk full"
    assert (row["SeverityText"], row["SeverityNumber"]) == ("CRITICAL", 21)
    assert row["ServiceName"] == "db"
    assert row["LogAttributes"]["user.id"] == "7"


async def test_the_calls_around_sending(site: Site) -> None:
    headers = {"authorization": f"Splunk {site.key}", "x-splunk-request-channel": "c1"}
    base = f"{site.url}/{COLLECTOR}"
    async with httpx.AsyncClient(headers=headers) as client:
        assert (await client.get(f"{base}/health")).json() == {"text": "HEC is healthy", "code": 17}
        sent = await client.post(f"{base}/raw?source=app.log&host=h", content="WARN one\n\nINFO two\n")
        ack = sent.json()["ackId"]
        assert sent.json() == {"text": "Success", "code": 0, "ackId": ack}
        assert (await client.post(f"{base}/ack", json={"acks": [ack]})).json() == {"acks": {str(ack): True}}
    assert [row["SeverityNumber"] for row in await site.logs()] == [13, 9]


async def test_metric_events_are_gauges(site: Site) -> None:
    fields = {"metric_name:cpu.usage": 0.5, "metric_name:mem.used": "12", "region": "kr", "service": "db"}
    event = {"time": time.time(), "event": "metric", "host": "h1", "fields": fields}
    async with httpx.AsyncClient(headers={"authorization": f"Splunk {site.key}"}) as client:
        assert (await client.post(f"{site.url}/{COLLECTOR}", json=event)).status_code == 200
    rows = await site.rows("otel_metrics_gauge", order="MetricName")
    assert [(row["MetricName"], row["Value"]) for row in rows] == [("cpu.usage", 0.5), ("mem.used", 12.0)]
    assert rows[0]["Attributes"] == {"region": "kr", "service": "db"}
    assert rows[0]["ServiceName"] == "db"


@pytest.mark.parametrize(
    ("body", "code", "number"),
    [
        ("", 5, None),
        ('{"event": "a"}{"event": ""}', 13, 1),
        ('{"event": "a"}\n{"host": "h"}', 12, 1),
        ('{"event": "a"} {"event": ', 6, 1),
        ('{"event": "a", "time": "soon"}', 6, 0),
        ('{"event": "a", "fields": [1]}', 15, 0),
        ('{"event": "\\ud800"} {}', 6, 0),
    ],
)
async def test_a_refusal_has_hecs_code_and_keeps_nothing(
    site: Site, body: str, code: int, number: int | None
) -> None:
    async with httpx.AsyncClient(headers={"authorization": f"Splunk {site.key}"}) as client:
        answer = await client.post(f"{site.url}/{COLLECTOR}/event", content=body)
    assert answer.status_code == 400
    assert answer.json()["code"] == code
    assert answer.json().get("invalid-event-number") == number
    assert await site.logs() == []


async def test_an_unknown_token_is_told_in_hecs_way(site: Site) -> None:
    async with httpx.AsyncClient(headers={"authorization": "Splunk wrong"}) as client:
        answer = await client.post(f"{site.url}/{COLLECTOR}", json={"event": "a"})
    assert (answer.status_code, answer.json()["code"]) == (401, 4)
