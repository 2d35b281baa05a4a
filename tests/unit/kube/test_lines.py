"""`airis kube` without a cluster, without an operator, without rights: which it is, in one line."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
import yaml

from airis_ray import cli

_STATUS = {"kind": "Status", "apiVersion": "v1", "status": "Failure"}
_FORBIDDEN = 'rayservices.ray.io "airis" is forbidden: User "dev" cannot get resource "rayservices"'


class _Refusing(BaseHTTPRequestHandler):
    """An API server that knows no RayService at `/missing`, and at `/forbidden` lets nobody read one."""

    def do_GET(self) -> None:
        if self.path.startswith("/forbidden") and self.path.endswith("/ray.io/v1"):
            kinds = [{"kind": "RayService", "name": "rayservices", "namespaced": True}]
            self._answer(200, {"resources": kinds})
        elif self.path.startswith("/forbidden"):
            self._answer(403, {**_STATUS, "message": _FORBIDDEN})
        elif self.path.startswith("/unknown"):
            self._answer(401, {**_STATUS, "message": "Unauthorized"})
        else:
            self._answer(404, {**_STATUS, "message": "the server could not find the requested resource"})

    def _answer(self, code: int, body: dict[str, object]) -> None:
        self.send_response(code)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *_: object) -> None:
        """Nothing to the terminal of a test."""


@pytest.fixture
def server() -> Iterator[str]:
    listening = ThreadingHTTPServer(("127.0.0.1", 0), _Refusing)
    thread = Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{listening.server_port}"
    listening.shutdown()
    thread.join(10)
    listening.server_close()


def _kubeconfig(folder: Path, address: str) -> Path:
    path = folder / "config"
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": address}}],
        "users": [{"name": "u", "user": {"token": "t"}}],
        "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "here",
    }
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    return path


def _said(
    arguments: list[str],
    kubeconfig: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> str:
    monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(kubeconfig))
    monkeypatch.setattr("sys.argv", ["airis", "kube", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1, error
    return error


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/missing", "the cluster does not know RayService (ray.io/v1): install the KubeRay operator"),
        ("/forbidden", f"missing rights: {_FORBIDDEN}"),
        ("/unknown", "the cluster does not accept these credentials"),
    ],
)
def test_what_a_cluster_refuses(
    path: str,
    said: str,
    server: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert said in _said(["status"], _kubeconfig(tmp_path, server + path), monkeypatch, capsys)


def test_a_cluster_that_does_not_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}"
        line = _said(["status"], _kubeconfig(tmp_path, address), monkeypatch, capsys)
    assert line == f"airis: the cluster at {address} cannot be reached: Connection refused\n"


def test_no_kubeconfig(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    line = _said(["status"], tmp_path / "none", monkeypatch, capsys)
    assert "no cluster: there is no usable kubeconfig" in line


def test_a_context_that_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["status", "--context", "there"]
    line = _said(arguments, _kubeconfig(tmp_path, "http://127.0.0.1:1"), monkeypatch, capsys)
    assert "--context 'there': the kubeconfig has here" in line


@pytest.mark.parametrize("path", ["nowhere", "."])
def test_a_folder_that_is_no_overlay(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["apply", str(tmp_path / path)]
    assert "there is no" in _said(arguments, tmp_path / "none", monkeypatch, capsys)
