"""What the applications' builders share on Ray: the embedded store is up, the tables are there, or a clear end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import threading
import time
from pathlib import Path
from typing import Final

from ray._private.worker import global_worker
from ray.util.metrics import Gauge

from airis_ray.errors import AirisError
from airis_ray.garbage import spare_what_is_loaded
from airis_ray.launch.process import MARK
from airis_ray.settings import Settings

_log = logging.getLogger(__name__)

_EXPORT_SECONDS: Final = 10.0  # as often as Ray's own metrics go to its agent


def prepared() -> Settings:
    """The settings, with the store running, its tables at this program's version, and the topics there.

    Every application calls it when it is built; the first one does the work. Raises AirisError, and ends a `serve run`
    on this machine with the sentence: Serve itself would retry and stay up without a working application.
    """
    from airis_ray.launch.preflight import absolute
    from airis_ray.store.embedded.actor import ensure_store

    try:
        settings = absolute(Settings.from_env())
        if settings.clickhouse_url is None:
            ensure_store(settings)
        asyncio.run(_migrate(settings))
        if settings.kafka.bootstrap is not None:
            _ensure_topics(settings)
    except AirisError as error:
        _end_serve_run(str(error))
        raise
    return settings


def begin_replica() -> None:
    """What each replica does once, when it is built.

    Its metrics go to Ray's agent from now on, in a thread that ends with the process: Prometheus finds them there
    (``ray_airis_…``), those of all replicas of a pod.
    """
    from airis_ray.web.mirror import Mirror

    spare_what_is_loaded()

    mirror = Mirror(Gauge)

    def run() -> None:
        while True:
            try:
                mirror.copy()
            except Exception:
                _log.exception("this replica's metrics are not told to Ray any more")
                return
            time.sleep(_EXPORT_SECONDS)

    threading.Thread(target=run, name="export-metrics", daemon=True).start()


async def _migrate(settings: Settings) -> None:
    from airis_ray.store.client import open_store
    from airis_ray.store.migrate import migrate

    store = open_store(settings)
    try:
        await migrate(store, settings=settings)
    finally:
        await store.close()


def _ensure_topics(settings: Settings) -> None:
    from airis_ray.stream.topics import ensure_topics  # loads librdkafka

    for note in ensure_topics(settings.kafka, settings.ingest.max_body_bytes):
        _log.warning(note)


def _serve_run() -> int | None:
    """The pid of the `serve run` on this machine that started this cluster.

    None on a cluster, where the driver is on another machine or is no `serve run`.
    """
    job = global_worker.current_job_id.hex()
    infos = global_worker.gcs_client.get_all_job_info(job_or_submission_id=job)
    pid = next((info.driver_pid for info in infos.values()), 0)
    with contextlib.suppress(OSError):
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        if b"run" in command and any(part.endswith(b"serve") for part in command):
            return int(pid)
    return None


def _end_serve_run(sentence: str) -> None:
    """Say why on the terminal of the `serve run` that started this cluster, and end it."""
    pid = _serve_run()
    if pid is None:
        return
    with contextlib.suppress(OSError):
        with open(f"/proc/{pid}/fd/2", "a", encoding="utf-8") as terminal:
            terminal.write(f"{MARK}{sentence}\n")
        # Of a SIGTERM Ray prints the stack, but nohup lets a SIGHUP pass. Ray ends when its driver is gone.
        os.kill(pid, signal.SIGTERM if _ignores_hangup(pid) else signal.SIGHUP)


def _ignores_hangup(pid: int) -> bool:
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    ignored = next(line.split()[1] for line in status.splitlines() if line.startswith("SigIgn:"))
    return bool(int(ignored, 16) >> (signal.SIGHUP - 1) & 1)
