"""Processes that outlive the command that started them: ended by their number, politely first."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path


def end(pid: int, runs: Callable[[], bool], seconds: float) -> None:
    """SIGTERM, then SIGKILL, each with so many seconds; ``runs`` tells whether the number is still that process."""
    for means in (signal.SIGTERM, signal.SIGKILL):
        if not runs():
            return
        os.kill(pid, means)
        deadline = time.monotonic() + seconds
        while runs() and time.monotonic() < deadline:
            time.sleep(0.1)


def pause(pid: int, seconds: float) -> None:
    """SIGSTOP, and wait until each of its threads stands still: a signal takes effect some time after it is sent.

    Raises TimeoutError.
    """
    os.kill(pid, signal.SIGSTOP)
    deadline = time.monotonic() + seconds
    while not all(_stands(thread) for thread in Path(f"/proc/{pid}/task").iterdir()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"the process {pid} has not stopped within {seconds:g} s")
        time.sleep(0.01)


def _stands(thread: Path) -> bool:
    try:
        return (thread / "stat").read_text().rpartition(")")[2].split()[0] in "Tt"
    except OSError:  # it ended meanwhile
        return True
