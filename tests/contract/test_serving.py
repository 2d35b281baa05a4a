"""A store whose serving ends by itself says so to whoever has started it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.support.embedded_store import free_port

SCRIPT = """
import sys, threading
from pathlib import Path
from airis_ray.settings import Settings
from airis_ray.store.embedded.process import EmbeddedStore

settings = Settings(data_dir=Path(sys.argv[1]))
settings = settings.model_copy(
    update={"store": settings.store.model_copy(update={"port": int(sys.argv[2])})}
)
died = threading.Event()
store = EmbeddedStore(settings, died=died.set)
store.start()
if sys.argv[3] == "stop":
    store.stop()
else:
    store._server.should_exit = True
    store.wait()
print(died.is_set())
"""


def _died(folder: Path, how: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", SCRIPT, str(folder), str(free_port()), how]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)


def test_an_end_that_nobody_asked_for_is_told_and_logged(tmp_path: Path) -> None:
    done = _died(tmp_path, "by itself")
    assert done.stdout == "True\n"
    assert "the server has ended by itself" in done.stderr


def test_an_end_that_was_asked_for_is_none(tmp_path: Path) -> None:
    done = _died(tmp_path, "stop")
    assert done.stdout == "False\n"
    assert "stopped serving" not in done.stderr
