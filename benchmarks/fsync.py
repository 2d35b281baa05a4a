"""What it costs that an acknowledged group is on the disk: inserts with ``fsync_after_insert`` beside those without.

``python -m benchmarks.fsync`` starts the embedded store and inserts ready batches of spans in groups as ingest makes
them, in turn with the setting and without, into the same table with its indexes and roll-ups. The roll-ups stay
without: they are made again from the base tables. The limit named is the bare fsync of a file as large as a part.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import os
import statistics
import tempfile
import time
from pathlib import Path

import pyarrow as pa

from airis_ray.store.client import ClickHouseStore, open_store
from benchmarks import instance
from benchmarks.ingest import TABLES, Case
from benchmarks.report import Report, Run, Stopwatch

_AIM = 1.05
"""How much longer an insert may take for it to be the default."""


def main() -> None:
    options = _options()
    report = Report("Inserts that are on the disk when they are acknowledged")
    with instance.parts() as target:
        assert target.settings is not None
        report.notes.append(f"bare fsync of 4 MiB: {_bare(target.settings.data_dir):.1f} ms")
        asyncio.run(_measure(report, target, options))
    report.print(as_json=options.json)


async def _measure(report: Report, target: instance.Instance, options: argparse.Namespace) -> None:
    assert target.settings is not None
    store = open_store(target.settings)
    batches = itertools.cycle(Case("traces", options).batches)
    for group in options.groups:
        tables = [
            pa.Table.from_batches(list(itertools.islice(batches, group))) for _ in range(options.inserts)
        ]
        runs: dict[bool, list[Run]] = {False: [], True: []}
        for _ in range(options.runs):
            for on in (False, True):
                await _switch(store, on)
                runs[on].append(await _insert(store, target, tables))
        rows = group * options.records
        without, synced = (
            report.add(f"{rows} rows, fsync {name}", runs[on]) for on, name in ((False, "off"), (True, "on"))
        )
        ratio = without.rows_per_second / synced.rows_per_second
        report.ratio(f"{rows} rows: time with / without", ratio, _AIM, at_most=True)
        more = statistics.median(b.wall - a.wall for a, b in zip(runs[False], runs[True], strict=True))
        report.notes.append(f"{rows} rows: {more / options.inserts * 1e3:+.1f} ms an insert")
    await store.close()


async def _switch(store: ClickHouseStore, on: bool) -> None:
    settings = f"fsync_after_insert = {int(on)}, fsync_part_directory = {int(on)}"
    await store.command(f"ALTER TABLE {TABLES['traces']} MODIFY SETTING {settings}")


async def _insert(store: ClickHouseStore, target: instance.Instance, tables: list[pa.Table]) -> Run:
    with Stopwatch(target.store_pids) as watch:
        started = time.perf_counter()
        for table in tables:
            await store.insert(TABLES["traces"], table)
        wall = time.perf_counter() - started
    return Run(sum(t.num_rows for t in tables), sum(t.nbytes for t in tables), wall, watch.cpu)


def _bare(folder: Path) -> float:
    """Milliseconds of an fsync after 4 MiB were written, the median of 20."""
    taken = []
    with tempfile.TemporaryFile(dir=folder) as file:
        for _ in range(20):
            file.write(os.urandom(4 << 20))
            file.flush()
            started = time.perf_counter()
            os.fsync(file.fileno())
            taken.append((time.perf_counter() - started) * 1e3)
    return statistics.median(taken)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--groups", nargs="+", type=int, default=[1, 10, 50], help="thousands of rows an insert"
    )
    parser.add_argument("--inserts", type=int, default=8, help="inserts a run (8)")
    parser.add_argument("--runs", type=int, default=5, help="runs of each kind, in turn (5)")
    parser.add_argument("--records", type=int, default=1000, help="rows of a batch (1000)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser.parse_args()


if __name__ == "__main__":
    main()
