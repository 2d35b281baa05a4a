"""The floor of what the watcher finds in the demo's shop: a small part of ``benchmarks/watch_faults.py``."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[4]
FAULTS = ("slow-db", "log-flood")
SECONDS = 600.0


async def test_faults_are_found_after_a_few_hours_of_learning() -> None:
    # A process of its own: chDB opens one folder per process, and the tests' store is another.
    command = [sys.executable, "-m", "benchmarks.watch_faults", "--one", "--json", "--seeds", "1"]
    command += ["--learned", "0.15", "--quiet", "0", "--rate", "0.5", "--faults", ",".join(FAULTS)]
    run = await asyncio.to_thread(
        subprocess.run,
        command,
        cwd=ROOT,
        capture_output=True,
        timeout=SECONDS,
        check=False,
    )
    assert run.returncode == 0, run.stderr.decode()
    found = json.loads(run.stdout)
    missed = [each["fault"] for each in found["faults"] if not each["found"]]
    assert not missed, found
