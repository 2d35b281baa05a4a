"""Selectors meet labels, and what is named by another object is there."""

from __future__ import annotations

from collections.abc import Iterator

from tests.support.kube.objects import Finding, Object, Overlay, walk
from tests.support.kube.pods import PodTemplate, at, matches, meets, pod_templates, selected, services

_SCALED = ("Deployment", "StatefulSet", "RayCluster")


def identities(overlay: Overlay) -> Iterator[Finding]:
    """No two objects of one kind and name."""
    seen: set[tuple[str, ...]] = set()
    for item in overlay.objects:
        key = (item.api_version.rpartition("/")[0], item.kind, item.namespace, item.name)
        if key in seen:
            yield item.finding("metadata.name", "stands twice in this overlay")
        seen.add(key)


def workload_selectors(overlay: Overlay) -> Iterator[Finding]:
    """A workload's selector meets its own template, and no other workload's."""
    owners = overlay.of("Deployment", "StatefulSet", "DaemonSet")
    templates = [template for template in pod_templates(overlay) if template.owner.kind != "Job"]
    for item in owners:
        met = [
            template.owner
            for template in templates
            if template.owner.namespace == item.namespace
            and matches(item.spec.get("selector"), template.labels)
        ]
        if item not in met:
            yield item.finding("spec.selector", "does not meet the labels of spec.template")
        for other in met:
            if other is not item:
                yield item.finding("spec.selector", f"meets the pods of {other} too")


def service_selectors(overlay: Overlay) -> Iterator[Finding]:
    """Every Service with a selector leads to a pod that runs."""
    for item in services(overlay):
        selector = item.spec.get("selector")
        if selector and not _serving(overlay, selector, item.namespace):
            yield item.finding("spec.selector", f"meets no pod: {selector}")


def headless(overlay: Overlay) -> Iterator[Finding]:
    """A StatefulSet has a headless Service of its own that leads to its pods."""
    for item in overlay.of("StatefulSet"):
        name = item.spec.get("serviceName")
        service = overlay.get("Service", str(name), item.namespace)
        if service is None:
            yield item.finding("spec.serviceName", f"there is no Service {name!r}")
        elif service.spec.get("clusterIP") != "None":
            yield service.finding("spec.clusterIP", f"expected None: it is the headless Service of {item}")
        elif not meets(
            service.spec.get("selector") or {}, at(item.data, "spec.template.metadata.labels") or {}
        ):
            yield service.finding("spec.selector", f"does not meet the pods of {item}")


def other_selectors(overlay: Overlay) -> Iterator[Finding]:
    """PodDisruptionBudgets, NetworkPolicies, PodMonitors, ServiceMonitors and Istio's policies meet something."""
    for item in overlay.of("PodDisruptionBudget"):
        if not selected(overlay, item.spec.get("selector"), item.namespace):
            yield item.finding("spec.selector", "meets no pod")
    for item in overlay.of("NetworkPolicy"):
        if not selected(overlay, item.spec.get("podSelector"), item.namespace):
            yield item.finding("spec.podSelector", "meets no pod")
    for item in overlay.of("AuthorizationPolicy", "PeerAuthentication", "RequestAuthentication", "Telemetry"):
        selector = item.spec.get("selector")
        if selector and not selected(overlay, selector, item.namespace):
            yield item.finding("spec.selector", "meets no pod")
    for item in overlay.of("PodMonitor"):
        if not any(selected(overlay, item.spec.get("selector"), space) for space in _namespaces(item)):
            yield item.finding("spec.selector", "meets no pod")
    for item in overlay.of("ServiceMonitor"):
        if not monitored(overlay, item):
            yield item.finding("spec.selector", "meets no Service")


def experiments(overlay: Overlay) -> Iterator[Finding]:
    """Each of Chaos Mesh's experiments meets a pod."""
    for item in overlay.of("Schedule"):
        for path, value in walk(item.spec, "spec"):
            labels = value.get("labelSelectors")
            if labels and not selected(overlay, {"matchLabels": labels}, item.namespace):
                yield item.finding(f"{path}.labelSelectors", "meets no pod")


def monitored(overlay: Overlay, monitor: Object) -> list[Object]:
    """The Services that a ServiceMonitor scrapes."""
    return [
        service
        for service in services(overlay)
        if service.namespace in _namespaces(monitor) and matches(monitor.spec.get("selector"), service.labels)
    ]


def scale_targets(overlay: Overlay) -> Iterator[Finding]:
    """What an autoscaler scales is there, and nothing is scaled twice."""
    seen: dict[tuple[str, str], Object] = {}
    for item in overlay.of("HorizontalPodAutoscaler", "ScaledObject"):
        target = item.spec.get("scaleTargetRef") or {}
        kind, name = str(target.get("kind", "Deployment")), str(target.get("name"))
        if kind in _SCALED and overlay.get(kind, name, item.namespace) is None:
            yield item.finding("spec.scaleTargetRef.name", f"there is no {kind} {name!r}")
        if (kind, name) in seen:
            yield item.finding(
                "spec.scaleTargetRef", f"{kind}/{name} is scaled by {seen[kind, name]} already"
            )
        seen[kind, name] = item
        suffix = "Replicas" if item.kind == "HorizontalPodAutoscaler" else "ReplicaCount"
        least, most = item.spec.get(f"min{suffix}"), item.spec.get(f"max{suffix}")
        if least is None or most is None or not 1 <= least < most:
            yield item.finding("spec", f"scales from {least} to {most}")
    for owner in overlay.of("Deployment"):
        if "replicas" not in owner.spec and (owner.kind, owner.name) not in seen:
            yield owner.finding("spec.replicas", "missing, and nothing scales it")


def hosts(overlay: Overlay) -> Iterator[Finding]:
    """In-cluster hosts of Istio's routes and rules are Services of this overlay."""
    names = {service.name for service in services(overlay)} | {
        host for entry in overlay.of("ServiceEntry") for host in entry.spec.get("hosts") or ()
    }
    for item in overlay.of("DestinationRule"):
        yield from _host(item, "spec.host", item.spec.get("host"), names)
    for item in overlay.of("VirtualService"):
        for kind in ("http", "tcp", "tls"):
            for index, rule in enumerate(item.spec.get(kind) or ()):
                for place, route in enumerate(rule.get("route") or ()):
                    path = f"spec.{kind}[{index}].route[{place}].destination.host"
                    yield from _host(item, path, at(route, "destination.host"), names)


def _host(item: Object, path: str, host: object, names: set[str]) -> Iterator[Finding]:
    text = str(host)
    if "*" in text or text in names:
        return
    name, _, rest = text.partition(".")
    inside = not rest or rest.startswith(f"{item.namespace}.svc") or rest == item.namespace
    if name not in names or not inside:
        yield item.finding(path, f"{text!r} is no Service of this overlay")


def _namespaces(monitor: Object) -> list[str]:
    names = at(monitor.spec, "namespaceSelector.matchNames")
    return list(names) if names else [monitor.namespace]


def _serving(overlay: Overlay, selector: dict[str, str], namespace: str) -> list[PodTemplate]:
    found = selected(overlay, {"matchLabels": selector}, namespace)
    return [template for template in found if template.serving]


CHECKS = (
    identities,
    workload_selectors,
    service_selectors,
    headless,
    other_selectors,
    experiments,
    scale_targets,
    hosts,
)
