"""The stream benchmark's processes: a broker, a store, and who takes telemetry from one to the other."""

from __future__ import annotations

import asyncio
import contextlib
import os
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from airis_ray.settings import Settings
from airis_ray.store.client import open_store
from airis_ray.store.migrate import migrate
from airis_ray.store.secrets import store_key
from airis_ray.stream.topics import ensure_topics
from airis_ray.web.key_files import admin_key
from benchmarks import instance
from benchmarks.report import cpu_seconds, descendants, resident_bytes
from benchmarks.stream_load import Searching, Target
from scripts.kafka_broker import CACHE, broker
from scripts.otel_collector import running

_SAMPLE_SECONDS = 0.5
_BATCH = {"send_batch_size": 100_000, "timeout": "2s"}  # as many rows and as old as a batch of the consumers


@dataclass
class World:
    """One broker, one store, and the processes under test by group."""

    folder: Path
    environ: dict[str, str]
    settings: Settings
    kafka: str
    searching: Searching
    groups: dict[str, int] = field(default_factory=dict)

    def pids(self, *names: str) -> list[int]:
        """The processes of these groups, or of all."""
        roots = [pid for name, pid in self.groups.items() if name in names or not names]
        return [pid for root in roots for pid in descendants(root)]

    def cpu(self) -> dict[str, float]:
        """CPU seconds of each group so far."""
        return {name: cpu_seconds(self.pids(name), own=False) for name in self.groups}


@contextlib.contextmanager
def world(partitions: int | None) -> Iterator[World]:
    """A fresh broker and a fresh store with their topics and tables."""
    (store_port,) = instance.free_ports(1)
    cache = Path(os.environ.get("AIRIS_TEST_KAFKA_CACHE") or CACHE)
    with tempfile.TemporaryDirectory(prefix="airis-bench-") as name:
        folder = Path(name)
        node = broker(folder / "kafka", cache=cache).start()
        try:
            more = {} if partitions is None else {"kafka_partitions": partitions}
            environ = instance.environment(
                name, store_port=store_port, kafka_bootstrap=node.bootstrap, **more
            )
            settings = Settings.from_env(environ)
            ensure_topics(settings.kafka, settings.ingest.max_body_bytes)
            with instance.child(["-m", "airis_ray.store.embedded"], environ) as store:
                url = f"http://127.0.0.1:{store_port}"
                instance.answers(f"{url}/ping", store)
                asyncio.run(_migrated(settings))
                searching = Searching(f"{url}/", store_key(settings.data_dir))
                groups = {"broker": node.pid, "store": store.pid}
                yield World(folder, environ, settings, node.kind, searching, groups)
        finally:
            node.stop()


async def _migrated(settings: Settings) -> None:
    store = open_store(settings)
    await migrate(store, settings=settings)
    await store.close()


@contextlib.contextmanager
def ingest(here: World) -> Iterator[Target]:
    """The ingest application."""
    (port,) = instance.free_ports(1)
    key, _ = admin_key(here.settings.data_dir)
    with instance.child(["-m", "benchmarks.ingest_server", str(port)], here.environ) as process:
        url = f"http://127.0.0.1:{port}/v1/traces"
        instance.answers(url, process)
        with _group(here, "ingest", process.pid):
            headers = {"authorization": f"Bearer {key}", "content-type": "application/x-protobuf"}
            yield Target(url, headers, here.searching)


@contextlib.contextmanager
def consumers(here: World) -> Iterator[None]:
    """One consumer with all partitions."""
    with (
        instance.child(["-m", "benchmarks.stream_server"], here.environ) as process,
        _group(here, "stream", process.pid),
    ):
        yield


