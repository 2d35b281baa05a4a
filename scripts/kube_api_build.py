"""Builds kube-apiserver, its controllers, etcd and KWOK from their sources, by Go's module proxy.

Nothing is downloaded ready-made: `go build` compiles the modules that scripts/kube_api_modules/*/go.mod and go.sum pin.
It takes half an hour of one core and 4 GB of disk the first time.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

CACHE = Path(".cache/kube-api")
MODULES = Path(__file__).parent / "kube_api_modules"
PROGRAMS = {
    "etcd": ("etcd", "go.etcd.io/etcd/server/v3"),
    "kube-apiserver": ("kubernetes", "k8s.io/kubernetes/cmd/kube-apiserver"),
    "kube-controller-manager": ("kubernetes", "k8s.io/kubernetes/cmd/kube-controller-manager"),
    "kube-scheduler": ("kubernetes", "k8s.io/kubernetes/cmd/kube-scheduler"),
    "kwok": ("kwok", "sigs.k8s.io/kwok/cmd/kwok"),
}
STAGES = "kwok-stages.yaml"
OPERATOR = "ray-operator"
_OPERATOR_MODULE = "github.com/ray-project/kuberay/ray-operator@v1.7.0"
_SECONDS = 3600.0


class KubeApiError(Exception):
    """The API server cannot be had or did not start; the message says why."""


def missing(cache: Path) -> list[str]:
    """The programs that are not built yet."""
    programs = [name for name in PROGRAMS if not os.access(cache / "bin" / name, os.X_OK)]
    return programs + [name for name in (STAGES,) if not (cache / "bin" / name).is_file()]


def build(cache: Path, say: Callable[[str], None], *, jobs: int = 1) -> None:
    """Build what is missing, ``jobs`` packages at a time. Raises KubeApiError."""
    for name in missing(cache):
        if name == STAGES:
            _write_stages(cache / "bin" / name)
            continue
        module, package = PROGRAMS[name]
        say(f"building {name}")
        target = cache.absolute() / "bin" / name
        arguments = ["build", "-p", str(jobs), "-ldflags", "-s -w", "-o", str(target), package]
        _go(arguments, MODULES / module)


def _write_stages(target: Path) -> None:
    """How KWOK lets a node and a pod live: its own quick stages, from its source."""
    folder = Path(_go(["list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/kwok"], MODULES / "kwok").strip())
    names = ("node/fast/node-initialize", "node/heartbeat-with-lease/node-heartbeat-with-lease")
    names += ("pod/fast/pod-ready", "pod/fast/pod-complete", "pod/fast/pod-delete")
    texts = [(folder / "kustomize" / "stage" / f"{name}.yaml").read_text(encoding="utf-8") for name in names]
    target.write_text("---\n".join(texts), encoding="utf-8")


def build_operator(cache: Path, say: Callable[[str], None]) -> None:
    """Build the KubeRay operator, where the module proxy has its source. Raises KubeApiError."""
    say(f"building {_OPERATOR_MODULE}")
    _go(["install", _OPERATOR_MODULE], cache, {"GOBIN": str(cache.absolute() / "bin")})


def go() -> str:
    """The go command. Raises KubeApiError."""
    found = shutil.which("go") or shutil.which("go", path="/usr/local/go/bin")
    if found is None:
        raise KubeApiError("Go is missing: needed to build a Kubernetes API server")
    return found


def _go(arguments: list[str], folder: Path, more: dict[str, str] | None = None) -> str:
    environ = {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly", **(more or {})}
    try:
        done = subprocess.run(
            ["nice", go(), *arguments],
            cwd=folder,
            env=environ,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise KubeApiError(f"go {arguments[-1]}: not built within {_SECONDS:g} s") from None
    if done.returncode:
        raise KubeApiError(f"go {arguments[-1]}: {' '.join(done.stderr.split())[-500:]}")
    return done.stdout
