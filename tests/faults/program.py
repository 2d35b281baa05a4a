"""The whole program as the faults meet it: `airis up` in a folder of its own, its processes by name."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from airis_ray.errors import AirisError
from tests.serve.conftest import Instance, eventually, free_ports

INGEST = "ServeReplica:ingest:Ingest"
STREAM = "ServeReplica:stream:Stream"
CONTROLLER = "ServeController"

BACK_SECONDS = 180.0
"""How long a part may take to be back after a fault, on a machine that is busy with other things."""


@dataclass
class Program(Instance):
    """An instance with a stream. ``extra`` are its further settings."""

    extra: dict[str, str] = field(default_factory=dict)

    @property
    def environ(self) -> dict[str, str]:
        return super().environ | self.extra

    def pids(self, title: str) -> list[int]:
        """The processes of this instance alone whose title has ``title`` in it."""
        assert self.process is not None
        return [pid for pid in _descendants(self.process.pid) if title in _command(pid)]

    def kill(self, title: str) -> int:
        """kill -9 of the first process of that title; waits for one."""
        assert eventually(lambda: bool(self.pids(title)), BACK_SECONDS), f"there is no {title}"
        pid = self.pids(title)[0]
        os.kill(pid, signal.SIGKILL)
        return pid

    def ready(self) -> bool:
        """Whether every part answers."""
        try:
            return httpx.get(f"{self.url}/readyz", timeout=10.0).status_code == 200
        except httpx.HTTPError:
            return False

    def wait_ready(self) -> None:
        """Until every part answers, the consumers among them."""
        assert eventually(lambda: self.ready() and bool(self.pids(STREAM)), BACK_SECONDS), self.tail()

    def new_key(self, tenant: str) -> str:
        """Make a tenant; a key of it that may send and read."""
        with self.connect() as client:
            client.get("/api/tenants")  # fails here, and not below, where the program is not up
        headers = {"Authorization": f"Bearer {self.key}"}
        with httpx.Client(base_url=self.url, headers=headers, timeout=30.0) as http:
            http.post("/api/tenants", json={"id": tenant}).raise_for_status()
            wanted = {"name": "faults", "scopes": ["ingest", "read"], "tenant": tenant}
            key: str = http.post("/api/keys", json=wanted).raise_for_status().json()["key"]
        return key

    def accounts(self, key: str | None = None) -> list[dict[str, Any]] | None:
        """What became of every record; None where nobody says it now."""
        try:
            with self.connect(key) as client:
                found: list[dict[str, Any]] = client.get("/api/accounts")
                return found
        except AirisError:
            return None

    def tail(self) -> str:
        """The end of what the program said."""
        return "\n".join(self.lines[-60:])


def new_program(folder: Path, **settings: str) -> Program:
    """An instance that was not started yet."""
    http, grpc, store = free_ports(3)
    return Program(folder, http, grpc, store, extra=settings)


def store_url(port: int, key: str) -> str:
    """The address of a store with its password, as AIRIS_CLICKHOUSE_URL takes it."""
    return f"http://default:{quote(key, safe='')}@127.0.0.1:{port}/default"


def holds(check: Callable[[], bool], seconds: float) -> bool:
    """Whether ``check`` stays true for ``seconds``."""
    return not eventually(lambda: not check(), seconds)


def _descendants(root: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except (OSError, IndexError):
                continue  # it has ended meanwhile
            children.setdefault(parent, []).append(int(entry.name))
    found, waiting = [], [root]
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        waiting += children.get(pid, [])
    return found


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""
