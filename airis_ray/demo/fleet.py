"""The pods: where each runs, which version, since when; rolling deployments and restarts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from airis_ray.demo import wire
from airis_ray.demo.chance import generator
from airis_ray.demo.season import DAY, NS
from airis_ray.demo.wire import Attribute, Ints
from airis_ray.demo.world.services import SERVICES, SITES

_ROLL: Final = 90 * NS
"""A deployment replaces a pod every minute and a half."""
_VERSION_DAY: Final = 20_000 * DAY
"""When the services stood at the versions of the world's table."""
_LETTERS: Final = "bcdfghjklmnpqrstvwxz2456789"


@dataclass(frozen=True)
class Slot:
    """A place for a pod: the n-th replica of a service at a site."""

    service: int
    site: int
    node: int
    replica: int


@dataclass(frozen=True)
class Pod:
    """What runs in a slot from ``since`` on; ``resource`` is the OTLP ``Resource`` message."""

    slot: int
    version: str
    since: int
    name: str
    resource: bytes
    attributes: dict[str, Attribute]


@dataclass(frozen=True)
class Rollout:
    """A version that takes some replicas' place for a while (a canary, or a bad deployment)."""

    service: int
    version: str
    start: int
    end: int
    odd_replicas_only: bool = True


class Fleet:
    """All pods of a span of time.

    ``pods`` is in order of appearance; telemetry names a pod by its index there.
    """

    def __init__(self, seed: int, start: int, end: int, rollouts: tuple[Rollout, ...] = ()) -> None:
        self.slots = _slots()
        self.site_first = np.zeros((len(SERVICES), len(SITES)), np.int64)
        self.site_count = np.zeros((len(SERVICES), len(SITES)), np.int64)
        for number, slot in enumerate(self.slots):
            if self.site_count[slot.service, slot.site] == 0:
                self.site_first[slot.service, slot.site] = number
            self.site_count[slot.service, slot.site] += 1
        self.node_of_slot = np.array([slot.node for slot in self.slots])
        self.service_of_slot = np.array([slot.service for slot in self.slots])
        self.pods: list[Pod] = []
        self._changes: list[Ints] = []
        self._first_pod: list[int] = []
        for number, slot in enumerate(self.slots):
            changes = _changes(seed, slot, start, end, rollouts)
            self._changes.append(np.array([moment for moment, _ in changes], np.int64))
            self._first_pod.append(len(self.pods))
            self.pods.extend(_pod(seed, number, slot, moment, version) for moment, version in changes)
        self._all_changes = np.unique(np.concatenate(self._changes))
        self._known: dict[int, Ints] = {}
        self.service_of_pod = np.array([self.slots[pod.slot].service for pod in self.pods])
        self.slot_of_pod = np.array([pod.slot for pod in self.pods])
        self.since = np.array([pod.since for pod in self.pods], np.int64)
        self.version_index, self.versions = _numbered([pod.version for pod in self.pods])

    def slot(self, service: int, site: npt.NDArray[np.int64], uniform: npt.NDArray[np.floating]) -> Ints:
        """A replica of ``service`` for each request, evenly."""
        within = (uniform * self.site_count[service, site]).astype(np.int64)
        slots: Ints = self.site_first[service, site] + within
        return slots

    def pods_at(self, slots: Ints, times: Ints) -> Ints:
        """Which pod runs in each slot at each time."""
        if not len(times):
            return np.zeros(0, np.int64)
        first, last = np.searchsorted(self._all_changes, (times.min(), times.max()), "right")
        out: Ints = self._running(int(first))[slots]
        for change in range(first, last):
            # Few blocks see a pod replaced, and then few pods.
            later = times >= self._all_changes[change]
            out[later] = self._running(change + 1)[slots[later]]
        return out

    def _running(self, changes: int) -> Ints:
        """The pod in every slot after so many changes anywhere."""
        if changes not in self._known:
            moment = self._all_changes[max(changes - 1, 0)]
            places = [int(np.searchsorted(own, moment, "right")) - 1 for own in self._changes]
            pods = [first + max(place, 0) for first, place in zip(self._first_pod, places, strict=True)]
            self._known[changes] = np.array(pods, np.int64)
        return self._known[changes]


