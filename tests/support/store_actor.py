"""Run by the contract suite in a process of its own: the embedded store as Ray keeps it.

Prints one JSON object: what was acknowledged before a ``kill -9``, what is there after the restart, what Ray Data
reads, and what a bad folder is answered with.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path

import httpx
import ray

from airis_ray.errors import AirisError
from airis_ray.settings import Settings
from airis_ray.store.embedded.actor import NAME, NAMESPACE, ensure_store
from airis_ray.store.secrets import store_key

_RESTART_SECONDS = 60.0


def _insert(http: httpx.Client, row: int) -> bool:
    try:
        answer = http.post("/", params={"query": "INSERT INTO kept FORMAT CSV"}, content=f"{row}\n")
    except httpx.HTTPError:
        return False
    return answer.status_code == 200


def _killed_and_back(http: httpx.Client, lock: Path) -> dict[str, float]:
    http.post("/", content="CREATE TABLE kept (a UInt64) ENGINE = MergeTree ORDER BY a")
    acknowledged = sum(_insert(http, row) for row in range(50))
    os.kill(int(lock.read_text()), signal.SIGKILL)
    killed = time.monotonic()
    row = 50
    while not _insert(http, row):
        row += 1
        if time.monotonic() - killed > _RESTART_SECONDS:
            raise TimeoutError("the store did not come back")
        time.sleep(0.02)
    seconds = time.monotonic() - killed
    rows = int(http.post("/", content="SELECT count() FROM kept").text)
    return {"acknowledged": acknowledged + 1, "rows": rows, "seconds": seconds}


def main(folder: Path, port: str) -> None:
    """Use a fresh local cluster, folder and port."""
    ray.init(num_cpus=2, include_dashboard=False, object_store_memory=100 << 20, log_to_driver=False)
    settings = Settings.from_env({"AIRIS_DATA_DIR": str(folder), "AIRIS_STORE_PORT": port})
    url, key = ensure_store(settings), store_key(folder)
    found: dict[str, object] = {"same": ensure_store(settings) == url}
    with httpx.Client(base_url=url, headers={"X-ClickHouse-Key": key}, timeout=5) as http:
        found |= _killed_and_back(http, folder / "store.lock")
    dsn = f"clickhouse://anybody:{key}@127.0.0.1:{port}/default"
    found["dataset"] = ray.data.read_clickhouse(table="default.kept", dsn=dsn, filter="a < 10").count()
    ray.kill(ray.get_actor(NAME, namespace=NAMESPACE))
    try:
        ensure_store(Settings.from_env({"AIRIS_DATA_DIR": "/proc/airis", "AIRIS_STORE_PORT": port}))
    except AirisError as problem:
        found["refusal"] = str(problem)
    ray.shutdown()
    sys.stdout.write(f"{json.dumps(found)}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
