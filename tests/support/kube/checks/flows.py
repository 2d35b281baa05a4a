"""NetworkPolicies let through exactly the flows that are drawn in ``kuberay/flows.yaml``."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from functools import lru_cache

from airis_ray.kube.manifests import Manifest
from tests.support.kube.checks.picture import Picture, Place
from tests.support.kube.objects import Finding, Object, Overlay
from tests.support.kube.pods import matches, pod_templates

_POD = "10.244.0.1"
"""An address of a pod: an ipBlock that holds it opens the way to every pod."""


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
    policies = tuple(overlay.of("NetworkPolicy"))
    everywhere = (*picture.pods, *picture.outside)
    yield from _missing(picture)
    yield from _strangers(policies, picture.everybody)
    for source in everywhere:
        for target in everywhere:
            if source.inside or target.inside:
                yield from _compare(overlay, picture, policies, source, target)


def _compare(
    overlay: Overlay, picture: Picture, policies: tuple[Object, ...], source: Place, target: Place
) -> Iterator[Finding]:
    ports = picture.ports(target) | _named(policies, "Ingress", target) | _named(policies, "Egress", source)
    for port, protocol in sorted(ports):
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
        elif not wanted and (half := _ajar(policies, source, target, port, protocol)):
            yield half[0].finding(f"spec.{half[1]}", f"{arrow} is let through here, but it is not drawn")


def _ajar(
    policies: tuple[Object, ...], source: Place, target: Place, port: int, protocol: str
) -> tuple[Object, str] | None:
    """The policy, and its side, that opens half of a way to pods of its choice; one open to everybody chooses none."""
    for side, key, here, there in (("Egress", "to", source, target), ("Ingress", "from", target, source)):
        for policy, rule in _rules(policies, side, here) or () if here.inside else ():
            chosen = [peer for peer in rule.get(key) or () if not _anywhere(peer)]
            if _port(rule.get("ports"), port, protocol) and any(_met(policy, peer, there) for peer in chosen):
                return policy, side.lower()
    return None


def _anywhere(peer: Manifest) -> bool:
    block = peer.get("ipBlock") or {}
    return block.get("cidr") == "0.0.0.0/0" or (
        not peer.get("namespaceSelector", True) and "podSelector" not in peer
    )


def _missing(picture: Picture) -> Iterator[Finding]:
    """Parts of the picture that this overlay has no pods of."""
    for name in sorted(picture.parts - {place.part for place in (*picture.pods, *picture.outside)}):
        yield Finding(
            "kuberay/flows.yaml", f"parts.{name}", "is drawn for this overlay, but it has no such pods"
        )


def _strangers(policies: tuple[Object, ...], everywhere: tuple[Place, ...]) -> Iterator[Finding]:
    """Peers of a policy that are nobody in the picture."""
    for policy in policies:
        for side, field in (("ingress", "from"), ("egress", "to")):
            for index, rule in enumerate(policy.spec.get(side) or ()):
                for place, peer in enumerate(rule.get(field) or ()):
                    if not any(_met(policy, peer, one) for one in everywhere):
                        where = f"spec.{side}[{index}].{field}[{place}]"
                        yield policy.finding(where, f"{peer} is nobody that is drawn")


def _named(policies: tuple[Object, ...], side: str, here: Place) -> set[tuple[int, str]]:
    """The ports that the policies of one side of a pod name; none of what is outside."""
    if not here.inside:
        return set()
    return {
        (entry["port"], entry.get("protocol", "TCP"))
        for _, rule in _rules(policies, side, here) or ()
        for entry in rule.get("ports") or ()
        if isinstance(entry.get("port"), int)
    }


def _shut(policies: tuple[Object, ...], source: Place, target: Place, port: int, protocol: str) -> str:
    """The side that shuts the way (`egress of a`, `ingress of b`); empty where it is open."""
    for side, here, there in (("Egress", source, target), ("Ingress", target, source)):
        if here.inside and not _allows(policies, side, here, there, target, port, protocol):
            return f"{side.lower()} of {here.part or here.name}"
    return ""


def _allows(
    policies: tuple[Object, ...],
    side: str,
    here: Place,
    there: Place,
    target: Place,
    port: int,
    protocol: str,
) -> bool:
    rules = _rules(policies, side, here)
    if rules is None:
        return True
    return any(
        _port(rule.get("ports"), port, protocol)
        and _peers(policy, rule.get("to" if side == "Egress" else "from"), there)
        for policy, rule in rules
    )


@lru_cache(maxsize=4096)
def _rules(
    policies: tuple[Object, ...], side: str, here: Place
) -> tuple[tuple[Object, Manifest], ...] | None:
    """The rules of a pod's policies of one side; None where it has none and everything is open."""
    chosen = [
        policy
        for policy in policies
        if policy.namespace == here.namespace
        and side in policy.spec.get("policyTypes", ["Ingress"])
        and matches(policy.spec.get("podSelector"), here.labels)
    ]
    if not chosen:
        return None
    return tuple((policy, rule) for policy in chosen for rule in policy.spec.get(side.lower()) or ())


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
