"""The program on one machine: its embedded store dies, and it is stopped by hand in the middle of its work."""

from __future__ import annotations

import os
import signal
from functools import partial
from pathlib import Path

from tests.faults.checks import Outcome, under_load
from tests.faults.conftest import Setting
from tests.serve.conftest import eventually

_KILLS = 3


def test_kill_of_the_embedded_store(embedded: Setting, outcome: Outcome) -> None:
    program = embedded.program
    lock = program.data_dir / "store.lock"
    with under_load(program, embedded.topics, outcome) as stream:
        for _ in range(_KILLS):
            killed = _owner(lock)
            os.kill(int(killed), signal.SIGKILL)
            assert eventually(partial(_changed, lock, killed), 60.0)
            stream.wait_for(20)
    outcome.notes.append(f"{_KILLS} kills")


def test_ctrl_c_in_mid_load(embedded: Setting, outcome: Outcome) -> None:
    program = embedded.program
    with under_load(program, embedded.topics, outcome):
        assert program.stop() == 0, program.tail()
        program.start()
        program.wait_ready()


def _owner(lock: Path) -> str:
    """The number of the store's process, as its lock says."""
    return (lock.read_text().split() or [""])[0]


def _changed(lock: Path, was: str) -> bool:
    return _owner(lock) not in ("", was)
