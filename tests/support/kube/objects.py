"""An overlay as checks see it: its objects, what is found wrong with one, and where."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from airis_ray.errors import InvalidInput
from airis_ray.kube.manifests import Manifest, build, parse

NAMESPACE = "airis"


@dataclass(frozen=True, order=True)
class Finding:
    """What is wrong with one field of one object."""

    object: str
    field: str
    detail: str

    def __str__(self) -> str:
        return f"{self.object}: {self.field}: {self.detail}"


@dataclass(frozen=True, eq=False)
class Object:
    """One Kubernetes object."""

    data: Manifest

    @property
    def kind(self) -> str:
        return str(self.data["kind"])

    @property
    def api_version(self) -> str:
        return str(self.data["apiVersion"])

    @property
    def metadata(self) -> Manifest:
        return self.data.get("metadata") or {}

    @property
    def name(self) -> str:
        return str(self.metadata.get("name") or self.metadata.get("generateName") or "")

    @property
    def namespace(self) -> str:
        return str(self.metadata.get("namespace") or "")

    @property
    def labels(self) -> dict[str, str]:
        return self.metadata.get("labels") or {}

    @property
    def spec(self) -> Manifest:
        return self.data.get("spec") or {}

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}"

    def finding(self, path: str, detail: str) -> Finding:
        return Finding(str(self), path, detail)


@dataclass(frozen=True, eq=False)
class Overlay:
    """The objects of one kustomize build, and those that lie as YAML inside its ConfigMaps (job templates)."""

    name: str
    objects: tuple[Object, ...]
    tables: Mapping[str, Any] = field(default_factory=dict)
    """The repository's own tables (``sizes``, ``flows``, ``secrets``, ``images``), by file name."""

    def of(self, *kinds: str) -> list[Object]:
        return [item for item in self.everything if item.kind in kinds]

    def get(self, kind: str, name: str, namespace: str | None = None) -> Object | None:
        found = (item for item in self.of(kind) if item.name == name and namespace in (None, item.namespace))
        return next(found, None)

    @cached_property
    def embedded(self) -> tuple[Object, ...]:
        """Objects that a container reads from a ConfigMap and creates by itself."""
        return tuple(Object(data) for item in self.objects for data in _embedded(item))

    @property
    def everything(self) -> tuple[Object, ...]:
        return self.objects + self.embedded


Check = Callable[[Overlay], Iterator[Finding]]


def _embedded(item: Object) -> Iterator[Manifest]:
    if item.kind != "ConfigMap":
        return
    for name, text in (item.data.get("data") or {}).items():
        if name.endswith((".yaml", ".yml")) and "apiVersion:" in text and "kind:" in text:
            try:
                documents = parse(text)
            except InvalidInput:
                continue  # some program's own configuration
            for document in documents:
                if isinstance(document.get("metadata"), dict):
                    namespace = {"namespace": item.namespace} if item.namespace else {}
                    yield {**document, "metadata": {**namespace, **document["metadata"]}}


def overlays(root: Path) -> list[Path]:
    """The overlays of a kuberay folder."""
    return sorted(path.parent for path in (root / "overlays").glob("*/kustomization.yaml"))


def load(folder: Path, root: Path) -> Overlay:
    """Build an overlay; ``root`` is the folder with the tables."""
    names = ("sizes", "flows", "secrets", "images")
    files = {name: root / f"{name}.yaml" for name in names}
    tables = {
        name: yaml.safe_load(path.read_text(encoding="utf-8"))
        for name, path in files.items()
        if path.is_file()
    }
    return Overlay(folder.name, tuple(Object(data) for data in build(folder)), tables)


def walk(value: object, path: str = "") -> Iterator[tuple[str, Manifest]]:
    """Every mapping inside ``value`` with its path, outermost first."""
    if isinstance(value, dict):
        yield path, value
        for name, item in value.items():
            yield from walk(item, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from walk(item, f"{path}[{index}]")
