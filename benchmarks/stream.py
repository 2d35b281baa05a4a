"""How much telemetry goes the whole way: OTLP/HTTP → Kafka → decode → store, in spans per second and core.

``python benchmarks/stream.py`` starts a broker, the embedded store, the ingest application and one consumer as plain
processes, and measures, with the CPU of each group of processes told apart,

(a) the rate at which requests of 1,000 spans go all the way for some minutes while at most a million spans are under
    way, and what the memory of each group does meanwhile,
(b) at half of that rate: how long after its 2xx a span is found by a search,
(c) how fast a consumer that was away takes in what has gathered.

Beside it, each with a fresh store and a fresh broker: the OpenTelemetry Collector (scripts/otel-collector build) with
its ClickHouse exporter, which sends the same requests to the same tables, at once and through the same Kafka.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.report import Measured, Report, Run, quiet
from benchmarks.stream_load import Feed, Probes, Requests, Target, quantile
from benchmarks.stream_parts import Sampler, World, collector, consumers, ingest, world
from scripts.otel_collector import CACHE, built, versions

_ARRIVAL_SECONDS = 120.0  # without one more span in the store: then what is missing is lost
_WARM_UP_SECONDS = 5.0
_TENTHS = 10


class Bench:
    """One contender after the other, over the same requests."""

    def __init__(self, report: Report, options: argparse.Namespace) -> None:
        self._report, self._options = report, options
        self._body = Requests(options.records)
        report.notes.append(f"a span has {self._body.wire:.0f} B on the wire; MB are such bytes")

    def ours(self) -> Measured:
        """All three phases of AIRIS-Ray."""
        options = self._options
        with world(options.partitions) as here:
            self._report.notes.append(f"broker: {here.kafka}, {here.settings.kafka.partitions} partitions")
            with ingest(here) as target:
                with consumers(here):
                    sustained = self._sustained("AIRIS-Ray", here, target)
                    self._latency("AIRIS-Ray", target, sustained.rows_per_second / 2)
                    self._settled(here, target)
                if options.backlog:
                    self._catch_up(here, target)
        return sustained

    def collector(self, program: Path, *, through_kafka: bool) -> Measured:
        """The same of the Collector, without the backlog."""
        name = f"Collector, {'through Kafka' if through_kafka else 'without Kafka'}"
        with (
            world(self._options.partitions) as here,
            collector(here, program, through_kafka=through_kafka) as target,
        ):
            sustained = self._sustained(name, here, target)
            self._latency(name, target, sustained.rows_per_second / 2)
        return sustained

    def _sustained(self, name: str, here: World, target: Target) -> Measured:
        options = self._options
        feed = Feed(target, self._body, options.connections)
        with Sampler(here) as sampler:
            feed.bounded(_WARM_UP_SECONDS, lambda: sampler.stored, options.ahead)
            self._arrived(sampler, target.accepted)
        base = feed.accepted
        before, started = here.cpu(), time.perf_counter()
        with Sampler(here) as sampler:
            feed.bounded(options.minutes * 60, lambda: sampler.stored, options.ahead)
            self._arrived(sampler, target.accepted)
            wall = time.perf_counter() - started
            for group in here.groups:
                self._memory(f"{name}: {group}", sampler, group)
        asyncio.run(quiet(here.pids("store")))
        return self._measured(f"{name}: sustained", here, before, feed.accepted - base, wall)

    def _latency(self, name: str, target: Target, rate: float) -> None:
        feed, probes = Feed(target, self._body, self._options.connections), Probes(target)
        seconds = min(60.0, self._options.minutes * 60)
        with ThreadPoolExecutor(1) as thread:
            load = thread.submit(feed.paced, seconds, rate)
            probes.run(seconds)
            load.result()
        told = (
            f"{name}: accepted to searchable at {rate:,.0f} spans/s, seconds, of {len(probes.seconds)} probes"
        )
        self._report.ratio(f"{told}: p50", quantile(probes.seconds, 0.5), 2.5, at_most=True)
        self._report.ratio(f"{told}: p99", quantile(probes.seconds, 0.99), 5.0, at_most=True)

    def _catch_up(self, here: World, target: Target) -> None:
        feed = Feed(target, self._body, self._options.connections)
        feed.counted(self._options.backlog)
        asyncio.run(quiet(here.pids("store")))
        before, started = here.cpu(), time.perf_counter()
        with consumers(here), Sampler(here) as sampler:
            self._arrived(sampler, target.accepted)
            wall = time.perf_counter() - started
            asyncio.run(quiet(here.pids("store")))
            self._measured("AIRIS-Ray: catch-up, start included", here, before, feed.accepted, wall)

    def _settled(self, here: World, target: Target) -> None:
        with Sampler(here) as sampler:
            self._arrived(sampler, target.accepted)

    def _arrived(self, sampler: Sampler, count: int) -> None:
        """Wait until so many spans are in the store; a rate of what was lost on the way would be none."""
        patience = time.monotonic() + _ARRIVAL_SECONDS
        seen = sampler.stored
        while sampler.stored < count:
            if sampler.stored != seen:
                seen, patience = sampler.stored, time.monotonic() + _ARRIVAL_SECONDS
            if time.monotonic() > patience:
                raise SystemExit(f"{count:,} spans were accepted, {sampler.stored:,} arrived")
            time.sleep(0.05)

    def _measured(self, name: str, here: World, before: dict[str, float], rows: int, wall: float) -> Measured:
        spent = {group: cpu - before.get(group, 0.0) for group, cpu in here.cpu().items()}
        told = ", ".join(f"{group} {cpu / rows * 1e6:.2f}" for group, cpu in spent.items())
        load = os.getloadavg()[0]
        self._report.notes.append(
            f"{name}: µs of CPU a span: {told}; {rows:,} spans in {wall:.1f} s, load average {load:.0f}"
        )
        outside = sum(cpu for group, cpu in spent.items() if group != "store")
        self._report.notes.append(f"{name}: without the store {rows / outside:,.0f} spans/s/core")
        return self._report.add(name, [Run(rows, int(rows * self._body.wire), wall, sum(spent.values()))])

    def _memory(self, name: str, sampler: Sampler, group: str) -> None:
        second, last = sampler.growth(group)
        share = last / max(second, 1e-9)
        course = " ".join(f"{size:.0f}" for size in sampler.course(group, _TENTHS))
        self._report.notes.append(f"{name}: memory of each tenth of the time, MB: {course}")
        self._report.ratio(
            f"{name}: memory of the last quarter ({last:.0f} MB) / of the second", share, 1.1, at_most=True
        )


def main() -> None:
    options = _options()
    report = Report(f"Stream: OTLP/HTTP → Kafka → store, {options.records} spans a request")
    try:
        _measure(report, options)
    finally:  # what was measured counts, although a contender failed
        report.notes.append(f"Collector: {versions()}")
        report.notes.append(f"load after: {os.getloadavg()[0]:.1f}")
        report.print(as_json=options.json)


def _measure(report: Report, options: argparse.Namespace) -> None:
    bench = Bench(report, options)
    program = built(options.collector)
    ours = bench.ours() if "airis" in options.contenders else None
    for name, through_kafka in (("collector", False), ("collector-kafka", True)):
        if name not in options.contenders:
            continue
        if program is None:
            report.notes.append(f"{name}: not built (scripts/otel-collector build)")
            continue
        peer = bench.collector(program, through_kafka=through_kafka)
        if ours is not None:
            report.ratio(f"AIRIS-Ray / {name}, spans/s/core", ours.rows_per_core / peer.rows_per_core, 3)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = ("airis", "collector", "collector-kafka")
    parser.add_argument("--contenders", nargs="+", choices=names, default=names, help="who is measured (all)")
    parser.add_argument("--minutes", type=float, default=10.0, help="of the sustained rate (10)")
    parser.add_argument("--backlog", type=int, default=5_000_000, help="spans to catch up with (5,000,000)")
    parser.add_argument("--ahead", type=int, default=1_000_000, help="spans under way at most (1,000,000)")
    parser.add_argument("--records", type=int, default=1000, help="spans a request (1000)")
    parser.add_argument("--connections", type=int, default=8, help="connections at once (8)")
    parser.add_argument("--partitions", type=int, help="of a topic (that of AIRIS_KAFKA_PARTITIONS)")
    parser.add_argument("--collector", type=Path, default=CACHE, help="folder of the built Collector")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser.parse_args()


if __name__ == "__main__":
    main()
