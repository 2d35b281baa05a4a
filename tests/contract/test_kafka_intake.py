"""OTLP over HTTP and gRPC into a real Kafka: the messages are what the senders sent."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import grpc
import httpx
import pytest
from confluent_kafka import Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import TraceServiceStub

from airis_ray.ingest.app import create_app
from airis_ray.ingest.bodies import JSON, PROTOBUF
from airis_ray.ingest.grpc import Exporter
from airis_ray.ingest.grpc_servicers import add_otlp_to_server
from airis_ray.ingest.intake import Intake
from airis_ray.settings import IngestSettings, KafkaSettings, Settings
from airis_ray.store import Store
from airis_ray.stream.messages import Envelope, message_id, partition_key, read_headers, topic_of
from airis_ray.stream.topics import ensure_topics
from airis_ray.telemetry.otlp import decode
from airis_ray.telemetry.tables import Signal
from airis_ray.web.auth import Guard
from tests.support.kafka import Kafka
from tests.unit.ingest.conftest import Interrupted, Keys
from tests.unit.ingest.payloads import TABLES, as_json, request

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
KEY = {"authorization": "Bearer key-a"}
MAX_BODY = 1 << 20


@dataclass
class World:
    """The application over Kafka, and what arrived there."""

    kafka: Kafka
    settings: KafkaSettings
    intake: Intake
    guard: Guard
    client: httpx.AsyncClient

    async def post(self, signal: str, body: bytes, media: str = PROTOBUF, **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.client.post(
            f"/{signal}", content=body, headers={**KEY, "content-type": media, **named}
        )

    async def arrived(self, signal: Signal) -> list[Message]:
        return await asyncio.to_thread(self.kafka.messages, topic_of(self.settings, signal))


@pytest.fixture
async def world(kafka: Kafka, migrated_store: Store) -> AsyncIterator[World]:
    settings = Settings(kafka=kafka.settings(), ingest=IngestSettings(max_body_bytes=MAX_BODY))
    ensure_topics(settings.kafka, MAX_BODY)
    intake = Intake(Interrupted(migrated_store), settings)
    guard = Guard(settings, Keys())
    transport = httpx.ASGITransport(create_app(settings, intake, guard), root_path="/v1")
    async with httpx.AsyncClient(transport=transport, base_url="http://airis/v1") as client:
        yield World(kafka, settings.kafka, intake, guard, client)
    await intake.close(5.0)


def envelope(item: Message) -> Envelope:
    return read_headers(item.headers(), tenant="nobody", timestamp_ms=item.timestamp()[1])


@pytest.mark.parametrize("signal", TABLES)
async def test_the_bytes_go_on_unchanged_with_tenant_time_and_trace(world: World, signal: Signal) -> None:
    body = request(signal, 5, "checkout").SerializeToString()
    answer = await world.post(signal, gzip.compress(body), content_encoding="gzip", traceparent=TRACE)
    assert (answer.status_code, answer.content) == (200, b"")
    [item] = await world.arrived(signal)
    assert item.value() == body
    assert item.key() == partition_key("tenant-a", body)
    assert dict(item.headers())["content-type"] == PROTOBUF.encode()
    told = envelope(item)
    assert told == Envelope("tenant-a", told.received_ns, 5, message_id("tenant-a", signal, body), TRACE)
    assert abs(told.received_ns / 1e6 - item.timestamp()[1]) < 10_000


async def test_json_goes_on_as_protobuf_and_bad_records_are_refused_here_and_there(world: World) -> None:
    whole = request("logs", 3, "checkout")
    assert (await world.post("logs", as_json(whole), JSON)).status_code == 200
    broken = as_json(whole).replace(b'"traceId"', b'"x"').replace(b"timeUnixNano", b"timeUnixNano", 1)
    broken = broken.replace(b'{"timeUnixNano"', b'{"traceId":"zz","timeUnixNano"', 1)
    answer = await world.post("logs", broken, JSON)
    assert answer.status_code == 200
    assert answer.json()["partialSuccess"]["rejectedLogRecords"] == "1"
    first, second = sorted(await world.arrived("logs"), key=lambda item: item.timestamp()[1])
    assert ExportLogsServiceRequest.FromString(first.value()) == whole
    again = decode("logs", second.value(), tenant="tenant-a")
    assert (again.accepted, again.rejected) == (2, 1)
    assert envelope(second).records == 2


async def test_what_is_refused_never_arrives(world: World) -> None:
    assert (await world.post("logs", b"\xff\xff garbage")).status_code == 400
    assert (await world.post("logs", bytes(2 * MAX_BODY))).status_code == 413
    assert (await world.post("logs", b"")).status_code == 200
    assert await world.arrived("logs") == []


async def test_a_body_sent_twice_is_told_as_one_unless_it_has_no_times(world: World) -> None:
    timed, timeless = request("metrics", 1, "checkout"), request("metrics", 1, "ads")
    timeless.resource_metrics[0].scope_metrics[0].metrics[0].gauge.data_points[0].time_unix_nano = 0
    for body in (timed, timed, timeless, timeless):
        assert (await world.post("metrics", body.SerializeToString())).status_code == 200
    ids = [envelope(item).id for item in await world.arrived("metrics")]
    assert len(ids) == 4
    assert len(set(ids)) == 2
    assert ids.count(None) == 2


@asynccontextmanager
async def channel(world: World, path: Any) -> AsyncIterator[grpc.aio.Channel]:
    class Servicer:
        async def Export(self, message: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
            return await Exporter(world.intake, world.guard).export(message, context)

    server = grpc.aio.server()
    add_otlp_to_server(Servicer(), server)
    address = f"unix:{path}/otlp.sock"
    server.add_insecure_port(address)
    await server.start()
    async with grpc.aio.insecure_channel(address) as opened:
        yield opened
    await server.stop(None)


async def test_grpc_does_as_http_does(world: World, tmp_path: Any) -> None:
    message = request("traces", 4, "checkout")
    async with channel(world, tmp_path) as opened:
        sender = (("authorization", "Bearer key-a"), ("traceparent", TRACE))
        answer = await TraceServiceStub(opened).Export(message, metadata=sender)
    assert not answer.HasField("partial_success")
    [item] = await world.arrived("traces")
    assert item.value() == message.SerializeToString()
    assert (envelope(item).tenant, envelope(item).records, envelope(item).traceparent) == (
        "tenant-a",
        4,
        TRACE,
    )
