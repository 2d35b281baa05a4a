"""The embedded store as one named detached Ray actor."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.support.embedded_store import free_port


def test_ray_restarts_the_store_and_reads_from_it(tmp_path: Path) -> None:
    """In a process of its own: a cluster that this process had started would be every later test's."""
    quiet = {
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_AUTH_MODE": "disabled",
        "RAY_DATA_DISABLE_PROGRESS_BARS": "1",
    }
    command = [sys.executable, "-m", "tests.support.store_actor", str(tmp_path), str(free_port())]
    root = Path(__file__).parents[2]
    done = subprocess.run(
        command,
        env={**os.environ, **quiet},
        cwd=root,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["same"]
    assert found["rows"] >= found["acknowledged"] >= 51
    assert found["seconds"] < 30
    assert found["dataset"] == 10
    assert found["refusal"].startswith("the data folder /proc/airis cannot be written")
