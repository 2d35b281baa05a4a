"""The drawn picture (``kuberay/flows.yaml``) as far as it is one of an overlay: its ends and its arrows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from airis_ray.kube.manifests import Manifest
from tests.support.kube.objects import NAMESPACE, Overlay
from tests.support.kube.pods import PodTemplate, matches, pod_templates

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
    def everybody(self) -> tuple[Place, ...]:
        """Every part that is drawn, for this overlay or another."""
        rows: dict[str, Manifest] = self._data["parts"]
        return tuple(Place(name, name, *_peer({"namespace": NAMESPACE, **row})) for name, row in rows.items())

    @property
    def parts(self) -> frozenset[str]:
        return frozenset(self._own)

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
        return "account" not in row  # what has an identity of ours has pods of ours

    @staticmethod
    def _holds(row: Manifest, template: PodTemplate) -> bool:
        return (
            "pods" in row
            and row.get("namespace", NAMESPACE) == template.owner.namespace
            and matches({"matchLabels": row["pods"]}, template.labels)
        )

    def drawn(self, source: Place, target: Place, port: int, protocol: str) -> bool:
        """Whether an arrow is drawn; one into the world leads to everything outside."""
        targets = {target.part} if target.inside else {target.part, *self._anywhere}
        return any(flow.covers(source.part, part, port, protocol) for flow in self.flows for part in targets)

    @cached_property
    def _anywhere(self) -> frozenset[str]:
        return frozenset(name for name, row in self._own.items() if row.get("any"))

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