def _slots() -> list[Slot]:
    out = []
    for number, service in enumerate(SERVICES):
        for where, site in enumerate(SITES):
            for replica in range(service.pods[where]):
                node = site.nodes[(number + replica) % len(site.nodes)]
                out.append(Slot(number, where, node - 1, replica))
    return out


def _changes(
    seed: int, slot: Slot, start: int, end: int, rollouts: tuple[Rollout, ...]
) -> list[tuple[int, str]]:
    """When the slot's pod is replaced, with the version it gets; the first is at or before ``start``."""
    service = SERVICES[slot.service]
    order = slot.replica + sum(service.pods[: slot.site])
    found: list[tuple[int, str]] = []
    if service.release_days:
        period = int(service.release_days * DAY) * NS
        # Deployments happen in Korean office hours; the phase is the service's own.
        phase = int(generator(seed, "release", service.name).random() * period)
        first = (start - phase) // period
        for release in range(first, (end - phase) // period + 1):
            moment = _office_hours(release * period + phase) + order * _ROLL
            found.append((moment, _bumped(service.version, (release * period - _VERSION_DAY * NS) // period)))
        found = [change for change in found if change[0] < end]
        if not found or found[0][0] > start:
            release = first - 1
            version = _bumped(service.version, (release * period - _VERSION_DAY * NS) // period)
            found.insert(0, (_office_hours(release * period + phase), version))
    else:
        found = [(start - 3 * DAY * NS, service.version)]
    for rollout in rollouts:
        if rollout.service == slot.service and (slot.replica % 2 == 1 or not rollout.odd_replicas_only):
            before = [version for moment, version in found if moment <= rollout.start][-1]
            found = [change for change in found if not rollout.start <= change[0] < rollout.end]
            found += [(rollout.start, rollout.version), (rollout.end, before)]
            found = sorted(change for change in found if change[0] < end)
    return found


def _office_hours(moment: int) -> int:
    day = moment // (DAY * NS) * DAY * NS
    return day + (1 * 3600 + (moment // NS) % (7 * 3600)) * NS


def _bumped(version: str, releases: int) -> str:
    major, minor, patch = (int(part) for part in version.split("."))
    total = max(minor * 20 + patch + releases, 0)
    return f"{major}.{total // 20}.{total % 20}"


def _pod(seed: int, number: int, slot: Slot, since: int, version: str) -> Pod:
    service, site = SERVICES[slot.service], SITES[slot.site]
    rng = generator(seed, "pod", number, since // NS)
    replica_set = "".join(_LETTERS[i] for i in generator(seed, service.name, version).integers(0, 27, 9))
    suffix = "".join(_LETTERS[i] for i in rng.integers(0, 27, 5))
    name = f"{service.name}-{replica_set}-{suffix}"
    node = f"node-{slot.node + 1}"
    described: dict[str, Attribute] = {
        "service.name": service.name,
        "service.version": version,
        "service.instance.id": rng.bytes(16).hex(),
        "service.namespace": "shop",
        "deployment.environment.name": site.environment,
        "k8s.cluster.name": site.cluster,
        "k8s.namespace.name": site.namespace,
        "k8s.deployment.name": service.name,
        "k8s.pod.name": name,
        "k8s.node.name": node,
        "host.name": node,
        "cloud.region": site.region,
        "telemetry.sdk.language": service.language,
        "telemetry.sdk.name": "opentelemetry",
    }
    return Pod(number, version, since, name, wire.attributes(1, described), described)


def _numbered(values: list[str]) -> tuple[npt.NDArray[np.int64], list[str]]:
    vocabulary = sorted(set(values))
    return np.array([vocabulary.index(value) for value in values]), vocabulary
