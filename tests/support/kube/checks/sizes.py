"""Requests, limits, replicas, storage and budgets: what the sizing table says is what stands in the manifests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from airis_ray.kube.manifests import Manifest
from scripts.kube_serve_config import merged
from tests.support.kube.objects import Finding, Object, Overlay
from tests.support.kube.pods import at, pod_templates, replicas, selected
from tests.support.kube.quantities import amount

REPORT: Mapping[str, tuple[str, str, str, str, str | None, int]] = {
    # cpu request, cpu limit, memory request, memory limit, storage, replicas: the architecture report's own figures
    "clickhouse": ("2", "8", "4Gi", "16Gi", "100Gi fast-ssd", 3),
    "kafka": ("1", "4", "2Gi", "8Gi", "50Gi standard-ssd", 3),
    "keeper": ("500m", "2", "1Gi", "4Gi", "10Gi", 3),
    "redis": ("200m", "1", "512Mi", "2Gi", "5Gi", 1),
    "gateway": ("500m", "2", "512Mi", "2Gi", None, 0),
    "ingest": ("300m", "1", "256Mi", "1Gi", None, 0),
    "analytics": ("500m", "2", "512Mi", "2Gi", None, 0),
    "replay": ("200m", "1", "256Mi", "1Gi", None, 0),
    "aiops": ("1", "4", "1Gi", "4Gi", None, 0),
    "search": ("300m", "1", "512Mi", "2Gi", None, 0),
    "ui": ("100m", "500m", "128Mi", "512Mi", None, 0),
}

_TABLES = ("stateful", "stateless", "ray", "around", "claims")


def table(overlay: Overlay) -> Manifest:
    """The sizing table with the overlay's own figures."""
    sizes = overlay.tables["sizes"]
    own = (sizes.get("profiles") or {}).get(overlay.name) or {}
    return merged(sizes, {name: own[name] for name in _TABLES if name in own})


