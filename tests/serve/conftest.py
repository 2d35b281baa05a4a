"""One real `airis up` for the whole run: Serve behind HAProxy, the embedded store, ports and data of its own."""

from __future__ import annotations

import os
import queue
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

import airis_ray
from airis_ray.client import Connection

ROOT = Path(__file__).parents[2]
START_SECONDS = 300.0
STOP_SECONDS = 120.0


def free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for probe in sockets:
        probe.bind(("127.0.0.1", 0))
    ports = [int(probe.getsockname()[1]) for probe in sockets]
    for probe in sockets:
        probe.close()
    return ports


def eventually(check: Callable[[], bool], seconds: float = 30.0) -> bool:
    """Whether ``check`` becomes true within ``seconds``."""
    limit = time.monotonic() + seconds
    pause = threading.Event()
    while time.monotonic() < limit:
        if check():
            return True
        pause.wait(0.2)
    return False


@dataclass
class Instance:
    """A running AIRIS-Ray."""

    data_dir: Path
    http_port: int
    grpc_port: int
    store_port: int
    process: subprocess.Popen[str] | None = None
    reader: threading.Thread | None = None
    lines: list[str] = field(default_factory=list)
    ready_seconds: float = 0.0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http_port}"

    @property
    def key(self) -> str:
        return (self.data_dir / "admin.key").read_text().strip()

    @property
    def environ(self) -> dict[str, str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("AIRIS_", "RAY_"))}
        return clean | {
            "AIRIS_DATA_DIR": str(self.data_dir),
            "AIRIS_HTTP_PORT": str(self.http_port),
            "AIRIS_GRPC_PORT": str(self.grpc_port),
            "AIRIS_STORE_PORT": str(self.store_port),
            "AIRIS_SELF_SAMPLE_RATIO": "1",
            "AIRIS_SELF_EXPORT_INTERVAL": "2s",
        }

    def connect(self, key: str | None = None) -> Connection:
        return airis_ray.connect(self.url, key or self.key)

    def airis(self, *arguments: str, timeout: float = 120.0) -> subprocess.CompletedProcess[str]:
        """Run the `airis` command against this instance."""
        return subprocess.run(
            [sys.executable, "-m", "airis_ray.cli", *arguments],
            env=self.environ,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=timeout,
        )

    def start(self) -> None:
        start = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "airis_ray.cli", "up", "--no-demo", "--verbose"],
            env=self.environ,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        ready: queue.Queue[bool] = queue.Queue()
        self.reader = threading.Thread(target=self._read, args=(ready,), daemon=True)
        self.reader.start()
        try:
            ok = ready.get(timeout=START_SECONDS)
        except queue.Empty:
            ok = False
        if not ok:
            self.stop()
            pytest.fail("airis up did not become ready:\n" + "\n".join(self.lines[-80:]))
        self.ready_seconds = time.monotonic() - start

    def stop(self) -> int:
        """Ctrl-C; the exit status."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            return self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        finally:
            assert self.reader is not None
            self.reader.join(10.0)
            assert self.process.stdout is not None
            self.process.stdout.close()

    def _read(self, ready: queue.Queue[bool]) -> None:
        assert self.process is not None
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip())
            if re.match(r"ready after", line):
                ready.put(True)
        ready.put(False)


def new_instance(folder: Path) -> Instance:
    return Instance(folder, *free_ports(3))


@pytest.fixture(scope="session")
def air(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    instance = new_instance(tmp_path_factory.mktemp("serve") / "data")
    instance.start()
    yield instance
    assert instance.stop() == 0, "Ctrl-C did not end it in order:\n" + "\n".join(instance.lines[-40:])
