"""Istio: who may speak to whom, by identity, is what is drawn in ``kuberay/flows.yaml``; calls are repeated."""

from __future__ import annotations

from collections.abc import Iterator

from airis_ray.kube.manifests import Manifest
from tests.support.kube.checks.picture import Picture, Place
from tests.support.kube.objects import NAMESPACE, Finding, Object, Overlay
from tests.support.kube.pods import at, matches

_ANYONE = ""
"""A caller without an identity: the world."""


def strict(overlay: Overlay) -> Iterator[Finding]:
    """Mutual TLS always, and nothing is allowed by default."""
    for item in overlay.of("PeerAuthentication"):
        if at(item.spec, "mtls.mode") != "STRICT":
            yield item.finding("spec.mtls.mode", f"{at(item.spec, 'mtls.mode')}: expected STRICT")
        denied = [
            policy
            for policy in overlay.of("AuthorizationPolicy")
            if policy.namespace == item.namespace and policy.spec.get("action", "ALLOW") == "ALLOW"
            if not policy.spec.get("selector") and not policy.spec.get("rules")
        ]
        if not denied:
            yield Finding("AuthorizationPolicy", "spec", f"none denies by default in {item.namespace}")


def routes(overlay: Overlay) -> Iterator[Finding]:
    """Routes repeat; those to OTLP/gRPC name the application; a pod that fails is left alone for a while."""
    for item in overlay.of("VirtualService"):
        for index, rule in enumerate(item.spec.get("http") or ()):
            if not at(rule, "retries.attempts") or not at(rule, "retries.retryOn"):
                yield item.finding(f"spec.http[{index}].retries", "missing")
            ports = [at(route, "destination.port.number") for route in rule.get("route") or ()]
            if 4317 in ports and at(rule, "headers.request.set.application") != "ingest":
                where = f"spec.http[{index}].headers.request.set.application"
                yield item.finding(where, "Serve needs it: expected ingest")
    rules = overlay.of("DestinationRule")
    if rules and not any(at(item.spec, "trafficPolicy.outlierDetection") for item in rules):
        yield Finding("DestinationRule", "spec.trafficPolicy.outlierDetection", "missing")


def traced(overlay: Overlay) -> Iterator[Finding]:
    """Spans are asked for where they are made, in the gateway's namespace, and sent to a provider that is named."""
    gateways = {item.namespace for item in overlay.of("Gateway")}
    for item in overlay.of("Telemetry"):
        if item.namespace not in gateways:
            yield item.finding("metadata.namespace", f"{item.namespace}: no gateway is there to make spans")
        for index, row in enumerate(item.spec.get("tracing") or ()):
            if not row.get("providers"):
                yield item.finding(f"spec.tracing[{index}].providers", "missing: spans go nowhere")


def authorized(overlay: Overlay) -> Iterator[Finding]:
    """AuthorizationPolicies open the ports that are drawn to the identities that are drawn, and no others."""
    if not overlay.of("PeerAuthentication"):
        return
    for place in {place.part: place for place in Picture(overlay).pods}.values():
        chosen = [item for item in overlay.of("AuthorizationPolicy") if _selects(item, place)]
        opened = {
            arrow for item in chosen for rule in item.spec.get("rules") or () for arrow in _opened(rule)
        }
        name = f"AuthorizationPolicy/{place.part}"
        for source, port in sorted(opened - set(_drawn(overlay, place.part, everywhere=True))):
            told = f"{source or 'anyone'} → {place.part} {port or 'every port'} is let through, but it is not drawn"
            yield Finding(name, "spec.rules", told)
        for source, port in sorted(set(_drawn(overlay, place.part, everywhere=False)) - opened):
            if (_ANYONE, port) not in opened:
                told = f"{source} → {place.part} {port or 'every port'} is drawn, but no rule lets it through"
                yield Finding(name, "spec.rules", told)


def _selects(item: Object, place: Place) -> bool:
    labels = at(item.spec, "selector.matchLabels")
    return (
        bool(labels) and item.namespace == place.namespace and matches({"matchLabels": labels}, place.labels)
    )


def _opened(rule: Manifest) -> Iterator[tuple[str, str]]:
    """(identity, port) of one rule; no identity is anyone's, no port is every port."""
    sources = [
        name
        for entry in rule.get("from") or ()
        for field in ("principals", "namespaces")
        for name in at(entry, f"source.{field}") or ()
    ]
    ports = [port for entry in rule.get("to") or () for port in at(entry, "operation.ports") or ()]
    for source in sources or [_ANYONE]:
        for port in ports or [""]:
            yield source, str(port)


def _drawn(overlay: Overlay, target: str, *, everywhere: bool) -> Iterator[tuple[str, str]]:
    """(identity, port) of every arrow to a part, of this overlay's or of all; a range of ports is every port there."""
    parts = overlay.tables["flows"]["parts"]
    for row in overlay.tables["flows"]["flows"]:
        sources, targets = ([side] if isinstance(side, str) else side for side in (row["from"], row["to"]))
        here = everywhere or overlay.name in row.get("overlays", [overlay.name])
        if target not in targets or not here or row.get("component") == "istio" or "*" in sources:
            continue
        ports = [str(port) for port in row["ports"]]
        for who in {_identity(parts[name]) for name in sources} - {None}:
            for port in [""] if any("-" in port for port in ports) else ports:
                yield str(who), port


def _identity(part: Manifest) -> str | None:
    """How a policy of Istio names a part; an address has no identity there."""
    if part.get("any"):
        return _ANYONE
    if "account" in part:
        return f"cluster.local/ns/{part.get('namespace', NAMESPACE)}/sa/{part['account']}"
    return part.get("namespace")


CHECKS = (strict, routes, traced, authorized)
