"""What an overlay takes at its least: whether Serve's replicas fit the pods, and what the whole of it costs."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import yaml

from airis_ray.kube.manifests import Manifest
from tests.support.kube.checks.sizes import table
from tests.support.kube.objects import Finding, Object, Overlay
from tests.support.kube.pods import at, replicas
from tests.support.kube.quantities import amount

_GIB = 2**30


@dataclass(frozen=True)
class Cost:
    """Of an overlay: pods, cores and GiB asked for, cores and GiB at most, GiB of volumes; the same of each node."""

    pods: int
    cores: Decimal
    memory: Decimal
    most_cores: Decimal
    most_memory: Decimal
    volumes: Decimal
    each_node: tuple[Decimal, Decimal]


def fits(overlay: Overlay) -> Iterator[Finding]:
    """Serve's least replicas fit the least pods of their group; a pod's limit holds a replica."""
    sizes = table(overlay)
    for item in overlay.of("RayService"):
        groups = {
            at(group, "labels.airis/work"): group
            for group in at(item.data, "spec.rayClusterConfig.workerGroupSpecs")
        }
        needed: dict[str, list[Decimal]] = {}
        for deployment in _deployments(item):
            options = deployment["ray_actor_options"]
            count, work = _at_least(deployment), at(options, "label_selector.airis/work")
            if work not in groups:
                yield item.finding(
                    "spec.serveConfigV2", f"{deployment['name']}: no group of workers is {work!r}"
                )
                continue
            total = needed.setdefault(work, [Decimal(0), Decimal(0), Decimal(0)])
            total[0] += amount(str(options["num_cpus"])) * count
            total[1] += amount(str(options["memory"])) * count
            total[2] = max(
                total[2], Decimal(math.ceil(count / deployment.get("max_replicas_per_node", count)))
            )
        for work, (cpus, memory, nodes) in needed.items():
            yield from _room(item, groups[work], cpus, memory, nodes)
    for part, row in sizes["stateless"].items():
        group = sizes["ray"].get(row.get("group", ""), {})
        for resource, limit in (row.get("limits") or {}).items():
            if group and amount(group["limits"][resource]) < amount(limit):
                told = f"its limit {resource} {limit} is above that of its pod, group {row['group']}"
                yield Finding("kuberay/sizes.yaml", part, told)


def _room(item: Object, group: Manifest, cpus: Decimal, memory: Decimal, nodes: Decimal) -> Iterator[Finding]:
    least, params = int(group["minReplicas"]), group["rayStartParams"]
    room = amount(params["num-cpus"]) * least, amount(params["memory"]) * least
    if cpus > room[0] or memory > room[1] or nodes > least:
        yield item.finding(
            f"workerGroupSpecs {group['groupName']}",
            f"Serve's least replicas need {cpus} cpus and {memory} bytes in {nodes} pods or more, "
            f"the least pods ({least}) have {room[0]} and {room[1]}",
        )


def _deployments(item: Object) -> list[dict[str, Any]]:
    config = yaml.safe_load(item.spec["serveConfigV2"])
    return [each for application in config["applications"] for each in application["deployments"]]


def _at_least(deployment: Manifest) -> int:
    scaled = deployment.get("autoscaling_config")
    return int(scaled["min_replicas"] if scaled else deployment.get("num_replicas", 1))


def cost(overlay: Overlay) -> Cost:
    """What runs at its least: StatefulSets, Deployments, Ray's head and least workers; Jobs come and go."""
    pods: list[tuple[int, Manifest]] = []
    volumes = [at(claim.spec, "resources.requests.storage") for claim in overlay.of("PersistentVolumeClaim")]
    for item in overlay.of("StatefulSet", "Deployment"):
        count = _scaled(overlay, item)
        pods.append((count, at(item.data, "spec.template.spec")))
        for claim in item.spec.get("volumeClaimTemplates") or ():
            volumes += [at(claim, "spec.resources.requests.storage")] * count
    for item in overlay.of("RayService"):
        cluster = item.spec["rayClusterConfig"]
        head = at(cluster, "headGroupSpec.template.spec")
        beside = {"resources": at(cluster, "autoscalerOptions.resources")}
        pods.append((1, {**head, "containers": [*head["containers"], beside]}))
        pods += [(group["minReplicas"], at(group, "template.spec")) for group in cluster["workerGroupSpecs"]]
    nodes = [(1, at(item.data, "spec.template.spec")) for item in overlay.of("DaemonSet")]
    return Cost(
        sum(count for count, _ in pods),
        _sum(pods, "requests", "cpu"),
        _sum(pods, "requests", "memory") / _GIB,
        _sum(pods, "limits", "cpu"),
        _sum(pods, "limits", "memory") / _GIB,
        sum((amount(size) for size in volumes), Decimal(0)) / _GIB,
        (_sum(nodes, "requests", "cpu"), _sum(nodes, "requests", "memory") / _GIB),
    )


def _scaled(overlay: Overlay, item: Object) -> int:
    """The replicas of a workload, or the least of what scales it."""
    for scaler in overlay.of("HorizontalPodAutoscaler", "ScaledObject"):
        target = scaler.spec["scaleTargetRef"]
        if (target.get("kind", "Deployment"), target["name"]) == (item.kind, item.name):
            least = scaler.spec.get("minReplicas", scaler.spec.get("minReplicaCount"))
            return int(least) if least is not None else replicas(item)
    return replicas(item)


def _sum(pods: list[tuple[int, Manifest]], side: str, resource: str) -> Decimal:
    return sum(
        (
            count * amount(at(container, f"resources.{side}.{resource}"))
            for count, spec in pods
            for container in spec["containers"]
        ),
        Decimal(0),
    )


CHECKS = (fits,)
