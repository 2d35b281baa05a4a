"""What every benchmark prints: the machine, the versions, medians of several runs, ratios beside their aims.

A rate "per core" is rows over CPU seconds (user and system, of every process named), so that it says the same
on a busy machine and with any number of cores. Rates per second of the wall clock are printed beside it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PACKAGES = ("airis-ray", "ray", "chdb", "clickhouse-connect", "pyarrow", "protobuf", "uvicorn", "starlette")


def cpu_seconds(pids: Iterable[int] = (), *, own: bool = True) -> float:
    """User and system seconds of ``pids`` (one that is gone counts nothing) and, with ``own``, of this process."""
    total = time.process_time() if own else 0.0
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        except OSError:
            continue
        total += (int(fields[11]) + int(fields[12])) / _TICKS
    return total


def descendants(pid: int) -> list[int]:
    """``pid`` and every process under it, as they are now."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text(encoding="ascii").rpartition(")")[2].split()[1])
            except OSError:
                continue
            children.setdefault(parent, []).append(int(entry.name))
    found = [pid]
    for process in found:
        found += children.get(process, ())
    return found


def resident_bytes(pids: Iterable[int]) -> int:
    """Memory that ``pids`` hold (RSS), what they share counted for each; one that is gone counts nothing."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            total += int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return total * os.sysconf("SC_PAGE_SIZE")


async def quiet(pids: Sequence[int]) -> None:
    """Wait (20 s at most) until processes have ended their work: a store's merges belong to the run before."""
    for _ in range(40):
        before = cpu_seconds(pids, own=False)
        await asyncio.sleep(0.5)
        if cpu_seconds(pids, own=False) - before < 0.05:
            return


class Stopwatch:
    """Measures its ``with`` block: ``wall`` and ``cpu`` seconds, the latter as :func:`cpu_seconds` counts."""

    def __init__(self, pids: Sequence[int] = (), *, own: bool = True) -> None:
        self._pids = tuple(pids)
        self._own = own
        self.wall = 0.0
        self.cpu = 0.0

    def __enter__(self) -> Stopwatch:
        self._cpu, self._wall = cpu_seconds(self._pids, own=self._own), time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        self.wall = time.perf_counter() - self._wall
        self.cpu = cpu_seconds(self._pids, own=self._own) - self._cpu


@dataclass(frozen=True)
class Run:
    """One timed run over ``rows`` rows of ``nbytes`` bytes."""

    rows: int
    nbytes: int
    wall: float
    cpu: float

    @classmethod
    def of(cls, watch: Stopwatch, rows: int, nbytes: int) -> Run:
        return cls(rows, nbytes, watch.wall, watch.cpu)


@dataclass(frozen=True)
class Measured:
    """The runs of one thing."""

    name: str
    runs: tuple[Run, ...]

    @property
    def rows_per_core(self) -> float:
        """Median of rows per CPU second."""
        return statistics.median(run.rows / max(run.cpu, 1e-9) for run in self.runs)

    @property
    def rows_per_second(self) -> float:
        """Median of rows per second of the wall clock."""
        return statistics.median(run.rows / max(run.wall, 1e-9) for run in self.runs)

    @property
    def megabytes_per_core(self) -> float:
        """Median of 10^6 bytes per CPU second."""
        return statistics.median(run.nbytes / 1e6 / max(run.cpu, 1e-9) for run in self.runs)


@dataclass(frozen=True)
class Ratio:
    """A ratio and the least (with ``at_most``, the most) that it ought to be; ``aim`` None: only told."""

    name: str
    value: float
    aim: float | None = None
    at_most: bool = False

    @property
    def met(self) -> bool | None:
        """Whether the aim is met; None without one."""
        if self.aim is None:
            return None
        return self.value <= self.aim if self.at_most else self.value >= self.aim


@dataclass
class Report:
    """Collects measurements and ratios of one benchmark and prints them as text or as JSON."""

    title: str
    measured: list[Measured] = field(default_factory=list)
    ratios: list[Ratio] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, name: str, runs: Iterable[Run]) -> Measured:
        """Keep the runs of one thing."""
        entry = Measured(name, tuple(runs))
        self.measured.append(entry)
        return entry

    def ratio(self, name: str, value: float, aim: float | None = None, *, at_most: bool = False) -> Ratio:
        """Keep one ratio."""
        entry = Ratio(name, value, aim, at_most)
        self.ratios.append(entry)
        return entry

    def print(self, *, as_json: bool = False) -> None:
        """Write everything to standard output."""
        sys.stdout.write((self._json() if as_json else self._text()) + "\n")

    def _text(self) -> str:
        lines = [
            self.title,
            "=" * len(self.title),
            *(f"{key}: {value}" for key, value in machine().items()),
            "",
        ]
        if self.measured:
            width = max(len(entry.name) for entry in self.measured)
            lines.append(
                f"{'':{width}}  {'rows/s/core':>12} {'MB/s/core':>10} {'rows/s':>12}  runs (rows/s/core)"
            )
            lines += [_line(entry, width) for entry in self.measured]
            lines.append("")
        lines += [_verdict(entry) for entry in self.ratios]
        return "\n".join([*lines, *self.notes])

    def _json(self) -> str:
        medians = [
            {
                "name": entry.name,
                "rows_per_core": entry.rows_per_core,
                "megabytes_per_core": entry.megabytes_per_core,
                "rows_per_second": entry.rows_per_second,
                "runs": [asdict(run) for run in entry.runs],
            }
            for entry in self.measured
        ]
        ratios = [{**asdict(entry), "met": entry.met} for entry in self.ratios]
        document = {"title": self.title, "machine": machine(), "measured": medians, "ratios": ratios}
        return json.dumps({**document, "notes": self.notes}, indent=2)


def machine() -> dict[str, str]:
    """The processor, its cores, memory, system and the versions that matter."""
    return {
        "processor": _processor(),
        "cores": str(len(os.sched_getaffinity(0))),
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "load before": f"{os.getloadavg()[0]:.1f}",
        "system": f"{platform.system()} {platform.release()}, {platform.python_implementation()} "
        f"{platform.python_version()}",
        "versions": ", ".join(f"{name} {found}" for name in _PACKAGES if (found := _version(name))),
    }


def _line(entry: Measured, width: int) -> str:
    runs = " ".join(f"{run.rows / max(run.cpu, 1e-9):,.0f}" for run in entry.runs)
    return (
        f"{entry.name:{width}}  {entry.rows_per_core:>12,.0f} {entry.megabytes_per_core:>10,.1f}"
        f" {entry.rows_per_second:>12,.0f}  {runs}"
    )


def _verdict(entry: Ratio) -> str:
    if entry.met is None:
        return f"{entry.name}: {entry.value:.2f}"
    sign = "at most" if entry.at_most else "at least"
    return f"{entry.name}: {entry.value:.2f} (aim {sign} {entry.aim:g}: {'met' if entry.met else 'MISSED'})"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown"
    )


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
