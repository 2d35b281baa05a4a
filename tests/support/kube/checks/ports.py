"""Ports: what is named is declared, what is numbered is listened on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tests.support.kube.checks.selectors import monitored
from tests.support.kube.objects import Finding, Overlay
from tests.support.kube.pods import PodTemplate, at, meets, pod_templates, selected, services

_RAY_METRICS = {"metrics": 8080}
"""KubeRay adds this port to the Ray container of every pod."""


def declared(template: PodTemplate) -> dict[str, int]:
    """The ports of a pod, with what KubeRay adds."""
    return {**_RAY_METRICS, **template.ports} if template.ray else template.ports


def service_ports(overlay: Overlay) -> Iterator[Finding]:
    """A Service's target port is declared by the pods that it leads to."""
    for item in services(overlay):
        templates = [
            template
            for template in selected(overlay, {"matchLabels": item.spec.get("selector")}, item.namespace)
            if template.serving
        ]
        if not item.spec.get("selector") or not templates:
            continue
        for index, port in enumerate(item.spec.get("ports") or ()):
            target = port.get("targetPort", port.get("port"))
            for template in templates:
                if not _has(declared(template), target):
                    where = f"spec.ports[{index}].targetPort"
                    yield item.finding(
                        where, f"{target!r} is no port of {template} ({sorted(template.ports)})"
                    )


def probe_ports(overlay: Overlay) -> Iterator[Finding]:
    """A probe's named port is one of its container."""
    for template in pod_templates(overlay):
        for path, container in template.containers:
            names = {str(port.get("name")) for port in container.get("ports") or ()}
            for probe in ("livenessProbe", "readinessProbe", "startupProbe"):
                for kind in ("httpGet", "tcpSocket", "grpc"):
                    port = at(container, f"{probe}.{kind}.port")
                    if isinstance(port, str) and port not in names:
                        yield template.owner.finding(
                            f"{path}.{probe}.{kind}.port", f"{port!r} is no port of it"
                        )


def port_names(overlay: Overlay) -> Iterator[Finding]:
    """Port names are unique in a pod and at most 15 characters; port numbers are unique in a container."""
    for template in pod_templates(overlay):
        seen: set[str] = set()
        for path, container in template.containers:
            if ".initContainers" in path:
                continue
            for index, port in enumerate(container.get("ports") or ()):
                name = str(port.get("name", ""))
                where = f"{path}.ports[{index}].name"
                if name in seen:
                    yield template.owner.finding(where, f"{name!r} stands twice in this pod")
                if not 0 < len(name) <= 15:
                    yield template.owner.finding(where, f"{name!r}: expected a name of 1 to 15 characters")
                seen.add(name)


def service_port_names(overlay: Overlay) -> Iterator[Finding]:
    """Each port of a Service has a name of its own: monitors and the mesh go by it."""
    for item in overlay.of("Service"):
        names = [port.get("name") for port in item.spec.get("ports") or ()]
        for index, name in enumerate(names):
            if not name or names.count(name) > 1:
                yield item.finding(f"spec.ports[{index}].name", f"{name!r}: expected a name of its own")


def scraped(overlay: Overlay) -> Iterator[Finding]:
    """Prometheus scrapes every port that is drawn for it alone in kuberay/flows.yaml."""
    tables, found = overlay.tables["flows"], list(_scraped(overlay))
    for row in tables["flows"]:
        if row["from"] != "prometheus" or overlay.name not in row.get("overlays", [overlay.name]):
            continue
        for part in row["to"] if isinstance(row["to"], list) else [row["to"]]:
            pods = tables["parts"][part]["pods"]
            for port in row["ports"]:
                if port not in [number for labels, number in found if meets(pods, labels)]:
                    told = f"no ServiceMonitor or PodMonitor scrapes port {port} of {part}"
                    yield Finding("ServiceMonitor", "spec", told)


def _scraped(overlay: Overlay) -> Iterator[tuple[Mapping[str, str], int | None]]:
    """(labels of the pods, port) of everything that Prometheus scrapes."""
    for item in overlay.of("ServiceMonitor"):
        for service in monitored(overlay, item):
            targets = {
                port.get("name"): port.get("targetPort", port["port"])
                for port in service.spec.get("ports") or ()
            }
            for template in selected(
                overlay, {"matchLabels": service.spec.get("selector")}, service.namespace
            ):
                for endpoint in item.spec.get("endpoints") or ():
                    target = targets.get(endpoint.get("port"))
                    yield template.labels, declared(template).get(str(target))
    for item in overlay.of("PodMonitor"):
        for template in selected(overlay, item.spec.get("selector"), item.namespace):
            for endpoint in item.spec.get("podMetricsEndpoints") or ():
                yield template.labels, declared(template).get(str(endpoint.get("port")))


def monitor_ports(overlay: Overlay) -> Iterator[Finding]:
    """The ports that Prometheus scrapes are ports of the Services and pods it finds."""
    for item in overlay.of("ServiceMonitor"):
        for index, endpoint in enumerate(item.spec.get("endpoints") or ()):
            for service in monitored(overlay, item):
                names = {port.get("name") for port in service.spec.get("ports") or ()}
                if endpoint.get("port") not in names:
                    yield item.finding(
                        f"spec.endpoints[{index}].port", f"{endpoint.get('port')!r} is no port of {service}"
                    )
    for item in overlay.of("PodMonitor"):
        for index, endpoint in enumerate(item.spec.get("podMetricsEndpoints") or ()):
            port = endpoint.get("port", endpoint.get("portNumber"))
            for template in selected(overlay, item.spec.get("selector"), item.namespace):
                if not _has(declared(template), port):
                    where = f"spec.podMetricsEndpoints[{index}].port"
                    yield item.finding(where, f"{port!r} is no port of {template}")


def route_ports(overlay: Overlay) -> Iterator[Finding]:
    """Istio's routes lead to ports of the Services."""
    by_name = {service.name: service for service in services(overlay)}
    for item in overlay.of("VirtualService"):
        for kind in ("http", "tcp", "tls"):
            for index, rule in enumerate(item.spec.get(kind) or ()):
                for place, route in enumerate(rule.get("route") or ()):
                    number = at(route, "destination.port.number")
                    service = by_name.get(str(at(route, "destination.host")).partition(".")[0])
                    ports = {port["port"] for port in service.spec.get("ports", ())} if service else set()
                    if service and number is not None and number not in ports:
                        where = f"spec.{kind}[{index}].route[{place}].destination.port.number"
                        yield item.finding(where, f"{number} is no port of {service}")


def _has(ports: dict[str, int], target: object) -> bool:
    return target in ports if isinstance(target, str) else target in ports.values()


CHECKS = (service_ports, service_port_names, probe_ports, port_names, scraped, monitor_ports, route_ports)
