"""`airis kube scale | upgrade | restore`: changes of the RayService, each guarded by what was read before it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

import yaml

from airis_ray.errors import InvalidInput, NotFound
from airis_ray.kube.cluster import Cluster
from airis_ray.kube.manifests import Manifest
from airis_ray.kube.state import RAY, SERVICE

_CONFIG: Final = "/spec/serveConfigV2"
_GROUPS: Final = "/spec/rayClusterConfig/workerGroupSpecs"


@dataclass(frozen=True)
class Change:
    """JSON patch operations and what they do, for people."""

    operations: list[Manifest]
    said: str


def scale(service: Manifest, name: str, least: int | None, most: int | None) -> Change:
    """New bounds of a worker group (pods) or of a Serve application (replicas of each of its deployments).

    Raises InvalidInput for an unknown name, bounds the wrong way round, and parts that do not scale by a number.
    """
    if least is None and most is None:
        raise InvalidInput("nothing to change: --min, --max or both are needed")
    groups: list[Manifest] = service["spec"]["rayClusterConfig"].get("workerGroupSpecs") or []
    config: dict[str, Any] = yaml.safe_load(service["spec"].get("serveConfigV2") or "{}")
    applications = {row["name"]: row for row in config.get("applications") or ()}
    names = [group["groupName"] for group in groups]
    if name in names and name not in applications:
        return _scale_group(groups, names.index(name), least, most)
    if name in applications:
        return _scale_application(service, config, applications[name], least, most)
    known = f"worker groups {', '.join(names)}; applications {', '.join(applications)}"
    raise InvalidInput(
        f"{name!r} does not scale here: there are {known}. Quorums (clickhouse, keeper, kafka) grow by their overlay"
    )


def _scale_group(groups: list[Manifest], index: int, least: int | None, most: int | None) -> Change:
    group = groups[index]
    old = (group.get("minReplicas", 0), group.get("maxReplicas", 0))
    new = _bounds(old, least, most)
    path = f"{_GROUPS}/{index}"
    return Change(
        [
            {"op": "test", "path": f"{path}/groupName", "value": group["groupName"]},
            {"op": "add", "path": f"{path}/minReplicas", "value": new[0]},
            {"op": "add", "path": f"{path}/maxReplicas", "value": new[1]},
            {
                "op": "add",
                "path": f"{path}/replicas",
                "value": min(max(group.get("replicas", new[0]), new[0]), new[1]),
            },
        ],
        f"worker group {group['groupName']}: {old[0]}-{old[1]} pods → {new[0]}-{new[1]}",
    )


def _scale_application(
    service: Manifest,
    config: dict[str, Any],
    application: dict[str, Any],
    least: int | None,
    most: int | None,
) -> Change:
    said = []
    for deployment in application.get("deployments") or ():
        if "num_replicas" in deployment:
            said.append(_fix_replicas(deployment, least, most))
            continue
        scaling = deployment.setdefault("autoscaling_config", {})
        old = (scaling.get("min_replicas", 1), scaling.get("max_replicas", 1))
        scaling["min_replicas"], scaling["max_replicas"] = new = _bounds(old, least, most)
        said.append(f"{deployment['name']}: {old[0]}-{old[1]} replicas → {new[0]}-{new[1]}")
    if not said:
        raise InvalidInput(f"application {application['name']!r} has no deployment in serveConfigV2")
    text = yaml.safe_dump(config, sort_keys=False, allow_unicode=True, width=110)
    return Change(
        [
            {"op": "test", "path": _CONFIG, "value": service["spec"]["serveConfigV2"]},
            {"op": "replace", "path": _CONFIG, "value": text},
        ],
        f"application {application['name']}: {'; '.join(said)} (in place)",
    )


def _fix_replicas(deployment: dict[str, Any], least: int | None, most: int | None) -> str:
    """Another fixed number: the watcher's replicas are shards, which no load adds or takes away."""
    old = deployment["num_replicas"]
    wanted = {number for number in (least, most) if number is not None}
    new = wanted.pop()
    if wanted or new < 1:
        raise InvalidInput(f"{deployment['name']} has a fixed number of replicas: expected --min = --max ≥ 1")
    deployment["num_replicas"] = new
    return f"{deployment['name']}: {old} replicas → {new}"


def _bounds(old: tuple[int, int], least: int | None, most: int | None) -> tuple[int, int]:
    new = (old[0] if least is None else least, old[1] if most is None else most)
    if not 0 <= new[0] <= new[1]:
        raise InvalidInput(f"--min {new[0]} --max {new[1]}: expected 0 ≤ min ≤ max")
    return new


def upgrade(service: Manifest, image: str) -> Change:
    """Another image for the Ray containers: KubeRay starts a new cluster beside the old one and hands over to it.

    Raises InvalidInput for an image without a fixed tag or digest, and where it is the image already.
    """
    if not re.fullmatch(r"[\w.\-/:]+?(:(?!latest$)[\w][\w.\-]*|@sha256:[0-9a-f]{64})", image):
        raise InvalidInput(
            f"--image {image!r}: expected a name with a fixed tag or a digest, such as airis-ray:0.2.0"
        )
    operations: list[Manifest] = []
    old: set[str] = set()
    cluster = service["spec"]["rayClusterConfig"]
    places = [("/spec/rayClusterConfig/headGroupSpec", cluster["headGroupSpec"])]
    places += [
        (f"{_GROUPS}/{index}", group) for index, group in enumerate(cluster.get("workerGroupSpecs") or ())
    ]
    own = cluster["headGroupSpec"]["template"]["spec"]["containers"][0]["image"]
    for path, group in places:
        for key in ("initContainers", "containers"):
            for index, container in enumerate(group["template"]["spec"].get(key) or ()):
                if container["image"] == own:
                    where = f"{path}/template/spec/{key}/{index}/image"
                    operations += [
                        {"op": "test", "path": where, "value": own},
                        {"op": "replace", "path": where, "value": image},
                    ]
                    old.add(own)
    if old == {image}:
        raise InvalidInput(f"--image {image!r} is what runs already")
    return Change(operations, f"image {own} → {image}: a new Ray cluster starts beside the old one")


def suspended(on: bool) -> Change:
    """The platform stopped (its Ray cluster is deleted, the stateful tier stays), or started again."""
    said = "the platform is stopped: its Ray cluster goes" if on else "the platform starts again"
    return Change([{"op": "add", "path": "/spec/suspend", "value": on}], said)


def carry_out(cluster: Cluster, change: Change, *, dry_run: bool) -> Manifest:
    """Patch the RayService. Raises Rejected where it changed since it was read."""
    return cluster.patch(RAY, "RayService", SERVICE, change.operations, dry_run=dry_run)


def ray_service(cluster: Cluster) -> Manifest:
    """The RayService. Raises NotFound with the next step."""
    try:
        return cluster.get(RAY, "RayService", SERVICE)
    except NotFound as error:
        raise NotFound(
            f"there is no RayService {SERVICE!r} in the namespace {cluster.namespace!r}: "
            "airis kube apply kuberay/overlays/<overlay>"
        ) from error
