"""Consumers over a broker and a store in memory, with numbered log records to follow on their way."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor, Future
from contextlib import suppress
from typing import Any, Final

import pyarrow as pa
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from airis_ray.errors import AirisError, InvalidInput, Unavailable
from airis_ray.settings import KafkaSettings, Settings, StreamSettings
from airis_ray.stream.consumer import StreamConsumer
from airis_ray.stream.memory import MemoryBroker
from airis_ray.stream.messages import Envelope, message_id, write_headers
from airis_ray.stream.protocol import Partition, Received
from tests.support.insert_only import InsertOnly

LOGS: Final = "otlp_logs"
P0: Final = Partition(LOGS, 0)
NOW_NS: Final = 1_700_000_000_000_000_000
POISON: Final = b"\xff\xff\xff\xff this is no OTLP"
TOPICS: Final = {LOGS: 2, "otlp_spans": 1, "otlp_metrics": 1} | {
    f"{topic}.dlq": 1 for topic in (LOGS, "otlp_spans", "otlp_metrics")
}


class SameThread(Executor):
    """Runs what it is given at once: a loop with a clock of its own waits for no thread."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


class MemoryStore(InsertOnly):
    """Keeps the bodies of log records, and drops inserts whose token it has seen, as ClickHouse does."""

    def __init__(self, *, window: int = 1000, seconds: float = 0.01) -> None:
        self.bodies: Counter[str] = Counter()
        self.accounts: Counter[tuple[str, str]] = Counter()
        self.inserts: list[tuple[str, int, str]] = []
        self.down = False
        self.loses_answers = 0
        self.refuses: Callable[[str], bool] = lambda _: False
        self.refuses_accounts = False
        self.refusal: AirisError = InvalidInput("Code: 1. DB::Exception: a row that is not taken")
        self.gate = asyncio.Event()
        self.gate.set()
        self.arrived = asyncio.Event()
        self._window = window
        self._seconds = seconds
        self._tokens: dict[str, list[str]] = {}

    async def insert(self, table: str, data: pa.Table | pa.RecordBatch, *, token: str | None = None) -> None:
        assert token is not None
        self.arrived.set()
        await self.gate.wait()
        await asyncio.sleep(self._seconds)
        if self.down:
            raise Unavailable("the store is down")
        if table == "otel_logs" and any(self.refuses(body) for body in data["Body"].to_pylist()):
            raise self.refusal
        if table == "airis_accounts" and self.refuses_accounts:
            raise self.refusal
        self._apply(table, data, token)
        if self.loses_answers:
            self.loses_answers -= 1
            raise Unavailable("the connection broke before the acknowledgement")

    def _apply(self, table: str, data: pa.Table | pa.RecordBatch, token: str) -> None:
        seen = self._tokens.setdefault(table, [])
        if token in seen:
            return
        seen.append(token)
        del seen[: -self._window]
        if table == "otel_logs":
            self.bodies.update(data["Body"].to_pylist())
            self.inserts.append((table, data.num_rows, token))
        elif table == "airis_accounts":
            for row in data.to_pylist():
                self.accounts[row["Outcome"], row["Reason"]] += row["Records"]


def body(*numbers: int) -> bytes:
    """An OTLP request of log records with these numbers."""
    request = ExportLogsServiceRequest()
    records = request.resource_logs.add().scope_logs.add().log_records
    for number in numbers:
        records.add(time_unix_nano=NOW_NS).body.string_value = str(number)
    return bytes(request.SerializeToString())


def headers(value: bytes, *, records: int | None = 1, identity: bool = True) -> list[tuple[str, bytes]]:
    """The headers that ingest writes."""
    named = message_id("default", "logs", value) if identity else None
    return write_headers(Envelope("default", NOW_NS, records, named))


class World:
    """One broker, one store, any number of consumers."""

    def __init__(self, store: MemoryStore | None = None, **changes: Any) -> None:
        usual: dict[str, Any] = {"batch_rows": 10, "batch_interval": 2.0, "session_timeout": 10.0}
        self.settings = Settings(kafka=KafkaSettings(), stream=StreamSettings(**(usual | changes)))
        self.broker = MemoryBroker(TOPICS, session_timeout=self.settings.stream.session_timeout)
        self.store = store or MemoryStore()
        self._running: dict[StreamConsumer, asyncio.Task[None]] = {}
        self.sent = 0

    def start(self) -> StreamConsumer:
        """A consumer at work."""
        consumer = StreamConsumer(self.broker, self.store, self.settings, threads=SameThread())
        self._running[consumer] = asyncio.get_running_loop().create_task(consumer.run())
        return consumer

    async def stop(self, consumer: StreamConsumer, grace: float = 5.0) -> None:
        """Stop a consumer in order."""
        await consumer.close(grace)
        await self._running.pop(consumer)

    async def kill(self, consumer: StreamConsumer) -> None:
        """Stop a consumer as ``kill -9`` does: nothing of it goes on, and the group hears nothing."""
        task = self._running.pop(consumer)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        for pipeline in consumer._pipelines.values():
            await pipeline.abandon()
        await consumer._offsets.settled()

    async def end(self) -> None:
        """Stop every consumer."""
        for consumer in list(self._running):
            await self.stop(consumer)

    def send(self, count: int, *, partition: Partition = P0, per_message: int = 1) -> None:
        """Write ``count`` messages with the numbers that come next."""
        for _ in range(count):
            value = body(*range(self.sent, self.sent + per_message))
            self.broker.write(partition, value, headers=headers(value, records=per_message))
            self.sent += per_message

    def poison(self, *, partition: Partition = P0, value: bytes = POISON) -> int:
        """Write a message that nobody can read."""
        return self.broker.write(partition, value, headers=headers(value))

    @property
    def lag(self) -> int:
        """Messages that are not committed."""
        lag = 0
        for partition in self.broker.partitions([LOGS]):
            committed = self.broker.committed("airis-stream", partition)
            lag += self.broker.log(partition).end - (committed.offset if committed else 0)
        return lag

    async def until(self, condition: Callable[[], bool], seconds: float = 300.0) -> None:
        """Wait for ``condition``; consumers that failed raise here."""
        loop = asyncio.get_running_loop()
        limit = loop.time() + seconds
        while not condition():
            assert loop.time() < limit, (
                f"not within {seconds} s: lag {self.lag}, stored {len(self.store.bodies)}"
            )
            for task in self._running.values():
                if task.done():
                    task.result()
            await asyncio.sleep(0.05)

    async def drained(self, seconds: float = 300.0) -> None:
        """Wait until everything is committed."""
        await self.until(lambda: self.lag == 0, seconds)

    def assert_exactly_once(self) -> None:
        """Every number is in the store once."""
        assert self.store.bodies == Counter(str(number) for number in range(self.sent))

    async def dead(self) -> list[Received]:
        """The dead letters."""
        return [message async for message in self.broker.browse(f"{LOGS}.dlq")]


def scenario(work: Callable[[World], Awaitable[None]], **changes: Any) -> World:
    """Run ``work`` in a world of its own, on a clock of its own."""
    from tests.support.virtual import run

    async def live() -> World:
        world = World(**changes)
        try:
            await work(world)
        finally:
            await world.end()
        return world

    return run(live())
