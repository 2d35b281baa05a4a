from __future__ import annotations

import os
import socket
import tempfile
from pathlib import Path

import pytest

from airis_ray.launch.serve_run import prepare_serve_run


class _Begun(Exception):
    """The program would begin anew, in this environment."""

    def __init__(self, command: list[str], environ: dict[str, str]) -> None:
        self.command, self.environ = command, environ


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment without settings, no cluster on this machine, and no process replaced."""

    def execve(_path: str, command: list[str], environ: dict[str, str]) -> None:
        raise _Begun(command, environ)

    for name in [name for name in os.environ if name.startswith(("AIRIS_", "RAY_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AIRIS_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("AIRIS_STORE_PORT", str(_free_port()))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(os, "execve", execve)
    monkeypatch.setattr(os, "umask", lambda _mask: 0)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _config(folder: Path, http: int) -> str:
    file = folder / "config.yaml"
    file.write_text(
        f"http_options: {{host: 127.0.0.1, port: {http}}}\ngrpc_options: {{port: {_free_port()}}}\n"
    )
    return str(file)


def test_it_begins_anew_with_haproxy_and_without_calls_out_and_only_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = _free_port()
    config = _config(tmp_path, port)
    with pytest.raises(_Begun) as begun:
        prepare_serve_run([config])
    environ = begun.value.environ
    assert environ["AIRIS_HTTP_PORT"] == str(port)
    assert environ["RAY_SERVE_ENABLE_HA_PROXY"] == "1"
    assert environ["RAY_USAGE_STATS_ENABLED"] == "0"
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    prepare_serve_run([config])


def test_a_wrong_setting_ends_it_with_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AIRIS_HTTP_PROT", "1")
    with pytest.raises(SystemExit, match="2"):
        prepare_serve_run([_config(tmp_path, _free_port())])
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("airis: AIRIS_HTTP_PROT is no setting of AIRIS-Ray")


def test_a_port_in_use_is_named_with_the_file_that_asks_for_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        config = _config(tmp_path, port)
        with pytest.raises(SystemExit):
            prepare_serve_run([config])
    said = capsys.readouterr().err
    assert f"port {port} on 127.0.0.1 is in use" in said
    assert f"http_options.port of {config}" in said


def test_a_cluster_that_runs_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRIS_HTTP_PROT", "1")
    config = _config(tmp_path, _free_port())
    prepare_serve_run([config, "--address=auto"])
    current = tmp_path / "ray" / "ray_current_cluster"
    current.parent.mkdir()
    current.write_text("127.0.0.1:6379")
    prepare_serve_run([config])
    current.unlink()
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:6379")
    prepare_serve_run([config])
