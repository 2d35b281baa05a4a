"""Ingest and replay beside each other for one tenant, and what a visitor does."""

from __future__ import annotations

import gzip
import time
from pathlib import Path
from typing import Any

import httpx
import orjson
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)

from airis_ray.ingest.app import create_app
from airis_ray.ingest.intake import Intake
from airis_ray.replay.app import create_app as create_replay
from airis_ray.settings import IngestSettings, ReplaySettings, Settings
from airis_ray.store import Store
from airis_ray.web.auth import ALL_SCOPES, Guard, Principal
from tests.unit.ingest.conftest import Interrupted
from tests.unit.replay.events import change, click, custom, element, meta, snapshot, text

TRACE = "0af7651916cd43dd8448eb211c80319c"


class Anybody:
    """A key ring to which every key may do everything in the tenant of that name; empty ones are unknown."""

    async def verify(self, key: str) -> Principal | None:
        return Principal(key, key, ALL_SCOPES)


class Site:
    """Ingest and replay for one tenant."""

    def __init__(self, store: Store, tenant: str, folder: Path, **replay: Any) -> None:
        self.store, self.tenant, self.folder = store, tenant, folder
        self.settings = Settings(
            data_dir=folder,
            ingest=IngestSettings(commit_interval=0.02, origins="https://shop.example,https://*.b.example"),
            replay=ReplaySettings(interval=3600.0, **replay),
        )
        kept = Interrupted(store)
        guard = Guard(self.settings, Anybody())
        self.intake = Intake(kept, self.settings)
        self.ingest = self.client(create_app(self.settings, self.intake, guard), "/v1")
        self.replay = self.client(create_replay(self.settings, kept, guard), "/api/replay")

    def client(self, app: Any, root: str) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(app, root_path=root),
            base_url=f"http://airis{root}",
            headers={"authorization": f"Bearer {self.tenant}"},
        )

    async def send(
        self, events: list[Any], sequence: int = 0, session: str = "s1", **said: Any
    ) -> httpx.Response:
        body = {
            "session_id": session,
            "events": events,
            "metadata": {"sequence": sequence, "tab": "t1", **said},
        }
        return await self.ingest.post(
            "/replay",
            content=gzip.compress(orjson.dumps(body)),
            headers={
                "content-type": "application/json",
                "content-encoding": "gzip",
            },
        )

    async def send_otlp(
        self, events: list[Any], session: str, first: int = 1, parts: int = 1, user: str = "u1"
    ) -> Any:
        request = ExportLogsServiceRequest()
        group = request.resource_logs.add()
        for key, value in {"rum.sessionId": session, "service.name": "web", "enduser.id": user}.items():
            group.resource.attributes.add(key=key).value.string_value = value
        scope = group.scope_logs.add()
        for number, event in enumerate(events, first):
            said = orjson.dumps(event).decode()
            size = -(-len(said) // parts)
            for part in range(parts):
                record = scope.log_records.add(time_unix_nano=event["timestamp"] * 10**6)
                record.body.string_value = said[part * size : (part + 1) * size]
                told = {"event": number, "chunk": part + 1, "total-chunks": parts}
                for key, count in told.items():
                    record.attributes.add(key=f"rr-web.{key}").value.double_value = count
        answer = await self.ingest.post(
            "/logs", content=request.SerializeToString(), headers={"content-type": "application/x-protobuf"}
        )
        assert answer.status_code == 200, answer.text
        return ExportLogsServiceResponse.FromString(answer.content).partial_success

    async def listed(self, **params: Any) -> list[dict[str, Any]]:
        await self.intake.summarise_recordings()
        answer = await self.replay.get("/sessions", params=params)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()
        return found

    async def session(self, name: str) -> dict[str, Any]:
        answer = await self.replay.get(f"/sessions/{name}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def events(self, name: str) -> list[Any]:
        answer = await self.replay.get(f"/sessions/{name}/events")
        assert answer.status_code == 200, answer.text
        found: list[Any] = answer.json()
        return found

    async def close(self) -> None:
        await self.intake.close(5.0)
        await self.ingest.aclose()
        await self.replay.aclose()


def now() -> int:
    return time.time_ns() // 10**6 - 60_000


def visit(at: int) -> list[Any]:
    """A page with a form, three angry clicks, an error, a request that failed; then nothing for a while."""
    return [
        meta(at, "https://shop.example/cart?mail=kim@example.com"),
        snapshot(at + 1, element(5, "input", {"type": "text", "value": "비밀 secret"}), text(6, "결제")),
        change(at + 500, 5, text="1234", isChecked=False, id=5),
        *(click(at + 1000 + 200 * number) for number in range(3)),
        custom(at + 2000, "console", level="error", text="card 4111 1111 1111 1111 refused"),
        custom(at + 2100, "network", method="POST", url="/pay", status=502, duration_ms=100, trace_id=TRACE),
        custom(at + 2200, "error", message="boom", stack="at x"),
        custom(at + 2300, "event", name="coupon refused", attributes={"code": 7, "by": "kim@example.com"}),
        click(at + 8000, 300, 300),
        change(at + 20_000, 1, positions=[]),
    ]
