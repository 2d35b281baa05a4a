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
    """An API server: at `/missing` it knows no kind, at `/unknown` nobody, at `/forbidden` it lets nobody read a
    RayService, at `/empty` it has none."""

    def do_GET(self) -> None:
        knows_kinds = self.path.startswith(("/forbidden", "/empty"))
        if knows_kinds and self.path.endswith(("/ray.io/v1", "/api/v1", "/apps/v1", "/batch/v1")):
            kinds = ("RayService", "Pod", "StatefulSet", "Deployment", "CronJob")
            rows = [{"kind": kind, "name": f"{kind.lower()}s", "namespaced": True} for kind in kinds]
            self._answer(200, {"resources": rows})
        elif self.path.startswith("/empty") and "?" in self.path:
            self._answer(200, {"items": []})
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


@pytest.mark.parametrize("text", ["bad: [", "just text", "- 1", "\x00", "clusters: 1"])
def test_a_kubeconfig_that_is_none(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "config").write_text(text, encoding="utf-8")
    for arguments in (["status"], ["status", "--context", "here"]):
        line = _said(arguments, tmp_path / "config", monkeypatch, capsys)
        assert "no usable kubeconfig" in line or "the kubeconfig has none" in line


def test_a_credential_plugin_that_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = _kubeconfig(tmp_path, "http://127.0.0.1:1")
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    plugin = {"command": "no-such-plugin", "interactiveMode": "Never"}
    config["users"][0]["user"] = {"exec": {"apiVersion": "client.authentication.k8s.io/v1", **plugin}}
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    line = _said(["status"], path, monkeypatch, capsys)
    assert "the kubeconfig's credentials cannot be had: " in line
    assert "no-such-plugin" in line


@pytest.mark.parametrize("name", ["", "Airis", "a/b", "../x", "a" * 64])
def test_a_namespace_that_cannot_be(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["logs", "clickhouse", "--namespace", name]
    line = _said(arguments, _kubeconfig(tmp_path, "http://127.0.0.1:1"), monkeypatch, capsys)
    assert f"--namespace {name!r}: expected lower-case letters" in line


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["upgrade", "--image", "a/b:1"], "there is no RayService 'airis' in the namespace 'other'"),
        (["backup"], "there is no CronJob 'clickhouse-backup' in the namespace 'other'"),
        (["logs", "keeper"], "no pod of the part 'keeper': there are no pods in the namespace 'other'"),
    ],
)
def test_a_namespace_without_the_system(
    arguments: list[str],
    said: str,
    server: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = _kubeconfig(tmp_path, f"{server}/empty")
    assert said in _said([*arguments, "--namespace", "other"], path, monkeypatch, capsys)


def test_the_status_of_a_namespace_without_the_system(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = _kubeconfig(tmp_path, f"{server}/empty")
    monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(path))
    monkeypatch.setattr("sys.argv", ["airis", "kube", "status", "--namespace", "other"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 1
    first = capsys.readouterr().out.splitlines()[0]
    assert first.startswith("not green: there is no RayService 'airis' in the namespace 'other'")


@pytest.mark.parametrize("path", ["nowhere", "."])
def test_a_folder_that_is_no_overlay(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["apply", str(tmp_path / path)]
    assert "there is no" in _said(arguments, tmp_path / "none", monkeypatch, capsys)
