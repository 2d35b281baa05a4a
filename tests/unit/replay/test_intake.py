"""Recordings come in by both forms, over the ingest application and the store of the tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)

from airis_ray.store import Query
from tests.support.local_store import LocalStore
from tests.unit.replay.events import element, meta, mutation, text
from tests.unit.replay.site import TRACE, Site, now, visit


async def test_what_is_sent_comes_back_masked(site: Site) -> None:
    at = now()
    answer = await site.send(
        visit(at), user="kim@example.com", service="web", url="https://shop.example/cart"
    )
    assert (answer.status_code, answer.json()) == (202, {"accepted": 12})
    events = await site.events("s1")
    assert [event["timestamp"] for event in events] == [event["timestamp"] for event in visit(at)]
    said = orjson.dumps(events).decode()
    for secret in ("secret", "비밀", "1234", "kim@example.com", "4111"):
        assert secret not in said
    assert "결제" in said
    assert events[4] == visit(at)[4]
    shown = await site.session("s1")
    assert shown["user"] == "kim@example.com"
    assert shown["url_first"] == "https://shop.example/cart"
    assert shown["urls"] == ["https://shop.example/cart?mail=***************"]
    counted = {name: shown[name] for name in ("clicks", "rage_clicks", "dead_clicks", "errors")}
    assert counted == {"clicks": 4, "rage_clicks": 1, "dead_clicks": 1, "errors": 1}
    assert (shown["console_errors"], shown["failed_requests"], shown["duration_ms"]) == (1, 1, 20_000)


async def test_both_forms_give_the_same_session(site: Site) -> None:
    at = now()
    await site.send(visit(at)[:5], 0, user="u1", service="web")
    await site.send(visit(at)[5:], 1, user="u1", service="web")
    told = await site.send_otlp(visit(at)[4:], "s2", first=5, parts=3)
    assert not told.rejected_log_records
    await site.send_otlp(visit(at)[:4], "s2")
    assert await site.events("s1") == await site.events("s2")
    one, two = [await site.session(name) for name in ("s1", "s2")]
    assert (one["late"], two["late"]) == (0, 1)
    differ = {"id", "blocks", "tabs", "block_count", "bytes", "stored_bytes", "late"}
    assert {k: v for k, v in one.items() if k not in differ} == {
        k: v for k, v in two.items() if k not in differ
    }
    rows = await site.store.query(Query("SELECT Body FROM hyperdx_sessions", tenant=site.tenant))
    bodies = "".join(rows.table["Body"].to_pylist())
    assert "4111" not in bodies
    assert "비밀" not in bodies
    assert "결제" in bodies


async def test_a_part_without_the_rest_of_its_event_is_refused(site: Site) -> None:
    request = ExportLogsServiceRequest()
    group = request.resource_logs.add()
    group.resource.attributes.add(key="rum.sessionId").value.string_value = "s3"
    record = group.scope_logs.add().log_records.add(time_unix_nano=now() * 10**6)
    record.body.string_value = '"value":"geheim"'
    for key, value in {"rr-web.event": "1", "rr-web.chunk": "2", "rr-web.total-chunks": "3"}.items():
        record.attributes.add(key=key).value.string_value = value
    answer = await site.ingest.post(
        "/logs", content=request.SerializeToString(), headers={"content-type": "application/x-protobuf"}
    )
    told = ExportLogsServiceResponse.FromString(answer.content).partial_success
    assert told.rejected_log_records == 1
    assert "send them together" in told.error_message
    rows = await site.store.query(Query("SELECT count() AS n FROM hyperdx_sessions", tenant=site.tenant))
    assert rows.table["n"].to_pylist() == [0]


async def test_the_events_of_rules_are_logs_and_come_once(site: Site) -> None:
    at = now()
    for _ in range(2):
        await site.send(visit(at), service="web")
        assert len(await site.listed(**{"from": "now-1h"})) == 1
    sql = "SELECT EventName, ServiceName, TraceId, Body FROM otel_logs ORDER BY EventName"
    rows = (await site.store.query(Query(sql, tenant=site.tenant))).table.to_pylist()
    assert [row["EventName"] for row in rows] == [
        "replay.console_error", "replay.dead_click", "replay.error", "replay.failed_request", "replay.rage_click",
    ]  # fmt: skip
    assert {row["ServiceName"] for row in rows} == {"web"}
    assert rows[3]["TraceId"] == TRACE
    assert rows[3]["Body"] == "POST /pay 502"
    assert (await site.session("s1"))["duplicates"] == 1


async def test_past_its_limits_a_session_takes_nothing(
    migrated_store: LocalStore, tenant: str, tmp_path: Path
) -> None:
    site = Site(migrated_store, tenant, tmp_path, max_bytes=600, max_length=600.0, max_idle=60.0)
    at = now() - 900_000
    assert (await site.send([meta(at)])).status_code == 202
    for events, pointer in (
        ([meta(at + 61_000)], "/limits/idle"),
        ([meta(at + 1000, "x" * 600)], "/limits/bytes"),
        ([meta(at + 1000), meta(at + 700_000)], "/limits/minutes"),
    ):
        answer = await site.send(events, 1)
        assert answer.status_code == 409, answer.text
        assert answer.json()["errors"][0]["pointer"] == pointer
    assert (await site.send([meta(at + 2000)], 1)).status_code == 202
    told = await site.send_otlp([meta(at + 62_001), meta(at + 63_001)], "s1")
    assert "nothing came for" in told.error_message
    await site.close()


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"session_id": "s", "events": [], "metadata": {"sequence": 0}}, "/events"),
        ({"session_id": "s", "events": ["packed"], "metadata": {"sequence": 0}}, "/events/0"),
        ({"session_id": "s", "events": [{"type": 4}], "metadata": {"sequence": 0}}, "/events/0"),
        ({"session_id": "../s", "events": [], "metadata": {"sequence": 0}}, "/session_id"),
        ({"session_id": "s", "events": [meta(1)], "metadata": {"sequence": -1}}, "/metadata/sequence"),
        ({"session": "s", "session_id": "s", "events": [meta(1)]}, "/session"),
        ({"session_id": "s", "events": [meta(1)], "metadata": {"sequence": 0}}, "/events"),
    ],
)
async def test_what_cannot_be_read_is_named(site: Site, body: Any, pointer: str) -> None:
    answer = await site.ingest.post("/replay", json=body)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == pointer


async def test_pages_of_allowed_origins_may_send(site: Site) -> None:
    for origin, allowed in (
        ("https://shop.example", True),
        ("https://a.b.example", True),
        ("https://evil.example", False),
    ):
        asked = {
            "origin": origin,
            "access-control-request-method": "POST",
            "access-control-request-headers": "authorization,content-encoding,content-type",
        }
        answer = await site.ingest.request("OPTIONS", "/replay", headers=asked)
        assert (answer.headers.get("access-control-allow-origin") == origin) is allowed
        answer = await site.ingest.post("/replay", json={}, headers={"origin": origin, "authorization": ""})
        assert answer.status_code == 401
        assert (answer.headers.get("access-control-allow-origin") == origin) is allowed


async def test_mutations_of_inputs_are_masked_wherever_they_stand(site: Site) -> None:
    at = now()
    add = {"parentId": 2, "nextId": None, "node": element(9, "textarea", {}, text(10, "geheim"))}
    change_value = {"id": 5, "attributes": {"value": "geheim", "class": "wide"}}
    await site.send([mutation(at, adds=[add], attributes=[change_value])])
    said = orjson.dumps(await site.events("s1")).decode()
    assert "geheim" not in said
    assert "wide" in said


async def test_a_sender_that_counts_nothing_and_says_something_else(site: Site) -> None:
    at = now()
    late = {"type": 5, "data": {"tag": "x", "payload": None}, "timestamp": at + 500.25}
    metadata = {"userId": 17, "tab": "a tab/1", "browser": {"name": "x"}, "mail": "kim@example.com"}
    for events in ([late], [meta(at, "https://shop.example/first")], [late]):
        body = {"session_id": "s9", "events": events, "metadata": metadata}
        answer = await site.ingest.post("/replay", json=body)
        assert (answer.status_code, answer.json()) == (202, {"accepted": 1})
    assert await site.events("s9") == [meta(at, "https://shop.example/first"), late]
    found = await site.session("s9")
    assert (found["user"], found["url_first"], found["duplicates"], found["gaps"]) == (
        "17",
        "https://shop.example/first",
        1,
        0,
    )
    assert found["attributes"] == {"browser": '{"name":"x"}', "mail": "*" * 15}
    bare = await site.ingest.post("/replay", json={"session_id": "s9", "events": [meta(at + 9)]})
    assert bare.status_code == 202
