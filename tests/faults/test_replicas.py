"""Processes of the program that end without a word."""

from __future__ import annotations

from tests.faults.checks import Outcome, under_load
from tests.faults.conftest import Setting
from tests.faults.program import CONTROLLER, INGEST
from tests.serve.conftest import eventually

_KILLS = 3


def test_kill_of_an_ingest_replica(fronted: Setting, outcome: Outcome) -> None:
    program = fronted.program
    with under_load(program, fronted.topics, outcome) as stream:
        for _ in range(_KILLS):
            program.kill(INGEST)
            stream.wait_for(20)
    outcome.notes.append(f"{_KILLS} kills")


def test_kill_of_the_serve_controller(fronted: Setting, outcome: Outcome) -> None:
    program = fronted.program
    with under_load(program, fronted.topics, outcome) as stream:
        killed = program.kill(CONTROLLER)
        stream.wait_for(20)
        assert eventually(lambda: any(pid != killed for pid in program.pids(CONTROLLER)), 120.0)
        program.wait_ready()
