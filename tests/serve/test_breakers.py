"""The gateway shows the breakers of every replica: it asks them all, over Serve."""

from __future__ import annotations

from typing import Any

import httpx
from prometheus_client.parser import text_string_to_metric_families

from tests.serve.conftest import Instance, eventually

_SERVICES = {"gateway", "ingest", "analytics"}


def test_every_service_tells_of_its_calls_to_the_store(air: Instance) -> None:
    with air.connect() as client:
        client.services("now-5m")  # a replica that never called anybody has no news
    headers = {"Authorization": f"Bearer {air.key}"}

    def breakers() -> list[dict[str, Any]]:
        body = httpx.get(f"{air.url}/readyz", headers=headers, timeout=10.0).json()
        return [each for each in body["breakers"] if each["part"] == "store"]

    assert eventually(lambda: {each["service"] for each in breakers()} >= _SERVICES, 30.0), breakers()
    assert all(each["replica"] for each in breakers())
    assert {each["state"] for each in breakers()} == {"closed"}
    public = httpx.get(f"{air.url}/readyz", timeout=10.0).json()["breakers"]
    assert {each["replica"] for each in public} == {""}

    text = httpx.get(f"{air.url}/metrics", headers=headers, timeout=10.0).text
    families = {family.name: family for family in text_string_to_metric_families(text)}
    told = {each.labels["service"] for each in families["airis_breaker_state"].samples}
    assert told >= _SERVICES