def deviations(sizes: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """(part, field, detail) where the table differs from the report and gives no reason."""
    for part, (cpu, cpu_limit, memory, memory_limit, storage, count) in REPORT.items():
        group = "stateful" if part in sizes["stateful"] else "stateless"
        row = sizes[group].get(part)
        if row is None:
            yield part, group, "the report's part is not in the table"
            continue
        wanted = {
            "requests.cpu": cpu,
            "limits.cpu": cpu_limit,
            "requests.memory": memory,
            "limits.memory": memory_limit,
        }
        if count:
            wanted |= {"storage.size": str(storage).partition(" ")[0], "replicas": str(count)}
        for field, value in wanted.items():
            ours = at(row, field)
            if (ours is None or amount(ours) != amount(value)) and not row.get("why"):
                yield part, field, f"{ours} where the report has {value}, and no why"
        name = str(storage or "").partition(" ")[2]
        if name and at(row, "storage.class") != name:
            yield part, "storage.class", f"{at(row, 'storage.class')} where the report has {name}"


def order(overlay: Overlay) -> Iterator[Finding]:
    """Every container says what it asks for and what it may take, and asks for no more than it may take."""
    for template in pod_templates(overlay):
        for path, container in template.containers:
            resources = container.get("resources") or {}
            requests, limits = resources.get("requests") or {}, resources.get("limits") or {}
            for name in ("cpu", "memory"):
                if name not in requests:
                    yield template.owner.finding(f"{path}.resources.requests.{name}", "missing")
                if name not in limits:
                    yield template.owner.finding(f"{path}.resources.limits.{name}", "missing")
            for name in requests.keys() & limits.keys():
                if amount(requests[name]) > amount(limits[name]):
                    where = f"{path}.resources.requests.{name}"
                    yield template.owner.finding(
                        where, f"{requests[name]} is more than the limit {limits[name]}"
                    )


def stateful(overlay: Overlay) -> Iterator[Finding]:
    """Each StatefulSet of the table: resources, replicas, storage, ports."""
    for part, row in table(overlay)["stateful"].items():
        kind, _, name = row["object"].partition("/")
        item = overlay.get(kind, name)
        if item is None:
            if not row.get("optional"):
                yield Finding(
                    row["object"], "metadata.name", f"{part} of kuberay/sizes.yaml is not in this overlay"
                )
            continue
        if replicas(item) != row["replicas"]:
            yield item.finding("spec.replicas", f"{replicas(item)}, but the table says {row['replicas']}")
        containers = at(item.data, "spec.template.spec.containers") or []
        yield from _container(overlay, item.kind, item.name, "spec.template.spec", containers, row)
        yield from _storage(overlay, name, row)
        ports = {port["containerPort"] for box in containers for port in box.get("ports") or ()}
        for port in set(row["ports"]) - ports:
            yield item.finding("spec.template.spec.containers", f"listens on no port {port}")


def _storage(overlay: Overlay, name: str, row: Manifest) -> Iterator[Finding]:
    item = overlay.get("StatefulSet", name)
    assert item is not None
    claims = item.spec.get("volumeClaimTemplates") or []
    for index, claim in enumerate(claims):
        if at(claim, "metadata.name") != row["storage"].get("claim", "data"):
            continue
        path = f"spec.volumeClaimTemplates[{index}].spec"
        size = at(claim, "spec.resources.requests.storage")
        if size is None or amount(size) != amount(row["storage"]["size"]):
            yield item.finding(
                f"{path}.resources.requests.storage", f"{size}, the table says {row['storage']['size']}"
            )
        if claim["spec"].get("storageClassName") != row["storage"]["class"]:
            yield item.finding(f"{path}.storageClassName", f"expected {row['storage']['class']}")
        return
    yield item.finding("spec.volumeClaimTemplates", f"no claim {row['storage'].get('claim', 'data')!r}")


def _container(
    overlay: Overlay, kind: str, name: str, path: str, containers: list[Manifest], row: Manifest
) -> Iterator[Finding]:
    item = overlay.get(kind, name)
    assert item is not None
    for index, container in enumerate(containers):
        if container["name"] != row["container"]:
            continue
        yield from _resources(item, f"{path}.containers[{index}]", container, row)
        return
    yield item.finding(f"{path}.containers", f"there is no container {row['container']!r}")


def _resources(item: Object, path: str, container: Manifest, row: Manifest) -> Iterator[Finding]:
    for side in ("requests", "limits"):
        for resource, wanted in row[side].items():
            ours = (at(container, f"resources.{side}") or {}).get(resource)
            if ours is None or amount(ours) != amount(wanted):
                where = f"{path}.resources.{side}.{resource}"
                yield item.finding(where, f"{ours}, but the table says {wanted}")


def ray(overlay: Overlay) -> Iterator[Finding]:
    """The head and each worker group of the RayService: resources, replicas, what Ray schedules on."""
    rows = table(overlay)["ray"]
    for item in overlay.of("RayService"):
        cluster = item.spec.get("rayClusterConfig") or {}
        head = "spec.rayClusterConfig.headGroupSpec"
        beside = cluster.get("autoscalerOptions") or {}
        yield from _resources(item, "spec.rayClusterConfig.autoscalerOptions", beside, rows["autoscaler"])
        yield from _ray_group(overlay, item.name, head, cluster.get("headGroupSpec") or {}, rows["head"])
        for index, group in enumerate(cluster.get("workerGroupSpecs") or ()):
            path = f"spec.rayClusterConfig.workerGroupSpecs[{index}]"
            row = rows.get(group["groupName"])
            if row is None:
                yield item.finding(
                    f"{path}.groupName", f"{group['groupName']!r} is not in kuberay/sizes.yaml"
                )
                continue
            yield from _ray_group(overlay, item.name, path, group, row)
            for field, side in (("minReplicas", "min"), ("maxReplicas", "max")):
                if group.get(field) != row["replicas"][side]:
                    yield item.finding(
                        f"{path}.{field}", f"{group.get(field)}, the table says {row['replicas'][side]}"
                    )


def _ray_group(overlay: Overlay, name: str, path: str, group: Manifest, row: Manifest) -> Iterator[Finding]:
    containers = at(group, "template.spec.containers") or []
    yield from _container(overlay, "RayService", name, f"{path}.template.spec", containers, row)
    params = group.get("rayStartParams") or {}
    wanted = {
        "num-cpus": row.get("num_cpus"),
        "memory": row.get("actor_memory"),
        "object-store-memory": int(amount(row["object_store"])),
    }
    item = overlay.get("RayService", name)
    assert item is not None
    for param, value in wanted.items():
        if value is not None and str(params.get(param)) != str(value):
            yield item.finding(
                f"{path}.rayStartParams.{param}", f"{params.get(param)}, but the table says {value}"
            )


def actors(overlay: Overlay) -> Iterator[Finding]:
    """What Ray reserves for a replica is the request of its row (an overlay of its own may reserve less)."""
    for part, row in overlay.tables["sizes"]["stateless"].items():
        options = at(row, "serve.ray_actor_options") or {}
        for resource, option in (("cpu", "num_cpus"), ("memory", "memory")) if options else ():
            asked, reserved = row["requests"][resource], options.get(option)
            if reserved is None or amount(str(reserved)) != amount(asked):
                where = f"stateless.{part}.serve.ray_actor_options.{option}"
                yield Finding("kuberay/sizes.yaml", where, f"{reserved}, but the row's request is {asked}")


def claims(overlay: Overlay) -> Iterator[Finding]:
    """The volumes that stand by themselves are those of the table."""
    wanted = table(overlay)["claims"]
    there = {item.name: item for item in overlay.of("PersistentVolumeClaim")}
    for name in sorted(wanted.keys() - there.keys()):
        yield Finding(f"PersistentVolumeClaim/{name}", "metadata.name", "not in this overlay")
    for name, item in there.items():
        row = wanted.get(name)
        if row is None:
            yield item.finding("metadata.name", "not in kuberay/sizes.yaml (claims)")
            continue
        size = at(item.spec, "resources.requests.storage")
        if size is None or amount(size) != amount(row["size"]):
            yield item.finding("spec.resources.requests.storage", f"{size}, the table says {row['size']}")
        if item.spec.get("storageClassName") != row["class"]:
            yield item.finding("spec.storageClassName", f"expected {row['class']}")


def budgets(overlay: Overlay) -> Iterator[Finding]:
    """PodDisruptionBudgets: a majority of every quorum stays, and a node can still be drained."""
    covered: set[str] = set()
    for item in overlay.of("PodDisruptionBudget"):
        for template in selected(overlay, item.spec.get("selector"), item.namespace):
            if template.owner.kind not in ("StatefulSet", "Deployment"):
                continue
            covered.add(template.owner.name)
            count, least = replicas(template.owner), item.spec.get("minAvailable")
            if isinstance(least, int) and least >= count:
                yield item.finding(
                    "spec.minAvailable", f"{least} of {count}: no node of {template.owner} can be drained"
                )
    for row in table(overlay)["stateful"].values():
        name, least = row["object"].partition("/")[2], row.get("min_available", 0)
        item = overlay.get("StatefulSet", name)
        if item is None or not least:
            continue
        if name not in covered:
            yield item.finding("spec.replicas", f"{replicas(item)} without a PodDisruptionBudget")
        for budget in overlay.of("PodDisruptionBudget"):
            met = [each.owner for each in selected(overlay, budget.spec.get("selector"), item.namespace)]
            if item in met and budget.spec.get("minAvailable") != least:
                yield budget.finding("spec.minAvailable", f"expected {least} of {replicas(item)} for {item}")


def quorums(overlay: Overlay) -> Iterator[Finding]:
    """Quorums have an odd number of members, and the table asks for a majority of them."""
    for part, row in table(overlay)["stateful"].items():
        if row["replicas"] == 1:
            continue
        item = overlay.get("StatefulSet", row["object"].partition("/")[2])
        if item is not None and replicas(item) % 2 == 0:
            yield item.finding("spec.replicas", f"{replicas(item)}: a quorum of an even size ({part})")
        if item is not None and row.get("min_available", 0) <= row["replicas"] // 2:
            yield item.finding(
                "spec.replicas", f"min_available {row.get('min_available')} is no majority ({part})"
            )


CHECKS = (order, stateful, ray, actors, claims, budgets, quorums)
