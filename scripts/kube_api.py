"""A Kubernetes cluster of one process each: etcd, kube-apiserver, its controllers and scheduler, and KWOK for nodes.

The API server, the controllers and the scheduler are the real ones; nodes and kubelets are KWOK's: a pod that is
scheduled is said to run, and nothing runs. Everything listens on the loopback.
"""

from __future__ import annotations

import base64
import ctypes
import json
import os
import secrets
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import yaml

from scripts import kube_api_arguments as arguments
from scripts.kube_api_build import CACHE, OPERATOR, STAGES, missing

_START_SECONDS = 120.0  # 8 s on an idle machine
STOP_SECONDS = 30.0
_PR_SET_PDEATHSIG = 1

ADMIN = "admin"


class KubeApiError(Exception):
    """The API server is not built or did not start; the message says why."""


class KubeApi:
    """One cluster over one data folder."""

    def __init__(self, data: Path, *, cache: Path = CACHE, detached: bool = False) -> None:
        left = missing(cache)
        if left:
            raise KubeApiError(f"not built: {', '.join(left)} (scripts/kube-api build)")
        self.data = data.absolute()
        self.kubeconfig = self.data / "kubeconfig"
        self.pids: dict[str, int] = {}
        self._bin = cache.absolute() / "bin"
        self._detached = detached
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._ports = dict(zip(("etcd", "peer", "api", "kubelet"), _free_ports(4), strict=True))
        self._context: ssl.SSLContext | None = None
        self._token = secrets.token_hex(16)

    @property
    def address(self) -> str:
        """The API server's address."""
        return f"https://127.0.0.1:{self._ports['api']}"

    def start(self, *, controllers: bool = True, nodes: int = 6) -> KubeApi:
        """Start everything, wait until the API is ready, and register ``nodes`` nodes in three zones.

        Without ``controllers`` there are etcd and the API server alone: objects are taken, and nothing is done.
        """
        self.data.mkdir(parents=True, exist_ok=True)
        self._write_keys()
        try:
            self._start_api()
            if controllers:
                self._start_controllers()
                for number in range(nodes):
                    self.call("POST", "/api/v1/nodes", arguments.node(number))
        except BaseException:
            self.stop()
            raise
        return self

    def start_operator(self) -> None:
        """Start the KubeRay operator; its definitions are there already. Raises KubeApiError where it is not built."""
        if not os.access(self._bin / OPERATOR, os.X_OK):
            raise KubeApiError("the KubeRay operator is not built (scripts/kube-api build --operator)")
        self._run(OPERATOR, f"-kubeconfig={self.kubeconfig}", *arguments.OPERATOR)

    def stop(self) -> None:
        """End every process, the newest first."""
        for process in reversed(self._processes.values()):
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(STOP_SECONDS)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait(STOP_SECONDS)

    def call(
        self, method: str, path: str, body: object = None, *, token: str | None = None
    ) -> dict[str, Any]:
        """One call of the API as the administrator (or the owner of ``token``). Raises KubeApiError."""
        request = urllib.request.Request(
            self.address + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {token or self._token}", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=30, context=self._tls()) as answer:
                content = answer.read()
                return json.loads(content) if content.startswith(b"{") else {}
        except urllib.error.HTTPError as error:
            raise KubeApiError(f"{method} {path}: {error.code} {error.read(600).decode()}") from error

    def until_served(self, kinds: Iterable[tuple[str, str]]) -> None:
        """Wait until the API serves custom kinds: pairs of group and plural."""
        for group, plural in kinds:

            def served(group: str = group, plural: str = plural) -> bool:
                path = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{plural}.{group}"
                conditions = self.call("GET", path).get("status", {}).get("conditions") or ()
                return any(row["type"] == "Established" and row["status"] == "True" for row in conditions)

            self._wait(served, "kube-apiserver")

    def account(self, name: str, namespace: str) -> Path:
        """A kubeconfig that acts as a service account."""
        body = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"expirationSeconds": 3600},
        }
        answer = self.call("POST", f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token", body)
        path = self.data / f"kubeconfig-{namespace}-{name}"
        _private(path, yaml.safe_dump(self._config(answer["status"]["token"])))
        return path

    def _tls(self) -> ssl.SSLContext:
        if self._context is None:
            self._context = ssl.create_default_context(cafile=str(self.data / "apiserver.crt"))
        return self._context

    def _write_keys(self) -> None:
        if not (self.data / "accounts.key").exists():
            command = ["openssl", "genrsa", "-out", str(self.data / "accounts.key"), "2048"]
            subprocess.run(command, capture_output=True, timeout=60, check=True)
        _private(self.data / "tokens.csv", f'{self._token},{ADMIN},{ADMIN},"system:masters"\n')

    def _config(self, token: str) -> dict[str, Any]:
        authority = base64.b64encode((self.data / "apiserver.crt").read_bytes()).decode()
        cluster = {"server": self.address, "certificate-authority-data": authority}
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "kwok", "cluster": cluster}],
            "users": [{"name": ADMIN, "user": {"token": token}}],
            "contexts": [
                {"name": "kwok", "context": {"cluster": "kwok", "user": ADMIN, "namespace": "airis"}}
            ],
            "current-context": "kwok",
        }

    def _start_api(self) -> None:
        etcd = f"http://127.0.0.1:{self._ports['etcd']}"
        self._run("etcd", *arguments.etcd(self.data, etcd, f"http://127.0.0.1:{self._ports['peer']}"))
        self._run("kube-apiserver", *arguments.api(self.data, etcd, self._ports["api"]))
        self._wait(lambda: (self.data / "apiserver.crt").exists() and self._answers(), "kube-apiserver")
        _private(self.kubeconfig, yaml.safe_dump(self._config(self._token)))

    def _start_controllers(self) -> None:
        config = f"--kubeconfig={self.kubeconfig}"
        self._run("kube-controller-manager", config, *arguments.controllers(self.data))
        self._run("kube-scheduler", config, "--leader-elect=false", "--secure-port=0")
        self._run(
            "kwok",
            config,
            *arguments.kwok(
                self.data, self._ports["kubelet"], (self._bin / STAGES).read_text(encoding="utf-8")
            ),
        )
        self._wait(self._has_accounts, "kube-controller-manager")

    def _run(self, name: str, *arguments: str) -> None:
        with (self.data / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                [str(self._bin / name), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.data,
                start_new_session=True,
                preexec_fn=None if self._detached else _die_with_parent,
            )
        self._processes[name] = process
        self.pids[name] = process.pid

    def _answers(self) -> bool:
        try:
            self.call("GET", "/readyz")
        except (KubeApiError, urllib.error.URLError, OSError):
            return False
        return True

    def _has_accounts(self) -> bool:
        try:
            self.call("GET", "/api/v1/namespaces/default/serviceaccounts/default")
        except KubeApiError:
            return False
        return True

    def _wait(self, ready: Callable[[], bool], name: str) -> None:
        limit = time.monotonic() + _START_SECONDS
        while not ready():
            dead = [each for each, process in self._processes.items() if process.poll() is not None]
            if dead or time.monotonic() > limit:
                log = self.data / f"{(dead or [name])[0]}.log"
                raise KubeApiError(f"{(dead or [name])[0]} did not start: {_tail(log)}")
            time.sleep(0.1)


def _private(path: Path, text: str) -> None:
    with open(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)


def _free_ports(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def _tail(log: Path) -> str:
    return " | ".join(log.read_text(errors="replace").splitlines()[-4:])[-800:]


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
