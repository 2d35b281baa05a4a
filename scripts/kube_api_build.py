"""Builds kube-apiserver, its controllers, etcd and KWOK from their sources, by Go's module proxy.

Nothing is downloaded ready-made: `go build` compiles the modules that scripts/kube_api_modules/*/go.mod and go.sum pin.
It takes half an hour of one core and 4 GB of disk the first time.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from scripts.go_modules import compiled, go

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
_OPERATOR = ("operator", "github.com/ray-project/kuberay/ray-operator")


def missing(cache: Path) -> list[str]:
    """The programs that are not built yet."""
    programs = [name for name in PROGRAMS if not os.access(cache / "bin" / name, os.X_OK)]
    return programs + [name for name in (STAGES,) if not (cache / "bin" / name).is_file()]


def build(cache: Path, say: Callable[[str], None], *, jobs: int = 1) -> None:
    """Build what is missing, ``jobs`` packages at a time. Raises GoError."""
    for name in missing(cache):
        if name == STAGES:
            _write_stages(cache / "bin" / name)
            continue
        module, package = PROGRAMS[name]
        say(f"building {name}")
        compiled(package, cache.absolute() / "bin" / name, MODULES / module, jobs=jobs)


def _write_stages(target: Path) -> None:
    """How KWOK lets a node and a pod live: its own quick stages, from its source."""
    folder = Path(go(["list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/kwok"], MODULES / "kwok").strip())
    names = ("node/fast/node-initialize", "node/heartbeat-with-lease/node-heartbeat-with-lease")
    names += ("pod/fast/pod-ready", "pod/fast/pod-complete", "pod/fast/pod-delete")
    texts = [(folder / "kustomize" / "stage" / f"{name}.yaml").read_text(encoding="utf-8") for name in names]
    target.write_text("---\n".join(texts), encoding="utf-8")


def build_operator(cache: Path, say: Callable[[str], None], *, jobs: int = 1) -> None:
    """Build the KubeRay operator: the newest version that module proxies have. Raises GoError."""
    target = cache.absolute() / "bin" / OPERATOR
    if os.access(target, os.X_OK):
        return
    module, package = _OPERATOR
    say(f"building {OPERATOR}")
    compiled(package, target, MODULES / module, jobs=jobs)
