"""The pods that an overlay makes, by its own workloads and by the KubeRay operator's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from airis_ray.kube.manifests import Manifest
from tests.support.kube.objects import Object, Overlay

_TEMPLATES = {
    "Deployment": "spec.template",
    "StatefulSet": "spec.template",
    "DaemonSet": "spec.template",
    "ReplicaSet": "spec.template",
    "Job": "spec.template",
    "CronJob": "spec.jobTemplate.spec.template",
}
_RAY = {"RayCluster": "spec", "RayService": "spec.rayClusterConfig", "RayJob": "spec.rayClusterSpec"}

SERVING = ("Deployment", "StatefulSet", "DaemonSet", "Pod", "RayCluster", "RayService")
"""Kinds whose pods run until they are deleted."""


@dataclass(frozen=True, eq=False)
class PodTemplate:
    """One template of an object; ``path`` leads to it, ``labels`` are those of its pods."""

    owner: Object
    path: str
    data: Manifest
    labels: Mapping[str, str]

    @property
    def spec(self) -> Manifest:
        return self.data.get("spec") or {}

    @property
    def containers(self) -> list[tuple[str, Manifest]]:
        """(path, container), init containers included."""
        return [
            (f"{self.path}.spec.{key}[{index}]", container)
            for key in ("initContainers", "containers")
            for index, container in enumerate(self.spec.get(key) or [])
        ]

    @property
    def ports(self) -> dict[str, int]:
        """Every port that a container declares; a port without a name is named by its number."""
        return {
            str(port.get("name", port["containerPort"])): port["containerPort"]
            for _, container in self.containers
            for port in container.get("ports") or ()
        }

    @property
    def serving(self) -> bool:
        return self.owner.kind in SERVING

    @property
    def ray(self) -> bool:
        return self.owner.kind in _RAY

    def __str__(self) -> str:
        return f"{self.owner} {self.path}"


def at(value: Any, path: str) -> Any:
    """The value at a dotted path; None where there is none."""
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def pod_templates(overlay: Overlay) -> list[PodTemplate]:
    """Every pod template of an overlay."""
    return [template for item in overlay.everything for template in templates_of(item)]


def templates_of(item: Object) -> Iterator[PodTemplate]:
    """The pod templates of one object."""
    if item.kind == "Pod":
        yield PodTemplate(item, "", item.data, item.labels)
    elif item.kind in _TEMPLATES:
        path = _TEMPLATES[item.kind]
        data = at(item.data, path) or {}
        yield PodTemplate(item, path, data, at(data, "metadata.labels") or {})
    elif item.kind in _RAY:
        yield from _ray_templates(item, _RAY[item.kind])


def _ray_templates(item: Object, path: str) -> Iterator[PodTemplate]:
    cluster = at(item.data, path) or {}
    groups = [("headgroup", "head", f"{path}.headGroupSpec", cluster.get("headGroupSpec") or {})]
    groups += [
        (str(group.get("groupName")), "worker", f"{path}.workerGroupSpecs[{index}]", group)
        for index, group in enumerate(cluster.get("workerGroupSpecs") or [])
    ]
    for group, node, where, spec in groups:
        template = spec.get("template") or {}
        yield PodTemplate(
            item,
            f"{where}.template",
            template,
            ray_labels(item, group, node, at(template, "metadata.labels") or {}),
        )


def ray_labels(item: Object, group: str, node: str, own: Mapping[str, str]) -> dict[str, str]:
    """The labels that KubeRay 1.7 gives a pod: only cluster, node type and group cannot be overridden."""
    fixed = {
        # a RayService's and a RayJob's cluster has five letters of chance behind its name
        "ray.io/cluster": item.name if item.kind == "RayCluster" else f"{item.name}-?????",
        "ray.io/node-type": node,
        "ray.io/group": group,
    }
    given = {
        "ray.io/is-ray-node": "yes",
        "ray.io/identifier": f"{fixed['ray.io/cluster']}-{node}",
        "app.kubernetes.io/name": "kuberay",
        "app.kubernetes.io/created-by": "kuberay-operator",
    }
    serve = {"ray.io/serve": "true"} if item.kind == "RayService" else {}
    return {**given, **own, **fixed, **serve}


def matches(selector: Manifest | None, labels: Mapping[str, str]) -> bool:
    """Whether a label selector (``matchLabels`` and ``matchExpressions``) meets labels; an empty one meets all."""
    selector = selector or {}
    if not meets(selector.get("matchLabels") or {}, labels):
        return False
    return all(_expression(item, labels) for item in selector.get("matchExpressions") or ())


def meets(wanted: Mapping[str, str], labels: Mapping[str, str]) -> bool:
    """Whether labels hold all of ``wanted``."""
    return all(labels.get(name) == value for name, value in wanted.items())


def _expression(item: Manifest, labels: Mapping[str, str]) -> bool:
    value, values = labels.get(item["key"]), item.get("values") or []
    match item["operator"]:
        case "In":
            return value in values
        case "NotIn":
            return value not in values
        case "Exists":
            return value is not None
        case _:
            return value is None


def services(overlay: Overlay) -> list[Object]:
    """The Services of an overlay, with those that the KubeRay operator makes for each RayService."""
    return overlay.of("Service") + [
        service for item in overlay.of("RayService") for service in ray_services(item)
    ]


def ray_services(item: Object) -> Iterator[Object]:
    """``<name>-head-svc`` and ``<name>-serve-svc`` with the ports of the head's Ray container."""
    head = next(templates_of(item))
    containers = head.spec.get("containers") or [{}]
    ports = {port.get("name", "").lower(): port["containerPort"] for port in containers[0].get("ports") or ()}
    defaults = {"client": 10001, "gcs-server": 6379, "dashboard": 8265, "metrics": 8080, "serve": 8000}
    serve = {name: port for name, port in ports.items() if name == "serve" or name.startswith("serve-")}
    labels = {"ray.io/originated-from-cr-name": item.name, "ray.io/originated-from-crd": "RayService"}
    for kind, listed, selector in (
        ("head", ports or defaults, {"ray.io/node-type": "head"}),
        ("serve", serve or {"serve": 8000}, {"ray.io/serve": "true"}),
    ):
        yield Object(
            {
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": {
                    "name": f"{item.name}-{kind}-svc",
                    "namespace": item.namespace,
                    "labels": {**labels, "ray.io/node-type": "head"} if kind == "head" else labels,
                    "annotations": {"made-by": "kuberay-operator"},
                },
                "spec": {
                    "selector": selector,
                    "ports": [
                        {"name": name, "port": port, "targetPort": port} for name, port in listed.items()
                    ],
                },
            }
        )


def selected(overlay: Overlay, selector: Manifest | None, namespace: str) -> list[PodTemplate]:
    """The templates in a namespace whose pods a label selector meets."""
    return [
        template
        for template in pod_templates(overlay)
        if template.owner.namespace == namespace and matches(selector, template.labels)
    ]


def replicas(item: Object) -> int:
    """The pods that a StatefulSet or a Deployment asks for."""
    return int(item.spec.get("replicas", 1))
