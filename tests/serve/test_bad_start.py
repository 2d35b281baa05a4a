"""Whatever is wrong at the start: one clear line, a non-zero status, within 10 seconds, no traceback."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from tests.serve.conftest import ROOT, Instance, free_ports


def _up(environ: dict[str, str]) -> tuple[int, str, float]:
    start = time.monotonic()
    ended = subprocess.run(
        [sys.executable, "-m", "airis_ray.cli", "up", "--no-demo"],
        env=environ,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30.0,
    )
    return ended.returncode, ended.stdout + ended.stderr, time.monotonic() - start


def _environ(folder: Path, **more: str) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("AIRIS_")}
    http, grpc, store = (str(port) for port in free_ports(3))
    ports = {"AIRIS_HTTP_PORT": http, "AIRIS_GRPC_PORT": grpc, "AIRIS_STORE_PORT": store}
    return clean | ports | {"AIRIS_DATA_DIR": str(folder)} | more


def _refused(environ: dict[str, str], *words: str) -> None:
    status, output, seconds = _up(environ)
    lines = [line for line in output.splitlines() if line.strip()]
    assert status != 0
    assert len(lines) == 1, output
    assert "Traceback" not in output
    for word in words:
        assert word in lines[0]
    assert seconds < 10.0


def _serve_run(folder: Path, ports: list[int], environ: dict[str, str]) -> tuple[int, list[str], float]:
    config = yaml.safe_load((ROOT / "serve_config.yaml").read_text())
    config["http_options"]["port"], config["grpc_options"]["port"] = ports
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    command = [str(Path(sys.executable).with_name("serve")), "run", str(folder / "config.yaml")]
    start = time.monotonic()
    ended = subprocess.run(command, env=environ, cwd=ROOT, capture_output=True, text=True, timeout=60.0)
    # Before ours Ray says that it reads the file.
    return ended.returncode, (ended.stdout + ended.stderr).splitlines()[1:], time.monotonic() - start


def test_a_serve_run_without_our_start(tmp_path: Path) -> None:
    """The policy of the streams, which Ray imports while it reads the file, ends it before Ray starts."""
    environ = _environ(tmp_path / "data", AIRIS_HTTP_PROT="1")
    status, (said,), seconds = _serve_run(tmp_path, free_ports(2), environ)
    assert status != 0
    assert said.startswith("airis: AIRIS_HTTP_PROT is no setting of AIRIS-Ray")
    assert seconds < 10.0


def test_a_port_in_use_of_a_serve_run_without_our_start(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        status, (said,), seconds = _serve_run(tmp_path, [port, *free_ports(1)], _environ(tmp_path / "data"))
    assert status != 0
    assert said.startswith(f"airis: port {port} on 127.0.0.1 is in use")
    assert seconds < 10.0


def test_an_unknown_variable(tmp_path: Path) -> None:
    _refused(_environ(tmp_path, AIRIS_HTTP_PROT="1"), "AIRIS_HTTP_PROT", "AIRIS_HTTP_PORT")


def test_a_wrong_value(tmp_path: Path) -> None:
    _refused(_environ(tmp_path, AIRIS_RETENTION_LOGS="soon"), "AIRIS_RETENTION_LOGS", "soon", "30d")


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's folder that root cannot write either")
def test_an_unwritable_data_folder() -> None:
    _refused(_environ(Path("/proc/airis")), "/proc/airis")


def test_a_port_in_use(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        _refused(_environ(tmp_path, AIRIS_HTTP_PORT=port), port, "in use", "AIRIS_HTTP_PORT")


def test_a_clickhouse_that_does_not_answer(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    url = f"http://127.0.0.1:{port}"
    _refused(_environ(tmp_path, AIRIS_CLICKHOUSE_URL=url), "AIRIS_CLICKHOUSE_URL", str(port))


def test_a_data_folder_of_a_running_instance(air: Instance) -> None:
    _refused(_environ(air.data_dir), "AIRIS_DATA_DIR", "running")
