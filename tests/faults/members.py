"""Further members of the program's consumer group, which come and go as a test says."""

from __future__ import annotations

import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.faults.program import Program
from tests.serve.conftest import ROOT

_JOIN_SECONDS = 120.0
_LEAVE_SECONDS = 60.0


class Member:
    """``tests/faults/member.py`` as a process."""

    def __init__(self, program: Program) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.member"],
            env=program.environ,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._told: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def joined(self) -> int:
        """Return once it has partitions; how many."""
        while True:
            told = self._told.get(timeout=_JOIN_SECONDS)
            assert told, f"the member ended with status {self._process.wait()}"
            if int(told.split()[1]):
                return int(told.split()[1])

    def leave(self) -> None:
        """Finish what is under way and leave the group. Raises AssertionError where it did not end in order."""
        assert self._end(signal.SIGTERM) == 0

    def kill(self) -> None:
        """kill -9."""
        self._end(signal.SIGKILL)

    def _end(self, number: signal.Signals) -> int:
        if self._process.poll() is None:
            self._process.send_signal(number)
        status = self._process.wait(_LEAVE_SECONDS)
        self._reader.join(_LEAVE_SECONDS)
        assert self._process.stdout is not None
        self._process.stdout.close()
        return status

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._told.put(line.strip())
        self._told.put("")


@contextmanager
def another(program: Program) -> Iterator[Member]:
    """A member that has joined; killed at the end where it still runs."""
    member = Member(program)
    try:
        member.joined()
        yield member
    finally:
        member.kill()
