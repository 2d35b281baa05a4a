"""NetworkPolicies let through exactly the flows that are drawn in ``kuberay/flows.yaml``."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from airis_ray.kube.manifests import Manifest
from tests.support.kube.objects import NAMESPACE, Finding, Object, Overlay
from tests.support.kube.pods import PodTemplate, matches, pod_templates

_POD = "10.244.0.1"
"""An address of a pod: an ipBlock that holds it opens the way to every pod."""

_UNDRAWN = 1
"""A port that nothing listens on."""


@dataclass(frozen=True, eq=False)
class Place:
    """One end of a flow: a pod of ours, or something outside."""

    part: str
    name: str
    namespace: str = ""
    labels: Any = None
    cidr: str | None = None
    inside: bool = False


@dataclass(frozen=True)
class Flow:
    """A drawn arrow."""

    source: str
    target: str
    ports: tuple[tuple[int, int], ...]
    protocols: tuple[str, ...]

    def covers(self, source: str, target: str, port: int, protocol: str) -> bool:
        return (
            self.source in (source, "*")
            and self.target == target
            and protocol in self.protocols
            and any(first <= port <= last for first, last in self.ports)
        )


class Picture:
    """The drawn picture, as far as it is one of this overlay."""

    def __init__(self, overlay: Overlay) -> None:
        self._overlay = overlay
        self._data: Manifest = overlay.tables["flows"]

    @cached_property
    def flows(self) -> tuple[Flow, ...]:
        return tuple(
            Flow(source, target, _ranges(row["ports"]), _listed(row.get("protocol", "TCP")))
            for row in self._data["flows"]
            if self._overlay.name in row.get("overlays", [self._overlay.name])
            for source in _listed(row["from"])
            for target in _listed(row["to"])
        )

    @cached_property
    def pods(self) -> tuple[Place, ...]:
        """One place for each pod template, named by its part."""
        found = []
        for template in pod_templates(self._overlay):
            part = next((name for name, row in self._own.items() if self._holds(row, template)), "")
            found.append(
                Place(part, str(template), template.owner.namespace, template.labels, None, inside=True)
            )
        return tuple(found)

    @cached_property
    def outside(self) -> tuple[Place, ...]:
        own = {place.part for place in self.pods}
        return tuple(
            Place(name, name, *_peer(row))
            for name, row in self._own.items()
            if name not in own and self._is_outside(row)
        )

    @property
    def _own(self) -> dict[str, Manifest]:
        rows: dict[str, Manifest] = self._data["parts"]
        return {
            name: row
            for name, row in rows.items()
            if self._overlay.name in row.get("overlays", [self._overlay.name])
        }

    @staticmethod
    def _is_outside(row: Manifest) -> bool:
        return bool(row.get("namespace", NAMESPACE) != NAMESPACE or row.get("cidr") or row.get("any"))

    @staticmethod
    def _holds(row: Manifest, template: PodTemplate) -> bool:
        return (
            "pods" in row
            and row.get("namespace", NAMESPACE) == template.owner.namespace
            and matches({"matchLabels": row["pods"]}, template.labels)
        )

    def drawn(self, source: Place, target: Place, port: int, protocol: str) -> bool:
        return any(flow.covers(source.part, target.part, port, protocol) for flow in self.flows)

    def ports(self, target: Place) -> set[tuple[int, str]]:
        """The ports to look at: those of the flows, both ends and one beyond, and those that the pod declares."""
        ports = {(_UNDRAWN, "TCP")}
        for flow in self.flows:
            if flow.target == target.part:
                for first, last in flow.ports:
                    for port in (first, last, first - 1, last + 1):
                        ports |= {(port, protocol) for protocol in flow.protocols if 0 < port < 65536}
        for template in pod_templates(self._overlay):
            if str(template) == target.name:
                ports |= {(port, "TCP") for port in template.ports.values()}
        return ports


def _peer(row: Manifest) -> tuple[str, Any, str | None]:
    return row.get("namespace", ""), row.get("pods", {}), "0.0.0.0/0" if row.get("any") else row.get("cidr")


def _listed(value: Any) -> tuple[str, ...]:
    return tuple(value) if isinstance(value, list) else (str(value),)


def _ranges(ports: list[Any]) -> tuple[tuple[int, int], ...]:
    pairs = (str(port).partition("-") for port in ports)
    return tuple((int(first), int(last or first)) for first, _, last in pairs)


def drawn(overlay: Overlay) -> Iterator[Finding]:
    """Every pod is a part of the picture, and what the policies allow is what is drawn."""
    if "flows" not in overlay.tables:
        return
    picture = Picture(overlay)
    for place in picture.pods:
        if not place.part:
            yield Finding(
                place.name.split(" ")[0], "metadata.labels", "its pods are in no part of kuberay/flows.yaml"
            )
    policies = overlay.of("NetworkPolicy")
    everywhere = (*picture.pods, *picture.outside)
    for source in everywhere:
        for target in everywhere:
            if source.inside or target.inside:
                yield from _compare(overlay, picture, policies, source, target)


def _compare(
    overlay: Overlay, picture: Picture, policies: list[Object], source: Place, target: Place
) -> Iterator[Finding]:
    for port, protocol in sorted(picture.ports(target)):
        shut = _shut(policies, source, target, port, protocol)
        wanted = picture.drawn(source, target, port, protocol)
        arrow = f"{source.part or source.name} → {target.part or target.name} {protocol}/{port}"
        if wanted and shut:
            yield Finding(
                f"NetworkPolicy ({shut})", "spec", f"{arrow} is drawn, but no policy lets it through"
            )
        elif not wanted and not shut:
            yield Finding(
                "NetworkPolicy",
                "spec",
                f"{arrow} is let through, but it is not drawn ({source.name}, {target.name})",
            )


def _shut(policies: list[Object], source: Place, target: Place, port: int, protocol: str) -> str:
    """The side that shuts the way (`egress of a`, `ingress of b`); empty where it is open."""
    for side, here, there in (("Egress", source, target), ("Ingress", target, source)):
        if here.inside and not _allows(policies, side, here, there, target, port, protocol):
            return f"{side.lower()} of {here.part or here.name}"
    return ""


def _allows(
    policies: list[Object], side: str, here: Place, there: Place, target: Place, port: int, protocol: str
) -> bool:
    chosen = [
        policy
        for policy in policies
        if policy.namespace == here.namespace
        and side in policy.spec.get("policyTypes", ["Ingress"])
        and matches(policy.spec.get("podSelector"), here.labels)
    ]
    if not chosen:
        return True
    rules = [(policy, rule) for policy in chosen for rule in policy.spec.get(side.lower()) or ()]
    return any(
        _port(rule.get("ports"), port, protocol)
        and _peers(policy, rule.get("to" if side == "Egress" else "from"), there)
        for policy, rule in rules
    )


def _port(ports: list[Manifest] | None, port: int, protocol: str) -> bool:
    if not ports:
        return True
    return any(
        entry.get("protocol", "TCP") == protocol
        and ("port" not in entry or entry["port"] <= port <= entry.get("endPort", entry["port"]))
        for entry in ports
    )


def _peers(policy: Object, peers: list[Manifest] | None, there: Place) -> bool:
    return not peers or any(_met(policy, peer, there) for peer in peers)


def _met(policy: Object, peer: Manifest, there: Place) -> bool:
    if "ipBlock" in peer:
        return _in_block(peer["ipBlock"], there.cidr or _POD)
    if there.cidr is not None:
        return False
    names = {"kubernetes.io/metadata.name": there.namespace}
    space = (
        matches(peer["namespaceSelector"], names)
        if "namespaceSelector" in peer
        else there.namespace == policy.namespace
    )
    # an outside part without labels stands for any pod of its namespace: a policy that asks for labels is narrower
    return space and matches(peer.get("podSelector"), there.labels or {})


def _in_block(block: Manifest, cidr: str) -> bool:
    network = ipaddress.ip_network(cidr)
    holes = [ipaddress.ip_network(hole) for hole in block.get("except") or ()]
    within = network.subnet_of(ipaddress.ip_network(block["cidr"]))
    return within and not any(network.subnet_of(hole) for hole in holes)


def default_deny(overlay: Overlay) -> Iterator[Finding]:
    """Each namespace of ours shuts everything that no policy opens."""
    for item in overlay.of("Namespace"):
        pods = [template for template in pod_templates(overlay) if template.owner.namespace == item.name]
        closed = any(
            policy.namespace == item.name
            and not policy.spec.get("podSelector")
            and set(policy.spec.get("policyTypes", ())) == {"Ingress", "Egress"}
            and not policy.spec.get("ingress")
            and not policy.spec.get("egress")
            for policy in overlay.of("NetworkPolicy")
        )
        if pods and not closed:
            yield item.finding(
                "metadata.name", "no NetworkPolicy denies by default (podSelector {}, both ways)"
            )


def named_ports(overlay: Overlay) -> Iterator[Finding]:
    """Policies name ports by number: a named port means another thing on each pod."""
    for item in overlay.of("NetworkPolicy"):
        for side in ("ingress", "egress"):
            for index, rule in enumerate(item.spec.get(side) or ()):
                for place, entry in enumerate(rule.get("ports") or ()):
                    if not isinstance(entry.get("port", 0), int):
                        yield item.finding(f"spec.{side}[{index}].ports[{place}].port", "expected a number")


CHECKS = (default_deny, named_ports, drawn)
