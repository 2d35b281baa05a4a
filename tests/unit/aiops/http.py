"""The application of aiops without a store, and series in every form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx
import numpy as np
import pyarrow as pa

from airis_ray.aiops.app import create_app
from airis_ray.gateway.openapi import NoStore
from airis_ray.settings import Settings
from airis_ray.web.arrow import ARROW_STREAM
from airis_ray.web.auth import Guard, Principal, Scope

MINUTE = 60 * 10**9
START = 1_700_000_040 * 10**9
ARROW = {"content-type": ARROW_STREAM}


class Readers:
    """A key ring to which every key is a reader's."""

    async def verify(self, key: str) -> Principal | None:
        return Principal(key, key, frozenset({Scope.READ}))


def client(**parts: Any) -> httpx.AsyncClient:
    settings = Settings.model_validate({"limits": {"requests_per_minute": 10**9}})
    app = create_app(settings, NoStore(), Guard(settings, Readers()), lambda: START, **parts)
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app, raise_app_exceptions=False),
        base_url="http://airis",
        headers={"authorization": "Bearer reader"},
    )


def wave(points: int = 400, season: int = 60, seed: int = 0) -> np.ndarray[Any, np.dtype[np.float64]]:
    """A season and noise, a point a minute."""
    noise = np.random.default_rng(seed).normal(0, 0.3, points)
    found: np.ndarray[Any, np.dtype[np.float64]] = (
        20 + 5 * np.sin(np.arange(points) / season * 2 * np.pi) + noise
    )
    return found


def times(points: int) -> list[int]:
    return [START + i * MINUTE for i in range(points)]


def one(values: Any = None, **labels: str) -> dict[str, Any]:
    """A series as JSON has it."""
    listed = (wave() if values is None else np.asarray(values, dtype=float)).tolist()
    return {"timestamps": times(len(listed)), "values": listed, "labels": labels}


def stream(table: pa.Table, **options: Any) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def table(columns: Mapping[str, Any]) -> pa.Table:
    return pa.table(dict(columns))
