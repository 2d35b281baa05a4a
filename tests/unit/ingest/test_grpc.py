"""OTLP/gRPC by the generated stubs, through a real gRPC server on a Unix socket."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2_grpc import LogsServiceStub
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2_grpc import MetricsServiceStub
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import TraceServiceStub

from airis_ray.errors import Unavailable
from airis_ray.ingest.grpc import Exporter
from airis_ray.ingest.grpc_servicers import SERVICES, add_otlp_to_server
from tests.unit.ingest.conftest import World
from tests.unit.ingest.payloads import TABLES, request

STUBS: dict[str, Any] = {"logs": LogsServiceStub, "traces": TraceServiceStub, "metrics": MetricsServiceStub}
SENDER = (("authorization", "Bearer key-a"), ("application", "ingest"))


class Servicer:
    def __init__(self, exporter: Exporter) -> None:
        self._exporter = exporter

    async def Export(self, message: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        return await self._exporter.export(message, context)


@pytest.fixture
async def channel(world: World, tmp_path: Path) -> AsyncIterator[grpc.aio.Channel]:
    server = grpc.aio.server()
    add_otlp_to_server(Servicer(Exporter(world.intake, world.guard)), server)
    address = f"unix:{tmp_path}/otlp.sock"
    server.add_insecure_port(address)
    await server.start()
    async with grpc.aio.insecure_channel(address) as channel:
        yield channel
    await server.stop(None)


@pytest.mark.parametrize("compression", [grpc.Compression.NoCompression, grpc.Compression.Gzip])
@pytest.mark.parametrize("signal", STUBS)
async def test_rows_are_there_when_the_answer_is(
    world: World, channel: grpc.aio.Channel, signal: str, compression: grpc.Compression
) -> None:
    service = f"grpc-{signal}-{compression.name}"
    answer = await STUBS[signal](channel).Export(
        request(signal, 5, service), metadata=SENDER, compression=compression
    )
    assert not answer.HasField("partial_success")
    assert await world.count(TABLES[signal], service) == 5


async def test_bad_records_are_told(world: World, channel: grpc.aio.Channel) -> None:
    message = request("traces", 3, "grpc-partial")
    message.resource_spans[0].scope_spans[0].spans[2].span_id = b"short"
    answer = await TraceServiceStub(channel).Export(message, metadata=SENDER)
    assert answer.partial_success.rejected_spans == 1
    assert "/spans/2" in answer.partial_success.error_message
    assert await world.count("otel_traces", "grpc-partial") == 2


async def failure(channel: grpc.aio.Channel, body: bytes, metadata: Any = SENDER) -> grpc.aio.AioRpcError:
    call = channel.unary_unary(f"/{SERVICES['traces']}/Export")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call(body, metadata=metadata)
    return caught.value


@pytest.mark.parametrize(
    ("metadata", "body", "code", "tells"),
    [
        ((), b"", grpc.StatusCode.UNAUTHENTICATED, "credentials"),
        ((("authorization", "Bearer wrong"),), b"", grpc.StatusCode.UNAUTHENTICATED, "unknown"),
        ((("authorization", "Bearer key-reader"),), b"", grpc.StatusCode.PERMISSION_DENIED, "ingest"),
        (SENDER, b"\xff\xff garbage", grpc.StatusCode.INVALID_ARGUMENT, "not an OTLP traces request"),
        (SENDER, bytes(1_100_000), grpc.StatusCode.INVALID_ARGUMENT, "1100000 bytes; at most 1048576"),
    ],
)
async def test_a_refusal_has_its_code_and_says_why(
    channel: grpc.aio.Channel, metadata: Any, body: bytes, code: grpc.StatusCode, tells: str
) -> None:
    error = await failure(channel, body, metadata)
    assert error.code() == code
    assert tells in (error.details() or "")


async def test_what_nobody_foresaw_tells_nothing_of_our_insides(
    world: World, channel: grpc.aio.Channel, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*_: object) -> None:
        raise KeyError("an inner name")

    monkeypatch.setattr(world.intake, "accept", broken)
    error = await failure(channel, request("traces", 1, "grpc-bug").SerializeToString())
    assert error.code() == grpc.StatusCode.INTERNAL
    assert "something went wrong here" in (error.details() or "")
    assert "an inner name" not in str(error)
    assert "an inner name" in caplog.text


async def test_a_store_that_is_down_is_unavailable_with_retry_info(
    world: World, channel: grpc.aio.Channel
) -> None:
    world.store.error = Unavailable("the store is down")
    error = await failure(channel, request("traces", 1, "grpc-down").SerializeToString())
    assert error.code() == grpc.StatusCode.UNAVAILABLE
    trailing = error.trailing_metadata()
    assert trailing is not None
    status = Status.FromString(bytes(trailing["grpc-status-details-bin"]))
    retry = RetryInfo()
    assert any(detail.Unpack(retry) for detail in status.details)
    assert retry.retry_delay.seconds >= 1


async def test_a_parsed_message_is_taken_too(world: World) -> None:
    """Where the generated servicers are registered in place of ours."""

    class Context:
        def invocation_metadata(self) -> Any:
            return SENDER

        def peer(self) -> str:
            return "ipv4:127.0.0.1:1"

        def set_code(self, code: grpc.StatusCode) -> None:
            raise AssertionError(code)

        set_details = set_trailing_metadata = set_code

    await Exporter(world.intake, world.guard).export(request("logs", 2, "grpc-parsed"), Context())
    assert await world.count("otel_logs", "grpc-parsed") == 2
