"""Explaining a change over the engine."""

from __future__ import annotations

import itertools
from typing import Any

import httpx
import pytest

from tests.support import records
from tests.support.local_store import LocalStore

_MINUTE = 60 * 10**9
_RANGES = {
    "target": {"from": "now-30m", "to": "now"},
    "baseline": {"from": "now-60m", "to": "now-30m"},
}


def spans(*, failing: bool) -> list[dict[str, Any]]:
    """An hour of spans of six kinds; in its second half web in eu fails, or is silent."""
    rows = []
    for minute, service, region, copy in itertools.product(
        range(60), ("web", "cart"), ("eu", "us", ""), range(20)
    ):
        broken = minute >= 30 and service == "web" and region == "eu"
        if broken and not failing and copy % 5:
            continue
        rows.append(
            {
                "Timestamp": records.START + minute * _MINUTE + copy * 10**9,
                "SpanId": f"{minute:04x}{copy:04x}{hash((service, region)) & 0xFFFF:08x}",
                "ServiceName": service,
                "StatusCode": "Error" if (broken and failing and copy % 2) or copy == 7 else "Ok",
                "ResourceAttributes": {"cloud.region": region} if region else {},
            }
        )
    return rows


@pytest.mark.parametrize("failing", [True, False])
async def test_a_change_of_a_share_and_of_a_number(
    http: httpx.AsyncClient, migrated_store: LocalStore, tenant: str, failing: bool
) -> None:
    await migrated_store.insert("otel_traces", records.span(tenant, *spans(failing=failing)))
    body = {"signal": "traces", "dimensions": ["service", "cloud.region"], **_RANGES}
    answer = await http.post("/explain", json=body | ({"events": "status:error"} if failing else {}))
    assert answer.status_code == 200, answer.text
    causes = answer.json()["causes"]
    assert [each["combination"] for each in causes] == [{"service": "web", "cloud.region": "eu"}]
    assert causes[0]["query"] == 'service:"web" cloud.region:"eu"'
    assert causes[0]["actual"] == (300 if failing else 120)
    assert causes[0]["expected"] == pytest.approx(30 if failing else 600, rel=0.05)


async def test_nothing_to_explain_and_what_is_refused(http: httpx.AsyncClient) -> None:
    answer = await http.post("/explain", json={"dimensions": ["service"]})
    assert answer.json()["causes"] == []
    for body, pointer in (
        ({"dimensions": []}, "/dimensions"),
        ({"dimensions": ["Timestamp"]}, "/dimensions/0"),
        ({"dimensions": ["service"], "events": "a:("}, "/events"),
    ):
        refused = await http.post("/explain", json=body)
        assert refused.status_code in (400, 422)
        assert pointer in [each["pointer"] for each in refused.json()["errors"]]
