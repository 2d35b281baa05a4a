"""A real OpenTelemetry Collector (scripts/otel-collector) before our topics, and before the embedded store."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pytest

from airis_ray.settings import KafkaSettings, Settings, StoreSettings, StreamSettings
from airis_ray.store import Query, Store
from airis_ray.store.client import open_store
from airis_ray.store.migrate import migrate
from airis_ray.stream.consumer import StreamConsumer
from airis_ray.stream.kafka import KafkaBroker
from airis_ray.stream.messages import TOPICS, topic_of
from airis_ray.stream.topics import ensure_topics
from airis_ray.telemetry.otlp import decode
from airis_ray.telemetry.tables import Signal
from scripts.otel_collector import CACHE, built, running
from tests.support.embedded_store import EmbeddedProcess, free_port
from tests.support.kafka import Kafka
from tests.unit.ingest.payloads import TABLES, request

ROOT = Path(__file__).parents[2]
PROGRAM = built(Settings.from_env().test.otel_collector or ROOT / CACHE)
SECONDS = 60.0
RECORDS = 50
MAX_BODY = 1 << 20

pytestmark = pytest.mark.skipif(
    PROGRAM is None, reason="no Collector is built (scripts/otel-collector build)"
)


async def through(
    folder: Path,
    exporters: dict[str, Any],
    bodies: dict[Signal, bytes],
    arrived: Callable[[], Awaitable[bool]],
) -> None:
    """Send requests to a Collector with an exporter for each signal, and wait for ``arrived``."""
    assert PROGRAM is not None
    port = free_port()
    config = {
        "receivers": {"otlp": {"protocols": {"http": {"endpoint": f"127.0.0.1:{port}"}}}},
        "exporters": exporters,
        "service": {
            "telemetry": {"metrics": {"level": "none"}},
            "pipelines": {signal: {"receivers": ["otlp"], "exporters": list(exporters)} for signal in bodies},
        },
    }
    with running(PROGRAM, config, folder, port=port):
        async with httpx.AsyncClient(trust_env=False, timeout=SECONDS) as client:
            for signal, body in bodies.items():
                answer = await client.post(
                    f"http://127.0.0.1:{port}/v1/{signal}",
                    content=body,
                    headers={"content-type": "application/x-protobuf"},
                )
                assert answer.status_code == 200, answer.text
        deadline = time.monotonic() + SECONDS
        while not await arrived():
            log = folder / "collector.log"
            assert time.monotonic() < deadline, f"nothing arrived: {log.read_text(encoding='utf-8')[-2000:]}"
            await asyncio.sleep(0.05)


def kafka_exporter(kafka: KafkaSettings, **more: Any) -> dict[str, Any]:
    """As docs/kafka.md has it, with the prefix of this test's topics."""
    named: dict[str, Any] = {signal: {"topic": topic_of(kafka, signal)} for signal in TOPICS}
    producer = {"required_acks": -1, "compression": "zstd", "max_message_bytes": MAX_BODY}
    return {"kafka": {"brokers": [kafka.bootstrap], "producer": producer, **named, **more}}


async def count(store: Store, table: str, tenant: str) -> int:
    answer = await store.query(Query(f"SELECT count() AS n FROM {table}", tenant=tenant))
    return int(answer.table["n"][0].as_py())


async def rows(store: Store, table: str, columns: list[str], tenant: str) -> list[dict[str, Any]]:
    """What is stored of a tenant, without its name."""
    names = ", ".join(f"`{name}`" for name in columns)
    answer = await store.query(Query(f"SELECT {names} FROM {table} ORDER BY ALL", tenant=tenant))
    found: list[dict[str, Any]] = answer.table.to_pylist()
    for row in found:
        row["ResourceAttributes"] = [pair for pair in row["ResourceAttributes"] if pair[0] != "airis.tenant"]
    return found


@pytest.mark.parametrize("named", [True, False], ids=["tenant in a header", "tenant of the settings"])
async def test_its_kafka_exporter_feeds_our_topics(
    kafka: Kafka, migrated_store: Store, tmp_path: Path, tenant: str, named: bool
) -> None:
    whose = {} if named else {"tenant": tenant}
    settings = Settings(
        kafka=kafka.settings(**whose), stream=StreamSettings(group=tenant, batch_interval=0.1)
    )
    ensure_topics(settings.kafka, MAX_BODY)
    bodies: dict[Signal, bytes] = {s: request(s, RECORDS, "checkout").SerializeToString() for s in TOPICS}
    exporter = kafka_exporter(
        settings.kafka, **({"record_headers": [{"name": "airis.tenant", "value": tenant}]} if named else {})
    )
    broker = KafkaBroker(settings.kafka, settings.stream, max_body_bytes=MAX_BODY)
    consumer = StreamConsumer(broker, migrated_store, settings)
    running_consumer = asyncio.create_task(consumer.run())

    async def arrived() -> bool:
        counts = [await count(migrated_store, TABLES[signal], tenant) for signal in bodies]
        return counts == [RECORDS] * len(bodies)

    try:
        await through(tmp_path, exporter, bodies, arrived)
    finally:
        await consumer.close(5.0)
        await running_consumer
    for signal, body in bodies.items():
        table = TABLES[signal]
        direct = decode(signal, body, tenant=f"{tenant}-direct").tables[table]
        await migrated_store.insert(table, pa.Table.from_batches([direct]))
        names = direct.schema.names
        found = await rows(migrated_store, table, names, tenant)
        assert found == await rows(migrated_store, table, names, f"{tenant}-direct")


async def test_its_clickhouse_exporter_fills_our_tables(tmp_path: Path) -> None:
    process = EmbeddedProcess(tmp_path / "store").start()
    settings = Settings(data_dir=process.data_dir, store=StoreSettings(port=process.port))
    store = open_store(settings)
    try:
        await migrate(store, settings=settings)
        bodies: dict[Signal, bytes] = {s: request(s, RECORDS, "checkout").SerializeToString() for s in TOPICS}
        exporter = {
            "endpoint": process.url,
            "username": "default",
            "password": process.key,
            "create_schema": False,
            "async_insert": False,
        }

        async def arrived() -> bool:
            counts = [await count(store, TABLES[signal], "somebody else") for signal in bodies]
            return counts == [RECORDS] * len(bodies)

        await through(tmp_path, {"clickhouse": exporter}, bodies, arrived)
        answer = await store.query(
            Query(
                "SELECT ServiceName, uniqExact(Body) AS n FROM otel_logs GROUP BY 1", tenant="somebody else"
            )
        )
        assert answer.table.to_pylist() == [{"ServiceName": "checkout", "n": RECORDS}]
    finally:
        await store.close()
        process.stop()
