from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from google.protobuf import json_format
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from prometheus_client import REGISTRY

from airis_ray.errors import Unavailable
from airis_ray.ingest.bodies import JSON, PROTOBUF
from airis_ray.web.app import unguarded_routes
from tests.unit.ingest.conftest import World
from tests.unit.ingest.payloads import ENCODERS, TABLES, as_json, request, spans

SIGNALS = tuple(TABLES)
MEDIA = (PROTOBUF, JSON)


def status_of(response: Any) -> Status:
    """The google.rpc.Status of an error, which comes in the encoding of the request."""
    if response.headers["content-type"] == PROTOBUF:
        return Status.FromString(response.content)
    assert response.headers["content-type"] == JSON
    return json_format.ParseDict(response.json(), Status())


@pytest.mark.parametrize("encoding", ENCODERS)
@pytest.mark.parametrize("media", MEDIA)
@pytest.mark.parametrize("signal", SIGNALS)
async def test_rows_are_there_when_the_answer_is(
    world: World, signal: str, media: str, encoding: str
) -> None:
    service = f"{signal}-{media}-{encoding}"
    message = request(signal, 5, service)
    body = message.SerializeToString() if media == PROTOBUF else as_json(message)
    response = await world.post(
        f"/{signal}", ENCODERS[encoding](body), content_type=media, content_encoding=encoding
    )
    assert response.status_code == 200, response.content
    assert response.content == (b"" if media == PROTOBUF else b"{}")
    assert response.headers["content-type"] == media
    assert await world.count(TABLES[signal], service) == 5
    assert await world.count(TABLES[signal], service, tenant="somebody else") == 0


@pytest.mark.parametrize("media", MEDIA)
@pytest.mark.parametrize("signal", SIGNALS)
async def test_an_empty_request_is_fine(world: World, signal: str, media: str) -> None:
    for body in (b"", b"{}" if media == JSON else b""):
        assert (await world.post(f"/{signal}", body, content_type=media)).status_code == 200


async def test_the_tenant_is_the_keys(world: World) -> None:
    for key, count in (("key-a", 1), ("key-b", 2)):
        response = await world.post(
            "/traces", spans(count, "shared"), content_type=PROTOBUF, authorization=f"Bearer {key}"
        )
        assert response.status_code == 200
    assert await world.count("otel_traces", "shared", "tenant-a") == 1
    assert await world.count("otel_traces", "shared", "tenant-b") == 2


@pytest.mark.parametrize("media", MEDIA)
@pytest.mark.parametrize(
    ("headers", "body", "status", "tells"),
    [
        ({"authorization": ""}, b"", 401, "credentials"),
        ({"authorization": "Bearer wrong"}, b"", 401, "unknown"),
        ({"authorization": "Bearer key-reader"}, b"", 403, "ingest"),
        ({"content_encoding": "br"}, b"x", 415, "br; expected identity, gzip, zstd or deflate"),
        ({"content_encoding": "gzip, zstd"}, b"x", 415, "gzip, zstd; expected one"),
        ({"content_encoding": "gzip"}, ENCODERS["gzip"](b"x" * 99)[:-4], 400, "valid gzip: it ends too early"),
        ({"content_encoding": "zstd"}, ENCODERS["zstd"](b"x" * 99)[:-2], 400, "valid zstd: it ends too early"),
        ({"content_encoding": "deflate"}, b"\x78\x9cgarbage", 400, "valid deflate"),
        ({}, b"\xff\xff garbage", 400, "body is not"),
        ({}, b"x" * 2_000_000, 413, "2000000"),
    ],
)  # fmt: skip
async def test_a_refusal_says_why_in_the_encoding_of_the_request(
    world: World, media: str, headers: dict[str, str], body: bytes, status: int, tells: str
) -> None:
    response = await world.post("/logs", body, **{"content_type": media, **headers})
    assert response.status_code == status
    assert response.headers["content-type"] == media
    assert tells in status_of(response).message


@pytest.mark.parametrize("media", ["text/plain", "application/protobuf", ""])
async def test_an_unknown_media_type_is_415(world: World, media: str) -> None:
    response = await world.post("/logs", b"", content_type=media)
    assert response.status_code == 415
    assert "expected application/x-protobuf or application/json" in status_of(response).message


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "zstd"])
async def test_a_bomb_is_not_inflated(world: World, encoding: str) -> None:
    bomb = ENCODERS[encoding](bytes(64 << 20))
    assert len(bomb) < 1 << 20
    response = await world.post("/traces", bomb, content_type=PROTOBUF, content_encoding=encoding)
    assert response.status_code == 413
    assert "1048576" in status_of(response).message


async def test_a_body_without_a_length_is_cut_off_at_the_limit(world: World) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 1
            yield bytes(65536)

    response = await world.post("/traces", endless(), content_type=PROTOBUF)
    assert response.status_code == 413
    assert sent <= 18


