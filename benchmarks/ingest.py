"""How fast telemetry gets in: OTLP/HTTP protobuf until the commit is acknowledged, per core.

``python benchmarks/ingest.py`` starts the embedded store and the ingest application as plain processes, sends
requests of 1,000 records (about 1 KB each in memory) and compares the rate, per CPU second of those processes
(merges that follow included), with

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
import itertools
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import pyarrow as pa

from airis_ray.store.client import ClickHouseStore, open_store
from airis_ray.telemetry.otlp import IMPLEMENTATION, decode
from airis_ray.telemetry.tables import Signal
from benchmarks import instance, loop_decode
from benchmarks.load import Outcome, post
from benchmarks.report import Report, Run, Stopwatch, quiet
from benchmarks.telemetry import requests

TABLES: dict[Signal, str] = {"traces": "otel_traces", "logs": "otel_logs"}


class Case:
    """The requests of one signal, and the batches that they decode to."""

    def __init__(self, signal: Signal, options: argparse.Namespace) -> None:
        self.signal = signal
        self.bodies = requests(signal, 20, options.records)
        self.batches = [decode(signal, body, tenant="default").tables[TABLES[signal]] for body in self.bodies]
        self.wire = sum(map(len, self.bodies)) / len(self.bodies) / options.records
        self.memory = self.nbytes(len(self.batches)) / len(self.batches) / options.records

    def nbytes(self, count: int) -> int:
        """Bytes in memory of ``count`` batches, taken in turn."""
        return sum(batch.nbytes for batch in itertools.islice(itertools.cycle(self.batches), count))


class Sender:
    """Sends a case's requests and remembers what came back."""

    def __init__(self, target: instance.Instance, case: Case, options: argparse.Namespace) -> None:
        self._url = f"{target.url}/v1/{case.signal}"
        self._headers = {"authorization": f"Bearer {target.key}", "content-type": "application/x-protobuf"}
        self._bodies = case.bodies
        self._connections = options.connections
        self._outcome = Outcome()

    def run(self, count: int) -> None:
        """Send ``count`` requests; the outcomes of earlier runs are kept."""
        outcome = post(self._url, self._bodies, self._headers, count=count, connections=self._connections)
        self._outcome.statuses += outcome.statuses
        self._outcome.seconds += outcome.seconds

    def story(self) -> str:
        """Statuses and latencies of all runs."""
        cuts = statistics.quantiles(self._outcome.seconds, n=100)
        return (
            f"answers {dict(self._outcome.statuses)}, p50 {cuts[49] * 1e3:.0f} ms, p99 {cuts[98] * 1e3:.0f} ms "
            f"over {self._connections} connections at once"
        )


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
        case = Case(signal, options)
        report.notes.append(
            f"{signal}: a record has {case.wire:.0f} B on the wire, {case.memory:.0f} B in memory"
        )
        decoded = report.add(f"{signal}: (a) decode [{IMPLEMENTATION}]", _decode(case, options))
        looped = report.add(f"{signal}: (c) protobuf + loop", _loop(case, options))
        report.ratio(f"{signal}: decode / loop (c)", decoded.rows_per_core / looped.rows_per_core, 8)
        report.ratio(f"{signal}: decode, million records/s/core", decoded.rows_per_core / 1e6, 1)
        asyncio.run(_against_store(report, target, case, options))


async def _against_store(
    report: Report, target: instance.Instance, case: Case, options: argparse.Namespace
) -> None:
    """End to end and bare inserts in turn, so that both see the same store and the same machine."""
    store = open_store(target.settings) if target.settings is not None and target.store_pids else None
    sender = Sender(target, case, options)
    await asyncio.to_thread(sender.run, options.connections)
    sent, bare, own = [], [], []
    await quiet(target.store_pids)
    for _ in range(options.runs):
        with Stopwatch(target.pids, own=False) as whole, Stopwatch(target.store_pids, own=False) as inside:
            started = time.perf_counter()
            await asyncio.to_thread(sender.run, options.requests)
            wall = time.perf_counter() - started
            await quiet(target.store_pids)
        rows = options.requests * options.records
        sent.append(Run(rows, case.nbytes(options.requests), wall, whole.cpu))
        own.append((whole.cpu - inside.cpu) / rows * 1e6)
        if store is not None:
            bare.append(await _insert(store, target, case, options))
    end_to_end = report.add(f"{case.signal}: end to end", sent)
    report.notes.append(f"{case.signal}: {sender.story()}")
    if store is not None:
        limit = report.add(f"{case.signal}: (b) insert_arrow", bare)
        ratio = end_to_end.rows_per_core / limit.rows_per_core
        report.ratio(f"{case.signal}: end to end / insert_arrow (b)", ratio, 0.6)
        median = statistics.median(own)
        report.notes.append(f"{case.signal}: outside the store {median:.2f} µs of CPU a record")
        await store.close()


async def _insert(
    store: ClickHouseStore, target: instance.Instance, case: Case, options: argparse.Namespace
) -> Run:
    """Ready batches in groups of the size that ingest makes of as many connections."""
    assert target.settings is not None
    group = max(1, min(options.connections, target.settings.ingest.commit_rows // options.records))
    inserts = max(1, options.requests // group)
    batches = itertools.cycle(case.batches)
    tables = [pa.Table.from_batches(list(itertools.islice(batches, group))) for _ in range(inserts)]
    with Stopwatch(target.store_pids) as watch:
        started = time.perf_counter()
        for table in tables:
            await store.insert(TABLES[case.signal], table)
        wall = time.perf_counter() - started
        await quiet(target.store_pids)
    rows, nbytes = sum(table.num_rows for table in tables), sum(table.nbytes for table in tables)
    return Run(rows, nbytes, wall, watch.cpu)


def _decode(case: Case, options: argparse.Namespace) -> list[Run]:
    return _timed(lambda body: decode(case.signal, body, tenant="default"), case, options)


def _loop(case: Case, options: argparse.Namespace) -> list[Run]:
    table = loop_decode.DECODERS[case.signal]
    for body, batch in zip(case.bodies, case.batches, strict=True):
        assert table(body, "default").equals(batch), "the loop and the decoder give different rows"
    return _timed(lambda body: table(body, "default"), case, options)


def _timed(work: Callable[[bytes], object], case: Case, options: argparse.Namespace) -> list[Run]:
    runs = []
    for _ in range(options.runs):
        with Stopwatch() as watch:
            for body in case.bodies:
                work(body)
        runs.append(Run.of(watch, len(case.bodies) * options.records, case.nbytes(len(case.bodies))))
    return runs


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
