"""Something to send to: parts of AIRIS-Ray as child processes, the whole of it, or one that runs already."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from airis_ray.settings import Settings
from airis_ray.web.key_files import admin_key
from benchmarks.report import descendants

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Instance:
    """Where to send, and whose CPU seconds count. ``settings`` open its store; None where that is elsewhere."""

    url: str
    key: str
    pids: tuple[int, ...]
    settings: Settings | None = None
    store_pids: tuple[int, ...] = ()


def running(url: str, key: str, pids: Sequence[int]) -> Instance:
    """One that runs already; ``pids`` are the roots of its process trees, for its CPU seconds."""
    return Instance(url.rstrip("/"), key, tuple(pid for root in pids for pid in descendants(root)))


@contextlib.contextmanager
def parts(server: str = "benchmarks.ingest_server") -> Iterator[Instance]:
    """The embedded store and a module that serves applications as plain processes, in a folder of their own."""
    store_port, http_port = free_ports(2)
    with tempfile.TemporaryDirectory(prefix="airis-bench-") as folder:
        environ = environment(folder, store_port=store_port, http_port=http_port)
        settings = Settings.from_env(environ)
        key, _ = admin_key(settings.data_dir)
        with child(["-m", "airis_ray.store.embedded"], environ) as store:
            answers(f"http://127.0.0.1:{store_port}/ping", store)
            with child(["-m", server, str(http_port)], environ) as ingest:
                url = f"http://127.0.0.1:{http_port}"
                answers(f"{url}/v1/logs", ingest)
                yield Instance(url, key, (store.pid, ingest.pid), settings, (store.pid,))


@contextlib.contextmanager
def whole() -> Iterator[Instance]:
    """All of AIRIS-Ray as `airis up` starts it, in a folder of its own."""
    store_port, http_port, grpc_port = free_ports(3)
    with tempfile.TemporaryDirectory(prefix="airis-bench-") as folder:
        environ = environment(folder, store_port=store_port, http_port=http_port, grpc_port=grpc_port)
        settings = Settings.from_env(environ)
        with child(["-m", "airis_ray.cli", "up", "--no-demo"], environ) as up:
            url = f"http://127.0.0.1:{http_port}"
            answers(f"{url}/readyz", up, seconds=180)
            key = (settings.data_dir / "admin.key").read_text(encoding="utf-8").strip()
            yield Instance(url, key, tuple(descendants(up.pid)), settings)


def environment(folder: str, **values: int | str) -> dict[str, str]:
    """Variables of a program with its data in ``folder``; of ``AIRIS_*`` those given (``store_port``: …)."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("AIRIS_")}
    names = {f"AIRIS_{name}".upper(): str(value) for name, value in values.items()}
    own = {"AIRIS_DATA_DIR": str(Path(folder) / "data"), "AIRIS_SELF_TELEMETRY": "false"}
    own["AIRIS_LOG_LEVEL"] = "warning"  # no line for every request
    return {**clean, **names, **own, "PYTHONPATH": str(ROOT)}


@contextlib.contextmanager
def child(arguments: list[str], environ: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """A Python process of the repository, ended when the block ends."""
    process = subprocess.Popen([sys.executable, *arguments], env=environ, cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def answers(url: str, process: subprocess.Popen[bytes], seconds: float = 60) -> None:
    """Wait until something answers there, whatever it says short of 404 (not yet routed) and 5xx."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if process.poll() is not None:
            raise SystemExit(f"{process.args!r} ended with status {process.returncode}")
        try:
            urllib.request.urlopen(url, timeout=2).close()
            return
        except urllib.error.HTTPError as error:
            if error.code < 500 and error.code != 404:
                return
        except OSError:
            pass
        time.sleep(0.1)
    raise SystemExit(f"{url} did not answer within {seconds:.0f} s")


def free_ports(count: int) -> list[int]:
    """Loopback ports that nothing listens on."""
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(probe.getsockname()[1]) for probe in probes]
    for probe in probes:
        probe.close()
    return ports
