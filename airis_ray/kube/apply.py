"""`airis kube apply`: an overlay onto the cluster by server-side apply, what others need first."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final, Literal

from airis_ray.errors import NotFound
from airis_ray.kube.cluster import Cluster
from airis_ray.kube.manifests import Manifest

Say = Callable[[str], None]

_ORDER: Final = (
    "Namespace",
    "CustomResourceDefinition",
    "StorageClass",
    "PriorityClass",
    "ServiceAccount",
    "Role",
    "ClusterRole",
    "RoleBinding",
    "ClusterRoleBinding",
    "ExternalSecret",
    "SealedSecret",
    "Issuer",
    "Certificate",
    "Secret",
    "ConfigMap",
    "NetworkPolicy",
    "Service",
    "PersistentVolumeClaim",
    "PodDisruptionBudget",
    "StatefulSet",
    "Deployment",
    "DaemonSet",
)
_LAST: Final = ("RayService", "RayJob", "Job", "CronJob", "ScaledObject", "HorizontalPodAutoscaler")

Outcome = Literal["created", "changed", "unchanged"]


@dataclass(frozen=True)
class Applied:
    """What became of one object."""

    object: str
    outcome: Outcome


def ordered(objects: Iterable[Manifest]) -> list[Manifest]:
    """The objects in the order in which they are applied: what others need comes first."""

    def place(item: Manifest) -> int:
        kind = item["kind"]
        if kind in _ORDER:
            return _ORDER.index(kind)
        return len(_ORDER) + (1 + _LAST.index(kind) if kind in _LAST else 0)

    return sorted(objects, key=place)


def apply(
    cluster: Cluster, objects: Iterable[Manifest], *, dry_run: bool, force: bool, say: Say
) -> list[Applied]:
    """Apply the objects and say what became of each that changed.

    Every kind is looked up and every object tried by the server first, so that a missing operator, missing rights or
    a bad field are told before anything is changed. Raises MissingKind, MissingRights, Conflict, Rejected.
    """
    items = ordered(objects)
    for item in items:
        cluster.kind(item["apiVersion"], item["kind"])
    if dry_run:
        return _bring(cluster, items, dry_run=True, force=force, say=say)
    _try(cluster, items, force=force)
    return _bring(cluster, items, dry_run=False, force=force, say=say)


def _try(cluster: Cluster, items: list[Manifest], *, force: bool) -> None:
    """Ask the server about every object whose namespace is there already."""
    coming = {
        item["metadata"]["name"]
        for item in items
        if item["kind"] == "Namespace" and not _before(cluster, item)
    }
    for item in items:
        if item["metadata"].get("namespace") not in coming:
            cluster.apply(item, dry_run=True, force=force)


def _bring(cluster: Cluster, items: list[Manifest], *, dry_run: bool, force: bool, say: Say) -> list[Applied]:
    done: list[Applied] = []
    coming: set[str] = set()
    for item in items:
        metadata = item["metadata"]
        name = f"{item['kind']}/{metadata['name']}"
        before = _before(cluster, item)
        if item["kind"] == "Namespace" and before is None and dry_run:
            coming.add(metadata["name"])
        if metadata.get("namespace") in coming:
            outcome: Outcome = (
                "created"  # the server cannot try an object of a namespace that is not there yet
            )
        else:
            after = cluster.apply(item, dry_run=dry_run, force=force)
            outcome = "created" if before is None else "changed" if _differ(before, after) else "unchanged"
        done.append(Applied(name, outcome))
        if outcome != "unchanged":
            say(f"{name} {'would be ' if dry_run else ''}{outcome}")
    return done


def _before(cluster: Cluster, item: Manifest) -> Manifest | None:
    metadata = item["metadata"]
    kind = cluster.kind(item["apiVersion"], item["kind"])
    path = kind.path(metadata.get("namespace", cluster.namespace), metadata["name"])
    try:
        return cluster.request("GET", path, what=f"get {item['kind']}/{metadata['name']}")
    except NotFound:
        return None


def _differ(before: Manifest, after: Manifest) -> bool:
    return _stable(before) != _stable(after)


def _stable(item: Manifest) -> dict[str, Any]:
    """An object without what changes by itself."""
    metadata = {
        name: value
        for name, value in item.get("metadata", {}).items()
        if name not in ("managedFields", "resourceVersion", "generation")
    }
    return {**{name: value for name, value in item.items() if name != "status"}, "metadata": metadata}
