"""Recordings of browser sessions go into their own table."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from google.protobuf import json_format
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)

from airis_ray.analytics.app import create_app as create_analytics
from airis_ray.demo import payloads
from airis_ray.ingest.app import create_app as create_ingest
from airis_ray.ingest.bodies import JSON, PROTOBUF
from airis_ray.ingest.intake import Intake
from airis_ray.settings import RetentionSettings, Settings
from airis_ray.telemetry.admission import admitted
from airis_ray.telemetry.otlp import decode
from airis_ray.telemetry.sessions import route_sessions
from airis_ray.telemetry.tables import LOGS, SESSIONS
from airis_ray.web.auth import Guard
from tests.unit.ingest.conftest import Interrupted, Keys, World
from tests.unit.ingest.payloads import START_NS, request

MARK = "rr-web.event"


def logs(recorded: str, service: str = "web", *, mark: str = MARK) -> ExportLogsServiceRequest:
    """A request with a record for each character; those for ``r`` are parts of a recording."""
    message: ExportLogsServiceRequest = request("logs", len(recorded), service)
    for record, letter in zip(message.resource_logs[0].scope_logs[0].log_records, recorded, strict=True):
        record.attributes.add(key="log.kind").value.string_value = letter
        if letter == "r":
            record.attributes.add(key=mark).value.int_value = 1
    return message


def decoded(recorded: str, **options: Any) -> Any:
    return decode("logs", logs(recorded, **options).SerializeToString(), tenant="t", received_ns=START_NS)


@pytest.mark.parametrize("recorded", ["", "l", "r", "lrl", "rrr", "lllr", "rl" * 50])
def test_a_record_with_the_mark_is_moved(recorded: str) -> None:
    tables = decoded(recorded).tables
    routed = route_sessions(tables)
    counts = Counter(recorded)
    sizes = {"otel_logs": counts["l"], "hyperdx_sessions": counts["r"]}
    assert {table: batch.num_rows for table, batch in routed.items()} == {t: n for t, n in sizes.items() if n}
    if counts["r"]:
        assert routed["hyperdx_sessions"].schema.equals(SESSIONS)
        texts = [f"서버 오류 {n}" for n, letter in enumerate(recorded) if letter == "r"]
        assert routed["hyperdx_sessions"]["Body"].to_pylist() == texts
    if counts["l"]:
        assert routed["otel_logs"].schema.equals(LOGS)


@pytest.mark.parametrize("signal", ["logs", "traces", "metrics"])
def test_other_telemetry_is_left_as_it_is(signal: Any) -> None:
    payload = request(signal, 3, MARK).SerializeToString()
    tables = decode(signal, payload, tenant="t", received_ns=START_NS).tables
    assert route_sessions(tables) is tables


def test_a_key_that_only_begins_so_is_no_mark() -> None:
    tables = decoded("r", mark="rr-web.events").tables
    assert route_sessions(tables) is tables


def test_a_part_of_a_batch_is_routed_by_its_own_records() -> None:
    whole = decoded("rlrl").tables["otel_logs"]
    routed = route_sessions({"otel_logs": whole.slice(1, 1)})
    assert {table: batch.num_rows for table, batch in routed.items()} == {"otel_logs": 1}
    routed = route_sessions({"otel_logs": whole.slice(1, 2)})
    assert routed["hyperdx_sessions"]["Body"].to_pylist() == ["서버 오류 2"]


def test_recordings_have_a_retention_of_their_own() -> None:
    answer = decoded("lr")
    tables = route_sessions(answer.tables)
    keep = RetentionSettings(logs=7 * 86_400, sessions=86_400)
    kept = admitted(type(answer)(tables, answer.accepted, 0, ()), "logs", keep, START_NS + 2 * 86_400 * 10**9)
    assert list(kept.tables) == ["otel_logs"]
    assert (kept.accepted, kept.rejected) == (1, 1)
    assert "AIRIS_RETENTION_SESSIONS" in kept.reasons[0].reason


@pytest.mark.parametrize("media", [PROTOBUF, JSON])
async def test_a_request_of_both_kinds(world: World, media: str) -> None:
    service = f"both {media}"
    message = logs("lrrl", service)
    if media == JSON:
        # A key may be written with escapes.
        body: Any = json_format.MessageToJson(message).replace(MARK, "rr\\u002dweb.event").encode()
    else:
        body = message.SerializeToString()
    response = await world.post("/logs", body, content_type=media)
    assert response.status_code == 200
    assert await world.count("otel_logs", service) == 2
    assert await world.count("hyperdx_sessions", service) == 2


def of_sessions(body: bytes) -> Counter[str]:
    """How many records of which recordings a request has."""
    return Counter(
        {
            each.value.string_value: sum(len(scope.log_records) for scope in group.scope_logs)
            for group in ExportLogsServiceRequest.FromString(body).resource_logs
            for each in group.resource.attributes
            if each.key == "rum.sessionId"
        }
    )


def client(app: FastAPI, key: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app),
        base_url="http://airis",
        headers={"authorization": f"Bearer {key}"},
    )


async def test_searching_sessions_finds_the_recordings_of_the_demo(store: Interrupted) -> None:
    settings = Settings()
    guard = Guard(settings, Keys())
    intake = Intake(store, settings)
    # Eight in the evening in Korea, when the shop is busy.
    start = datetime.now(UTC).replace(hour=11, minute=0, second=0, microsecond=0) - timedelta(days=1)
    sent: Counter[str] = Counter()
    async with client(create_ingest(settings, intake, guard), "key-a") as ingest:
        for payload in payloads(seed=3, start=start, duration="3m", rate=20):
            if payload.signal == "logs" and MARK.encode() in payload.body:
                headers = {"content-type": PROTOBUF}
                response = await ingest.post("/logs", content=payload.body, headers=headers)
                assert response.status_code == 200
                answer = ExportLogsServiceResponse.FromString(response.content)
                assert not answer.partial_success.rejected_log_records
                sent += of_sessions(payload.body)
    await intake.close(5.0)
    assert len(sent) > 2

    async with client(create_analytics(settings, store, guard), "key-reader") as analytics:
        for session, count in sent.items():
            asked = {"query": f"rum.sessionId:{session}", "from": "now-3d", "to": "now", "limit": 10_000}
            found = await analytics.post(
                "/search", json={**asked, "signal": "sessions", "fields": [MARK, "body"]}
            )
            rows = found.json()["rows"]
            assert len(rows) == count
            assert all(event and text for event, text in rows)
            found = await analytics.post("/search", json={**asked, "signal": "logs", "fields": [MARK]})
            # An error of the page is a log of its session, and no recording.
            assert not any(event for (event,) in found.json()["rows"])
