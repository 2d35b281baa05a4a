"""Ingest counts what it receives, and what becomes of it."""

from __future__ import annotations

import time

from airis_ray.accounts.balance import Account, accounts
from airis_ray.errors import StorageFull, Unavailable
from airis_ray.ingest import metrics
from airis_ray.ingest.bodies import PROTOBUF
from airis_ray.store import Store
from airis_ray.telemetry.times import SECOND, TimeRange
from tests.unit.ingest.conftest import World
from tests.unit.ingest.payloads import request

DAY_NS = 86_400 * SECOND


async def booked(store: Store) -> Account:
    """The account of the tests' tenant; others have added to it before."""
    now = time.time()
    period = TimeRange(int((now - 3600) * SECOND), int((now + 3600) * SECOND))
    found = await accounts(store, period, now=now, tenant="tenant-a")
    return next((each for each in found if each.signal == "traces"), Account("tenant-a", "traces"))


async def test_every_record_is_accounted_for(world: World) -> None:
    before = await booked(world.store)
    message = request("traces", 10, "counted")
    spans = message.resource_spans[0].scope_spans[0].spans
    for span in spans:
        span.start_time_unix_nano, span.end_time_unix_nano = time.time_ns() - SECOND, time.time_ns()
    spans[0].trace_id = b"short"
    spans[1].start_time_unix_nano = 1
    spans[2].start_time_unix_nano = time.time_ns() + 2 * DAY_NS
    body = message.SerializeToString()

    async def send(content: bytes) -> int:
        return (await world.post("/traces", content, content_type=PROTOBUF)).status_code

    assert await send(body) == 200
    world.store.error = StorageFull("the disk is full")
    assert await send(body) == 507
    world.store.error = Unavailable("away")
    assert await send(body) == 503
    world.store.error = None
    assert await send(b"\xff\xff\xff") == 400
    await world.intake.close(5.0)

    after = await booked(world.store)
    assert after.received - before.received == 30
    assert after.accepted - before.accepted == after.stored - before.stored == 7
    assert after.expired - before.expired == 3
    refused = {reason: n - before.refused.get(reason, 0) for reason, n in after.refused.items()}
    assert {reason: n for reason, n in refused.items() if n} == {
        "malformed": 3,
        "ahead": 3,
        "disk_full": 7,
        "unavailable": 7,
    }
    requests = {
        reason: n - before.refused_requests.get(reason, 0) for reason, n in after.refused_requests.items()
    }
    assert {reason: n for reason, n in requests.items() if n} == {
        "disk_full": 1,
        "unavailable": 1,
        "unreadable": 1,
    }
    assert (after.on_the_way, after.missing, after.state) == (0, 0, "balanced")


async def test_a_full_disk_is_not_asked_again_and_the_sender_is_told_when_to(world: World) -> None:
    world.store.error = StorageFull("the disk of the data folder is 96% full")
    retries = metrics.COMMIT_RETRIES.labels(table="otel_traces")
    before = retries._value.get()
    body = request("traces", 3, "full").SerializeToString()
    answer = await world.post("/traces", body, content_type=PROTOBUF)
    world.store.error = None
    assert answer.status_code == 507
    assert b"96% full" in answer.content
    assert int(answer.headers["retry-after"]) == 60
    assert retries._value.get() == before
