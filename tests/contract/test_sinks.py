"""What every sink of ingest keeps to, over each: the store, librdkafka's mock of Kafka, a real Kafka."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from typing import Any, Protocol

import pytest

from airis_ray.errors import InvalidInput, Overloaded, TooLarge, Unavailable
from airis_ray.ingest.budget import Budget
from airis_ray.ingest.sink import Accepted, Sink, open_sink
from airis_ray.settings import IngestSettings, KafkaSettings, Settings
from airis_ray.store import Query
from airis_ray.stream.messages import topic_of
from airis_ray.stream.topics import ensure_topics
from airis_ray.telemetry.otlp import decode
from airis_ray.telemetry.tables import Signal
from tests.support.kafka import Kafka
from tests.support.kafka_mock import mock_cluster
from tests.support.local_store import LocalStore
from tests.unit.ingest.conftest import Interrupted
from tests.unit.ingest.payloads import TABLES, request

BACKENDS = ("store", "mock", "kafka")
SECONDS = 20.0


class Backend(Protocol):
    """What is behind a sink: its settings, what arrived there, and a way to take it away."""

    settings: Settings
    store: Any

    async def count(self, signal: Signal, tenant: str) -> int:
        """Records of a tenant that are durable."""

    def absent(self) -> Any:
        """A context in which nothing is acknowledged."""


def bounded(kafka: KafkaSettings | None = None) -> Settings:
    return Settings(
        ingest=IngestSettings(commit_interval=0.02, max_body_bytes=1 << 20),
        kafka=kafka or KafkaSettings(),
    )


class StoreBackend:
    def __init__(self, store: LocalStore) -> None:
        self.store = Interrupted(store)
        self.settings = bounded()

    async def count(self, signal: Signal, tenant: str) -> int:
        answer = await self.store.query(Query(f"SELECT count() AS n FROM {TABLES[signal]}", tenant=tenant))
        return int(answer.table["n"][0].as_py())

    @contextmanager
    def absent(self) -> Any:
        self.store.error = Unavailable("away")
        try:
            yield
        finally:
            self.store.error = None


class KafkaBackend:
    def __init__(self, settings: KafkaSettings, kafka: Kafka, leave: Any, back: Any) -> None:
        self.store = None
        self.settings = bounded(settings)
        self.kafka = kafka
        self.leave, self.back = leave, back

    async def count(self, signal: Signal, tenant: str) -> int:
        found = await asyncio.to_thread(self.kafka.messages, topic_of(self.settings.kafka, signal))
        mine = [item.value() for item in found if dict(item.headers())["airis.tenant"] == tenant.encode()]
        return sum(decode(signal, value, tenant=tenant).accepted for value in mine)

    @contextmanager
    def absent(self) -> Any:
        self.leave()
        try:
            yield
        finally:
            self.back()


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> Any:
    with ExitStack() as stack:
        if request.param == "store":
            yield StoreBackend(request.getfixturevalue("migrated_store"))
            return
        if request.param == "mock":
            cluster = stack.enter_context(mock_cluster())
            settings = KafkaSettings(bootstrap=cluster.bootstrap, linger=0.0, delivery_timeout=SECONDS)
            for topic in ("otlp_logs", "otlp_spans", "otlp_metrics"):
                cluster.create(topic, 4)
            mock = Kafka(cluster.bootstrap, "librdkafka's mock", None)
            yield KafkaBackend(settings, mock, cluster.down, cluster.up)
            return
        kafka: Kafka = request.getfixturevalue("kafka")
        settings = kafka.settings(delivery_timeout=SECONDS)
        ensure_topics(settings, 1 << 20)
        node = kafka.broker
        yield KafkaBackend(settings, kafka, node.pause if node else None, node.resume if node else None)


@asynccontextmanager
async def opened(
    backend: Backend, limit: int = 64 << 20, patience: float = SECONDS
) -> AsyncIterator[tuple[Sink, Budget]]:
    """A sink whose budget is ``limit`` bytes and that waits ``patience`` seconds for what is behind."""
    budget, settings = Budget(limit), backend.settings
    groups = {
        "kafka": settings.kafka.model_copy(update={"delivery_timeout": patience}),
        "ingest": settings.ingest.model_copy(update={"commit_timeout": patience}),
    }
    sink = open_sink(backend.store, settings.model_copy(update=groups), budget)
    try:
        yield sink, budget
    finally:
        await sink.close(5.0)


def accepted(signal: Signal, count: int, tenant: str, service: str = "checkout") -> Accepted:
    body = request(signal, count, service).SerializeToString()
    received_ns = time.time_ns()
    return Accepted(
        signal, tenant, body, decode(signal, body, tenant=tenant, received_ns=received_ns), received_ns
    )


async def eventually(sink: Sink, item: Accepted) -> None:
    """Send until it is kept, as senders do."""
    async with asyncio.timeout(SECONDS):
        while True:
            try:
                return await sink.put(item)
            except Unavailable as error:
                await asyncio.sleep(min(0.2, error.retry_after))


@pytest.mark.parametrize("signal", TABLES)
async def test_what_was_put_is_durable(backend: Backend, tenant: str, signal: Signal) -> None:
    async with opened(backend) as (sink, budget):
        await sink.put(accepted(signal, 5, tenant))
        assert await backend.count(signal, tenant) == 5
        assert await backend.count(signal, f"{tenant}x") == 0
        assert budget.held == 0


async def test_many_at_once(backend: Backend, tenant: str) -> None:
    async with opened(backend) as (sink, budget):
        items = [accepted(signal, 3, tenant, f"service {n}") for n in range(20) for signal in TABLES]
        await asyncio.gather(*(sink.put(item) for item in items))
        assert [await backend.count(signal, tenant) for signal in TABLES] == [60, 60, 60]
        assert budget.held == 0


async def test_of_an_empty_request_nothing_is_kept(backend: Backend, tenant: str) -> None:
    async with opened(backend) as (sink, _):
        await sink.put(accepted("logs", 0, tenant))
        await sink.put(accepted("logs", 1, tenant))
        assert await backend.count("logs", tenant) == 1


async def test_while_what_is_behind_is_away_it_is_unavailable(backend: Backend, tenant: str) -> None:
    if isinstance(backend, KafkaBackend) and (backend.leave is None or not backend.kafka.real):
        pytest.skip(
            "a Kafka that others started is not stopped, and Tansu takes no producer back after a pause"
        )
    async with opened(backend, patience=2.0) as (sink, budget):
        await eventually(sink, accepted("logs", 1, tenant, "before"))
        with backend.absent():
            with pytest.raises(Unavailable) as caught:
                await sink.put(accepted("logs", 2, tenant, "meanwhile"))
            assert caught.value.retry_after > 0
            assert budget.held == 0
        await eventually(sink, accepted("logs", 4, tenant, "after"))
        # What was refused may be there or not; so may the first one, had it to be repeated.
        assert await backend.count("logs", tenant) >= 5


async def test_what_never_fits_is_too_large_and_what_does_not_fit_now_is_overloaded(
    backend: Backend, tenant: str
) -> None:
    large, small = accepted("traces", 400, tenant), accepted("traces", 1, tenant)
    batch = large.decoded.tables["otel_traces"]
    async with opened(backend, min(len(large.body), batch.nbytes) - 1) as (sink, budget):
        with pytest.raises(TooLarge):
            await sink.put(large)
        assert budget.held == 0
        await sink.put(small)
        budget.take(budget.limit)
        with pytest.raises(Overloaded) as caught:
            await sink.put(small)
        assert caught.value.retry_after
        budget.give(budget.limit)
        await sink.put(small)
    assert await backend.count("traces", tenant) == 2


async def test_records_on_too_many_days_are_refused(backend: Backend, tenant: str) -> None:
    message = request("logs", 100, "checkout")
    for day, record in enumerate(message.resource_logs[0].scope_logs[0].log_records):
        record.time_unix_nano -= day * 86_400 * 10**9
    body = message.SerializeToString()
    item = Accepted("logs", tenant, body, decode("logs", body, tenant=tenant), time.time_ns())
    async with opened(backend) as (sink, budget):
        with pytest.raises(InvalidInput, match="100 different days; at most 90"):
            await sink.put(item)
        assert budget.held == 0
    assert await backend.count("logs", tenant) == 0


async def test_a_caller_that_goes_away_holds_nothing(backend: Backend, tenant: str) -> None:
    async with opened(backend) as (sink, budget):
        await sink.put(accepted("logs", 1, tenant))
        gone = asyncio.ensure_future(sink.put(accepted("logs", 2, tenant)))
        await asyncio.sleep(0)
        gone.cancel()
        await sink.put(accepted("logs", 4, tenant))
        assert await backend.count("logs", tenant) in (5, 7)
    assert budget.held == 0


async def test_closing_keeps_what_waits_and_refuses_what_comes(backend: Backend, tenant: str) -> None:
    async with opened(backend) as (sink, _):
        waiting = [asyncio.ensure_future(sink.put(accepted("logs", 1, tenant))) for _ in range(3)]
        await asyncio.sleep(0)  # they are handed over
        await sink.close(SECONDS)
        await asyncio.gather(*waiting)
        with pytest.raises(Unavailable, match="shutting down"):
            await sink.put(accepted("logs", 1, tenant))
    assert await backend.count("logs", tenant) == 3
