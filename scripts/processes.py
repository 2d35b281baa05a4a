"""Processes that outlive the command that started them: ended by their number, politely first."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable


def end(pid: int, runs: Callable[[], bool], seconds: float) -> None:
    """SIGTERM, then SIGKILL, each with so many seconds; ``runs`` tells whether the number is still that process."""
    for means in (signal.SIGTERM, signal.SIGKILL):
        if not runs():
            return
        os.kill(pid, means)
        deadline = time.monotonic() + seconds
        while runs() and time.monotonic() < deadline:
            time.sleep(0.1)