async def test_a_body_that_says_it_is_too_large_is_not_read(world: World) -> None:
    async def unread() -> AsyncIterator[bytes]:
        raise AssertionError("the body was read")
        yield b""

    response = await world.post("/traces", unread(), content_type=PROTOBUF, content_length="99999999")
    assert response.status_code == 413


@pytest.mark.parametrize("media", MEDIA)
async def test_bad_records_are_counted_and_named_and_the_others_kept(world: World, media: str) -> None:
    service = f"partial-{media}"
    message = request("traces", 3, service)
    if media == PROTOBUF:
        message.resource_spans[0].scope_spans[0].spans[1].trace_id = b"short"
        body = message.SerializeToString()
    else:
        document = json.loads(as_json(message))
        document["resourceSpans"][0]["scopeSpans"][0]["spans"][1]["traceId"] = "not hexadecimal"
        body = json.dumps(document).encode()
    response = await world.post("/traces", body, content_type=media)
    assert response.status_code == 200
    if media == PROTOBUF:
        partial = ExportTraceServiceResponse.FromString(response.content).partial_success
    else:
        partial = json_format.ParseDict(response.json(), ExportTraceServiceResponse()).partial_success
    assert partial.rejected_spans == 1
    assert "/resourceSpans/0/scopeSpans/0/spans/1" in partial.error_message
    assert await world.count("otel_traces", service) == 2


async def test_a_store_that_is_down_is_503_with_the_time_to_come_back(world: World) -> None:
    world.store.error = Unavailable("the store is down")
    response = await world.post("/traces", spans(1, "down"), content_type=PROTOBUF)
    assert response.status_code == 503
    assert 1 <= int(response.headers["retry-after"]) <= 30
    status = status_of(response)
    assert "store is down" in status.message
    retry = RetryInfo()
    assert any(detail.Unpack(retry) for detail in status.details)
    world.store.error = None
    assert (await world.post("/traces", spans(1, "up"), content_type=PROTOBUF)).status_code == 200


async def test_more_than_the_store_takes_is_429_and_nothing_of_it_is_kept(world: World) -> None:
    world.store.gate.clear()
    body = spans(2000, "crowd")
    waiting = [asyncio.create_task(world.post("/traces", body, content_type=PROTOBUF)) for _ in range(8)]
    first = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED, timeout=10)
    refused = next(iter(first[0])).result()
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) >= 1
    world.store.gate.set()
    answers = [response.status_code for response in await asyncio.gather(*waiting)]
    assert set(answers) == {200, 429}
    assert await world.count("otel_traces", "crowd") == 2000 * answers.count(200)


async def test_a_client_that_goes_away_takes_no_neighbour_with_it(world: World) -> None:
    world.store.gate.clear()
    leaving = asyncio.create_task(world.post("/traces", spans(1, "leaving"), content_type=PROTOBUF))
    staying = asyncio.create_task(world.post("/traces", spans(1, "staying"), content_type=PROTOBUF))
    await asyncio.wait_for(world.store.arrived.wait(), 10)
    leaving.cancel()
    world.store.gate.set()
    assert (await staying).status_code == 200
    assert await world.count("otel_traces", "staying") == 1


async def test_closing_commits_what_waits_and_refuses_what_comes_later(world: World) -> None:
    world.store.gate.clear()
    waiting = asyncio.create_task(world.post("/traces", spans(4, "late"), content_type=PROTOBUF))
    await asyncio.wait_for(world.store.arrived.wait(), 10)
    closing = asyncio.create_task(world.intake.close(5.0))
    world.store.gate.set()
    await closing
    assert (await waiting).status_code == 200
    assert await world.count("otel_traces", "late") == 4
    response = await world.post("/traces", spans(1, "too late"), content_type=PROTOBUF)
    assert response.status_code == 503
    assert "retry-after" in response.headers


async def test_what_was_taken_in_is_counted(world: World) -> None:
    def accepted() -> float:
        labels = {"tenant": "tenant-a", "signal": "traces"}
        return REGISTRY.get_sample_value("airis_ingest_accepted_records_total", labels) or 0.0

    before = accepted()
    await world.post("/traces", spans(7, "counted"), content_type=PROTOBUF)
    assert accepted() - before == 7


async def test_every_route_is_guarded_and_documented(world: World) -> None:
    assert unguarded_routes(world.app) == []
    document = world.app.openapi()
    for signal in SIGNALS:
        path = document["paths"][f"/{signal}"]
        assert set(path["post"]["requestBody"]["content"]) == {PROTOBUF, JSON}
        assert {"200", "400", "401", "403", "413", "415", "429", "503"} <= set(path["post"]["responses"])
