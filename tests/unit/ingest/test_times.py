from __future__ import annotations

import asyncio
import time

import pyarrow as pa
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from airis_ray.errors import InvalidInput
from airis_ray.ingest.bodies import PROTOBUF
from airis_ray.ingest.lanes import GROUP_DAYS
from airis_ray.settings import RetentionSettings
from airis_ray.telemetry.admission import admitted, days
from airis_ray.telemetry.otlp import decode
from tests.support.virtual import run
from tests.unit.ingest.conftest import World
from tests.unit.ingest.faulty_store import FaultyStore
from tests.unit.ingest.payloads import request
from tests.unit.ingest.test_commit import group_commit

DAY_NS = 86_400 * 10**9
NOW = 20_000 * DAY_NS + DAY_NS // 2


def at(signal: str, *times_ns: int) -> bytes:
    message = request(signal, len(times_ns), "timed")
    for i, time_ns in enumerate(times_ns):
        if signal == "traces":
            span = message.resource_spans[0].scope_spans[0].spans[i]
            span.start_time_unix_nano, span.end_time_unix_nano = time_ns, time_ns + 1
        elif signal == "logs":
            message.resource_logs[0].scope_logs[0].log_records[i].time_unix_nano = time_ns
        else:
            points = message.resource_metrics[0].scope_metrics[0].metrics[0].gauge.data_points
            points[i].time_unix_nano = time_ns
    return bytes(message.SerializeToString())


@pytest.mark.parametrize("signal", ["logs", "traces", "metrics"])
def test_rows_outside_retention_are_rejected_and_told(signal: str) -> None:
    retention = RetentionSettings(logs=30 * 86_400, traces=30 * 86_400, metrics=30 * 86_400)
    inside = [NOW, NOW - 29 * DAY_NS, NOW + DAY_NS // 2]
    payload = at(signal, NOW - 31 * DAY_NS, *inside, NOW + 2 * DAY_NS)
    decoded = admitted(decode(signal, payload, tenant="t"), signal, retention, NOW)
    (table,) = decoded.tables.values()
    assert (table.num_rows, decoded.accepted, decoded.rejected) == (3, 3, 2)
    assert f"AIRIS_RETENTION_{signal.upper()}" in decoded.reasons[0].reason


def test_what_is_kept_for_ever_has_no_oldest_time() -> None:
    decoded = admitted(
        decode("logs", at("logs", 1, NOW, NOW + 9 * DAY_NS), tenant="t"),
        "logs",
        RetentionSettings(logs=0),
        NOW,
    )
    assert (decoded.accepted, decoded.rejected) == (2, 1)


def test_a_service_has_a_retention_of_its_own() -> None:
    """Shorter or longer than the signal's; only what is too old has expired, not what is too far ahead."""
    times = [NOW - 40 * DAY_NS, NOW - 9 * DAY_NS, NOW - 5 * DAY_NS, NOW, NOW + 2 * DAY_NS]
    for services, accepted, expired in [
        ("timed=7d", 2, 2),
        ("timed/logs=60d", 4, 0),
        ("timed/traces=7d,other=1d", 3, 1),
        ("timed=0", 4, 0),
    ]:
        decoded = admitted(
            decode("logs", at("logs", *times), tenant="t"), "logs", RetentionSettings(services=services), NOW
        )
        assert (decoded.accepted, decoded.rejected, decoded.expired) == (accepted, 5 - accepted, expired)
        (reason,) = decoded.reasons
        assert reason.reason.startswith(f"{5 - accepted} records lie outside")
        assert "AIRIS_RETENTION_SERVICES" in reason.reason


def test_a_service_may_be_kept_shorter_than_for_ever() -> None:
    decoded = admitted(
        decode("logs", at("logs", 1, NOW), tenant="t"),
        "logs",
        RetentionSettings(logs=0, services="timed=1d"),
        NOW,
    )
    assert (decoded.accepted, decoded.expired) == (1, 1)
    assert "not older than their service's retention" in decoded.reasons[0].reason


def test_a_table_without_rows_left_is_left_out() -> None:
    decoded = admitted(decode("logs", at("logs", 1), tenant="t"), "logs", RetentionSettings(), NOW)
    assert decoded.tables == {}


@pytest.mark.parametrize("signal", ["traces", "metrics"])
def test_days(signal: str) -> None:
    for wanted in ([7], [7, 8], [7, 9, 9, 300]):
        (batch,) = decode(
            signal, at(signal, *(day * DAY_NS + 5 for day in wanted)), tenant="t"
        ).tables.values()
        assert days(batch) == frozenset(wanted)


def timed(*on: int) -> pa.RecordBatch:
    times = pa.array([day * DAY_NS for day in on], pa.timestamp("ns", tz="UTC"))
    return pa.record_batch({"id": pa.array(on, pa.int64()), "Timestamp": times})


def test_a_group_lies_on_few_days_and_so_does_a_request() -> None:
    async def scenario() -> None:
        store = FaultyStore()
        commit, _ = group_commit(store, rows=1000)
        await commit.commit({"t": timed(0)})
        await asyncio.gather(
            *(commit.commit({"t": timed(*range(start, start + 50))}) for start in (100, 150, 200, 250))
        )
        assert [rows for _, rows in store.inserts] == [1, 50, 50, 50, 50]
        with pytest.raises(InvalidInput, match="91 different days; at most 90"):
            await commit.commit({"t": timed(*range(GROUP_DAYS + 1))})

    run(scenario())


async def test_an_old_record_is_a_partial_success(world: World) -> None:
    now = time.time_ns()
    response = await world.post(
        "/traces", at("traces", 1_544_712_660_000_000_000, now), content_type=PROTOBUF
    )
    assert response.status_code == 200
    partial = ExportTraceServiceResponse.FromString(response.content).partial_success
    assert partial.rejected_spans == 1
    assert "2018-12-13T14:51:00Z" in partial.error_message
    assert await world.count("otel_traces", "timed") == 1
