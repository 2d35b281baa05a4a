"""How fast telemetry gets in: OTLP/HTTP protobuf until the commit is acknowledged, per core.

``python benchmarks/ingest.py`` starts the embedded store and the ingest application as plain processes, sends
requests of 1,000 records (about 1 KB each in memory) and compares the rate, per CPU second of those processes, with

(a) the bare decode of the same requests,
(b) a bare ``insert_arrow`` of the ready batches into the same store, in groups as large as ingest makes them: the
    limit of what ingest can reach,
(c) the same columns made by ``opentelemetry-proto`` and a Python loop over the records.

``--serve`` sends to all of AIRIS-Ray under Ray Serve (its idle processes' CPU counts too); ``--url`` and ``--key`` to
one that runs already.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import pyarrow as pa

from airis_ray.store.client import open_store
from airis_ray.telemetry.otlp import IMPLEMENTATION, decode
from airis_ray.telemetry.tables import Signal
from benchmarks import instance, loop_decode
from benchmarks.load import post
from benchmarks.report import Report, Run, Stopwatch
from benchmarks.telemetry import requests

TABLES: dict[Signal, str] = {"traces": "otel_traces", "logs": "otel_logs"}
PROTOBUF = "application/x-protobuf"


def main() -> None:
    options = _options()
    report = Report(f"Ingest: OTLP/HTTP protobuf, {options.records} records a request")
    if options.url:
        target = instance.running(options.url, options.key, options.pids)
        _measure(report, target, options)
    else:
        with instance.whole() if options.serve else instance.parts() as target:
            _measure(report, target, options)
    report.print(as_json=options.json)


def _measure(report: Report, target: instance.Instance, options: argparse.Namespace) -> None:
    for signal in options.signals:
        bodies = requests(signal, 20, options.records)
        batches = [decode(signal, body, tenant="default").tables[TABLES[signal]] for body in bodies]
        sizes = f"{len(bodies[0]) / options.records:.0f} B on the wire, {_row_bytes(batches):.0f} B in memory"
        report.notes.append(f"{signal}: a record has {sizes}")
        decoded = report.add(
            f"{signal}: (a) decode [{IMPLEMENTATION}]", _decode(signal, bodies, batches, options)
        )
        looped = report.add(f"{signal}: (c) protobuf + loop", _loop(signal, bodies, batches, options))
        sent = report.add(
            f"{signal}: end to end", _end_to_end(report, target, signal, bodies, batches, options)
        )
        report.ratio(f"{signal}: decode / loop (c)", decoded.rows_per_core / looped.rows_per_core, 8)
        report.ratio(f"{signal}: decode, million records/s/core", decoded.rows_per_core / 1e6, 1)
        if target.settings is not None and target.store_pids:
            bare = report.add(
                f"{signal}: (b) insert_arrow", asyncio.run(_insert(target, signal, batches, options))
            )
            report.ratio(
                f"{signal}: end to end / insert_arrow (b)", sent.rows_per_core / bare.rows_per_core, 0.6
            )


def _end_to_end(
    report: Report,
    target: instance.Instance,
    signal: Signal,
    bodies: list[bytes],
    batches: list[pa.RecordBatch],
    options: argparse.Namespace,
) -> list[Run]:
    headers = {"authorization": f"Bearer {target.key}", "content-type": PROTOBUF}
    url = f"{target.url}/v1/{signal}"
    post(url, bodies, headers, count=options.connections, connections=options.connections)
    runs, seconds = [], []
    for _ in range(options.runs):
        with Stopwatch(target.pids, own=False) as watch:
            outcome = post(url, bodies, headers, count=options.requests, connections=options.connections)
        seconds += outcome.seconds
        runs.append(Run.of(watch, options.requests * options.records, _bytes(batches, options.requests)))
    cuts = statistics.quantiles(seconds, n=100)
    report.notes.append(
        f"{signal}: answers of the last run {dict(outcome.statuses)}, of all runs p50 {cuts[49] * 1e3:.0f} ms, "
        f"p99 {cuts[98] * 1e3:.0f} ms over {options.connections} connections"
    )
    return runs


async def _insert(
    target: instance.Instance, signal: Signal, batches: list[pa.RecordBatch], options: argparse.Namespace
) -> list[Run]:
    assert target.settings is not None
    store = open_store(target.settings)
    group = max(1, min(options.connections, target.settings.ingest.commit_rows // options.records))
    runs = []
    for _ in range(options.runs):
        inserts = max(1, options.requests // group)
        table = pa.Table.from_batches([batches[i % len(batches)] for i in range(group)])
        with Stopwatch(target.store_pids) as watch:
            for _ in range(inserts):
                await store.insert(TABLES[signal], table)
        runs.append(Run.of(watch, inserts * table.num_rows, inserts * table.nbytes))
    await store.close()
    return runs


def _decode(
    signal: Signal, bodies: list[bytes], batches: list[pa.RecordBatch], options: argparse.Namespace
) -> list[Run]:
    return _timed(lambda body: decode(signal, body, tenant="default"), bodies, batches, options)


def _loop(
    signal: Signal, bodies: list[bytes], batches: list[pa.RecordBatch], options: argparse.Namespace
) -> list[Run]:
    table = loop_decode.DECODERS[signal]
    for body, batch in zip(bodies, batches, strict=True):
        assert table(body, "default").equals(batch), "the loop and the decoder give different rows"
    return _timed(lambda body: table(body, "default"), bodies, batches, options)


def _timed(
    work: Callable[[bytes], object],
    bodies: list[bytes],
    batches: list[pa.RecordBatch],
    options: argparse.Namespace,
) -> list[Run]:
    runs = []
    for _ in range(options.runs):
        with Stopwatch() as watch:
            for body in bodies:
                work(body)
        runs.append(Run.of(watch, len(bodies) * options.records, _bytes(batches, len(bodies))))
    return runs


def _bytes(batches: list[pa.RecordBatch], count: int) -> int:
    """Bytes in memory of ``count`` batches, taken in turn."""
    sizes = [batch.nbytes for batch in batches]
    return sum(sizes[i % len(sizes)] for i in range(count))


def _row_bytes(batches: list[pa.RecordBatch]) -> float:
    return sum(batch.nbytes for batch in batches) / sum(batch.num_rows for batch in batches)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--signals", nargs="+", choices=list(TABLES), default=list(TABLES))
    parser.add_argument("--records", type=int, default=1000, help="records a request (1000)")
    parser.add_argument("--requests", type=int, default=200, help="requests a run (200)")
    parser.add_argument("--connections", type=int, default=50, help="connections at once (50)")
    parser.add_argument("--runs", type=int, default=5, help="runs, of which the median is told (5)")
    parser.add_argument("--serve", action="store_true", help="start all of AIRIS-Ray and send to it")
    parser.add_argument("--url", help="send to one that runs already, e.g. http://127.0.0.1:3000")
    parser.add_argument("--key", default="", help="its API key")
    parser.add_argument("--pids", nargs="*", type=int, default=[], help="its processes, for CPU seconds")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    if options.url and not options.pids:
        parser.error("--url needs --pids: rates are per CPU second of those processes (and all under them)")
    return options


if __name__ == "__main__":
    main()
