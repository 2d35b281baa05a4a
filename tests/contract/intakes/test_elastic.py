"""Elasticsearch's own client sends to us."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from elasticsearch import ApiError, AsyncElasticsearch, Elasticsearch
from elasticsearch.helpers import bulk, streaming_bulk

from tests.contract.intakes.conftest import Site


def now(minutes: float = 0) -> str:
    return (datetime.now(UTC) + timedelta(minutes=minutes)).isoformat()


def documents(count: int) -> list[dict[str, Any]]:
    return [
        {
            "_index": "logs-shop",
            "@timestamp": now(),
            "message": f"결제 실패 {i}",
            "log.level": "error",
            "service": {"name": "checkout", "version": "1.2"},
            "host": {"name": "web-1"},
            "http": {"response": {"status_code": 500}},
            "trace.id": f"{i:032x}",
            "tags": ["a", "b"],
        }
        for i in range(1, count + 1)
    ]


@pytest.mark.parametrize("auth", ["api_key", "id_and_key", "basic", "bearer"])
@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "gzip"])
async def test_bulk_helpers_send(site: Site, auth: str, compressed: bool) -> None:
    ways: dict[str, dict[str, Any]] = {
        "api_key": {"api_key": site.key},
        "id_and_key": {"api_key": ("any", site.key)},
        "basic": {"basic_auth": ("any", site.key)},
        "bearer": {"bearer_auth": site.key},
    }

    def send() -> tuple[int, Any]:
        with Elasticsearch(f"{site.url}/elastic", http_compress=compressed, **ways[auth]) as client:
            assert client.ping()
            assert client.info()["tagline"]
            return bulk(client, documents(20))

    done, errors = await asyncio.to_thread(send)
    assert (done, errors) == (20, [])
    rows = await site.logs()
    assert len(rows) == 20
    row = next(row for row in rows if row["Body"] == "결제 실패 7")
    assert row["ServiceName"] == "checkout"
    assert (row["SeverityText"], row["SeverityNumber"]) == ("error", 17)
    assert row["TraceId"] == f"{7:032x}"
    assert row["ResourceAttributes"]["host.name"] == "web-1"
    assert row["ResourceAttributes"]["airis.tenant"] == site.tenant
    assert row["LogAttributes"]["http.response.status_code"] == "500"
    assert row["LogAttributes"]["elasticsearch.index"] == "logs-shop"
    assert row["LogAttributes"]["tags"] == '["a","b"]'


async def test_a_bad_document_fails_alone_and_is_told(site: Site) -> None:
    sent = [
        {"_index": "i", "message": "good", "@timestamp": now()},
        {"_index": "i", "message": "no time", "@timestamp": "yesterday"},
        {"_index": "i", "message": "too early", "@timestamp": "2001-01-01T00:00:00Z"},
        {"_index": "i", "_op_type": "delete", "_id": "1"},
        {"_index": "i", "message": "good too", "@timestamp": now()},
    ]

    def send() -> list[tuple[bool, dict[str, Any]]]:
        with Elasticsearch(f"{site.url}/elastic", api_key=site.key) as client:
            return list(streaming_bulk(client, sent, raise_on_error=False))

    results = await asyncio.to_thread(send)
    assert [ok for ok, _ in results] == [True, False, False, False, True]
    reasons = [item.popitem()[1]["error"]["reason"] for ok, item in results if not ok]
    assert "@timestamp" in reasons[0]
    assert "AIRIS_RETENTION_LOGS" in reasons[1]
    assert "append" in reasons[2]
    assert [row["Body"] for row in await site.logs()] == ["good", "good too"]


async def test_the_asynchronous_client_indexes_one_document(site: Site) -> None:
    pytest.importorskip("aiohttp")
    async with AsyncElasticsearch(f"{site.url}/elastic", api_key=site.key) as client:
        answer = await client.index(index="app", document={"msg": "hello", "level": "WARN", "app": "cart"})
        assert answer["result"] == "created"
        named = await client.create(index="app", id="7", document={"message": "named"})
        assert named["_id"] == "7"
        with pytest.raises(ApiError) as refused:
            await client.index(index="app", document={"@timestamp": "never"})
    assert refused.value.status_code == 400
    rows = {row["Body"]: row for row in await site.logs()}
    assert (rows["hello"]["ServiceName"], rows["hello"]["SeverityNumber"]) == ("cart", 13)
    assert rows["named"]["LogAttributes"]["_id"] == "7"


async def test_an_unknown_key_is_told_in_the_clients_own_words(site: Site) -> None:
    def send() -> int:
        with (
            Elasticsearch(f"{site.url}/elastic", api_key="wrong") as client,
            pytest.raises(ApiError) as refused,
        ):
            client.bulk(operations=[{"index": {"_index": "i"}}, {"message": "m"}])
        return int(refused.value.status_code)

    assert await asyncio.to_thread(send) == 401
