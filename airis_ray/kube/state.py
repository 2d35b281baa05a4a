"""`airis kube status`: Ray, the stateful tier, the platform's own word and the backups in one view."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Literal

import orjson

from airis_ray.errors import NotFound, Unavailable
from airis_ray.kube.cluster import Cluster
from airis_ray.kube.errors import MissingRights
from airis_ray.kube.manifests import Manifest

SERVICE: Final = "airis"
"""The name of the RayService."""

RAY: Final = "ray.io/v1"
PART_LABEL: Final = "app.kubernetes.io/component"


@dataclass(frozen=True)
class RayState:
    """One Ray cluster of the RayService. ``role`` is ``new`` while an upgrade has not handed over yet."""

    role: Literal["serving", "new"]
    name: str
    state: str
    workers: str
    image: str
    applications: dict[str, str]

    @property
    def healthy(self) -> bool:
        return self.state == "ready" and all(status == "RUNNING" for status in self.applications.values())


@dataclass(frozen=True)
class Workload:
    """A StatefulSet or Deployment: what is ready of what is asked for."""

    part: str
    ready: int
    wanted: int
    image: str
    storage: str = ""

    @property
    def healthy(self) -> bool:
        return self.ready >= self.wanted


@dataclass(frozen=True)
class Backup:
    """A scheduled job: when it last succeeded, as the cluster writes it (RFC 3339), empty where never."""

    name: str
    schedule: str
    last: str


@dataclass(frozen=True)
class Status:
    """Everything in one view."""

    cluster: str
    namespace: str
    ready: bool
    message: str
    upgrade: str
    ray: tuple[RayState, ...] = ()
    stateful: tuple[Workload, ...] = ()
    pods: dict[str, str] = field(default_factory=dict)
    platform: dict[str, str] = field(default_factory=dict)
    backups: tuple[Backup, ...] = ()

    @property
    def green(self) -> bool:
        """Whether nothing is left to wish for: what ``airis kube status`` exits 0 on."""
        platform = all(text.partition(" ")[0] == "ready" for text in self.platform.values())
        rays, others = all(item.healthy for item in self.ray), all(item.healthy for item in self.stateful)
        return self.ready and platform and rays and others

    def as_dict(self) -> dict[str, Any]:
        return {"green": self.green, **asdict(self)}


def status(cluster: Cluster) -> Status:
    """Ask the cluster. Raises MissingKind without KubeRay, MissingRights, ClusterUnreachable; a namespace without the
    system is a status that is not ready."""
    try:
        service: Manifest = cluster.get(RAY, "RayService", SERVICE)
    except NotFound:
        service = {}
    pods = cluster.find("v1", "Pod")
    images = _images(pods)
    sets = [*cluster.find("apps/v1", "StatefulSet"), *cluster.find("apps/v1", "Deployment")]
    body = service.get("status") or {}
    conditions = {row["type"]: row for row in body.get("conditions") or ()}
    ready = (conditions.get("Ready") or {}).get("status") == "True"
    return Status(
        cluster=cluster.address,
        namespace=cluster.namespace,
        ready=ready,
        message=_message(cluster, service, conditions),
        upgrade=upgrade_state(service),
        ray=ray_states(service, images),
        stateful=tuple(sorted((_workload(item) for item in sets), key=lambda item: item.part)),
        pods=_troubles(pods),
        platform=_platform(cluster) if ready else {},
        backups=tuple(_backup(item) for item in cluster.find("batch/v1", "CronJob")),
    )


def ray_states(service: Manifest, images: dict[str, str]) -> tuple[RayState, ...]:
    """The Ray clusters behind a RayService: the serving one, and the new one of an upgrade."""
    body = service.get("status") or {}
    roles: tuple[tuple[Literal["serving", "new"], str], ...] = (
        ("serving", "activeServiceStatus"),
        ("new", "pendingServiceStatus"),
    )
    found = []
    for role, field_name in roles:
        state = body.get(field_name) or {}
        name = state.get("rayClusterName")
        if name:
            inner = state.get("rayClusterStatus") or {}
            workers = f"{inner.get('readyWorkerReplicas', 0)}/{inner.get('desiredWorkerReplicas', 0)}"
            applications = {
                app: str(row.get("status", "?"))
                for app, row in (state.get("applicationStatuses") or {}).items()
            }
            found.append(
                RayState(
                    role,
                    name,
                    str(inner.get("state") or "starting"),
                    workers,
                    images.get(name, "?"),
                    applications,
                )
            )
    return tuple(found)


def upgrade_state(service: Manifest) -> str:
    """``none``, or which cluster hands over to which."""
    body = service.get("status") or {}
    old = (body.get("activeServiceStatus") or {}).get("rayClusterName", "")
    new = (body.get("pendingServiceStatus") or {}).get("rayClusterName", "")
    if old and new and old != new:
        return f"{old} → {new}"
    return "none" if old or not new else f"first start of {new}"


def _message(cluster: Cluster, service: Manifest, conditions: dict[str, Any]) -> str:
    if not service:
        return (
            f"there is no RayService {SERVICE!r} in the namespace {cluster.namespace!r}: "
            "airis kube apply kuberay/overlays/<overlay>"
        )
    return str((conditions.get("Ready") or {}).get("message", "the operator has not looked at it yet"))


def images_of(cluster: Cluster) -> dict[str, str]:
    """Ray cluster → image of its head."""
    return _images(cluster.find("v1", "Pod", "ray.io/node-type=head"))


def _images(pods: Iterable[Manifest]) -> dict[str, str]:
    return {
        labels["ray.io/cluster"]: str(pod["spec"]["containers"][0]["image"])
        for pod in pods
        if (labels := pod["metadata"].get("labels") or {}).get("ray.io/node-type") == "head"
    }


def _workload(item: Manifest) -> Workload:
    spec, body = item["spec"], item.get("status") or {}
    claims = spec.get("volumeClaimTemplates") or []
    storage = claims[0]["spec"]["resources"]["requests"]["storage"] if claims else ""
    image = spec["template"]["spec"]["containers"][0]["image"]
    return Workload(
        item["metadata"]["name"], body.get("readyReplicas", 0), spec.get("replicas", 1), image, storage
    )


def _troubles(pods: Iterable[Manifest]) -> dict[str, str]:
    """Pods that wait, with the reason: CrashLoopBackOff, ImagePullBackOff, Unschedulable, …"""
    found = {}
    for pod in pods:
        body = pod.get("status") or {}
        if body.get("phase") in ("Succeeded",):
            continue
        reasons = [
            state["reason"] + (f": {state['message'][:120]}" if state.get("message") else "")
            for row in (*(body.get("initContainerStatuses") or ()), *(body.get("containerStatuses") or ()))
            if (state := (row.get("state") or {}).get("waiting"))
            and state.get("reason") not in (None, "PodInitializing")
        ]
        reasons += [
            f"{row['reason']}: {row.get('message', '')[:160]}"
            for row in body.get("conditions") or ()
            if row["type"] == "PodScheduled" and row["status"] == "False" and row.get("reason")
        ]
        if reasons:
            found[pod["metadata"]["name"]] = "; ".join(reasons)
    return found


def _platform(cluster: Cluster) -> dict[str, str]:
    """The parts of /readyz, by way of the API server; the part ``stream`` says the lag."""
    with suppress(NotFound, MissingRights, Unavailable, ValueError, KeyError):
        code, body = cluster.proxied(f"{SERVICE}-serve-svc:serve", "/readyz")
        if code in (200, 503):
            parts: dict[str, Any] = orjson.loads(body)["parts"]
            return {
                name: f"{part['state']} {part.get('detail') or ''}".strip() for name, part in parts.items()
            }
        return {"gateway": f"no answer by way of the API server ({code})"}
    return {"gateway": "no answer by way of the API server"}


def _backup(item: Manifest) -> Backup:
    last = str((item.get("status") or {}).get("lastSuccessfulTime", ""))
    return Backup(item["metadata"]["name"], item["spec"]["schedule"], last)
