"""Webhooks of Alertmanager (itself, where it is installed), of Grafana, and of anybody."""

from __future__ import annotations

import asyncio
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.contract.intakes.conftest import Site
from tests.contract.intakes.test_prometheus import free_port

NOW = datetime.now(UTC).isoformat()


async def post(site: Site, source: str, document: Any) -> httpx.Response:
    async with httpx.AsyncClient(headers={"authorization": f"Bearer {site.key}"}) as client:
        return await client.post(f"{site.url}/alerts/{source}", json=document)


async def alerts(site: Site) -> list[dict[str, Any]]:
    return await site.rows("airis_alerts", order="Name")


@pytest.mark.skipif(
    shutil.which("prometheus-alertmanager") is None, reason="no prometheus-alertmanager on the PATH"
)
async def test_alertmanager_itself_sends(site: Site, tmp_path: Path) -> None:
    (tmp_path / "alertmanager.yml").write_text(f"""
route: {{receiver: airis, group_wait: 10ms, group_interval: 1s}}
receivers:
  - name: airis
    webhook_configs:
      - url: {site.url}/alerts/alertmanager
        http_config: {{authorization: {{credentials: {site.key}}}}}
""")
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        "prometheus-alertmanager",
        f"--config.file={tmp_path}/alertmanager.yml",
        f"--storage.path={tmp_path}/data",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
        "--log.level=error",
    )
    alert = {
        "labels": {"alertname": "HighErrors", "severity": "Critical", "service": "checkout"},
        "annotations": {"summary": "결제 오류", "description": "5 % of requests fail"},
        "startsAt": NOW,
        "generatorURL": "http://prometheus/graph",
    }
    transport = httpx.AsyncHTTPTransport(retries=10)  # until it listens
    try:
        async with httpx.AsyncClient(transport=transport) as client:
            answer = await client.post(f"http://127.0.0.1:{port}/api/v2/alerts", json=[alert])
        assert answer.status_code == 200
        (row,) = await site.arrived("airis_alerts", order="Name")
    finally:
        process.terminate()
        await process.wait()
    assert (row["Name"], row["Status"], row["Severity"]) == ("HighErrors", "firing", "critical")
    assert (row["ServiceName"], row["Summary"]) == ("checkout", "결제 오류")
    assert row["Fingerprint"]
    assert row["StartsAt"].isoformat()[:19] == NOW[:19]
    assert row["EndsAt"].timestamp() == 0
    assert row["Receiver"] == "airis"
    assert row["Url"] == "http://prometheus/graph"


async def test_grafana(site: Site) -> None:
    document = {
        "receiver": "airis",
        "status": "firing",
        "orgId": 1,
        "alerts": [
            {
                "status": status,
                "labels": {"alertname": name, "grafana_folder": "shop", "service_name": "cart"},
                "annotations": {"summary": "slow"},
                "startsAt": "2026-01-02T03:04:05.5+09:00",
                "endsAt": ends,
                "generatorURL": "http://grafana/alert",
                "fingerprint": name,
                "panelURL": "http://grafana/panel",
                "values": {"A": 1.5},
                "valueString": "[ var='A' value=1.5 ]",
            }
            for name, status, ends in (
                ("a", "firing", "0001-01-01T00:00:00Z"),
                ("b", "resolved", "2026-01-02T04:00:00Z"),
            )
        ],
        "groupKey": "{}:{}",
        "title": "[FIRING:1] shop",
        "state": "alerting",
        "message": "text",
    }
    answer = await post(site, "grafana", document)
    assert (answer.status_code, answer.json()) == (202, {"accepted": 2})
    first, second = await alerts(site)
    assert (first["Status"], first["EndsAt"].timestamp()) == ("firing", 0)
    assert (second["Status"], second["EndsAt"].hour) == ("resolved", 4)
    assert first["StartsAt"].isoformat() == "2026-01-01T18:04:05.500000+00:00"
    assert first["Annotations"]["grafana.values"] == '{"A":1.5}'
    assert (first["ServiceName"], first["Source"], first["GroupKey"]) == ("cart", "grafana", "{}:{}")


async def test_anybody(site: Site) -> None:
    document = [
        {
            "title": "disk full",
            "state": "alerting",
            "priority": "P1",
            "app": "db",
            "host": "h1",
            "tags": ["env:prod"],
        },
        {
            "name": "disk full",
            "status": "OK",
            "labels": {"env": "prod"},
            "time": 1_767_225_600,
            "service": "db",
        },
    ]
    answer = await post(site, "generic", document)
    assert (answer.status_code, answer.json()) == (202, {"accepted": 2})
    rows = {row["Status"]: row for row in await alerts(site)}
    assert rows["firing"]["Fingerprint"] == rows["resolved"]["Fingerprint"]
    assert rows["firing"]["Severity"] == "p1"
    assert rows["firing"]["Annotations"] == {"host": "h1"}
    assert rows["resolved"]["StartsAt"].year == 2026


@pytest.mark.parametrize(
    ("source", "document", "status", "told"),
    [
        ("pager", {}, 404, "known: alertmanager, grafana, generic"),
        ("alertmanager", {"alerts": 1}, 400, "/alerts"),
        ("alertmanager", {"alerts": [{"status": "odd"}]}, 400, "/alerts/0/status"),
        ("generic", {"alerts": [{"name": "a"}, {"severity": "high"}]}, 400, "/alerts/1/name"),
        ("generic", {"name": "a", "status": "maybe"}, 400, "firing or resolved"),
        ("generic", {"name": "a", "startsAt": "soon"}, 400, "/startsAt"),
    ],
)
async def test_what_is_no_alert_is_told(
    site: Site, source: str, document: Any, status: int, told: str
) -> None:
    answer = await post(site, source, document)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert told in answer.text
    assert await alerts(site) == []
