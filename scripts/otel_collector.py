"""An OpenTelemetry Collector with the parts that tests and benchmarks need, compiled by Go's module proxy.

Receivers otlp and kafka, exporters kafka and clickhouse, processor batch. Nothing is downloaded ready-made: the modules
that scripts/otel_collector_module/go.mod and go.sum pin take some ten minutes of one core and 2 GB of disk the first
time. One program of two versions of the Collector's contributions: of the ClickHouse exporter and of the Kafka parts
there is none that the module proxy has whole.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from scripts.go_modules import GoError, compiled

CACHE = Path(".cache/otel-collector")
PROGRAM = "otel-collector"
MODULE = Path(__file__).parent / "otel_collector_module"

_START_SECONDS = 30.0
_STOP_SECONDS = 30.0


class CollectorError(Exception):
    """The Collector cannot be had or did not start; the message says why."""


def built(cache: Path = CACHE) -> Path | None:
    """The program, where it is built."""
    path = cache.absolute() / PROGRAM
    return path if os.access(path, os.X_OK) else None


def versions() -> str:
    """The pinned versions of the parts that count."""
    words = [line.split() for line in (MODULE / "go.mod").read_text(encoding="utf-8").splitlines()]
    pinned = {word[0].rpartition("/")[2]: word[1] for word in words if len(word) == 2}
    return ", ".join(f"{name} {pinned[name]}" for name in ("otelcol", "clickhouseexporter", "kafkaexporter"))


def build(cache: Path = CACHE, *, jobs: int = 1) -> Path:
    """Build the program, ``jobs`` packages at a time. Raises CollectorError."""
    try:
        return compiled(".", cache.absolute() / PROGRAM, MODULE, jobs=jobs)
    except GoError as error:
        raise CollectorError(str(error)) from None


@contextlib.contextmanager
def running(
    program: Path, config: Mapping[str, Any], folder: Path, *, port: int
) -> Iterator[subprocess.Popen[bytes]]:
    """The program with a configuration, once it takes connections at ``port``; log and configuration are in ``folder``.

    Raises CollectorError with the end of its log where it does not start.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "collector.yaml").write_text(yaml.safe_dump(dict(config)), encoding="utf-8")
    log = folder / "collector.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [program, "--config", str(folder / "collector.yaml")], stdout=output, stderr=output, cwd=folder
        )
    try:
        _listening(process, log, port)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _listening(process: subprocess.Popen[bytes], log: Path, port: int) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), 1.0).close()
            return
        time.sleep(0.05)
    end = " | ".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-4:])[-800:]
    raise CollectorError(f"the Collector did not start: {end}")


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; its exit status."""
    parser = argparse.ArgumentParser(prog="scripts/otel-collector", description=__doc__)
    parser.add_argument("verb", choices=["build", "path"])
    parser.add_argument("--cache", type=Path, default=CACHE, help="folder of the built program")
    parser.add_argument("--jobs", type=int, default=1, help="packages that are compiled at once")
    given = parser.parse_args(arguments)
    try:
        found = build(given.cache, jobs=given.jobs) if given.verb == "build" else built(given.cache)
    except CollectorError as error:
        print(f"otel-collector: {error}", file=sys.stderr)
        return 1
    print(found or f"not built: {versions()} (scripts/otel-collector build)")
    return 0 if found else 1


if __name__ == "__main__":
    sys.exit(main())