@contextlib.contextmanager
def collector(here: World, program: Path, *, through_kafka: bool) -> Iterator[Target]:
    """The OpenTelemetry Collector: OTLP to ClickHouse, or one that writes to Kafka and one that reads from it."""
    (port,) = instance.free_ports(1)
    otlp = {"protocols": {"http": {"endpoint": f"127.0.0.1:{port}"}}}
    kafka = {"brokers": [here.settings.kafka.bootstrap]}
    own = {
        "max_message_bytes": here.settings.ingest.max_body_bytes,
        "compression": "zstd",
        "required_acks": -1,
    }
    with contextlib.ExitStack() as stack:
        if not through_kafka:
            config = _pipeline({"otlp": otlp}, {"clickhouse": _clickhouse(here)})
            stack.enter_context(_collector(here, "collector", program, config, port))
        else:
            config = _pipeline({"otlp": otlp}, {"kafka": {**kafka, "producer": own}})
            stack.enter_context(_collector(here, "ingest", program, config, port))
            (unused,) = instance.free_ports(1)
            ready = {"otlp": {"protocols": {"http": {"endpoint": f"127.0.0.1:{unused}"}}}}
            config = _pipeline(
                {"kafka": {**kafka, "initial_offset": "earliest"}, **ready}, {"clickhouse": _clickhouse(here)}
            )
            stack.enter_context(_collector(here, "stream", program, config, unused))
        headers = {"content-type": "application/x-protobuf"}
        yield Target(f"http://127.0.0.1:{port}/v1/traces", headers, here.searching)


def _clickhouse(here: World) -> dict[str, Any]:
    return {
        "endpoint": f"http://127.0.0.1:{here.settings.store.port}",
        "username": "default",
        "password": store_key(here.settings.data_dir),
        "create_schema": False,
        "async_insert": False,
        "compress": "none",  # dearer on one machine; and a batch is one compressed block, of 32 MiB at most here
        "timeout": "60s",
        "sending_queue": {"queue_size": 4, "num_consumers": 2, "block_on_overflow": True},
    }


def _pipeline(receivers: dict[str, Any], exporters: dict[str, Any]) -> dict[str, Any]:
    batched = "clickhouse" in exporters
    pipeline = {"receivers": list(receivers), "exporters": list(exporters)}
    return {
        "receivers": receivers,
        "exporters": exporters,
        "processors": {"batch": _BATCH} if batched else {},
        "service": {
            "telemetry": {"metrics": {"level": "none"}, "logs": {"level": "info"}},
            "pipelines": {"traces": {**pipeline, "processors": ["batch"] if batched else []}},
        },
    }


@contextlib.contextmanager
def _collector(here: World, name: str, program: Path, config: dict[str, Any], port: int) -> Iterator[None]:
    with (
        running(program, config, here.folder / f"collector-{name}", port=port) as process,
        _group(here, name, process.pid),
    ):
        yield


@contextlib.contextmanager
def _group(here: World, name: str, pid: int) -> Iterator[None]:
    here.groups[name] = pid
    try:
        yield
    finally:
        del here.groups[name]


class Sampler:
    """Looks twice a second: spans in the store, memory of each group. A ``with`` block long."""

    def __init__(self, here: World) -> None:
        self._here = here
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.stored = here.searching.stored()
        self.samples: list[tuple[dict[str, int], int]] = []

    def __enter__(self) -> Sampler:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def growth(self, group: str) -> tuple[float, float]:
        """Memory of a group, MB: its mean over the second quarter of the time, and over the last."""
        quarters = self.course(group, 4)
        return quarters[min(1, len(quarters) - 1)], quarters[-1]

    def course(self, group: str, parts: int) -> list[float]:
        """Memory of a group, MB: its mean over each of so many parts of the time; fewer where it was short."""
        sizes = [sizes[group] / 1e6 for sizes, _ in self.samples]
        length = max(1, len(sizes) // parts)
        pieces = [sizes[start : start + length] for start in range(0, length * parts, length)]
        return [sum(piece) / len(piece) for piece in pieces if piece]

    def _run(self) -> None:
        while not self._ended.wait(_SAMPLE_SECONDS):
            self.stored = self._here.searching.stored()
            sizes = {name: resident_bytes(self._here.pids(name)) for name in self._here.groups}
            self.samples.append((sizes, self.stored))
