"""The ways in besides OTLP: credentials, and what a refusal looks like to each system's clients."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import pytest
from prometheus_client import REGISTRY

from airis_ray.errors import Overloaded, StorageFull, Unavailable
from airis_ray.ingest.intakes.credentials import bearer
from tests.unit.ingest.conftest import World

LINE = json.dumps({"streams": [{"stream": {"app": "a"}, "values": [[str(time.time_ns()), "m"]]}]})
CALLS: dict[str, tuple[str, str, dict[str, str]]] = {
    "prometheus": ("/prometheus/write", "\0", {"content_type": "application/x-protobuf"}),
    "loki": ("/loki/api/v1/push", LINE, {"content_type": "application/json"}),
    "elastic": ("/elastic/_bulk", '{"index": {"_index": "i"}}\n{"message": "m"}\n', {}),
    "splunk": ("/splunk/services/collector", '{"event": "m"}', {}),
    "alerts": ("/alerts/generic", '{"name": "a"}', {}),
}
MEDIA = {
    "prometheus": "text/plain",
    "loki": "text/plain",
    "elastic": "application/json",
    "splunk": "application/json",
    "alerts": "application/problem+json",
}


def basic(pair: str) -> str:
    return "Basic " + base64.b64encode(pair.encode()).decode()


@pytest.mark.parametrize(
    "authorization",
    ["Bearer key-a", "Splunk key-a", "splunk  key-a", basic("any:key-a"), basic("key-a:"), "ApiKey key-a",
     basic("id:key-a").replace("Basic", "ApiKey")],
)  # fmt: skip
@pytest.mark.parametrize("family", CALLS)
async def test_a_key_is_known_in_every_scheme(world: World, family: str, authorization: str) -> None:
    path, body, headers = CALLS[family]
    answer = await world.post(path, body, authorization=authorization, **headers)
    assert answer.status_code < 300, answer.text


@pytest.mark.parametrize("family", CALLS)
@pytest.mark.parametrize(
    ("authorization", "status"),
    [("", 401), ("Basic !!", 401), ("Digest x", 401), ("Bearer wrong", 401), ("Bearer key-reader", 403)],
)
async def test_who_may_not_send_is_told_in_the_systems_way(
    world: World, family: str, authorization: str, status: int
) -> None:
    path, body, headers = CALLS[family]
    answer = await world.post(path, body, authorization=authorization, **headers)
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith(MEDIA[family])
    if family == "elastic":
        assert answer.headers["x-elastic-product"] == "Elasticsearch"
        assert answer.json()["error"]["type"] == "security_exception"


async def test_otlp_takes_bearer_tokens_alone(world: World) -> None:
    answer = await world.post(
        "/logs", b"", content_type="application/x-protobuf", authorization=basic("any:key-a")
    )
    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("error", "statuses"),
    [
        (Overloaded("no room", retry_after=7), {"loki": 429, "elastic": 429}),
        (Unavailable("down", retry_after=7), {}),
        (StorageFull("no disk", retry_after=7), dict.fromkeys(CALLS, 507)),
    ],
    ids=["overloaded", "unavailable", "full"],
)
@pytest.mark.parametrize("family", CALLS)
async def test_what_is_not_taken_now_is_refused_so_that_it_is_sent_again(
    world: World, monkeypatch: pytest.MonkeyPatch, family: str, error: Exception, statuses: dict[str, int]
) -> None:
    async def refuse(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(world.intake, "accept", refuse)
    monkeypatch.setattr(world.intake, "accept_alerts", refuse)
    path, body, headers = CALLS[family]
    answer = await world.post(path, body, **headers)
    assert answer.status_code == statuses.get(family, 503)
    assert answer.headers["retry-after"] == "7"
    if family in ("splunk", "alerts", "elastic"):
        assert answer.json().get("status", answer.status_code) == answer.status_code
    if family == "splunk":
        assert answer.json()["code"] == 9


@pytest.mark.parametrize("family", CALLS)
async def test_a_body_over_the_limit_is_413(world: World, family: str) -> None:
    path, _, headers = CALLS[family]
    answer = await world.post(path, b"x" * 2_000_000, **headers)
    assert answer.status_code == 413
    assert answer.headers["content-type"].startswith(MEDIA[family])


@pytest.mark.parametrize("family", CALLS)
async def test_nothing_is_there_below_another_path(world: World, family: str) -> None:
    answer = await world.post(f"{CALLS[family][0]}/more/than/this", b"")
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith(MEDIA[family])


async def test_requests_and_refused_records_are_counted(world: World) -> None:
    def value(name: str, **labels: str) -> float:
        return REGISTRY.get_sample_value(name, {"tenant": "tenant-a", "signal": "logs", **labels}) or 0.0

    def counts() -> tuple[float, float, float]:
        requests = value("airis_ingest_requests_total", transport="elastic", status="200")
        accepted = value("airis_ingest_accepted_records_total")
        return requests, accepted, value("airis_ingest_rejected_records_total")

    before = counts()
    action = '{"index": {"_index": "i"}}'
    body = f'{action}\n{{"message": "a"}}\n{action}\nnot json\n{action}\n{{"message": "b"}}\n'
    assert (await world.post("/elastic/_bulk", body)).json()["errors"] is True
    assert tuple(after - then for after, then in zip(counts(), before, strict=True)) == (1, 2, 1)


async def test_what_clients_ask_besides(world: World) -> None:
    for path in ("/elastic", "/elastic/", "/elastic/_license", "/elastic/_cluster/health"):
        answer = await world.client.get(f"{path}?human=true", headers=world.headers)
        assert answer.status_code == 200, path
        assert answer.headers["x-elastic-product"] == "Elasticsearch"
    ping = await world.client.head("/elastic", headers=world.headers)
    assert (ping.status_code, ping.headers["x-elastic-product"]) == (200, "Elasticsearch")


@pytest.mark.parametrize(
    ("sent", "known"),
    [
        (b"Splunk airis_x", b"Bearer airis_x"),
        (b"Basic dXNlcjphaXJpc194", b"Bearer airis_x"),  # user:airis_x
        (b"ApiKey airis_x", b"Bearer airis_x"),
        (b"Bearer airis_x", b"Bearer airis_x"),
        (b"Basic ////", b"Bearer "),
        (b"", b""),
    ],
)
def test_schemes(sent: bytes, known: bytes) -> None:
    assert bearer(sent) == known
